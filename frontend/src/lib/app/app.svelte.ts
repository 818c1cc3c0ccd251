import { getContext, setContext } from 'svelte';
import { Activity } from '../activity/activity.svelte';
import { toBackendError, type Backend, type BackendError, type Connection } from '../backend/backend';
import type { ApplyResult, ProjectState, ServerEvent } from '../backend/types';
import { Changes } from '../changes/changes.svelte';
import { DriftView } from '../drift/drift.svelte';
import { BatchView } from '../history/batch.svelte';
import { Drafts } from '../history/drafts.svelte';
import { History } from '../history/history.svelte';
import { Notices } from '../notices/notices.svelte';
import { StatusStore } from '../status/status.svelte';
import { Purge, Storage } from '../storage/storage.svelte';
import { count } from '../text/count';
import { duration } from '../text/time';

export type View = 'changes' | 'history' | 'drift' | 'storage';
export type Phase = 'starting' | 'signin' | 'welcome' | 'ready';

/** Everything the page knows and does, apart from how it looks. One of these lives as long as the page. */
export class App {
  phase = $state<Phase>('starting');
  view = $state<View>('changes');
  help = $state(false);
  project = $state.raw<ProjectState>({ open: true, recent: [], message: '' });
  /** Whether a refused token was tried, so that the form can say so. */
  refused = $state(false);

  readonly status: StatusStore;
  readonly activity: Activity;
  readonly changes: Changes;
  readonly history: History;
  readonly batch: BatchView;
  readonly drafts: Drafts;
  readonly drift: DriftView;
  readonly storage: Storage;
  readonly purge: Purge;
  readonly notices = new Notices();

  /** Called when something that was asked for is done and shown: what was pressed may be gone by then. */
  settled: () => void = () => undefined;

  #stop: (() => void) | undefined;
  #seen = 0;

  constructor(readonly backend: Backend) {
    this.status = new StatusStore(backend);
    this.activity = new Activity(backend);
    this.changes = new Changes(backend);
    this.history = new History(backend);
    this.batch = new BatchView(backend);
    this.drafts = new Drafts(backend);
    this.drift = new DriftView(backend);
    this.storage = new Storage(backend);
    this.purge = new Purge(backend);
  }

