import { toBackendError, type Backend, type BackendError, type Connection } from '../backend/backend';
import { Refresher } from '../backend/refresher';
import type { Status } from '../backend/types';
import { statusLine } from './line';

/** The newest known state of the project, and whether it can be trusted. */
export class StatusStore {
  value = $state.raw<Status>();
  error = $state.raw<BackendError>();
  connection = $state<Connection>('connecting');

  readonly line = $derived(statusLine(this.value, this.error?.code === 'offline' ? 'lost' : this.connection));

  readonly #refresher: Refresher;

  constructor(private readonly backend: Backend) {
    this.#refresher = new Refresher(() => this.#fetch());
  }

  refresh(): Promise<void> {
    return this.#refresher.request();
  }

  async #fetch(): Promise<void> {
    try {
      this.value = await this.backend.status();
      this.error = undefined;
    } catch (thrown) {
      this.error = toBackendError(thrown);
    }
  }
}
