import { beforeEach, describe, expect, test } from 'vitest';
import { BackendError } from '../backend/backend';
import { FakeBackend, makeBatch, makeFile, makePlan } from '../backend/fake';
import { BatchView } from './batch.svelte';
import { groupByDay } from './days';
import { Drafts } from './drafts.svelte';
import { History } from './history.svelte';

let backend: FakeBackend;

beforeEach(() => {
  backend = new FakeBackend();
  backend.batches = Array.from({ length: 120 }, (_, index) => makeBatch(`b${120 - index}`));
});

describe('timeline', () => {
  let history: History;
  beforeEach(async () => {
    history = new History(backend);
    await history.enter();
  });

  test('pages on until the end, without repeating a batch', async () => {
    expect(history.items).toHaveLength(50);
    await history.loadMore();
    await history.loadMore();
    expect(history.items).toHaveLength(120);
    expect(new Set(history.items.map((item) => item.action_id)).size).toBe(120);
    expect(history.more).toBe(false);
    await history.loadMore();
    expect(backend.callsOf('history')).toHaveLength(3);
  });

  test('a refresh keeps what was loaded and the selection', async () => {
    await history.loadMore();
    history.select('b60');
    backend.batches = [makeBatch('b121'), ...backend.batches];
    await history.refresh();
    expect(history.items).toHaveLength(100);
    expect(history.items[0]?.action_id).toBe('b121');
    expect(history.selected).toBe('b60');
  });

  test('the selection never moves by itself while it is on screen', async () => {
    backend.batches = [makeBatch('b121'), ...backend.batches];
    await history.refresh();
    expect(history.selected).toBe('b120');
  });

  test('coming back goes to the newest when something happened, and keeps the place when nothing did', async () => {
    history.select('b100');
    history.leave();
    await history.enter();
    expect(history.selected).toBe('b100');
    history.leave();
    backend.batches = [makeBatch('b121'), ...backend.batches];
    await history.refresh(); // an event, while something else is on screen
    await history.enter();
    expect(history.selected).toBe('b121');
  });

  test('a page that arrives after a new filter is void', async () => {
    backend.hold.add('history');
    const more = history.loadMore();
    const page = backend.calls.at(-1);
    backend.hold.clear();
    backend.batches = [makeBatch('failed', { status: 'failed' })];
    await history.filter({ status: 'failed' });
    page?.release();
    await more;
    expect(history.items.map((item) => item.action_id)).toEqual(['failed']);
    expect(backend.callsOf('history').at(-1)?.request).toEqual({ status: 'failed', limit: 50 });
  });

  test('a part of a path is looked for in everything, a whole path by the engine', async () => {
    const touching = (id: string, path: string) => makeBatch(id, { files: [{ file_path: path, kind: 'entity', event: 'modified', version: 1, status: 'applied' }] });
    backend.batches = Array.from({ length: 500 }, (_, index) => touching(`b${500 - index}`, index === 450 ? 'schemas/rare.schema.yaml' : 'schemas/article.schema.yaml'));
    await history.filter({ status: 'applied' });
    await history.filter({ file: 'RARE' });
    expect(history.items.map((item) => item.action_id)).toEqual(['b50']);
    expect(history.searched).toBe(500);
    expect(history.more).toBe(false);
    const calls = backend.callsOf('history').length;
    await history.filter({ file: 'article' });
    expect(history.items).toHaveLength(499);
    expect(backend.callsOf('history')).toHaveLength(calls); // nothing new had to be fetched
    await history.filter({ file: 'schemas/rare.schema.yaml' });
    expect(backend.callsOf('history').at(-1)?.request).toEqual({ status: 'applied', file_path: 'schemas/rare.schema.yaml', limit: 50 });
  });

  test('a part of a path that many batches match stops at a screenful', async () => {
    backend.batches = backend.batches.map((batch) => ({ ...batch, files: [{ file_path: 'a.yaml', kind: 'generic' as const, event: 'modified' as const, version: 1, status: 'applied' as const }] }));
    await history.refresh();
    const calls = backend.callsOf('history').length;
    await history.filter({ file: 'a.ya' });
    expect(backend.callsOf('history')).toHaveLength(calls);
    expect(history.more).toBe(true);
  });

  test('what is selected stays selected as long as the filter lets it', async () => {
    history.select('b100');
    backend.batches = backend.batches.map((batch) => (batch.action_id === 'b100' || batch.action_id === 'b90' ? { ...batch, status: 'failed' as const } : batch));
    await history.filter({ status: 'failed' });
    expect(history.selected).toBe('b100');
    await history.filter({ status: 'applied' });
    expect(history.selected).toBe('b120');
  });

  test('an error is kept and goes with the next success', async () => {
    backend.fail.set('history', new BackendError('internal', 'no'));
    await history.refresh();
    expect(history.error?.code).toBe('internal');
    expect(history.items).toHaveLength(50);
    await history.refresh();
    expect(history.error).toBeUndefined();
  });
});