  /** Finds out what to show first, and starts listening. */
  async start(): Promise<void> {
    if (this.backend.signIn && !this.backend.signIn.hasToken()) {
      this.phase = 'signin';
      return;
    }
    if (this.backend.window && !(await this.#projectIsOpen(this.backend.window))) return;
    this.#listen();
    await this.refresh();
  }

  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  async signIn(token: string): Promise<void> {
    this.backend.signIn?.setToken(token);
    this.refused = false;
    this.stop();
    await this.start();
  }

  /** Fetches everything that is on the page again. */
  async refresh(): Promise<void> {
    await Promise.all([this.#refreshReview(), this.#refreshHistory(), this.#refreshTables()]);
    if (this.phase === 'starting' || this.phase === 'signin') {
      this.phase = this.status.error?.code === 'unauthorized' ? 'signin' : 'ready';
    }
  }

  /** Opens a project through one of the window's ways, then starts afresh on it. */
  async openProject(open: () => Promise<void>): Promise<void> {
    try {
      await open();
    } catch (thrown) {
      this.notices.error(toBackendError(thrown));
    }
    this.stop();
    await this.start();
  }

  async approve(): Promise<void> {
    const result = await this.changes.approve();
    if (result) this.#announce(result, 'Applied', 'Take it back');
    this.#report(this.changes.refusal);
    await this.refresh();
    this.settled();
  }

  async reject(restore: boolean): Promise<void> {
    const result = await this.changes.reject(restore);
    if (result) {
      const late = result.unwritten ?? [];
      for (const file of late) this.notices.warn(`${file.file_path} is not written yet`, file.message);
      const back = result.restored.filter((path) => !late.some((file) => file.file_path === path));
      const files = count(restore ? back.length : result.held.length, 'file');
      if (restore && (back.length > 0 || late.length === 0)) this.notices.success(`Put back: ${files}`, 'Your edit is kept as a draft under History.');
      else if (!restore) this.notices.success(`Held: ${files}`, 'It stays out until you approve it or its content changes.');
    }
    this.#report(this.changes.refusal);
    await this.refresh();
    this.settled();
  }

  /** Ends the batch that runs, whoever started it, as long as it is not being committed. */
  async cancelRunning(): Promise<void> {
    const error = await this.activity.cancel();
    if (error?.code === 'conflict' || error?.code === 'not_found') this.notices.warn('Too late to cancel', `${error.message}. Roll it back if it is not wanted.`);
    else this.#report(error);
    await this.#refreshStatus();
  }

  async reload(): Promise<void> {
    const done = await this.changes.reload();
    this.#report(this.changes.error);
    await this.refresh();
    if (done) this.notices.success('Files read again', `${this.status.line.headline}.`);
  }

  /** Goes the way back that is previewed for the batch on screen. */
  async rollBack(note: string): Promise<void> {
    const way = this.batch.way;
    const result = await this.batch.run(note);
    if (result) {
      this.batch.way = 'undo';
      this.#announce(result, way === 'undo' ? 'Rolled back' : 'Went back', 'Bring it back');
    }
    await this.refresh();
    this.settled();
  }

  /** Undoes what was just done. When that needs an answer first, the batch is opened in History instead. */
  async takeBack(actionId: string): Promise<void> {
    try {
      const result = await this.backend.rollback({ action_id: actionId });
      this.#announce(result, 'Rolled back', 'Bring it back');
    } catch (thrown) {
      const error = toBackendError(thrown);
      if (error.code === 'blocked' || error.code === 'conflict') this.openBatch(actionId);
      this.notices.error(error);
    }
    await this.refresh();
    this.settled();
  }

  go(view: View): void {
    if (view === this.view) return;
    this.view = view;
    this.history.leave();
    this.drift.leave();
    if (view === 'history') void this.#enterHistory();
    if (view === 'drift') void this.drift.enter();
    if (view === 'storage') void this.storage.refresh();
  }

  /** Moves the selection in the list on screen. */
  move(by: number): void {
    if (this.view === 'changes') this.changes.move(by);
    else if (this.view === 'history') this.selectBatch(this.history.move(by)?.action_id);
    else if (this.view === 'drift') this.drift.move(by);
    else this.storage.move(by);
  }

  selectBatch(actionId: string | undefined): void {
    if (!actionId) return;
    this.history.select(actionId);
    void this.batch.open(actionId);
  }

  /** Shows only some batches, and the selected one of them. */
  async filterHistory(by: Parameters<History['filter']>[0]): Promise<void> {
    await this.history.filter(by);
    if (this.view === 'history') await this.batch.open(this.history.selected);
  }

  openBatch(actionId: string): void {
    this.drift.leave();
    this.view = 'history';
    void this.history.enter();
    this.selectBatch(actionId);
  }

  /** Makes the tables and the file on screen equal, the way that is shown. */
  async mendDrift(note: string): Promise<void> {
    const mend = this.drift.mend;
    const result = await this.drift.run(note);
    // Before a repair the tables were what no file says: there is nothing to go back to.
    if (result && mend === 'repair') this.#announce(result, 'Repaired', '');
    else if (result) this.#announce(result, 'Adopted', 'Take it back');
    await this.refresh();
    this.settled();
  }

  /** Destroys what was looked at and typed. */
  async purgeNow(): Promise<void> {
    const result = await this.purge.run();
    if (result) {
      const kept = result.backup ? `The backup ${result.backup} was taken first.` : '';
      this.notices.success(`Purged: ${count(result.purged.length, 'thing')} out of use`, kept);
    }
    await this.refresh();
    this.settled();
  }

  /** Shows a backup. An old one may not be there any more: then the newest is shown. */
  openBackup(name: string): void {
    this.storage.shelf = 'backups';
    this.storage.select(name);
    this.go('storage');
  }

  async bringBack(draftId: string): Promise<void> {
    const path = this.drafts.items.find((draft) => draft.id === draftId)?.file_path ?? 'The draft';
    if (await this.drafts.bringBack(draftId)) this.notices.success('Draft brought back', `${path} is as you left it.`);
    this.#report(this.drafts.error);
    await this.refresh();
    this.settled();
  }

  async #projectIsOpen(abilities: NonNullable<Backend['window']>): Promise<boolean> {
    try {
      this.project = await abilities.projectState();
    } catch (thrown) {
      this.project = { open: false, recent: [], message: toBackendError(thrown).message };
    }
    this.phase = this.project.open ? 'starting' : 'welcome';
    return this.project.open;
  }

  #listen(): void {
    this.stop();
    this.#seen = 0;
    this.#stop = this.backend.subscribe({
      event: (event) => this.#receive(event),
      connection: (state) => this.#connected(state),
    });
  }

