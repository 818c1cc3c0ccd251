// A hand-written stand-in for the engine, for tests of the state classes. Each call waits until the test answers it
// when `hold` is set, so that a test decides in which order answers arrive.

import { BackendError, type Backend, type Listener } from './backend';
import type {
  AdoptRequest,
  ApplyResult,
  Backup,
  Backups,
  Batch,
  BatchSummary,
  CancelRequest,
  CancelResult,
  DiffRequest,
  Draft,
  Drift,
  History,
  HistoryRequest,
  Plan,
  PlanFile,
  PurgeRequest,
  PurgeResult,
  RejectRequest,
  RejectResult,
  ReloadRequest,
  RepairRequest,
  RollbackRequest,
  ServerEvent,
  Status,
  Tombstone,
  Tombstones,
} from './types';

export interface Call {
  method: string;
  request: unknown;
  /** Lets a held call go on. */
  release: () => void;
}

export class FakeBackend implements Backend {
  files: PlanFile[] = [];
  questions: Plan['questions'] = [];
  rehearsal: Plan['rehearsal'] = makePlan([]).rehearsal;
  statusValue: Status = makeStatus();
  batches: BatchSummary[] = [];
  draftList: Draft[] = [];
  tombstoneList: Tombstone[] = [];
  backupList: Backup[] = [];
  driftValue: Drift = makeDrift();
  batchValue: Partial<Batch> = {};
  previewPlan: Plan = makePlan([]);
  calls: Call[] = [];
  /** Methods whose answers wait for `release`. */
  hold = new Set<string>();
  /** The next error of a method. */
  fail = new Map<string, BackendError>();
  listener: Listener | undefined;
  pageSize = 0;
  #made = 0;

  status = (): Promise<Status> => this.#answer('status', undefined, () => this.statusValue);

  diff = (request: DiffRequest): Promise<Plan> =>
    this.#answer('diff', request, () => {
      const files = request.files ? this.files.filter((file) => request.files?.includes(file.file_path)) : this.files.filter((file) => !file.held);
      const questions = this.questions.map((question) => ({ ...question, answered: request.answers?.[question.key] !== undefined }));
      return { ...makePlan(files), questions, rehearsal: this.rehearsal };
    });

  reload = (request: ReloadRequest): Promise<ApplyResult> =>
    this.#answer('reload', request, () => {
      const applied = request.dry_run ? [] : (request.files ?? this.files.map((file) => file.file_path));
      this.files = this.files.filter((file) => !applied.includes(file.file_path));
      return makeResult(applied, `applied-${++this.#made}`);
    });

  history = (request: HistoryRequest): Promise<History> =>
    this.#answer('history', request, () => {
      const list = this.batches.filter((batch) => !request.status || batch.status === request.status);
      const from = request.before ? list.findIndex((batch) => batch.action_id === request.before) + 1 : 0;
      const items = list.slice(from, from + (this.pageSize || (request.limit ?? 50)));
      const more = from + items.length < list.length;
      return { items, next: more ? (items.at(-1)?.action_id ?? '') : '' };
    });

  batch = (id: string, against: 'before' | 'now'): Promise<Batch> =>
    this.#answer('batch', { id, against }, () => ({
      ...(this.batches.find((batch) => batch.action_id === id) ?? makeBatch(id)),
      changed_files: [],
      timings: {},
      can_undo: true,
      conflicts: [],
      destroyed: [],
      ...this.batchValue,
    }));

  rollback = (request: RollbackRequest): Promise<ApplyResult> =>
    this.#answer('rollback', request, () =>
      request.dry_run ? { ...makeResult([], ''), plan: this.previewPlan } : makeResult(['schemas/a.schema.yaml'], `undone-${++this.#made}`),
    );

  cancel = (request: CancelRequest): Promise<CancelResult> => this.#answer('cancel', request, () => ({ action_id: request.action_id }));

  reject = (request: RejectRequest): Promise<RejectResult> =>
    this.#answer('reject', request, () => {
      this.files = this.files.filter((file) => !request.files.includes(file.file_path));
      return { held: request.restore ? [] : request.files, restored: request.restore ? request.files : [], action_id: 'rejected-1' };
    });

  drift = (): Promise<Drift> => this.#answer('drift', undefined, () => this.driftValue);

  adopt = (request: AdoptRequest): Promise<ApplyResult> =>
    this.#answer('adopt', request, () => {
      if (request.dry_run) return { ...makeResult([], ''), plan: this.driftValue.plan };
      const adopted = request.files ?? this.driftValue.adopt.map((one) => one.file_path);
      this.driftValue = makeDrift();
      return makeResult(adopted, `adopted-${++this.#made}`);
    });

  repair = (request: RepairRequest): Promise<ApplyResult> =>
    this.#answer('repair', request, () => {
      if (request.dry_run) return { ...makeResult([], ''), plan: this.driftValue.plan };
      const repaired = this.driftValue.plan.files.map((file) => file.file_path);
      this.driftValue = makeDrift();
      return makeResult(repaired, `repaired-${++this.#made}`);
    });

  drafts = (): Promise<Draft[]> => this.#answer('drafts', undefined, () => this.draftList);

  restoreDraft = (id: string): Promise<void> =>
    this.#answer('restoreDraft', id, () => {
      this.draftList = this.draftList.filter((draft) => draft.id !== id);
    });

  tombstones = (): Promise<Tombstones> => this.#answer('tombstones', undefined, () => ({ items: this.tombstoneList, purge_after_days: 0 }));

  purge = (request: PurgeRequest): Promise<PurgeResult> =>
    this.#answer('purge', request, () => {
      const purged = this.tombstoneList.filter((tombstone) => request.ids?.includes(tombstone.id) ?? true);
      if (!request.dry_run) this.tombstoneList = this.tombstoneList.filter((tombstone) => !purged.includes(tombstone));
      const done = !request.dry_run && purged.length > 0;
      return {
        action_id: done ? `purged-${++this.#made}` : '',
        purged,
        sql: [],
        confirm: `purge ${purged.length}`,
        backup: done ? 'backup-1' : '',
        duration_ms: 5,
      };
    });

  backups = (): Promise<Backups> => this.#answer('backups', undefined, () => ({ items: this.backupList, keep: 10, keep_days: 30 }));

  subscribe(listener: Listener): () => void {
    this.listener = listener;
    return () => {
      if (this.listener === listener) this.listener = undefined;
    };
  }

  emit(type: ServerEvent['type'], seq: number): void {
    this.listener?.event({ type, seq, at: '', snapshot_version: 1, data: null });
  }

  callsOf(method: string): Call[] {
    return this.calls.filter((call) => call.method === method);
  }

  /** The answer is made when the call is let go, unless it was held: then it is made when the call began. */
  #answer<T>(method: string, request: unknown, make: () => T): Promise<T> {
    const error = this.fail.get(method);
    this.fail.delete(method);
    return new Promise((resolve, reject) => {
      const held = this.hold.has(method);
      const value = error ? undefined : make();
      const release = () => (error ? reject(error) : resolve(value as T));
      this.calls.push({ method, request, release });
      if (!held) release();
    });
  }
}

