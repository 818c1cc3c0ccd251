import { SvelteMap, SvelteSet } from 'svelte/reactivity';
import { toBackendError, type Backend, type BackendError } from '../backend/backend';
import { Refresher } from '../backend/refresher';
import { keepHunks } from '../diff/same';
import type { ApplyResult, Plan, PlanFile, Problem, Question, RejectResult, Status } from '../backend/types';

/** One line of the list: a file that waits, one that is invalid, or one that is held. */
export interface Entry {
  /** `waiting:schemas/article.schema.yaml`; stays the same while the file stays in that section. */
  key: string;
  section: 'waiting' | 'invalid' | 'held';
  path: string;
  file?: PlanFile;
  problems?: Problem[];
  held?: Status['held_files'][number];
}

/**
 * The review of what waits. Two plans are kept: `full` holds every file that waits and is what the list shows; `plan` is
 * the one on screen that Approve applies, with the files that were left out taken out and the answers put in.
 */
export class Changes {
  full = $state.raw<Plan>();
  plan = $state.raw<Plan>();
  status = $state.raw<Status>();
  /** Why the plan could not be fetched; gone once it could. */
  error = $state.raw<BackendError>();
  /** Why the last approval or rejection did not happen. */
  refusal = $state.raw<BackendError>();
  note = $state('');
  busy = $state<'' | 'approve' | 'reject' | 'reload'>('');
  /** The last approval met another state than the plan was made from; the plan on screen is the new one. */
  stale = $state(false);

  readonly leftOut = new SvelteSet<string>();
  readonly answers = new SvelteMap<string, string>();

  #wanted = $state('');
  #confirmedPlan = $state('');
  #answered = $state.raw('');
  readonly #refresher: Refresher;

