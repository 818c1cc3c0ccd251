// The door for a browser: REST and the event stream on the same origin.

import { BackendError, readErrorBody, type Backend, type Listener } from './backend';
import { shareStream, type SharingHome } from './share';
import { runStream } from './stream';
import type { TokenStore } from './token';
import type { Backups, Batch, Draft, Drift, History, HistoryRequest, Plan, Status, Tombstones } from './types';

const base = '/api/v1/hot-reload/';

export class RestBackend implements Backend {
  constructor(
    readonly signIn: TokenStore,
    private readonly fetcher: typeof fetch = (input, init) => fetch(input, init),
    private readonly home: SharingHome = {},
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
  adopt: Backend['adopt'] = (request) => this.#call('POST', 'drift/adopt', request);
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

  /** Tabs with the same token share one stream: a browser opens six connections to one host, and no more. */
  subscribe(listener: Listener): () => void {
    return shareStream(this.home, this.signIn.token, listener, (own, lastId, stop) => runStream((id) => this.#openStream(id, stop), own, lastId, stop));
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

  #openStream(lastId: string, stop: AbortSignal): Promise<Response> {
    const headers: Record<string, string> = { Authorization: `Bearer ${this.signIn.token}`, Accept: 'text/event-stream' };
    if (lastId) headers['Last-Event-ID'] = lastId;
    return this.fetcher(`${base}events`, { headers, signal: stop, cache: 'no-store', credentials: 'omit' });
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
