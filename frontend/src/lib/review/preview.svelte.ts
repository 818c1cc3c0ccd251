import { SvelteMap } from 'svelte/reactivity';
import { toBackendError, type BackendError } from '../backend/backend';
import { planIn } from '../backend/errors';
import type { ApplyResult, Plan } from '../backend/types';

/** What a preview adds to the request that it is about. */
export interface Step {
  dry_run?: boolean;
  plan_id?: string;
  answers?: Record<string, string>;
  note?: string;
}

/** Asks for the plan, or carries it out: a rollback, a repair or an adoption. */
export type Send = (step: Step) => Promise<ApplyResult>;

/**
 * Something that can be done at one press, with what it would do worked out beforehand: its plan, what it asks, and what
 * stands in its way. What is carried out is exactly the plan that was shown.
 */
export class Preview {
  plan = $state.raw<Plan>();
  error = $state.raw<BackendError>();
  /** What the plan was made from changed; the plan on screen is the new one, and nothing was done. */
  stale = $state(false);
  busy = $state(false);

  readonly answers = new SvelteMap<string, string>();
  readonly questions = $derived(this.plan?.questions ?? []);
  readonly blocked = $derived((this.plan?.files ?? []).flatMap((file) => file.blocked));
  readonly unanswered = $derived(this.questions.filter((question) => question.default === undefined && !this.answers.get(question.key)));
  /** Whether it is known that there is nothing to do. */
  readonly nothing = $derived(this.plan !== undefined && this.plan.files.length === 0);
  /** Why it cannot be done, as a sentence; empty when it can, and while that is not known yet. */
  readonly obstacle = $derived(this.#findObstacle());

  #send: Send | undefined;
  // Each load has a number; an answer to an older one is not shown.
  #load = 0;
  #loading: Promise<void> = Promise.resolve();

  /** Works out what a request would do. Answers that nobody asks for any more are forgotten. */
  open(send: Send): Promise<void> {
    this.#send = send;
    this.#loading = this.#fetch(send);
    return this.#loading;
  }

  answer(key: string, value: string): Promise<void> {
    if (value === '') this.answers.delete(key);
    else this.answers.set(key, value);
    return this.#send ? this.open(this.#send) : Promise.resolve();
  }

  /** Forgets the plan, and with `answers` what was answered. */
  clear(answers = true): void {
    this.#load++;
    this.#send = undefined;
    this.plan = undefined;
    this.error = undefined;
    this.stale = false;
    if (answers) this.answers.clear();
  }

  /** Does what the plan shows. Undefined when it did not happen, with the reason in `error`, `stale` or `obstacle`. */
  async run(note = ''): Promise<ApplyResult | undefined> {
    if (this.busy) return undefined;
    this.busy = true;
    this.stale = false;
    try {
      await this.#loading;
      if (!this.#send || !this.plan || this.obstacle !== '') return undefined;
      return await this.#send({ ...this.#given(), plan_id: this.plan.plan_id, ...(note && { note }) });
    } catch (thrown) {
      const error = toBackendError(thrown);
      this.stale = error.code === 'stale';
      if (this.stale && this.#send) await this.open(this.#send);
      else this.error = error;
      return undefined;
    } finally {
      this.busy = false;
    }
  }

  async #fetch(send: Send): Promise<void> {
    const load = ++this.#load;
    this.error = undefined;
    try {
      const result = await send({ ...this.#given(), dry_run: true });
      if (load === this.#load) this.#show(result.plan);
    } catch (thrown) {
      if (load !== this.#load) return;
      const error = toBackendError(thrown);
      // Open questions and blocks are answered with the plan that they belong to.
      const plan = error.code === 'blocked' ? planIn(error.details) : undefined;
      this.#show(plan);
      if (!plan) this.error = error;
    }
  }

  #show(plan: Plan | undefined): void {
    this.plan = plan;
    for (const key of this.answers.keys()) {
      if (!plan?.questions.some((question) => question.key === key)) this.answers.delete(key);
    }
  }

  #given(): { answers?: Record<string, string> } {
    return this.answers.size > 0 ? { answers: Object.fromEntries(this.answers) } : {};
  }

  #findObstacle(): string {
    if (this.error) return this.error.message;
    if (this.nothing) return 'There is nothing to do.';
    if (this.unanswered.length > 0) return this.unanswered.length > 1 ? `Answer the ${this.unanswered.length} open questions first.` : 'Answer the open question first.';
    if (this.plan?.rehearsal.state === 'failed') return 'Not while the rehearsal fails.';
    if (this.blocked.length > 0) return 'It cannot be done as things are.';
    return '';
  }
}
