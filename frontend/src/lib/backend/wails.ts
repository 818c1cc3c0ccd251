// The door of the desktop window: bound methods of the program, and its events.

import { BackendError, readErrorBody, type Backend, type Listener, type WindowAbilities } from './backend';
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

/** The methods of the program's `App`. */
export interface App {
  Status(): Promise<Status>;
  Diff(request: DiffRequest): Promise<Plan>;
  Reload(request: ReloadRequest): Promise<ApplyResult>;
  History(request: HistoryRequest): Promise<History>;
  Batch(id: string, againstNow: boolean): Promise<Batch>;
  Rollback(request: RollbackRequest): Promise<ApplyResult>;
  Cancel(request: CancelRequest): Promise<CancelResult>;
  Reject(request: RejectRequest): Promise<RejectResult>;
  Drift(): Promise<Drift>;
  Repair(request: RepairRequest): Promise<ApplyResult>;
  Adopt(request: AdoptRequest): Promise<ApplyResult>;
  Drafts(): Promise<Draft[]>;
  RestoreDraft(id: string): Promise<unknown>;
  Tombstones(): Promise<Tombstones>;
  Purge(request: PurgeRequest): Promise<PurgeResult>;
  Backups(): Promise<Backups>;
  ProjectState(): Promise<ProjectState>;
  OpenFolder(): Promise<unknown>;
  OpenRecent(root: string): Promise<unknown>;
  CreateSample(): Promise<unknown>;
  CloseProject(): Promise<unknown>;
}

/** What Wails puts on the global object. */
export interface WailsGlobals {
  go: { main: { App: App } };
  runtime: { EventsOn(name: string, callback: (event: ServerEvent) => void): (() => void) | void };
}

export class WailsBackend implements Backend, WindowAbilities {
  readonly window: WindowAbilities = this;

  constructor(private readonly globals: WailsGlobals) {}

  status = () => this.#call((app) => app.Status());
  diff: Backend['diff'] = (request) => this.#call((app) => app.Diff(request));
  reload: Backend['reload'] = (request) => this.#call((app) => app.Reload(request));
  history: Backend['history'] = (request) => this.#call((app) => app.History(request));
  batch: Backend['batch'] = (id, against) => this.#call((app) => app.Batch(id, against === 'now'));
  rollback: Backend['rollback'] = (request) => this.#call((app) => app.Rollback(request));
  cancel: Backend['cancel'] = (request) => this.#call((app) => app.Cancel(request));
  reject: Backend['reject'] = (request) => this.#call((app) => app.Reject(request));
  drift = () => this.#call((app) => app.Drift());
  adopt: Backend['adopt'] = (request) => this.#call((app) => app.Adopt(request));
  repair: Backend['repair'] = (request) => this.#call((app) => app.Repair(request));
  drafts = () => this.#call((app) => app.Drafts());
  restoreDraft = (id: string) => this.#do((app) => app.RestoreDraft(id));
  tombstones = () => this.#call((app) => app.Tombstones());
  purge: Backend['purge'] = (request) => this.#call((app) => app.Purge(request));
  backups = () => this.#call((app) => app.Backups());
  projectState = () => this.#call((app) => app.ProjectState());
  openFolder = () => this.#do((app) => app.OpenFolder());
  openRecent = (root: string) => this.#do((app) => app.OpenRecent(root));
  createSample = () => this.#do((app) => app.CreateSample());
  closeProject = () => this.#do((app) => app.CloseProject());

  subscribe(listener: Listener): () => void {
    // The program runs each of its listeners on its own, so events can overtake each other. None is dropped for being
    // late: an event only says what to fetch again, and what is fetched is always the newest.
    const stop = this.globals.runtime.EventsOn('marain', (event) => listener.event(event));
    listener.connection('open');
    return stop ?? (() => undefined);
  }

  async #do(method: (app: App) => Promise<unknown>): Promise<void> {
    await this.#call(method);
  }

  async #call<T>(method: (app: App) => Promise<T>): Promise<T> {
    try {
      return await method(this.globals.go.main.App);
    } catch (thrown) {
      throw readRejection(thrown);
    }
  }
}

/** A rejected binding carries the error as JSON text. */
function readRejection(thrown: unknown): BackendError {
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  try {
    const error = readErrorBody(JSON.parse(text));
    if (error) return error;
  } catch {
    // Not JSON: the text itself is the message.
  }
  return new BackendError('unexpected', text);
}
