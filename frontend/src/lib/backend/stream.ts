// One event stream over a connection that breaks: it is opened again where it broke.

import type { Listener } from './backend';
import { StreamParser } from './sse';
import type { ServerEvent } from './types';

/** Milliseconds between attempts to reconnect: doubled each time, up to the last. */
const firstDelay = 250;
const longestDelay = 5_000;
/** The server sends something, a heartbeat at least, well within this many milliseconds. */
const silence = 45_000;

/** Hears events with their ids, and every sign of life. */
export interface StreamListener {
  event(event: ServerEvent, id: string): void;
  connection: Listener['connection'];
  /** Something arrived, a heartbeat at least. */
  beat(): void;
}

/** Listens until it is stopped or refused. `lastId` is the last event that was heard before, or empty. */
export async function runStream(open: (lastId: string) => Promise<Response>, listener: StreamListener, lastId: string, stop: AbortSignal): Promise<void> {
  let delay = firstDelay;
  while (!stop.aborted) {
    let refused = false;
    try {
      const response = await open(lastId);
      if (response.ok && response.body) {
        listener.connection('open');
        delay = firstDelay;
        lastId = await readStream(response.body, lastId, listener);
      } else {
        refused = response.status === 401;
      }
    } catch {
      // The connection broke or the server is away. Both end in the same way: say so and try again.
    }
    if (stop.aborted) return;
    listener.connection(refused ? 'unauthorized' : 'lost');
    if (refused) return; // a new subscription starts when somebody signs in
    await pause(delay, stop);
    delay = Math.min(delay * 2, longestDelay);
  }
}

/** Reads until the stream ends or falls silent; returns the id of the last message. */
async function readStream(body: ReadableStream<Uint8Array>, lastId: string, listener: StreamListener): Promise<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const parser = new StreamParser();
  try {
    for (;;) {
      const { done, value } = await withDeadline(reader.read(), silence);
      if (done) return lastId;
      listener.beat();
      for (const message of parser.push(decoder.decode(value, { stream: true }))) {
        if (message.id) lastId = message.id;
        const event = readEvent(message.data);
        if (event) listener.event(event, lastId);
      }
    }
  } catch {
    return lastId; // broken or silent: the caller reconnects from here
  } finally {
    void reader.cancel().catch(() => undefined);
  }
}

function readEvent(data: string): ServerEvent | undefined {
  try {
    const event = JSON.parse(data) as ServerEvent;
    return typeof event.type === 'string' ? event : undefined;
  } catch {
    return undefined;
  }
}

function withDeadline<T>(work: Promise<T>, milliseconds: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('silent')), milliseconds);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

function pause(milliseconds: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    stop.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
  });
}
