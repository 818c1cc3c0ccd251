import { toBackendError, type Backend, type BackendError } from '../backend/backend';
import { Refresher } from '../backend/refresher';
import type { Backup, Backups, PurgeRequest, PurgeResult, Tombstone, Tombstones } from '../backend/types';

export type Shelf = 'tombstones' | 'backups';

/** What lies beside the live tables: what is out of use with its values inside, and the backups. */
export class Storage {
  tombstones = $state.raw<Tombstones>();
  backups = $state.raw<Backups>();
  error = $state.raw<BackendError>();
  shelf = $state<Shelf>('tombstones');

  readonly items = $derived(this.tombstones?.items ?? []);
  readonly copies = $derived(this.backups?.items ?? []);
  readonly tombstone: Tombstone | undefined = $derived(this.items.find((item) => item.id === this.#wanted.tombstones) ?? this.items[0]);
  readonly backup: Backup | undefined = $derived(this.copies.find((item) => item.name === this.#wanted.backups) ?? this.copies[0]);

  #wanted = $state({ tombstones: '', backups: '' });
  readonly #refresher: Refresher;

  constructor(private readonly backend: Backend) {
    this.#refresher = new Refresher(() => this.#fetch());
  }

  refresh(): Promise<void> {
    return this.#refresher.request();
  }

  select(id: string): void {
    this.#wanted[this.shelf] = id;
  }

  /** Moves the selection by a number of rows. */
  move(by: number): void {
    const ids = this.shelf === 'tombstones' ? this.items.map((item) => item.id) : this.copies.map((item) => item.name);
    const at = ids.indexOf((this.shelf === 'tombstones' ? this.tombstone?.id : this.backup?.name) ?? '');
    const next = ids[Math.max(0, Math.min(ids.length - 1, at + by))];
    if (next !== undefined) this.select(next);
  }

  /** Other things out of use that lie inside one, and go with it. */
  inside(tombstone: Tombstone): Tombstone[] {
    return this.items.filter((item) => tombstone.inside.includes(item.id));
  }

  async #fetch(): Promise<void> {
    try {
      const [tombstones, backups] = await Promise.all([this.backend.tombstones(), this.backend.backups()]);
      this.tombstones = tombstones;
      this.backups = backups;
      this.error = undefined;
    } catch (thrown) {
      this.error = toBackendError(thrown);
    }
  }
}

/**
 * Destroying what is out of use: the one act that nothing can take back. It is looked at first, and what was looked at
 * must be typed before it can be done.
 */
export class Purge {
  /** What would be destroyed; undefined while nobody asks, and while it is being worked out. */
  preview = $state.raw<PurgeResult>();
  open = $state(false);
  typed = $state('');
  note = $state('');
  busy = $state(false);
  error = $state.raw<BackendError>();

  readonly confirmed = $derived(this.preview !== undefined && this.preview.purged.length > 0 && this.typed.trim() === this.preview.confirm);

  #what: PurgeRequest = {};

  constructor(private readonly backend: Backend) {}

  /** Asks what a purge would destroy; nothing is destroyed. */
  async ask(what: PurgeRequest): Promise<void> {
    this.#what = what;
    this.open = true;
    this.preview = undefined;
    this.typed = '';
    this.note = '';
    this.error = undefined;
    try {
      const preview = await this.backend.purge({ ...what, dry_run: true });
      if (this.#what === what) this.preview = preview;
    } catch (thrown) {
      if (this.#what === what) this.error = toBackendError(thrown);
    }
  }

  close(): void {
    if (this.busy) return;
    this.#what = {};
    this.open = false;
  }

  /** Destroys it; undefined when that did not happen. */
  async run(): Promise<PurgeResult | undefined> {
    if (!this.confirmed || this.busy || !this.preview) return undefined;
    this.busy = true;
    this.error = undefined;
    try {
      const note = this.note.trim();
      const result = await this.backend.purge({ ...this.#what, confirm: this.preview.confirm, ...(note && { note }) });
      this.open = false;
      return result;
    } catch (thrown) {
      this.error = toBackendError(thrown);
      return undefined;
    } finally {
      this.busy = false;
    }
  }
}
