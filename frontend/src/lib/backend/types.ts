// The JSON that every door speaks (REST, window bindings, `--json` of the commands). It mirrors the Go types of
// backend/diff, backend/action, backend/document and backend/coordinator; a Go test compares the names.

export type Category = 'safe' | 'warning' | 'breaking';
export type Kind = 'entity' | 'config' | 'generic';
export type FieldType = 'text' | 'long_text' | 'rich_text' | 'slug' | 'integer' | 'float' | 'boolean' | 'datetime' | 'entity_reference' | 'component';
export type FileEvent = 'added' | 'modified' | 'removed';

/** One difference between applied and desired. Secret values arrive masked. */
export interface Change {
  op: 'add' | 'remove' | 'change' | 'format';
  /** Key path: `fields.title`, `fields.title.required`, `values.logging.level`; empty for the whole file. */
  key: string;
  old: unknown;
  new: unknown;
  category: Category;
  /** Rule code, such as `field_removed`. */
  rule: string;
  message: string;
  /** Line in the new text, or in the old text for something removed; 0 when it has none. */
  line: number;
}

export interface PendingChange extends Change {
  file_path: string;
  kind: Kind;
  event: FileEvent;
}

/** One thing to do. `up` and `down` are exact SQL for the live database, or empty. */
export interface Action {
  type: 'database_migration' | 'update_config' | 'remove_config' | 'invalidate_cache' | 'reinitialise_service' | 'write_file' | 'notify';
  description: string;
  up: string[];
  down: string[];
}

/** A read-only query on the real rows. */
export interface Check {
  key: string;
  rule: string;
  /** A plain sentence with the figure: `3 of 12,400 rows have no title`. */
  message: string;
  verdict: 'proved_safe' | 'risk' | 'not_proved';
  /** What the text alone said, and what the rows say. */
  text_category: Category;
  category: Category;
  sql: string;
  count: number;
  total: number;
  /** Up to five rows, by id. */
  samples: Record<string, unknown>[];
  duration_ms: number;
}

export interface Question {
  /** Answered by this key: `rename:article.headline`, `restore:article.title`, `backfill:article.title`. */
  key: string;
  /** Whose change asks it. */
  file_path: string;
  text: string;
  /** Allowed answers; empty for free text (a backfill value). */
  options: string[];
  /** The field type that a free answer must have; empty when there are options. */
  type: '' | FieldType;
  /** A few values to decide by: those of the field that may have been renamed. */
  samples: string[];
  /** One without a default blocks until answered. */
  default?: string;
  /** This plan was made with an answer to it. */
  answered: boolean;
}

export interface Span { text: string; changed: boolean }
export interface Side { line: number; spans: Span[] }
/** A row of a side-by-side diff; `old` or `new` is missing where the other side stands alone. */
export interface Row { kind: 'equal' | 'changed' | 'added' | 'removed'; old?: Side; new?: Side }
export interface Hunk { old_start: number; old_lines: number; new_start: number; new_lines: number; rows: Row[] }

/** Why a file of a plan cannot be applied as it stands. */
export interface Block { file_path: string; key: string; message: string; hint: string }

export interface PlanFile {
  file_path: string;
  kind: Kind;
  event: FileEvent;
  category: Category;
  /** The applied version it starts from, 0 for a new file. */
  base_version: number;
  changes: Change[];
  actions: Action[];
  checks: Check[];
  hunks: Hunk[];
  blocked: Block[];
  held: boolean;
}

export interface Plan {
  /** Empty plan: no files, and still an id. */
  plan_id: string;
  category: Category;
  files: PlanFile[];
  questions: Question[];
  rehearsal: Rehearsal;
  /** Files that were asked for and cannot be planned because they are invalid. */
  invalid_files: Problem[];
}

/** Whether the way back was proved on a copy. Only `failed` stands in the way of an approval. */
export interface Rehearsal {
  state: 'not_run' | 'proved' | 'failed' | 'not_needed' | 'timed_out';
  /** A full sentence for people. */
  message: string;
  legs: { name: 'forward' | 'back' | 'forward_again'; duration_ms: number }[];
  /** How many rows the copy had, and whether these were only some. */
  rows: number;
  sampled: boolean;
}

