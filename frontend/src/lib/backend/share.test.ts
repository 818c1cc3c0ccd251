import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Connection } from './backend';
import { shareStream, type SharingHome } from './share';
import type { StreamListener } from './stream';
import type { ServerEvent } from './types';

type Granted = (lock: Lock | null) => unknown;

/** One lock of a browser, with a queue and with taking it away. */
class FakeLocks {
  #holder: { reject: (error: Error) => void } | undefined;
  readonly #queue: { run: Granted; resolve: (value: unknown) => void; reject: (error: Error) => void }[] = [];

  request = ((_name: string, options: LockOptions, run: Granted) =>
    new Promise((resolve, reject) => {
      const entry = { run, resolve, reject };
      options.signal?.addEventListener('abort', () => {
        const at = this.#queue.indexOf(entry);
        if (at >= 0) this.#queue.splice(at, 1);
        reject(new Error('aborted'));
      });
      if (options.steal) {
        this.#holder?.reject(new Error('taken away'));
        this.#grant(entry);
      } else {
        this.#queue.push(entry);
        this.#next();
      }
    })) as unknown as LockManager['request'];

  #next(): void {
    if (this.#holder) return;
    const entry = this.#queue.shift();
    if (entry) this.#grant(entry);
  }

  #grant(entry: { run: Granted; resolve: (value: unknown) => void; reject: (error: Error) => void }): void {
    const holder = { reject: entry.reject };
    this.#holder = holder;
    void Promise.resolve(entry.run(null)).then((value) => {
      entry.resolve(value);
      if (this.#holder !== holder) return;
      this.#holder = undefined;
      this.#next();
    });
  }
}

interface Stream {
  tab: string;
  listener: StreamListener;
  lastId: string;
  stop: AbortSignal;
  end: () => void;
}

const streams: Stream[] = [];
const channels = new Map<string, Set<{ onmessage: ((message: MessageEvent) => void) | null }>>();
let locks: FakeLocks;
let stops: (() => void)[] = [];

function tab(name: string, over: SharingHome = {}) {
  const events: number[] = [];
  const states: Connection[] = [];
  const home: SharingHome = {
    locks,
    digest: async (text) => `digest-of-${text}`,
    openChannel: (group) => {
      const others = channels.get(group) ?? new Set();
      channels.set(group, others);
      const channel = {
        onmessage: null as ((message: MessageEvent) => void) | null,
        postMessage: (data: unknown) => others.forEach((other) => other !== channel && other.onmessage?.({ data } as MessageEvent)),
        close: () => void others.delete(channel),
      };
      others.add(channel);
      return channel;
    },
    ...over,
  };
  const stop = shareStream(
    home,
    'secret',
    { event: (event) => events.push(event.seq), connection: (state) => states.push(state) },
    (listener, lastId, signal) =>
      new Promise<void>((end) => {
        streams.push({ tab: name, listener, lastId, stop: signal, end });
        signal.addEventListener('abort', () => end());
        listener.connection('open');
      }),
  );
  stops.push(stop);
  return { events, states, stop };
}

const event = (seq: number) => ({ seq, type: 'changes' }) as ServerEvent;
const settle = () => vi.advanceTimersByTimeAsync(1);
const open = () => streams.filter((stream) => !stream.stop.aborted);

beforeEach(() => {
  vi.useFakeTimers();
  streams.length = 0;
  channels.clear();
  locks = new FakeLocks();
  stops = [];
});
afterEach(() => {
  for (const stop of stops) stop();
  vi.useRealTimers();
});

test('three tabs open one stream and hear the same', async () => {
  const tabs = [tab('a'), tab('b'), tab('c')];
  await settle();
  expect(open()).toHaveLength(1);
  open()[0]?.listener.event(event(5), '5');
  expect(tabs.map((one) => one.events)).toEqual([[5], [5], [5]]);
  expect(tabs.map((one) => one.states.at(-1))).toEqual(['open', 'open', 'open']);
  expect([...channels.keys()]).toEqual(['marain.events.digest-of-secret']);
});

test('a tab that comes later learns how things are, and disturbs nobody', async () => {
  const first = tab('a');
  await settle();
  const late = tab('b');
  await settle();
  expect(late.states).toEqual(['connecting', 'open']);
  expect(first.states).toEqual(['connecting', 'open']);
});

test('when the listening tab is closed another goes on where it stopped', async () => {
  const [first, second] = [tab('a'), tab('b')];
  await settle();
  open()[0]?.listener.event(event(7), '7');
  first.stop();
  await settle();
  expect(open().map((stream) => [stream.tab, stream.lastId])).toEqual([['b', '7']]);
  expect(second.states).toEqual(['connecting', 'open', 'open']);
  open()[0]?.listener.event(event(8), '8');
  expect(second.events).toEqual([7, 8]);
  expect(first.events).toEqual([7]);
});

test('a refusal is told to all, and nobody tries again', async () => {
  const tabs = [tab('a'), tab('b')];
  await settle();
  const stream = open()[0];
  stream?.listener.connection('unauthorized');
  stream?.end();
  await settle();
  expect(tabs.map((one) => one.states.at(-1))).toEqual(['unauthorized', 'unauthorized']);
  expect(streams).toHaveLength(1);
});

test('a tab that listens and says nothing is replaced; heartbeats are enough', async () => {
  const [first, second] = [tab('a'), tab('b')];
  await settle();
  const frozen = open()[0];
  for (let minute = 0; minute < 5; minute++) {
    frozen?.listener.beat();
    await vi.advanceTimersByTimeAsync(50_000);
  }
  expect(open().map((stream) => stream.tab)).toEqual(['a']);
  await vi.advanceTimersByTimeAsync(25_000);
  expect(frozen?.stop.aborted).toBe(true);
  expect(open().map((stream) => stream.tab)).toEqual(['b']);
  expect(second.states).toEqual(['connecting', 'open', 'lost', 'open']);
  open()[0]?.listener.event(event(9), '9');
  expect(first.events).toEqual([9]); // it follows now
});

test('without locks, channels or digests each tab listens on its own', async () => {
  const tabs = [tab('a', { locks: undefined }), tab('b', { openChannel: undefined }), tab('c', { digest: async () => Promise.reject(new Error('no')) })];
  await settle();
  expect(open()).toHaveLength(3);
  for (const stream of open()) stream.listener.event(event(1), '1');
  expect(tabs.map((one) => one.events)).toEqual([[1], [1], [1]]);
  tabs[0]?.stop();
  expect(open()).toHaveLength(2);
});

test('a tab that is closed before it began never opens a stream', async () => {
  tab('a').stop();
  await settle();
  expect(streams).toHaveLength(0);
});