  #connected(state: Connection): void {
    this.status.connection = state;
    if (state === 'unauthorized') this.#signOut();
    // What happened before anybody listened is unknown, at the start as after a break: fetch everything.
    if (state === 'open') void this.refresh();
  }

  #receive(event: ServerEvent): void {
    const gap = this.#seen > 0 && event.seq > this.#seen + 1;
    this.#seen = Math.max(this.#seen, event.seq);
    if (event.type === 'reset') this.#seen = event.seq;
    if (event.type === 'progress' && !gap) {
      if (this.activity.progress(event.data)) void this.#refreshStatus();
      return;
    }
    void this.#refreshReview();
    void this.#refreshTables();
    if (gap || (event.type !== 'changes' && event.type !== 'watcher')) void this.#refreshHistory();
  }

  async #refreshReview(): Promise<void> {
    // A plan can wait long for a batch that runs; the status never does.
    await Promise.all([this.#refreshStatus(), this.changes.refresh()]);
    this.changes.show(this.status.value);
  }

  async #refreshStatus(): Promise<void> {
    await this.status.refresh();
    this.activity.show(this.status.value);
    this.changes.show(this.status.value);
    if (this.status.error?.code === 'unauthorized') this.#signOut();
  }

  async #enterHistory(): Promise<void> {
    void this.batch.open(''); // nothing can be pressed for a batch that is about to change
    await this.history.enter();
    await this.batch.open(this.history.selected);
  }

  async #refreshHistory(): Promise<void> {
    await Promise.all([this.history.refresh(), this.drafts.refresh()]);
    if (this.view === 'history') await this.batch.open(this.history.selected);
  }

  /** What is beside the files: the drift of the tables, and what is out of use. Fetched while somebody looks at it. */
  async #refreshTables(): Promise<void> {
    if (this.drift.onScreen) await this.drift.refresh();
    if (this.view === 'storage') await this.storage.refresh();
  }

  #signOut(): void {
    if (!this.backend.signIn?.hasToken()) return;
    this.refused = true;
    this.backend.signIn.setToken('');
    this.stop();
    this.phase = 'signin';
  }

  #announce(result: ApplyResult, verb: string, undo: string): void {
    for (const failure of result.failed) this.notices.warn(`${failure.file_path} could not be applied`, failure.message);
    if (result.applied.length === 0) {
      // What was approved was graded anew on the rows as they are now, and came out riskier.
      if (result.failed.length === 0 && result.pending.length > 0) this.notices.warn('Nothing was applied', 'The rows have changed what it risks. Look at it again.');
      return;
    }
    const title = `${verb} in ${duration(result.duration_ms)}: ${count(result.applied.length, 'file')}`;
    const left = result.pending.length > 0 ? `${count(result.pending.length, 'file')} still waiting.` : '';
    const id = result.action_id;
    this.notices.success(title, left, id && undo ? { label: undo, run: () => void this.takeBack(id) } : undefined);
  }

  #report(error: BackendError | undefined): void {
    if (error && error.code !== 'unauthorized') this.notices.error(error);
  }
}

const key = Symbol('app');

/** Makes the app known to every component below. */
export function provideApp(app: App): void {
  setContext(key, app);
}

export function useApp(): App {
  return getContext<App>(key);
}
