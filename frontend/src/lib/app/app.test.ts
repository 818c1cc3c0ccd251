import { beforeEach, describe, expect, test, vi } from 'vitest';
import { BackendError } from '../backend/backend';
import { FakeBackend, makeBatch, makeDrift, makeFile, makePlan, makeStatus } from '../backend/fake';
import type { ProjectState } from '../backend/types';
import { App } from './app.svelte';

let backend: FakeBackend;
let app: App;

beforeEach(async () => {
  backend = new FakeBackend();
  backend.files = [makeFile('schemas/a.schema.yaml')];
  backend.batches = [makeBatch('b1')];
  backend.previewPlan = makePlan([makeFile('schemas/a.schema.yaml')]);
  app = new App(backend);
  await app.start();
});

const counts = () => ({ status: backend.callsOf('status').length, diff: backend.callsOf('diff').length, history: backend.callsOf('history').length });

describe('events', () => {
  test('what waits is fetched again on a change, history is not', async () => {
    const before = counts();
    backend.emit('changes', 10);
    await app.status.refresh();
    expect(counts().status).toBeGreaterThan(before.status);
    expect(counts().diff).toBeGreaterThan(before.diff);
    expect(counts().history).toBe(before.history);
  });

  test.each(['applied', 'rolled_back', 'failed', 'rejected', 'reset'] as const)('%s fetches everything again', async (type) => {
    const before = counts();
    backend.emit(type, 11);
    await vi.waitFor(() => expect(counts().history).toBeGreaterThan(before.history));
    expect(counts().status).toBeGreaterThan(before.status);
  });

  test('progress alone fetches nothing, unless numbers are missing before it', async () => {
    backend.emit('changes', 20);
    await vi.waitFor(() => expect(backend.callsOf('status').length).toBeGreaterThan(1));
    const before = counts();
    backend.emit('progress', 21);
    expect(counts()).toEqual(before);
    backend.emit('progress', 25);
    await vi.waitFor(() => expect(counts().history).toBeGreaterThan(before.history));
  });

  test('a new connection fetches what happened while nobody listened', async () => {
    backend.listener?.connection('lost');
    expect(app.status.line.headline).toBe('Reconnecting…');
    backend.statusValue = makeStatus({ snapshot_version: 9 });
    backend.listener?.connection('open');
    await vi.waitFor(() => expect(app.status.value?.snapshot_version).toBe(9));
    expect(app.status.line.headline).toBe('In sync');
  });
});

describe('results', () => {
  test('an apply is announced with a way back that takes it back', async () => {
    await app.approve();
    const notice = app.notices.items[0];
    expect(notice).toMatchObject({ severity: 'success', title: 'Applied in 3 ms: 1 file', action: { label: 'Take it back' } });
    notice?.action?.run();
    await vi.waitFor(() => expect(app.notices.items.at(-1)?.title).toBe('Rolled back in 3 ms: 1 file'));
    expect(backend.callsOf('rollback').at(-1)?.request).toEqual({ action_id: 'applied-1' });
  });

  test('an apply that applied nothing is not announced as one', async () => {
    backend.reload = async () => ({ action_id: '', applied: [], pending: ['schemas/a.schema.yaml'], failed: [], duration_ms: 3 });
    await app.approve();
    expect(app.notices.items.map((item) => [item.severity, item.title])).toEqual([['warning', 'Nothing was applied']]);
  });

  test('a way back that must ask first opens the batch', async () => {
    backend.fail.set('rollback', new BackendError('blocked', 'a value is needed'));
    await app.takeBack('b1');
    expect(app.view).toBe('history');
    expect(app.history.selected).toBe('b1');
    expect(app.notices.items[0]?.severity).toBe('warning');
  });

  test('an error says what it is and what to do next', async () => {
    backend.fail.set('reload', new BackendError('locked', 'a command is applying'));
    await app.approve();
    expect(app.notices.items[0]).toMatchObject({ title: 'Somebody else is working on this project' });
    expect(app.notices.items[0]?.text).toContain('A command is applying. Nothing was changed.');
  });

  test('rolling back from history is announced', async () => {
    app.openBatch('b1');
    await vi.waitFor(() => expect(app.batch.preview.plan).toBeDefined());
    await app.rollBack('wrong file');
    expect(app.notices.items.at(-1)?.title).toBe('Rolled back in 3 ms: 1 file');
  });
});