  readonly waiting = $derived((this.full?.files ?? []).filter((file) => !file.held));
  readonly included = $derived(this.waiting.filter((file) => !this.leftOut.has(file.file_path)).map((file) => file.file_path));
  readonly entries = $derived(this.#listEntries());
  readonly selected = $derived(this.entries.find((entry) => entry.key === this.#wanted) ?? this.entries[0]);
  /** Whether the selected file is the only one of several that is in the plan. */
  readonly alone = $derived(
    this.waiting.length > 1 && this.selected?.section === 'waiting' && this.included.length === 1 && this.included[0] === this.selected.path,
  );
  /** Files that Approve and Reject speak of: those of the plan on screen. */
  readonly subject = $derived((this.plan?.files ?? []).map((file) => file.file_path));
  readonly questions = $derived(this.plan?.questions ?? []);
  readonly unanswered = $derived(this.questions.filter((question) => question.default === undefined && !this.answers.get(question.key)));
  readonly blocked = $derived((this.plan?.files ?? []).flatMap((file) => file.blocked));
  /** Where to look for what stands in the way; empty when the file on screen shows it, or nothing does. */
  readonly obstacleAt = $derived.by(() => {
    const path = this.unanswered[0]?.file_path ?? this.blocked[0]?.file_path ?? '';
    return this.selected?.section !== 'invalid' && this.selected?.path === path ? '' : path;
  });
  readonly confirmed = $derived(this.plan !== undefined && this.#confirmedPlan === this.plan.plan_id);
  /** Whether the plan on screen is the one for the files and answers chosen now. */
  readonly settled = $derived(this.#answered === this.#currentRequest());
  /** Why Approve cannot be pressed, as a sentence; empty when it can. */
  readonly obstacle = $derived(this.#findObstacle());

  constructor(private readonly backend: Backend) {
    this.#refresher = new Refresher(() => this.#fetch());
  }

  /** Fetches the plan anew. Selection, note, answers and what was left out survive it. */
  refresh(): Promise<void> {
    return this.#refresher.request();
  }

  /** Takes the invalid and the held files from a newer status. */
  show(status: Status | undefined): void {
    this.status = status;
    // A held file that came or went can change what is selected, and so what the plan is for.
    if (this.full && !this.settled) void this.refresh();
  }

  select(key: string): void {
    const before = this.selected;
    this.#wanted = key;
    if (before?.section === 'held' || this.selected?.section === 'held') void this.refresh();
  }

  /** Moves the selection by a number of lines and returns the new one. */
  move(by: number): Entry | undefined {
    const at = this.entries.findIndex((entry) => entry.key === this.selected?.key);
    const next = this.entries[Math.max(0, Math.min(this.entries.length - 1, at + by))];
    if (next) this.select(next.key);
    return next;
  }

  include(path: string, wanted: boolean): void {
    if (wanted) this.leftOut.delete(path);
    else this.leftOut.add(path);
    void this.refresh();
  }

  /** Takes every file that waits into the plan, or leaves all of them out. */
  includeAll(wanted: boolean): void {
    this.leftOut.clear();
    if (!wanted) for (const file of this.waiting) this.leftOut.add(file.file_path);
    void this.refresh();
  }

  /** Leaves out every file but one. */
  includeOnly(path: string): void {
    if (!this.waiting.some((file) => file.file_path === path)) return;
    for (const file of this.waiting) this.leftOut.add(file.file_path);
    this.include(path, true);
  }

  /** Takes the selected file into the plan or leaves it out; nothing when there is nothing to choose. */
  toggle(): void {
    const entry = this.selected;
    if (entry?.section === 'waiting' && this.waiting.length > 1) this.include(entry.path, this.leftOut.has(entry.path));
  }

  /** Leaves out every file but the selected one, or takes all of them in again. */
  toggleOnly(): void {
    if (this.alone) this.includeAll(true);
    else if (this.selected?.section === 'waiting') this.includeOnly(this.selected.path);
  }

  /** Selects the file that stands in the way of an approval: with an open question, or with a change that cannot be. */
  showObstacle(): void {
    const path = this.unanswered[0]?.file_path ?? this.blocked[0]?.file_path;
    const entry = this.entries.find((candidate) => candidate.section !== 'invalid' && candidate.path === path);
    if (entry) this.select(entry.key);
  }

  answer(key: string, value: string): void {
    if (value === '') this.answers.delete(key);
    else this.answers.set(key, value);
    void this.refresh();
  }

  /** The second word that a breaking plan needs. It holds for the plan on screen only. */
  confirm(yes: boolean): void {
    this.#confirmedPlan = yes ? (this.plan?.plan_id ?? '') : '';
  }

  /** Applies the plan on screen; undefined when it did not happen, with the reason in `refusal` or `stale`. */
  async approve(): Promise<ApplyResult | undefined> {
    const plan = this.plan;
    if (!plan || this.obstacle !== '' || this.busy !== '') return undefined;
    return this.#act('approve', async () => {
      const result = await this.backend.reload({
        plan_id: plan.plan_id,
        approve: plan.category,
        note: this.note.trim(),
        ...this.#answersOf(plan),
        ...(this.#isPart() && { files: plan.files.map((file) => file.file_path) }),
      });
      if (result.failed.length === 0) this.#forget();
      return result;
    });
  }

  /** Holds the files of the plan back, or puts their applied text back. */
  async reject(restore: boolean): Promise<RejectResult | undefined> {
    const files = this.subject;
    if (files.length === 0 || this.busy !== '') return undefined;
    return this.#act('reject', async () => {
      const result = await this.backend.reject({ files, restore, note: this.note.trim() });
      this.#forget();
      return result;
    });
  }

  /** Reads the files again without applying anything; false when that did not work. */
  async reload(): Promise<boolean> {
    if (this.busy !== '') return false;
    this.busy = 'reload';
    try {
      await this.refresh(); // making a plan reads every file anew, and that is all that is wanted here
      return this.error === undefined;
    } finally {
      this.busy = '';
    }
  }

  async #act<T>(what: 'approve' | 'reject', work: () => Promise<T>): Promise<T | undefined> {
    this.busy = what;
    this.refusal = undefined;
    this.stale = false;
    try {
      return await work();
    } catch (thrown) {
      const error = toBackendError(thrown);
      if (error.code === 'stale') this.stale = true;
      else this.refusal = error;
      return undefined;
    } finally {
      await this.refresh();
      this.busy = '';
    }
  }

  #forget(): void {
    this.note = '';
    this.answers.clear();
    this.leftOut.clear();
    this.#confirmedPlan = '';
  }

  async #fetch(): Promise<void> {
    const request = this.#currentRequest();
    try {
      const full = keepHunks(this.full, await this.backend.diff(this.#answersOf()));
      this.#keepPlace(full);
      this.full = full;
      if (this.#wanted === '' && this.selected) this.#wanted = this.selected.key;
      for (const path of this.leftOut) if (!full.files.some((file) => file.file_path === path)) this.leftOut.delete(path);
      const plan = keepHunks(this.plan, await this.#fetchPlan(full));
      if (request !== this.#currentRequest()) {
        void this.refresh(); // something was chosen meanwhile: this plan is for the choice before
        return;
      }
      this.plan = plan;
      this.#forgetAnswers([...full.questions, ...plan.questions]);
      this.#answered = this.#currentRequest();
      this.error = undefined;
    } catch (thrown) {
      this.error = toBackendError(thrown);
    }
  }

  async #fetchPlan(full: Plan): Promise<Plan> {
    if (this.selected?.section === 'held') return this.backend.diff({ files: [this.selected.path], ...this.#answersOf() });
    if (this.included.length === 0) return { ...full, files: [], questions: [] };
    return this.#isPart() ? this.backend.diff({ files: this.included, ...this.#answersOf() }) : full;
  }

  /** The answers given so far; with a plan only those to its own questions: others are refused. */
  #answersOf(plan?: Plan): { answers?: Record<string, string> } {
    const given = [...this.answers].filter(([key]) => !plan || plan.questions.some((question) => question.key === key));
    return given.length > 0 ? { answers: Object.fromEntries(given) } : {};
  }

  /** What the plan depends on, apart from the files themselves. */
  #currentRequest(): string {
    const held = this.selected?.section === 'held' ? this.selected.path : '';
    return JSON.stringify([held, held ? [] : [...this.leftOut].sort(), [...this.answers].sort()]);
  }

  /** Whether the plan on screen is for less, or other, than everything that waits. */
  #isPart(): boolean {
    return this.selected?.section === 'held' || this.included.length !== (this.full?.files.length ?? 0);
  }

  /** When the selected file is gone, the one that takes its place in the list is selected. */
  #keepPlace(next: Plan): void {
    const entry = this.selected;
    if (entry?.section !== 'waiting') return;
    if (next.files.some((file) => file.file_path === entry.path)) return;
    const at = this.waiting.findIndex((file) => file.file_path === entry.path);
    const remaining = next.files.filter((file) => !file.held);
    const neighbour = remaining[Math.min(at, remaining.length - 1)];
    this.#wanted = neighbour ? `waiting:${neighbour.file_path}` : '';
  }

  /** An answer to a question that nobody asks would be refused. */
  #forgetAnswers(asked: Question[]): void {
    for (const key of this.answers.keys()) if (!asked.some((question) => question.key === key)) this.answers.delete(key);
  }

