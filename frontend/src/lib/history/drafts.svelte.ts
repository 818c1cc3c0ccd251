import { toBackendError, type Backend, type BackendError } from '../backend/backend';
import { Refresher } from '../backend/refresher';
import type { Draft } from '../backend/types';

/** Edits that a rollback or a reject replaced and that can be brought back. */
export class Drafts {
  items = $state.raw<Draft[]>([]);
  error = $state.raw<BackendError>();
  busy = $state('');
  readonly #refresher: Refresher;

  constructor(private readonly backend: Backend) {
    this.#refresher = new Refresher(() => this.#fetch());
  }

  refresh(): Promise<void> {
    return this.#refresher.request();
  }

  /** Writes the draft's text back to its file; true when it did. */
  async bringBack(id: string): Promise<boolean> {
    if (this.busy) return false;
    this.busy = id;
    try {
      await this.backend.restoreDraft(id);
      return true;
    } catch (thrown) {
      this.error = toBackendError(thrown);
      return false;
    } finally {
      await this.refresh();
      this.busy = '';
    }
  }

  async #fetch(): Promise<void> {
    try {
      this.items = await this.backend.drafts();
      this.error = undefined;
    } catch (thrown) {
      this.error = toBackendError(thrown);
    }
  }
}
