import { SvelteSet } from 'svelte/reactivity';
import { toBackendError, type Backend, type BackendError } from '../backend/backend';
import { Refresher } from '../backend/refresher';
import type { Adoption, ApplyResult, Drift, DriftDifference } from '../backend/types';
import { Preview } from '../review/preview.svelte';

/** How tables and files become equal again: the tables follow the files, or the files follow the tables. */
export type Mend = 'repair' | 'adopt';

/** A file whose tables differ from it. */
export interface Differing {
  path: string;
  differences: DriftDifference[];
  adoption: Adoption | undefined;
}

/** The row of the list for what no file mentions. */
export const unmanagedKey = '';

/** Where live tables and applied files differ, and both ways to mend it. */
export class DriftView {
  value = $state.raw<Drift>();
  error = $state.raw<BackendError>();
  mend = $state<Mend>('repair');
  /** Optional edits that an adoption takes along: they make fields of unmanaged columns. */
  readonly taken = new SvelteSet<string>();
  readonly preview = new Preview();

  #wanted = $state<string>();

  readonly files: Differing[] = $derived(this.#byFile());
  readonly unmanaged = $derived(this.#countUnmanaged());
  /** The rows of the list: paths, and {@link unmanagedKey} last. */
  readonly rows = $derived([...this.files.map((file) => file.path), ...(this.unmanaged > 0 ? [unmanagedKey] : [])]);
  readonly selected = $derived(this.rows.find((row) => row === this.#wanted) ?? this.rows[0]);
  readonly file = $derived(this.files.find((file) => file.path === this.selected));

  #onScreen = false;
  readonly #refresher: Refresher;

  constructor(private readonly backend: Backend) {
    this.#refresher = new Refresher(() => this.#fetch());
  }

  /** Looks at the live tables anew. What is selected and answered survives. */
  refresh(): Promise<void> {
    return this.#refresher.request();
  }

  enter(): Promise<void> {
    this.#onScreen = true;
    return this.refresh();
  }

  leave(): void {
    this.#onScreen = false;
  }

  /** Whether it is worth keeping up to date. */
  get onScreen(): boolean {
    return this.#onScreen;
  }

  select(row: string): Promise<void> {
    if (row === this.selected) return Promise.resolve();
    this.#wanted = row;
    this.mend = 'repair';
    this.taken.clear();
    return this.#openPreview(true);
  }

  move(by: number): void {
    const at = this.rows.indexOf(this.selected ?? '');
    const next = this.rows[Math.max(0, Math.min(this.rows.length - 1, at + by))];
    if (next !== undefined) void this.select(next);
  }

  choose(mend: Mend): Promise<void> {
    this.mend = mend;
    return this.#openPreview(true);
  }

  /** Takes an optional edit along, or leaves it out. */
  take(key: string, wanted: boolean): Promise<void> {
    if (wanted) this.taken.add(key);
    else this.taken.delete(key);
    return this.#openPreview(true);
  }

  /** The key of the edit by which a file would mention an unmanaged column or index; undefined when none could. */
  editFor(table: string, name: string): string | undefined {
    const key = `${table}.${name}`;
    return this.value?.adopt.some((one) => one.edits.some((edit) => edit.optional && edit.key === key)) ? key : undefined;
  }

  /** Mends the selected file the way that is shown. */
  async run(note: string): Promise<ApplyResult | undefined> {
    const result = await this.preview.run(note);
    if (result) {
      this.taken.clear();
      this.preview.clear();
    }
    return result;
  }

  async #fetch(): Promise<void> {
    try {
      this.value = await this.backend.drift();
      this.error = undefined;
      await this.#openPreview(false);
    } catch (thrown) {
      this.error = toBackendError(thrown);
    }
  }

  async #openPreview(afresh: boolean): Promise<void> {
    const file = this.file;
    if (afresh) this.preview.clear();
    if (!file && !(this.selected === unmanagedKey && this.taken.size > 0)) {
      this.preview.clear();
      return;
    }
    const keys = [...this.taken];
    if (file && this.mend === 'repair') await this.preview.open((step) => this.backend.repair({ files: [file.path], ...step }));
    else await this.preview.open((step) => this.backend.adopt({ ...(file && { files: [file.path] }), ...(keys.length > 0 && { keys }), ...step }));
  }

  #countUnmanaged(): number {
    const { tables = [], columns = [], objects = [] } = this.value?.unmanaged ?? {};
    return tables.length + columns.length + objects.length;
  }

  #byFile(): Differing[] {
    const adopt = this.value?.adopt ?? [];
    const files = new Map<string, Differing>();
    for (const difference of this.value?.differences ?? []) {
      const path = difference.file_path;
      const file = files.get(path) ?? { path, differences: [], adoption: adopt.find((one) => one.file_path === path) };
      file.differences.push(difference);
      files.set(path, file);
    }
    return [...files.values()];
  }
}