  #listEntries(): Entry[] {
    const problems = new Map<string, Problem[]>();
    for (const problem of this.status?.invalid_files ?? []) {
      problems.set(problem.file_path, [...(problems.get(problem.file_path) ?? []), problem]);
    }
    const planned = new Map((this.plan?.files ?? []).map((file) => [file.file_path, file]));
    return [
      ...this.waiting.map((file): Entry => {
        const path = file.file_path;
        return { key: `waiting:${path}`, section: 'waiting', path, file: planned.get(path) ?? file };
      }),
      ...[...problems].map(([path, list]): Entry => ({ key: `invalid:${path}`, section: 'invalid', path, problems: list })),
      ...(this.status?.held_files ?? []).map((held): Entry => {
        const path = held.file_path;
        return { key: `held:${path}`, section: 'held', path, held, file: planned.get(path) };
      }),
    ];
  }

  #findObstacle(): string {
    if (!this.plan) return 'The plan is being made.';
    if (this.plan.files.length === 0) return this.waiting.length > 0 ? 'Choose at least one file.' : 'Nothing waits.';
    if (!this.settled) return 'The plan is being made.';
    if (this.unanswered.length > 0) return this.unanswered.length > 1 ? `Answer the ${this.unanswered.length} open questions first.` : 'Answer the open question first.';
    if (this.plan.rehearsal.state === 'failed') return 'Not while the rehearsal fails.';
    if (this.blocked.length > 0) return 'A change cannot be applied as it stands.';
    if (this.plan.category === 'breaking' && !this.confirmed) return 'Tick the box above to go on.';
    return '';
  }
}
