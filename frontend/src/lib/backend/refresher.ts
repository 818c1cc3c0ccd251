/**
 * Runs a fetch again and again, never two at a time. A request during a run makes exactly one more run after it, so the
 * last result always began after the last request: an older answer can never overwrite a newer one.
 */
export class Refresher {
  #running: Promise<void> | undefined;
  #again = false;

  constructor(private readonly run: () => Promise<void>) {}

  /** Whether another run follows the present one; what the present one brings is then already old. */
  get outdated(): boolean {
    return this.#again;
  }

  /** Resolves when nothing is left to fetch. `run` must handle its own errors. */
  request(): Promise<void> {
    if (this.#running) {
      this.#again = true;
      return this.#running;
    }
    this.#running = this.#loop().finally(() => (this.#running = undefined));
    return this.#running;
  }

  async #loop(): Promise<void> {
    do {
      this.#again = false;
      await this.run();
    } while (this.#again);
  }
}