test('days are the reader’s own, in the order of the batches', () => {
  const now = new Date(2026, 10, 22, 12);
  const at = (...parts: [number, number, number, number]) => new Date(...parts).toISOString();
  const days = groupByDay(
    [
      makeBatch('1', { at: at(2026, 10, 22, 9) }),
      makeBatch('2', { at: at(2026, 10, 22, 0) }),
      makeBatch('3', { at: at(2026, 10, 21, 23) }),
      makeBatch('4', { at: at(2026, 9, 1, 8) }),
      makeBatch('5', { at: at(2025, 9, 1, 8) }),
    ],
    now,
  );
  expect(days.map((day) => [day.label, day.batches.length])).toEqual([
    ['Today', 2],
    ['Yesterday', 1],
    ['Thursday 1 October', 1],
    ['1 October 2025', 1],
  ]);
});

describe('one batch', () => {
  let view: BatchView;
  beforeEach(async () => {
    backend.previewPlan = makePlan([makeFile('schemas/a.schema.yaml')]);
    view = new BatchView(backend);
    await view.open('b5');
  });

  test('shows what rolling back would do before anybody presses', () => {
    expect(backend.callsOf('rollback')[0]?.request).toEqual({ action_id: 'b5', dry_run: true });
    expect(view.preview.plan?.files).toHaveLength(1);
  });

  test('rolls back exactly the plan that was shown', async () => {
    expect(await view.run('oops')).toMatchObject({ action_id: 'undone-1' });
    expect(backend.callsOf('rollback')[1]?.request).toEqual({ action_id: 'b5', plan_id: 'schemas/a.schema.yaml@1', note: 'oops' });
  });

  test('a press that comes before the preview waits for it', async () => {
    backend.hold.add('rollback');
    const opened = view.open('b6');
    await Promise.resolve();
    await Promise.resolve();
    const pressed = view.run();
    backend.hold.clear();
    backend.calls.at(-1)?.release();
    await opened;
    expect(await pressed).toBeDefined();
    expect(backend.callsOf('rollback').at(-1)?.request).toMatchObject({ action_id: 'b6', plan_id: 'schemas/a.schema.yaml@1' });
  });

  test('asks first when something must be answered', async () => {
    const question = { key: 'backfill:a.x', file_path: 'schemas/a.schema.yaml', text: 'Which value?', options: [], type: 'text' as const, samples: [], answered: false };
    const asking = { ...backend.previewPlan, questions: [question] };
    backend.fail.set('rollback', new BackendError('blocked', 'a question is open', [question, asking]));
    await view.open('b5');
    expect(view.preview.error).toBeUndefined();
    expect(await view.run()).toBeUndefined();
    backend.previewPlan = asking;
    await view.preview.answer('backfill:a.x', 'none');
    expect(view.preview.unanswered).toEqual([]);
    await view.run();
    expect(backend.callsOf('rollback').at(-1)?.request).toMatchObject({ answers: { 'backfill:a.x': 'none' } });
  });

  test('a stale way back is worked out again and not taken', async () => {
    backend.fail.set('rollback', new BackendError('stale', 'changed'));
    expect(await view.run()).toBeUndefined();
    expect(view.preview.stale).toBe(true);
    expect(view.preview.plan).toBeDefined();
    expect(view.preview.busy).toBe(false);
  });

  test('goes to a point as a whole', async () => {
    await view.choose('to');
    expect(backend.callsOf('rollback').at(-1)?.request).toEqual({ to: 'b5', dry_run: true });
    await view.run();
    expect(backend.callsOf('rollback').at(-1)?.request).toMatchObject({ to: 'b5', plan_id: 'schemas/a.schema.yaml@1' });
  });

  test('what cannot be undone on its own is not previewed', async () => {
    backend.batchValue = { can_undo: false, conflicts: ['b7'] };
    const before = backend.callsOf('rollback').length;
    await view.open('b4');
    expect(view.preview.plan).toBeUndefined();
    expect(backend.callsOf('rollback')).toHaveLength(before);
  });

  test('a batch that arrives late does not replace the one that was opened after it', async () => {
    backend.hold.add('batch');
    const slow = view.open('b1');
    const held = backend.calls.at(-1);
    backend.hold.clear();
    await view.open('b2');
    held?.release();
    await slow;
    expect(view.batch?.action_id).toBe('b2');
  });

  test('compares with what is live now', async () => {
    await view.compare('now');
    expect(backend.callsOf('batch').at(-1)?.request).toEqual({ id: 'b5', against: 'now' });
    await view.open('b6');
    expect(backend.callsOf('batch').at(-1)?.request).toEqual({ id: 'b6', against: 'before' });
  });
});

test('a draft that was brought back leaves the list; one that could not stays', async () => {
  const drafts = new Drafts(backend);
  backend.draftList = [{ id: 'd1', file_path: 'a.yaml', at: '', action_id: '', size: 1 }];
  await drafts.refresh();
  backend.fail.set('restoreDraft', new BackendError('conflict', 'the file was edited'));
  expect(await drafts.bringBack('d1')).toBe(false);
  expect(drafts.items).toHaveLength(1);
  expect(await drafts.bringBack('d1')).toBe(true);
  expect(drafts.items).toEqual([]);
});
