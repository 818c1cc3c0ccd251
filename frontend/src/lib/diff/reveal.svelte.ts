/** Schedules work for the next frame and returns what cancels it. */
export type NextFrame = (work: () => void) => () => void;

const browserFrame: NextFrame = (work) => {
  const id = requestAnimationFrame(work);
  return () => cancelAnimationFrame(id);
};

/** Lets a long list grow frame by frame, so that its first part is there at once and the page never freezes. */
export class Reveal {
  shown = $state(0);
  #cancel: (() => void) | undefined;

  constructor(
    private readonly first = 2,
    private readonly perFrame = 2,
    private readonly frame: NextFrame = browserFrame,
  ) {}

  /** Starts over with a list of this length. */
  start(length: number): void {
    this.stop();
    this.shown = Math.min(length, this.first);
    this.#grow(length);
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #grow(length: number): void {
    if (this.shown >= length) return;
    this.#cancel = this.frame(() => {
      this.shown = Math.min(length, this.shown + this.perFrame);
      this.#grow(length);
    });
  }
}
