import { describe, expect, test, vi } from 'vitest';
import type { Connection } from './backend';
import { BackendError } from './backend';
import { Refresher } from './refresher';
import { RestBackend } from './rest';
import { StreamParser } from './sse';
import { TokenStore, type TokenHome } from './token';
import type { ServerEvent } from './types';
import { WailsBackend, type WailsGlobals } from './wails';

function home(hash = '', stored: Record<string, string> = {}) {
  const replaceState = vi.fn();
  return {
    location: { hash, pathname: '/', search: '' },
    history: { replaceState },
    sessionStorage: {
      getItem: (key: string) => stored[key] ?? null,
      setItem: (key: string, value: string) => void (stored[key] = value),
      removeItem: (key: string) => void delete stored[key],
    },
    stored,
  } satisfies TokenHome & { stored: Record<string, string> };
}

function respond(status: number, body: unknown): Response {
  return new Response(typeof body === 'string' ? body : JSON.stringify(body), { status });
}

describe('token', () => {
  test('is taken out of the address at once and kept for the tab', () => {
    const place = home('#token=abc');
    expect(new TokenStore(place).token).toBe('abc');
    expect(place.history.replaceState).toHaveBeenCalledWith(null, '', '/');
    expect(new TokenStore(home('', place.stored)).token).toBe('abc');
  });

  test('is forgotten when it is refused', () => {
    const place = home('', { 'marain.token': 'old' });
    const store = new TokenStore(place);
    store.setToken('');
    expect(store.hasToken()).toBe(false);
    expect(place.stored).toEqual({});
  });
});

describe('rest', () => {
  const token = () => new TokenStore(home('#token=abc'));

  test('sends the token in a header and never in the address', async () => {
    const fetcher = vi.fn<typeof fetch>(async () => respond(200, { items: [], next: '' }));
    await new RestBackend(token(), fetcher).history({ status: 'failed', limit: 20, file_path: 'a b.yaml' });
    const [url, init] = fetcher.mock.calls[0]!;
    expect(url).toBe('/api/v1/hot-reload/history?status=failed&limit=20&file_path=a+b.yaml');
    expect(init?.headers).toMatchObject({ Authorization: 'Bearer abc' });
    expect(url).not.toContain('abc');
  });

  test('turns an error body into a coded error with its details', async () => {
    const fetcher = async () => respond(409, { error: { code: 'stale', message: 'changed', details: [{ plan_id: 'x' }] } });
    const error = await new RestBackend(token(), fetcher).reload({}).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(BackendError);
    expect(error).toMatchObject({ code: 'stale', message: 'changed', details: [{ plan_id: 'x' }] });
  });

  test.each([
    ['no answer', async () => Promise.reject(new TypeError('refused')), 'offline'],
    ['a proxy’s page', async () => respond(502, '<html>'), 'unexpected'],
    ['a bare 401', async () => respond(401, ''), 'unauthorized'],
    ['an answer that is not JSON', async () => respond(200, '<html>'), 'unexpected'],
  ] as [string, typeof fetch, string][])('%s has a code too', async (_, fetcher, code) => {
    await expect(new RestBackend(token(), fetcher).status()).rejects.toMatchObject({ code });
  });

  test('asks for a batch against what is live', async () => {
    const fetcher = vi.fn<typeof fetch>(async () => respond(200, {}));
    const rest = new RestBackend(token(), fetcher);
    await rest.batch('A/B', 'now');
    await rest.batch('A', 'before');
    expect(fetcher.mock.calls.map(([url]) => url)).toEqual(['/api/v1/hot-reload/history/A%2FB?against=now', '/api/v1/hot-reload/history/A']);
  });

  test('reconnects where the stream broke, and stops when it is told to', async () => {
    const streams = ['id: 7\nevent: changes\ndata: {"seq":7,"type":"changes"}\n\n', ': only a heartbeat\n\n'];
    const asked: (string | undefined)[] = [];
    const fetcher: typeof fetch = async (_, init) => {
      asked.push((init?.headers as Record<string, string>)['Last-Event-ID']);
      const text = streams.shift();
      return text === undefined ? respond(401, '') : respond(200, text);
    };
    const events: ServerEvent[] = [];
    const states: Connection[] = [];
    new RestBackend(token(), fetcher).subscribe({ event: (event) => events.push(event), connection: (state) => states.push(state) });
    await vi.waitFor(() => expect(states.at(-1)).toBe('unauthorized'), { timeout: 4_000 });
    expect(events).toEqual([{ seq: 7, type: 'changes' }]);
    expect(asked).toEqual([undefined, '7', '7']);
    expect(states).toEqual(['connecting', 'open', 'lost', 'open', 'lost', 'unauthorized']);
  });
});

