import { SvelteMap } from 'svelte/reactivity';
import { toBackendError, type Backend, type BackendError } from '../backend/backend';
import { planIn } from '../backend/errors';
import type { ApplyResult, Batch, Plan, RollbackRequest } from '../backend/types';

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
  preview = $state.raw<Plan>();
  previewError = $state.raw<BackendError>();
  stale = $state(false);
  busy = $state(false);

  readonly answers = new SvelteMap<string, string>();
  readonly questions = $derived(this.preview?.questions ?? []);
  readonly blocked = $derived((this.preview?.files ?? []).flatMap((file) => file.blocked));
  readonly unanswered = $derived(this.questions.filter((question) => question.default === undefined && !this.answers.get(question.key)));

  // Each load has a number; an answer to an older one is not shown.
  #load = 0;
  #previewLoad = 0;
  #previewing: Promise<void> = Promise.resolve();

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
    this.answers.clear();
    this.preview = undefined;
    return this.#openPreview();
  }

  answer(key: string, value: string): Promise<void> {
    if (value === '') this.answers.delete(key);
    else this.answers.set(key, value);
    return this.#openPreview();
  }

  /** Goes the way back that the preview shows. Undefined when it did not happen. */
  async run(note = ''): Promise<ApplyResult | undefined> {
    if (this.busy) return undefined;
    this.busy = true;
    this.stale = false;
    try {
      await this.#previewing;
      if (!this.preview || this.unanswered.length > 0 || this.blocked.length > 0) return undefined;
      return await this.backend.rollback({ ...this.#request(), plan_id: this.preview.plan_id, ...(note && { note }) });
    } catch (thrown) {
      const error = toBackendError(thrown);
      this.stale = error.code === 'stale';
      if (this.stale) await this.#openPreview();
      else this.previewError = error;
      return undefined;
    } finally {
      this.busy = false;
    }
  }

  #openPreview(): Promise<void> {
    this.#previewing = this.#fetchPreview();
    return this.#previewing;
  }

  async #fetchPreview(): Promise<void> {
    const load = ++this.#previewLoad;
    this.previewError = undefined;
    if (this.way === 'undo' && !this.batch?.can_undo) {
      this.preview = undefined;
      return;
    }
    try {
      const result = await this.backend.rollback({ ...this.#request(), dry_run: true });
      if (load === this.#previewLoad) this.#show(result.plan);
    } catch (thrown) {
      if (load !== this.#previewLoad) return;
      const error = toBackendError(thrown);
      // Open questions and blocks are answered with the plan that they belong to.
      const plan = error.code === 'blocked' ? planIn(error.details) : undefined;
      this.#show(plan);
      if (!plan) this.previewError = error;
    }
  }

  #show(plan: Plan | undefined): void {
    this.preview = plan;
    for (const key of this.answers.keys()) {
      if (!plan?.questions.some((question) => question.key === key)) this.answers.delete(key);
    }
  }

  #request(): RollbackRequest {
    const answers = this.answers.size > 0 ? { answers: Object.fromEntries(this.answers) } : {};
    return this.way === 'to' ? { to: this.id, ...answers } : { action_id: this.id, ...answers };
  }

  #reset(id: string): void {
    this.id = id;
    this.against = 'before';
    this.batch = undefined;
    this.error = undefined;
    this.way = 'undo';
    this.preview = undefined;
    this.previewError = undefined;
    this.stale = false;
    this.answers.clear();
    this.#load++;
    this.#previewLoad++;
  }
}
