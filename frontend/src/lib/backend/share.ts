// Tabs of one browser share one event stream: one of them listens to the server and tells the others. Which one is
// decided by a lock that the browser keeps: it goes to another tab as soon as its holder is closed.

import type { Connection, Listener } from './backend';
import type { StreamListener } from './stream';
import type { ServerEvent } from './types';

/** Without a word from the tab that listens, not even a heartbeat, another one takes over after this many milliseconds. */
const silence = 60_000;
const lookEvery = 10_000;

/** What tabs say to each other. */
type Message = { kind: 'event'; event: ServerEvent; id: string } | { kind: 'state'; state: Connection; answer?: boolean } | { kind: 'beat' } | { kind: 'who' };

type Channel = Pick<BroadcastChannel, 'postMessage' | 'close'> & { onmessage: ((message: MessageEvent) => void) | null };

/** What sharing needs of a browser. Where something is missing, each tab listens on its own. */
export interface SharingHome {
  locks?: Pick<LockManager, 'request'>;
  openChannel?: (name: string) => Channel;
  digest?: (text: string) => Promise<string>;
  now?: () => number;
}

/** Listens to the server itself, until it is stopped or refused. */
type Run = (listener: StreamListener, lastId: string, stop: AbortSignal) => Promise<void>;

/** What this browser has for sharing. */
export function browserSharing(page: Window & typeof globalThis): SharingHome {
  const { crypto, navigator, BroadcastChannel: Opener } = page;
  if (!crypto?.subtle || !navigator.locks || !Opener) return {}; // not a secure context
  return {
    locks: navigator.locks,
    openChannel: (name) => new Opener(name),
    digest: async (text) => {
      const bytes = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
      return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    },
  };
}

/**
 * Hears the server's events through a stream that all tabs with the same token share. Returns the function that stops
 * it. The token itself is never told to anybody: a digest of it names the group of tabs.
 */
export function shareStream(home: SharingHome, token: string, listener: Listener, run: Run): () => void {
  const stop = new AbortController();
  listener.connection('connecting');
  const alone: StreamListener = { event: (event) => listener.event(event), connection: (state) => listener.connection(state), beat: () => undefined };
  const { locks, openChannel, digest } = home;
  if (!locks || !openChannel || !digest) {
    void run(alone, '', stop.signal);
    return () => stop.abort();
  }
  void digest(token).then(
    (group) => {
      if (!stop.signal.aborted) new Tab(`marain.events.${group}`, locks, openChannel, listener, run, stop.signal, home.now ?? Date.now).join();
    },
    () => void run(alone, '', stop.signal),
  );
  return () => stop.abort();
}

/** One of the tabs. */
class Tab {
  readonly #channel: Channel;
  #state: Connection = 'connecting';
  #lastId = '';
  #heard: number;
  #refused = false;
  /** Ends this tab's own listening; undefined while another one listens. */
  #leading: AbortController | undefined;

  constructor(
    private readonly name: string,
    private readonly locks: Pick<LockManager, 'request'>,
    openChannel: (name: string) => Channel,
    private readonly listener: Listener,
    private readonly run: Run,
    private readonly stop: AbortSignal,
    private readonly now: () => number,
  ) {
    this.#channel = openChannel(name);
    this.#heard = now();
  }

  join(): void {
    this.#channel.onmessage = (message) => this.#hear(message.data as Message);
    const timer = setInterval(() => this.#look(), lookEvery);
    this.stop.addEventListener('abort', () => {
      clearInterval(timer);
      this.#leading?.abort();
      this.#channel.close();
    });
    this.#queue();
    this.#say({ kind: 'who' });
  }

  /** Waits for its turn to listen. */
  #queue(): void {
    void this.locks.request(this.name, { signal: this.stop }, () => this.#lead()).catch(() => this.#lost());
  }

  /** The tab that should listen says nothing: takes its place. */
  #look(): void {
    if (this.#leading || this.#refused || this.now() - this.#heard < silence) return;
    this.#heard = this.now();
    this.#connection('lost');
    void this.locks.request(this.name, { steal: true }, () => this.#lead()).catch(() => this.#lost());
  }

  /** The lock was taken away, or nobody needs it any more. */
  #lost(): void {
    this.#leading?.abort();
    this.#leading = undefined;
    this.#heard = this.now();
    if (!this.stop.aborted) this.#queue();
  }

  async #lead(): Promise<void> {
    if (this.stop.aborted || this.#refused || this.#leading) return;
    const own = new AbortController();
    this.#leading = own;
    await this.run(
      {
        event: (event, id) => {
          this.#lastId = id;
          this.#say({ kind: 'event', event, id });
          this.listener.event(event);
        },
        connection: (state) => {
          this.#say({ kind: 'state', state });
          this.#connection(state);
        },
        beat: () => this.#say({ kind: 'beat' }),
      },
      this.#lastId,
      own.signal,
    );
    if (this.#leading === own) this.#leading = undefined;
  }

  #hear(message: Message): void {
    if (this.stop.aborted) return;
    if (message.kind === 'who') {
      if (this.#leading) this.#say({ kind: 'state', state: this.#state, answer: true });
      return;
    }
    this.#heard = this.now();
    if (this.#leading) return; // the last words of the tab that it took over from
    if (message.kind === 'event') {
      this.#lastId = message.id;
      this.listener.event(message.event);
    } else if (message.kind === 'state' && !(message.answer && message.state === this.#state)) {
      // A stream that was opened anew may have missed something, so that is news; an answer to another tab is not.
      this.#connection(message.state);
    }
  }

  #connection(state: Connection): void {
    this.#state = state;
    this.#refused ||= state === 'unauthorized';
    this.listener.connection(state);
  }

  #say(message: Message): void {
    if (!this.stop.aborted) this.#channel.postMessage(message);
  }
}
