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
  rehearsal: { state: 'not_run' | 'proved' | 'failed'; message: string };
  /** Files that were asked for and cannot be planned because they are invalid. */
  invalid_files: Problem[];
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
  snapshot_version: number;
  database: { driver: 'sqlite' | 'postgres'; location: string; schema_version: number; ok: boolean; message: string };
  watcher: { state: 'watching' | 'polling' | 'degraded' | 'unavailable' | 'off'; message: string; folders: string[]; files: number; last_event: string };
  project: { name: string; root: string; environment: string; policy: 'none' | 'safe' | 'all'; version: string };
}

export type BatchKind = 'apply' | 'rollback' | 'reject' | 'failed';

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
  /** For a rollback: the batch it undid or went back to. */
  target: string;
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
}

export interface RejectResult { held: string[]; restored: string[]; action_id: string }

/** Text that an edit had before a rollback or a reject replaced it. */
export interface Draft { id: string; file_path: string; at: string; action_id: string; size: number }

export interface ErrorBody {
  code: 'invalid' | 'unauthorized' | 'forbidden' | 'not_found' | 'stale' | 'blocked' | 'locked' | 'conflict' | 'internal';
  message: string;
  details: unknown[];
}

/** Server-sent events and window events. `reset` says that events were missed: fetch everything again. */
export interface ServerEvent {
  seq: number;
  type: 'changes' | 'applied' | 'rolled_back' | 'failed' | 'rejected' | 'snapshot' | 'watcher' | 'progress' | 'reset';
  at: string;
  snapshot_version: number;
  data: unknown;
}

export interface ValidateResult { ok: boolean; files: number; invalid_files: Problem[] }
export interface VerifyResult { ok: boolean; faults: { code: string; subject: string; message: string }[]; checked: number; duration_ms: number }

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
