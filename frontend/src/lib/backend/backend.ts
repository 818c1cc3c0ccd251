// The one native seam: everything the page asks of Marain goes through this interface, whichever door is behind it.

import type {
  AdoptRequest,
  ApplyResult,
  Backups,
  Batch,
  CancelRequest,
  CancelResult,
  DiffRequest,
  Draft,
  Drift,
  ErrorBody,
  History,
  HistoryRequest,
  Plan,
  ProjectState,
  PurgeRequest,
  PurgeResult,
  RejectRequest,
  RejectResult,
  ReloadRequest,
  RepairRequest,
  RollbackRequest,
  ServerEvent,
  Status,
  Tombstones,
} from './types';

/** Codes of the engine, and two of the page's own: `offline` (no answer) and `unexpected` (an answer that is none). */
export type ErrorCode = ErrorBody['code'] | 'offline' | 'unexpected';

/** Every failed call throws one of these. */
export class BackendError extends Error {
  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly details: unknown[] = [],
  ) {
    super(message);
    this.name = 'BackendError';
  }
}

/** Turns anything that was thrown into a BackendError. */
export function toBackendError(thrown: unknown): BackendError {
  if (thrown instanceof BackendError) return thrown;
  return new BackendError('unexpected', thrown instanceof Error ? thrown.message : String(thrown));
}

/** What a rejected call carries: `{code, message, details}`; undefined when the value is something else. */
export function readErrorBody(value: unknown): BackendError | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const body = value as Partial<ErrorBody>;
  if (typeof body.code !== 'string' || typeof body.message !== 'string') return undefined;
  return new BackendError(body.code, body.message, Array.isArray(body.details) ? body.details : []);
}

/** How events arrive at the moment. While it is not `open`, what is on the page may be old. */
export type Connection = 'connecting' | 'open' | 'lost' | 'unauthorized';

export interface Listener {
  event(event: ServerEvent): void;
  connection(state: Connection): void;
}

/** What only the window can do. */
export interface WindowAbilities {
  projectState(): Promise<ProjectState>;
  /** Asks for a folder and opens it; resolves without a change when the person cancels. */
  openFolder(): Promise<void>;
  openRecent(root: string): Promise<void>;
  createSample(): Promise<void>;
  closeProject(): Promise<void>;
}

/** What only a page in a browser needs: proving who it is. */
export interface SignIn {
  hasToken(): boolean;
  setToken(token: string): void;
}

/** All calls may run concurrently; each throws a {@link BackendError}. */
export interface Backend {
  status(): Promise<Status>;
  diff(request: DiffRequest): Promise<Plan>;
  reload(request: ReloadRequest): Promise<ApplyResult>;
  history(request: HistoryRequest): Promise<History>;
  /** One batch; its hunks are against the version before it, or against what is applied now. */
  batch(actionId: string, against: 'before' | 'now'): Promise<Batch>;
  rollback(request: RollbackRequest): Promise<ApplyResult>;
  /** Ends a batch that runs; resolves when nothing of it is left. Its own request fails with `cancelled`. */
  cancel(request: CancelRequest): Promise<CancelResult>;
  reject(request: RejectRequest): Promise<RejectResult>;
  /** Where the live tables are not what is applied, and the plan that mends it. */
  drift(): Promise<Drift>;
  repair(request: RepairRequest): Promise<ApplyResult>;
  adopt(request: AdoptRequest): Promise<ApplyResult>;
  drafts(): Promise<Draft[]>;
  restoreDraft(id: string): Promise<void>;
  /** What is out of use, oldest first. Counting what is inside may take some seconds. */
  tombstones(): Promise<Tombstones>;
  /** Destroys what is out of use. Ask with `dry_run` first: it gives the text that confirms. */
  purge(request: PurgeRequest): Promise<PurgeResult>;
  /** The backups, newest first. */
  backups(): Promise<Backups>;
  /** Starts listening and returns the function that stops it. */
  subscribe(listener: Listener): () => void;
  readonly window?: WindowAbilities;
  readonly signIn?: SignIn;
}
