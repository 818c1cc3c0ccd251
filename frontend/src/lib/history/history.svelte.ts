import { toBackendError, type Backend, type BackendError } from '../backend/backend';
import { Refresher } from '../backend/refresher';
import type { BatchSummary } from '../backend/types';
import { groupByDay } from './days';

const page = 50;
const largestPage = 200;

export type StatusFilter = '' | BatchSummary['status'];

/** The timeline: what was applied, rolled back, rejected or failed, newest first. */
export class History {
  items = $state.raw<BatchSummary[]>([]);
  loaded = $state(false);
  loadingMore = $state(false);
  error = $state.raw<BackendError>();
  status = $state<StatusFilter>('');
  file = $state('');

  #next = $state('');
  #wanted = $state('');
  #onScreen = false;
  /** The newest batch when the timeline was last looked at. */
  #seen = '';
  /** How often somebody chose a batch. */
  #choices = 0;
  readonly #refresher: Refresher;

  readonly days = $derived(groupByDay(this.items));
  readonly more = $derived(this.#next !== '');
  /** The selected batch. It may be one that is not loaded, when another batch pointed at it. */
  readonly selected = $derived(this.#wanted || (this.items[0]?.action_id ?? ''));
  readonly filtered = $derived(this.status !== '' || this.file.trim() !== '');
  /** Paths that batches on screen touched, for the filter's suggestions. */
  readonly files = $derived([...new Set(this.items.flatMap((item) => item.files.map((file) => file.file_path)))].sort());

  constructor(private readonly backend: Backend) {
    this.#refresher = new Refresher(() => this.#fetch());
  }

  /** Fetches what is loaded again, because an older batch's status can change too. The selection survives. */
  refresh(): Promise<void> {
    return this.#refresher.request();
  }

  /**
   * Begins to show the timeline. When something happened since it was last looked at, the newest batch is selected;
   * while it is on screen, the selection never moves by itself.
   */
  async enter(): Promise<void> {
    this.#onScreen = true;
    const [seen, choices] = [this.#seen, this.#choices];
    await this.refresh();
    const newest = this.items[0]?.action_id ?? '';
    if (newest !== seen && choices === this.#choices) this.#wanted = newest;
  }

  leave(): void {
    this.#onScreen = false;
  }

  filter(by: { status?: StatusFilter; file?: string }): Promise<void> {
    this.status = by.status ?? this.status;
    this.file = by.file ?? this.file;
    this.items = [];
    this.#next = '';
    this.#wanted = '';
    this.loaded = false;
    return this.refresh();
  }

  select(id: string): void {
    this.#choices++;
    this.#wanted = id;
  }

  move(by: number): BatchSummary | undefined {
    const at = this.items.findIndex((item) => item.action_id === this.selected);
    const next = this.items[Math.max(0, Math.min(this.items.length - 1, at + by))];
    if (next) this.select(next.action_id);
    return next;
  }

  /** Appends the next page. A refresh or a new filter in between makes the answer void. */
  async loadMore(): Promise<void> {
    const before = this.#next;
    if (!before || this.loadingMore) return;
    this.loadingMore = true;
    try {
      const answer = await this.backend.history({ ...this.#query(), limit: page, before });
      if (this.#next !== before) return;
      const known = new Set(this.items.map((item) => item.action_id));
      this.items = [...this.items, ...answer.items.filter((item) => !known.has(item.action_id))];
      this.#next = answer.next;
    } catch (thrown) {
      this.error = toBackendError(thrown);
    } finally {
      this.loadingMore = false;
    }
  }

  async #fetch(): Promise<void> {
    const query = this.#query();
    const limit = Math.min(largestPage, Math.max(page, this.items.length));
    try {
      const answer = await this.backend.history({ ...query, limit });
      if (JSON.stringify(query) !== JSON.stringify(this.#query())) return; // the filter changed: another run follows
      this.items = answer.items;
      this.#next = answer.next;
      this.error = undefined;
      const newest = this.items[0]?.action_id ?? '';
      if (this.#onScreen && !this.filtered) this.#seen = newest;
      if (this.#onScreen && this.#wanted === '') this.#wanted = newest;
    } catch (thrown) {
      this.error = toBackendError(thrown);
    } finally {
      if (!this.#refresher.outdated) this.loaded = true;
    }
  }

  #query(): { status?: BatchSummary['status']; file_path?: string } {
    const file = this.file.trim();
    return { ...(this.status !== '' && { status: this.status }), ...(file !== '' && { file_path: file }) };
  }
}
