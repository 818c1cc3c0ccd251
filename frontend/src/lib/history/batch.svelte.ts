import { toBackendError, type Backend, type BackendError } from '../backend/backend';
import type { ApplyResult, Batch } from '../backend/types';
import { Preview } from '../review/preview.svelte';

export type Against = 'before' | 'now';
/** What the way back on screen would do: undo this batch, or return the whole project to the state right after it. */
export type Way = 'undo' | 'to';

/** One batch in detail, and the preview of the way back, which is there before anybody presses anything. */
export class BatchView {
  id = $state('');
  against = $state<Against>('before');
  batch = $state.raw<Batch>();
  error = $state.raw<BackendError>();
  way = $state<Way>('undo');
  readonly preview = new Preview();

  // Each load has a number; an answer to an older one is not shown.
  #load = 0;

  constructor(private readonly backend: Backend) {}

  /** Shows a batch. Opening the same one again fetches it anew and keeps what was chosen. */
  async open(id: string): Promise<void> {
    if (id !== this.id) this.#reset(id);
    if (id === '') return;
    const load = ++this.#load;
    try {
      const batch = await this.backend.batch(id, this.against);
      if (load !== this.#load) return;
      this.batch = batch;
      this.error = undefined;
      await this.#openPreview();
    } catch (thrown) {
      if (load === this.#load) this.error = toBackendError(thrown);
    }
  }

  compare(against: Against): Promise<void> {
    this.against = against;
    return this.open(this.id);
  }

  choose(way: Way): Promise<void> {
    this.way = way;
    this.preview.clear();
    return this.#openPreview();
  }

  /** Goes the way back that the preview shows. Undefined when it did not happen. */
  run(note = ''): Promise<ApplyResult | undefined> {
    return this.preview.run(note);
  }

  async #openPreview(): Promise<void> {
    const id = this.id;
    const goal = this.way === 'to' ? { to: id } : { action_id: id };
    if (this.way === 'undo' && !this.batch?.can_undo) this.preview.clear();
    else await this.preview.open((step) => this.backend.rollback({ ...goal, ...step }));
  }

  #reset(id: string): void {
    this.id = id;
    this.against = 'before';
    this.batch = undefined;
    this.error = undefined;
    this.way = 'undo';
    this.preview.clear();
    this.#load++;
  }
}
