import { toBackendError, type Backend, type BackendError } from '../backend/backend';
import type { Progress, Running, Status } from '../backend/types';

/** Milliseconds that a batch may take before it is worth showing: most are over sooner, and a flash tells nothing. */
const unnoticed = 250;

/** The batch that is being carried out, whichever door started it, and how far it is. */
export class Activity {
  /** The batch that runs, once it has run for a moment. */
  readonly shown = $derived.by(() => (this.#noticed ? this.#running : undefined));
  /** Whether somebody here asked to cancel it. */
  cancelling = $state(false);

  #running = $state.raw<Running>();
  #noticed = $state(false);
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly backend: Backend) {}

  /** Takes what runs from a newer status. */
  show(status: Status | undefined): void {
    const running = status?.running ?? undefined;
    if (!running) return this.#end();
    if (running.action_id !== this.#running?.action_id) this.#begin(running);
    else this.#running = running;
  }

  /** Takes the data of a `progress` event. True when it is of a batch that the status has not told of yet. */
  progress(data: unknown): boolean {
    if (!isProgress(data)) return false;
    const known = this.#running?.action_id === data.action_id ? this.#running : undefined;
    if (known) this.#running = { ...known, ...data };
    else this.#begin({ ...data, kind: 'apply', since: '', by: '' });
    return !known;
  }

  /** Ends the batch before it is committed; the reason when that did not work. */
  async cancel(): Promise<BackendError | undefined> {
    const running = this.#running;
    if (!running || this.cancelling) return undefined;
    this.cancelling = true;
    try {
      await this.backend.cancel({ action_id: running.action_id });
      return undefined;
    } catch (thrown) {
      return toBackendError(thrown);
    } finally {
      this.cancelling = false;
    }
  }

  #begin(running: Running): void {
    this.#end();
    this.#running = running;
    this.#timer = setTimeout(() => (this.#noticed = true), unnoticed);
  }

  #end(): void {
    clearTimeout(this.#timer);
    this.#running = undefined;
    this.#noticed = false;
  }
}

function isProgress(data: unknown): data is Progress {
  return typeof data === 'object' && data !== null && 'action_id' in data && 'phase' in data;
}