export function makeFile(path: string, over: Partial<PlanFile> = {}): PlanFile {
  return {
    file_path: path,
    kind: 'entity',
    event: 'modified',
    category: 'safe',
    base_version: 1,
    changes: [],
    actions: [],
    checks: [],
    hunks: [],
    blocked: [],
    held: false,
    ...over,
  };
}

/** A plan whose id depends on its files and their categories, as the engine's depends on their contents. */
export function makePlan(files: PlanFile[]): Plan {
  const order = ['safe', 'warning', 'breaking'] as const;
  const worst = Math.max(0, ...files.map((file) => order.indexOf(file.category)));
  return {
    plan_id: files.map((file) => `${file.file_path}@${file.base_version}`).join('+') || 'empty',
    category: order[worst] ?? 'safe',
    files,
    questions: [],
    rehearsal: { state: 'not_run', message: '', legs: [], rows: 0, sampled: false },
    invalid_files: [],
  };
}

export function makeDrift(over: Partial<Drift> = {}): Drift {
  return { in_sync: true, differences: [], unmanaged: { tables: [], columns: [], objects: [] }, plan: makePlan([]), adopt: [], ...over };
}

export function makeStatus(over: Partial<Status> = {}): Status {
  return {
    in_sync: true,
    state: 'in_sync',
    pending_changes: [],
    invalid_files: [],
    held_files: [],
    last_sync: '',
    last_result: null,
    running: null,
    snapshot_version: 3,
    database: { driver: 'sqlite', location: 'data/content/marain.db', schema_version: 1, ok: true, message: '' },
    watcher: { state: 'watching', message: '', folders: ['schemas', 'config'], files: 4, last_event: '' },
    project: { name: 'sample', root: '/sample', environment: 'dev', policy: 'none', version: '0.1.0' },
    drift: { differences: 0, message: '' },
    ...over,
  };
}

export function makeBatch(id: string, over: Partial<BatchSummary> = {}): BatchSummary {
  return {
    action_id: id,
    kind: 'apply',
    status: 'applied',
    at: '2026-11-22T10:00:00Z',
    by: 'ann via window',
    note: '',
    category: 'safe',
    summary: `batch ${id}`,
    files: [],
    duration_ms: 4,
    error: '',
    target: '',
    backup: '',
    purged: [],
    ...over,
  };
}

function makeResult(applied: string[], id: string): ApplyResult {
  return { action_id: id, applied, pending: [], failed: [], duration_ms: 3 };
}