describe('event stream', () => {
  const whole = ': hello\r\nretry: 1000\r\n\r\nid: 1\r\nevent: applied\r\ndata: {"a":\r\ndata: 1}\r\n\r\nid: 2\ndata: x\n\n';

  test('is the same however it is cut', () => {
    for (let size = 1; size <= whole.length; size++) {
      const parser = new StreamParser();
      const messages = [];
      for (let at = 0; at < whole.length; at += size) messages.push(...parser.push(whole.slice(at, at + size)));
      expect(messages).toEqual([
        { id: '1', event: 'applied', data: '{"a":\n1}' },
        { id: '2', event: 'message', data: 'x' },
      ]);
    }
  });

  test('keeps an unfinished message to itself', () => {
    expect(new StreamParser().push('data: half\n')).toEqual([]);
  });
});

describe('window', () => {
  function globals(app: object) {
    let send: (event: ServerEvent) => void = () => undefined;
    const stop = vi.fn();
    const fake = { go: { main: { App: app } }, runtime: { EventsOn: (_: string, callback: typeof send) => ((send = callback), stop) } };
    return { fake: fake as unknown as WailsGlobals, send: (event: Partial<ServerEvent>) => send(event as ServerEvent), stop };
  }

  test('reads a rejection’s JSON text', async () => {
    const { fake } = globals({ Reload: () => Promise.reject('{"code":"blocked","message":"a question","details":[1]}') });
    await expect(new WailsBackend(fake).reload({})).rejects.toMatchObject({ code: 'blocked', message: 'a question', details: [1] });
  });

  test('shows any other rejection as it is', async () => {
    const { fake } = globals({ Status: () => Promise.reject('it is gone') });
    await expect(new WailsBackend(fake).status()).rejects.toMatchObject({ code: 'unexpected', message: 'it is gone' });
  });

  test('passes arguments in the order of the bindings', async () => {
    const Batch = vi.fn(async () => ({}));
    const { fake } = globals({ Batch });
    await new WailsBackend(fake).batch('b1', 'now');
    expect(Batch).toHaveBeenCalledWith('b1', true);
  });

  test('hears every event, also one that another overtook, until it stops', () => {
    const { fake, send, stop } = globals({});
    const seen: number[] = [];
    const end = new WailsBackend(fake).subscribe({ event: (event) => seen.push(event.seq), connection: () => undefined });
    send({ seq: 2, type: 'progress' });
    send({ seq: 1, type: 'applied' });
    expect(seen).toEqual([2, 1]);
    end();
    expect(stop).toHaveBeenCalledOnce();
  });
});

test('a refresh during a refresh makes exactly one more', async () => {
  let runs = 0;
  let release: () => void = () => undefined;
  const refresher = new Refresher(async () => {
    runs++;
    if (runs === 1) await new Promise<void>((resolve) => (release = resolve));
  });
  const first = refresher.request();
  const second = refresher.request();
  const third = refresher.request();
  expect(refresher.outdated).toBe(true);
  release();
  await Promise.all([first, second, third]);
  expect(runs).toBe(2);
  expect(refresher.outdated).toBe(false);
});