export interface Problem { file_path: string; line: number; column: number; code: string; message: string; hint: string }

export interface Status {
  in_sync: boolean;
  state: 'in_sync' | 'pending' | 'invalid' | 'held' | 'unavailable' | 'degraded' | 'suspect';
  pending_changes: PendingChange[];
  invalid_files: Problem[];
  held_files: { file_path: string; reason: 'rejected' | 'rolled_back'; at: string; by: string; note: string }[];
  /** RFC 3339, or empty before the first. */
  last_sync: string;
  last_result: { action_id: string; kind: BatchKind; result: 'applied' | 'failed'; at: string; message: string } | null;
  /** What this program carries out now. */
  running: Running | null;
  snapshot_version: number;
  database: { driver: 'sqlite' | 'postgres'; location: string; schema_version: number; ok: boolean; message: string };
  watcher: { state: 'watching' | 'polling' | 'degraded' | 'unavailable' | 'off'; message: string; folders: string[]; files: number; last_event: string };
  project: { name: string; root: string; environment: string; policy: 'none' | 'safe' | 'all'; version: string };
  /** Where the live tables are not what is applied: how many differences, and the first of them in words. */
  drift: { differences: number; message: string };
}

/** How far a batch is; the data of a `progress` event. */
export interface Progress {
  action_id: string;
  /** Of the action that runs; empty in other phases. */
  file_path: string;
  description: string;
  /** Rows; a total of 0 says that they are not counted. */
  done: number;
  total: number;
  phase: 'waiting' | 'checking' | 'saving' | 'running' | 'verifying' | 'recording' | 'committing';
}

/** The batch that is being carried out. It can be cancelled until it is committing. */
export interface Running extends Progress {
  kind: 'apply' | 'rollback' | 'repair' | 'purge' | 'restore';
  since: string;
  by: string;
}

export interface CancelRequest { action_id: string }
export interface CancelResult { action_id: string }

/** `purge` destroyed what was out of use; `restore` put a backup back. Neither can be undone by a rollback. */
export type BatchKind = 'apply' | 'rollback' | 'repair' | 'reject' | 'failed' | 'purge' | 'restore';

export interface BatchSummary {
  action_id: string;
  kind: BatchKind;
  /** `applied`, or `rolled_back` once it was undone; `failed` and `rejected` for what changed nothing. */
  status: 'applied' | 'rolled_back' | 'failed' | 'rejected';
  at: string;
  /** The person and the door: `ann via window`, or `auto`. */
  by: string;
  note: string;
  category: Category;
  /** One sentence: `2 fields added to article, 1 setting changed`. */
  summary: string;
  files: { file_path: string; kind: Kind; event: FileEvent; version: number; status: 'applied' | 'rolled_back' | 'pending' }[];
  duration_ms: number;
  error: string;
  /** For a rollback: the batch it undid or went back to. For a restore: the batch that its backup was taken before. */
  target: string;
  /** Name of the backup that was taken right before it, or empty. Old backups are removed, so it may not be there any more. */
  backup: string;
  /**
   * What was in use right after this batch, or was taken out of use by it, and is not there any more: `article.headline`.
   * Going back to this point, or undoing it, cannot bring that back. Almost always empty.
   */
  purged: string[];
}

export interface History { items: BatchSummary[]; next: string }

export interface Batch extends BatchSummary {
  /** With changes, SQL run and its inverse, checks, and hunks against the version before (or against now). */
  changed_files: PlanFile[];
  /** Milliseconds by step: plan, apply, publish. */
  timings: Record<string, number>;
  can_undo: boolean;
  /** When it cannot be undone on its own: the later batches that stand in the way. */
  conflicts: string[];
  /** For a purge: what it destroyed; names and counts, no values. */
  destroyed: Destroyed[];
}

