import { SvelteSet } from 'svelte/reactivity';
import { toBackendError, type Backend, type BackendError } from '../backend/backend';
import { Refresher } from '../backend/refresher';
import type { BatchSummary } from '../backend/types';
import { groupByDay } from './days';

const page = 50;
const largestPage = 200;
/** So many batches that match a part of a path are enough to show at first. */
const screenful = 20;

export type StatusFilter = '' | BatchSummary['status'];

/** The timeline: what was applied, rolled back, rejected or failed, newest first. */
export class History {
  loaded = $state(false);
  loadingMore = $state(false);
  error = $state.raw<BackendError>();
  status = $state<StatusFilter>('');
  file = $state('');

  /** What was fetched; with a part of a path as filter, more than what is shown. */
  #fetched = $state.raw<BatchSummary[]>([]);
  #next = $state('');
  #wanted = $state('');
  #onScreen = false;
  /** The newest batch when the timeline was last looked at. */
  #seen = '';
  /** How often somebody chose a batch. */
  #choices = 0;
  readonly #refresher: Refresher;
  readonly #known = new SvelteSet<string>();

  readonly items = $derived(this.#matching());
  readonly days = $derived(groupByDay(this.items));
  readonly more = $derived(this.#next !== '');
  /** The selected batch. It may be one that is not loaded, when another batch pointed at it. */
  readonly selected = $derived(this.#wanted || (this.items[0]?.action_id ?? ''));
  readonly filtered = $derived(this.status !== '' || this.file.trim() !== '');
  /** How many batches were looked through for the filter. */
  readonly searched = $derived(this.#fetched.length);
  /** Paths that batches touched, as far as they were ever fetched, for the filter's suggestions. */
  readonly files = $derived([...this.#known].sort());

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

  /** Shows only some batches. The file is any part of a path; a whole path that is known is looked up by the engine. */
  async filter(by: { status?: StatusFilter; file?: string }): Promise<void> {
    const before = JSON.stringify(this.#query());
    this.status = by.status ?? this.status;
    this.file = by.file ?? this.file;
    if (JSON.stringify(this.#query()) === before) {
      await this.#searchOn();
    } else {
      this.#fetched = [];
      this.#next = '';
      this.loaded = false;
      await this.refresh();
    }
    // What is selected stays selected as long as it matches.
    if (!this.items.some((item) => item.action_id === this.#wanted)) this.#wanted = '';
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
      const limit = this.#part() === '' ? page : largestPage;
      const answer = await this.backend.history({ ...this.#query(), limit, before });
      if (this.#next !== before) return;
      const known = new Set(this.#fetched.map((item) => item.action_id));
      this.#keep([...this.#fetched, ...answer.items.filter((item) => !known.has(item.action_id))], answer.next);
    } catch (thrown) {
      this.error = toBackendError(thrown);
    } finally {
      this.loadingMore = false;
    }
    await this.#searchOn();
  }

  /** Fetches on until a part of a path has a screenful of batches, or there are no more. */
  async #searchOn(): Promise<void> {
    if (this.#part() !== '' && this.items.length < screenful && this.more && !this.error) await this.loadMore();
  }

  async #fetch(): Promise<void> {
    const query = this.#query();
    const limit = Math.min(largestPage, Math.max(page, this.#fetched.length));
    try {
      const answer = await this.backend.history({ ...query, limit });
      if (JSON.stringify(query) !== JSON.stringify(this.#query())) return; // the filter changed: another run follows
      this.#keep(answer.items, answer.next);
      this.error = undefined;
      const newest = this.items[0]?.action_id ?? '';
      if (this.#onScreen && !this.filtered) this.#seen = newest;
      if (this.#onScreen && this.#wanted === '') this.#wanted = newest;
    } catch (thrown) {
      this.error = toBackendError(thrown);
    } finally {
      if (!this.#refresher.outdated) this.loaded = true;
    }
    await this.#searchOn();
  }

  #keep(items: BatchSummary[], next: string): void {
    for (const item of items) for (const file of item.files) this.#known.add(file.file_path);
    this.#fetched = items;
    this.#next = next;
  }

  /** The part of a path to look for; empty when the engine filters by the whole path, or nobody does. */
  #part(): string {
    const file = this.file.trim();
    return this.#known.has(file) ? '' : file.toLowerCase();
  }

  #matching(): BatchSummary[] {
    const part = this.#part();
    return part === '' ? this.#fetched : this.#fetched.filter((item) => item.files.some((file) => file.file_path.toLowerCase().includes(part)));
  }

  #query(): { status?: BatchSummary['status']; file_path?: string } {
    const file = this.file.trim();
    return { ...(this.status !== '' && { status: this.status }), ...(this.#known.has(file) && { file_path: file }) };
  }
}
