import type { BackendError } from '../backend/backend';
import { explain, tell, type Severity } from '../backend/errors';

export interface Notice {
  id: number;
  severity: Severity | 'success';
  title: string;
  text: string;
  action?: { label: string; run: () => void };
}

/** Short messages about what just happened. Good news leaves by itself; bad news stays until it is dismissed. */
export class Notices {
  items = $state.raw<Notice[]>([]);
  #next = 1;
  readonly #timers = new Map<number, ReturnType<typeof setTimeout>>();

  /** `lifetime` is how many milliseconds good news stays. */
  constructor(private readonly lifetime = 9_000) {}

  success(title: string, text = '', action?: Notice['action']): void {
    const notice = this.#add({ severity: 'success', title, text, action });
    this.resume(notice.id);
  }

  warn(title: string, text = ''): void {
    this.#add({ severity: 'warning', title, text });
  }

  error(error: BackendError): void {
    const said = explain(error);
    this.#add({ severity: said.severity, title: said.title, text: tell(error) });
  }

  dismiss(id: number): void {
    this.pause(id);
    this.items = this.items.filter((notice) => notice.id !== id);
  }

  /** Keeps good news while somebody points at it or has the focus in it. */
  pause(id: number): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
  }

  resume(id: number): void {
    const notice = this.items.find((candidate) => candidate.id === id);
    if (notice?.severity !== 'success' || this.#timers.has(id)) return;
    this.#timers.set(id, setTimeout(() => this.dismiss(id), this.lifetime));
  }

  #add(notice: Omit<Notice, 'id'>): Notice {
    const added = { ...notice, id: this.#next++ };
    // The same message twice is one message, only the newest good news is news, and more than three cover the page.
    const others = this.items.filter(
      (item) => (item.title !== added.title || item.text !== added.text) && !(item.severity === 'success' && added.severity === 'success'),
    );
    this.items = [...others, added].slice(-3);
    return added;
  }
}