/** One tombstone that a purge destroyed. */
export interface Destroyed {
  id: string;
  kind: string;
  /** `article`, or `article.headline`. */
  name: string;
  /** When it had been taken out of use, and by which batch. */
  since: string;
  action_id: string;
  rows: number;
  values: number;
}

export interface ReloadRequest {
  files?: string[];
  dry_run?: boolean;
  approve?: Category;
  plan_id?: string;
  answers?: Record<string, string>;
  note?: string;
}

export interface RollbackRequest {
  action_id?: string;
  file_path?: string;
  version?: number;
  to?: string;
  dry_run?: boolean;
  plan_id?: string;
  answers?: Record<string, string>;
  note?: string;
}

/** What an apply or a rollback did. With dry_run nothing was changed and `plan` says what would be. */
export interface ApplyResult {
  action_id: string;
  applied: string[];
  pending: string[];
  failed: { file_path: string; code: string; message: string }[];
  duration_ms: number;
  plan?: Plan;
  unwritten?: Unwritten[];
}

export interface RejectResult { held: string[]; restored: string[]; action_id: string; unwritten?: Unwritten[] }

/** A file whose applied text could not be put on disk yet, and why. */
export interface Unwritten { file_path: string; message: string }

/** Text that an edit had before a rollback or a reject replaced it. */
export interface Draft { id: string; file_path: string; at: string; action_id: string; size: number }

/** Something out of use. Its data stays inside until it is purged; a rollback, or declaring it again, brings it back. */
export interface Tombstone {
  id: string;
  /** `entity` (a whole content type), `field`, `revisions`, `displaced`, `filled`, `cleared` or `foreign` (a column of another program). */
  kind: string;
  /** As people call it: `article`, or `article.headline`. */
  name: string;
  entity: string;
  /** Its former id; empty for something that is no field. */
  field: string;
  /** The field's type; empty for something that is no field. */
  type: string;
  /** When it went out of use, and the batch that did so, with that batch's summary and who did it. */
  since: string;
  action_id: string;
  summary: string;
  by: string;
  /** Where it lies in the database; an empty column means the whole table. */
  places: { table: string; column: string }[];
  /** Rows that it is in, and values inside that are not empty. */
  rows: number;
  values: number;
  /** Bytes inside, or -1 when that is not known. */
  size: number;
  /** False when counting took too long: then rows, values and size say nothing. */
  counted: boolean;
  /** The versions that can only be gone back to while it is there, by file. */
  needed_by: { file_path: string; from: number; to: number }[];
  /** The batch that can be undone now and would bring it back, or empty. */
  undo: string;
  /** Ids of other tombstones that lie inside and are purged with it. */
  inside: string[];
  /** When it is purged without asking, or empty: never. */
  purge_at: string;
}

export interface Tombstones {
  items: Tombstone[];
  /** After how many days something is purged without asking; 0: never. */
  purge_after_days: number;
}

/** Destroys what is out of use, for good: the named tombstones, or all that are older. Exactly one of the two is given. */
export interface PurgeRequest {
  ids?: string[];
  /** 0: all of them. */
  older_than_days?: number;
  dry_run?: boolean;
  /** Exactly the number of tombstones, or the text that the dry run gave. Not needed for a dry run. */
  confirm?: string;
  note?: string;
}

export interface PurgeResult {
  /** Empty for a dry run, and when there was nothing to purge. */
  action_id: string;
  /** What is destroyed, with what lies inside it. */
  purged: Tombstone[];
  /** Exact SQL. */
  sql: string[];
  /** What must be given as `confirm` to destroy exactly this. */
  confirm: string;
  /** Name of the backup that was taken before; empty for a dry run. */
  backup: string;
  duration_ms: number;
}

/** A copy that was taken before something risky. `marain restore-backup NAME` puts it back. */
export interface Backup {
  name: string;
  /** The batch it was taken before, what that was, its summary and who started it. */
  action_id: string;
  kind: 'apply' | 'rollback' | 'repair' | 'purge' | 'restore';
  summary: string;
  by: string;
  taken_at: string;
  driver: 'sqlite' | 'postgres';
  /** The whole database; otherwise the tables that are inside. */
  whole: boolean;
  tables: string[];
  /** Bytes. */
  size: number;
  /** False for one that cannot be restored here; `message` says why. */
  ok: boolean;
  message: string;
}