describe('tables', () => {
  test('are looked at when somebody comes to see them, and kept up to date meanwhile', async () => {
    expect(backend.callsOf('drift')).toHaveLength(0);
    app.go('drift');
    await vi.waitFor(() => expect(app.drift.value).toBeDefined());
    backend.emit('changes', 10);
    await vi.waitFor(() => expect(backend.callsOf('drift').length).toBeGreaterThan(1));
    app.go('storage');
    await vi.waitFor(() => expect(app.storage.tombstones).toBeDefined());
    const looked = backend.callsOf('drift').length;
    backend.emit('purged', 11);
    await vi.waitFor(() => expect(backend.callsOf('tombstones').length).toBeGreaterThan(1));
    expect(backend.callsOf('drift')).toHaveLength(looked);
  });

  test('that were repaired cannot be taken back; what a file adopted can', async () => {
    const difference = { file_path: 'a.yaml', entity: 'a', table: 't', column: 'c', key: 't.c', kind: 'missing_column' as const, message: 'm', sql: [] };
    const adopt = [{ file_path: 'a.yaml', text: '', hunks: [], edits: [{ key: 't.c', message: 'm', optional: false }] }];
    const drifted = makeDrift({ in_sync: false, differences: [difference], plan: makePlan([makeFile('a.yaml')]), adopt });
    backend.driftValue = drifted;
    app.go('drift');
    await vi.waitFor(() => expect(app.drift.preview.plan).toBeDefined());
    await app.mendDrift('');
    expect(app.notices.items.at(-1)).toMatchObject({ title: 'Repaired in 3 ms: 1 file', action: undefined });
    backend.driftValue = drifted;
    await app.drift.refresh();
    await app.drift.choose('adopt');
    await app.mendDrift('');
    expect(app.notices.items.at(-1)).toMatchObject({ title: 'Adopted in 3 ms: 1 file', action: { label: 'Take it back' } });
  });

  test('a cancel that comes too late says what can be done instead', async () => {
    backend.statusValue = makeStatus({
      running: { action_id: 'b1', file_path: '', description: '', done: 0, total: 0, phase: 'committing', kind: 'apply', since: '', by: '' },
    });
    await app.refresh();
    backend.fail.set('cancel', new BackendError('conflict', 'it is being committed'));
    await app.cancelRunning();
    expect(app.notices.items.at(-1)).toMatchObject({ severity: 'warning', title: 'Too late to cancel' });
  });

  test('a backup that a batch names is shown', async () => {
    app.openBackup('x.db');
    expect(app.view).toBe('storage');
    expect(app.storage.shelf).toBe('backups');
  });
});

describe('signing in', () => {
  class Guarded extends FakeBackend {
    token = '';
    readonly signIn = {
      hasToken: () => this.token !== '',
      setToken: (token: string) => (this.token = token),
    };
  }

  test('is asked for without a token, and after a refusal', async () => {
    const guarded = new Guarded();
    const page = new App(guarded);
    await page.start();
    expect(page.phase).toBe('signin');
    expect(page.refused).toBe(false);
    expect(guarded.calls).toHaveLength(0);

    guarded.fail.set('status', new BackendError('unauthorized', 'no'));
    await page.signIn('wrong');
    expect(page.phase).toBe('signin');
    expect(page.refused).toBe(true);
    expect(guarded.token).toBe('');
    expect(guarded.listener).toBeUndefined();

    await page.signIn('right');
    expect(page.phase).toBe('ready');
    expect(page.refused).toBe(false);
  });
});

describe('the window', () => {
  class Windowed extends FakeBackend {
    state: ProjectState = { open: false, recent: [], message: '' };
    readonly window = {
      projectState: async () => this.state,
      openFolder: async () => undefined,
      openRecent: async () => undefined,
      createSample: async () => void (this.state = { ...this.state, open: true }),
      closeProject: async () => undefined,
    };
  }

  test('welcomes when no project is open, and goes on once one is', async () => {
    const windowed = new Windowed();
    const page = new App(windowed);
    await page.start();
    expect(page.phase).toBe('welcome');
    await page.openProject(windowed.window.openFolder);
    expect(page.phase).toBe('welcome');
    await page.openProject(windowed.window.createSample);
    expect(page.phase).toBe('ready');
  });
});
