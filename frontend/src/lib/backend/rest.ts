// The door for a browser: REST and the event stream on the same origin.

import { BackendError, readErrorBody, type Backend, type Listener } from './backend';
import { StreamParser } from './sse';
import type { TokenStore } from './token';
import type { Backups, Batch, Draft, Drift, History, HistoryRequest, Plan, ServerEvent, Status, Tombstones } from './types';

const base = '/api/v1/hot-reload/';
/** Milliseconds between attempts to reconnect: doubled each time, up to the last. */
const firstDelay = 250;
const longestDelay = 5_000;
/** The server sends something, a heartbeat at least, well within this many milliseconds. */
const silence = 45_000;

export class RestBackend implements Backend {
  constructor(
    readonly signIn: TokenStore,
    private readonly fetcher: typeof fetch = (input, init) => fetch(input, init),
  ) {}

  status = () => this.#call<Status>('GET', 'status');
  diff: Backend['diff'] = (request) => this.#call<Plan>('POST', 'diff', request);
  reload: Backend['reload'] = (request) => this.#call('POST', 'reload', request);
  rollback: Backend['rollback'] = (request) => this.#call('POST', 'rollback', request);
  cancel: Backend['cancel'] = (request) => this.#call('POST', 'cancel', request);
  reject: Backend['reject'] = (request) => this.#call('POST', 'reject', request);
  tombstones = () => this.#call<Tombstones>('GET', 'tombstones');
  purge: Backend['purge'] = (request) => this.#call('POST', 'purge', request);
  backups = () => this.#call<Backups>('GET', 'backups');
  drift = () => this.#call<Drift>('GET', 'drift');
  repair: Backend['repair'] = (request) => this.#call('POST', 'drift/repair', request);
  restoreDraft: Backend['restoreDraft'] = async (id) => {
    await this.#call('POST', 'drafts/restore', { id });
  };

  history(request: HistoryRequest): Promise<History> {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(request)) {
      if (value !== undefined && value !== '') query.set(name, String(value));
    }
    const text = query.toString();
    return this.#call('GET', text ? `history?${text}` : 'history');
  }

  batch(actionId: string, against: 'before' | 'now'): Promise<Batch> {
    const query = against === 'now' ? '?against=now' : '';
    return this.#call('GET', `history/${encodeURIComponent(actionId)}${query}`);
  }

  async drafts(): Promise<Draft[]> {
    return (await this.#call<{ items: Draft[] }>('GET', 'drafts')).items;
  }

  subscribe(listener: Listener): () => void {
    const stop = new AbortController();
    void this.#listen(listener, stop.signal);
    return () => stop.abort();
  }

  async #call<T>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<T> {
    const headers: Record<string, string> = { Authorization: `Bearer ${this.signIn.token}`, Accept: 'application/json' };
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    let response: Response;
    try {
      response = await this.fetcher(base + path, {
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
        cache: 'no-store',
        credentials: 'omit',
      });
    } catch (cause) {
      throw new BackendError('offline', cause instanceof Error ? cause.message : 'no answer');
    }
    const answer = await readJSON(response);
    if (response.ok) return answer as T;
    throw (
      readErrorBody((answer as { error?: unknown } | undefined)?.error) ??
      new BackendError(response.status === 401 ? 'unauthorized' : 'unexpected', `The server answered ${response.status}.`)
    );
  }

  async #listen(listener: Listener, stop: AbortSignal): Promise<void> {
    let lastId = '';
    let delay = firstDelay;
    listener.connection('connecting');
    while (!stop.aborted) {
      let refused = false;
      try {
        const response = await this.#openStream(lastId, stop);
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

  #openStream(lastId: string, stop: AbortSignal): Promise<Response> {
    const headers: Record<string, string> = { Authorization: `Bearer ${this.signIn.token}`, Accept: 'text/event-stream' };
    if (lastId) headers['Last-Event-ID'] = lastId;
    return this.fetcher(`${base}events`, { headers, signal: stop, cache: 'no-store', credentials: 'omit' });
  }
}

/** Reads until the stream ends or falls silent; returns the id of the last message. */
async function readStream(body: ReadableStream<Uint8Array>, lastId: string, listener: Listener): Promise<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const parser = new StreamParser();
  try {
    for (;;) {
      const { done, value } = await withDeadline(reader.read(), silence);
      if (done) return lastId;
      for (const message of parser.push(decoder.decode(value, { stream: true }))) {
        if (message.id) lastId = message.id;
        const event = readEvent(message.data);
        if (event) listener.event(event);
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

async function readJSON(response: Response): Promise<unknown> {
  const text = await response.text();
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    if (response.ok) throw new BackendError('unexpected', 'The answer could not be read.');
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