export interface Backups {
  items: Backup[];
  /** How many are kept at most, and for how many days. */
  keep: number;
  keep_days: number;
}

export interface ErrorBody {
  code: 'invalid' | 'unauthorized' | 'forbidden' | 'not_found' | 'stale' | 'blocked' | 'locked' | 'conflict' | 'cancelled' | 'internal';
  message: string;
  details: unknown[];
}

/** Server-sent events and window events. `reset` says that events were missed: fetch everything again. */
export interface ServerEvent {
  seq: number;
  type: 'changes' | 'applied' | 'rolled_back' | 'failed' | 'rejected' | 'purged' | 'snapshot' | 'watcher' | 'progress' | 'reset';
  at: string;
  snapshot_version: number;
  data: unknown;
}

export interface ValidateResult { ok: boolean; files: number; invalid_files: Problem[] }
export interface VerifyResult { ok: boolean; faults: { code: string; subject: string; message: string }[]; notes: { code: string; subject: string; message: string }[]; checked: number; duration_ms: number }

/** Asks for a plan. With nothing set it is the plan of everything that waits. */
export interface DiffRequest {
  files?: string[];
  /** Preview of text that is not on disk. */
  contents?: Record<string, string>;
  answers?: Record<string, string>;
}

export interface RejectRequest {
  files: string[];
  restore: boolean;
  note?: string;
}

export interface HistoryRequest {
  file_path?: string;
  status?: BatchSummary['status'];
  limit?: number;
  /** `next` of the page before. */
  before?: string;
}

/** Whether a project is open; the window only. */
export interface ProjectState {
  open: boolean;
  recent: { root: string; name: string }[];
  /** Why the last attempt to open one did not work, or empty. */
  message: string;
}

/** One way in which a live table is not what its applied document says. */
export interface DriftDifference {
  file_path: string;
  entity: string;
  table: string;
  column?: string;
  index?: string;
  /** Names it among those of its file, and its edit in `adopt`. */
  key: string;
  kind: 'missing_table' | 'missing_column' | 'other_type' | 'allows_empty' | 'refuses_empty' | 'missing_index' | 'other_index' | 'lost_values';
  message: string;
  /** What mends it; empty when another difference's SQL does, or nothing can. */
  sql: string[];
}

/** A text of a file that says what is live. Optional edits, which make fields of what is unmanaged, are not in it. */
export interface Adoption {
  file_path: string;
  text: string;
  hunks: Hunk[];
  /** `key` is that of a difference, or `table.column` of what is unmanaged. */
  edits: { key: string; message: string; optional: boolean }[];
}

/** All differences of the named files, the edits with these keys, or with neither all differences of all files. */
export interface AdoptRequest {
  files?: string[];
  keys?: string[];
  dry_run?: boolean;
  plan_id?: string;
  answers?: Record<string, string>;
  note?: string;
}

/** What other programs keep in the same database; it is left alone. */
export interface Unmanaged {
  tables: string[];
  /** `rows_with_value` is missing when counting took too long. */
  columns: { table: string; column: string; type: string; rows_with_value?: number }[];
  /** What else is in or on the tables of files. */
  objects: { kind: 'index' | 'unique index' | 'unique constraint' | 'view' | 'trigger' | 'foreign key' | 'check' | 'policy'; name: string; table: string }[];
}

export interface Drift {
  in_sync: boolean;
  differences: DriftDifference[];
  unmanaged: Unmanaged;
  /** The repair: what `repair` would do. */
  plan: Plan;
  /** What files could say instead, so that they equal what is live. */
  adopt: Adoption[];
}

/** The way back to what is applied; of all files, or of some. Answered like an apply. */
export interface RepairRequest {
  files?: string[];
  dry_run?: boolean;
  plan_id?: string;
  answers?: Record<string, string>;
  note?: string;
}
