import { beforeEach, expect, test } from 'vitest';
import { BackendError } from '../backend/backend';
import { FakeBackend, makeDrift, makeFile, makePlan } from '../backend/fake';
import type { DriftDifference } from '../backend/types';
import { DriftView, unmanagedKey } from './drift.svelte';
import { place, tally } from './words';

const article = 'schemas/article.schema.yaml';
const page = 'schemas/page.schema.yaml';

function difference(file: string, column: string): DriftDifference {
  const table = file === article ? 'content_article' : 'content_page';
  return { file_path: file, entity: 'e', table, column, key: `${table}.${column}`, kind: 'missing_column', message: `column ${column} is missing`, sql: ['ALTER TABLE x'] };
}

let backend: FakeBackend;
let drift: DriftView;

beforeEach(async () => {
  backend = new FakeBackend();
  backend.driftValue = makeDrift({
    in_sync: false,
    differences: [difference(article, 'title'), difference(article, 'body'), difference(page, 'title')],
    unmanaged: { tables: ['audit_log'], columns: [{ table: 'content_page', column: 'legacy', type: 'TEXT', rows_with_value: 3 }], objects: [] },
    plan: makePlan([makeFile(article)]),
    adopt: [{ file_path: page, text: '', hunks: [], edits: [{ key: 'content_page.title', message: 'm', optional: false }, { key: 'content_page.legacy', message: 'm', optional: true }] }],
  });
  drift = new DriftView(backend);
  await drift.enter();
});

test('differences are listed by file, and what no file mentions apart', () => {
  expect(drift.rows).toEqual([article, page, unmanagedKey]);
  expect(drift.files.map((file) => file.differences.length)).toEqual([2, 1]);
  expect(drift.file?.path).toBe(article);
  expect(drift.files.map(tally)).toEqual(['2 differences', 'Column title is missing.']);
  expect(place(difference(page, 'title'))).toBe('content_page.title');
});

test('the repair of the selected file is worked out, and is what is done', async () => {
  expect(backend.callsOf('repair').at(-1)?.request).toEqual({ files: [article], dry_run: true });
  const id = drift.preview.plan?.plan_id;
  expect(await drift.run('by hand')).toMatchObject({ action_id: 'repaired-1' });
  expect(backend.callsOf('repair').at(-1)?.request).toEqual({ files: [article], plan_id: id, note: 'by hand' });
});

test('adopting takes along what was ticked', async () => {
  await drift.select(page);
  await drift.choose('adopt');
  expect(backend.callsOf('adopt').at(-1)?.request).toEqual({ files: [page], dry_run: true });
  await drift.take('content_page.legacy', true);
  expect(backend.callsOf('adopt').at(-1)?.request).toEqual({ files: [page], keys: ['content_page.legacy'], dry_run: true });
  expect(await drift.run('')).toMatchObject({ action_id: expect.stringContaining('adopted') });
  expect(backend.callsOf('adopt').at(-1)?.request).toMatchObject({ files: [page], keys: ['content_page.legacy'], plan_id: expect.any(String) });
  expect(drift.taken.size).toBe(0);
});

test('an unmanaged column can become a field on its own', async () => {
  const repairs = backend.callsOf('repair').length;
  await drift.select(unmanagedKey);
  expect(drift.preview.plan).toBeUndefined();
  expect(drift.editFor('content_page', 'legacy')).toBe('content_page.legacy');
  expect(drift.editFor('content_page', 'other')).toBeUndefined();
  expect(drift.editFor('content_page', 'title')).toBeUndefined(); // that is a difference
  await drift.take('content_page.legacy', true);
  expect(backend.callsOf('adopt').at(-1)?.request).toEqual({ keys: ['content_page.legacy'], dry_run: true });
  expect(backend.callsOf('repair')).toHaveLength(repairs);
});

test('selecting another file forgets the way and the answers of the one before', async () => {
  await drift.choose('adopt');
  await drift.select(page);
  expect(drift.mend).toBe('repair');
  drift.move(-1);
  expect(drift.file?.path).toBe(article);
  drift.move(-1);
  expect(drift.file?.path).toBe(article);
});

test('a repair that is not true any more is shown anew and not done', async () => {
  backend.fail.set('repair', new BackendError('stale', 'changed'));
  expect(await drift.run('')).toBeUndefined();
  expect(drift.preview.stale).toBe(true);
  expect(drift.preview.plan).toBeDefined();
});

test('when everything is mended nothing is selected and nothing can be done', async () => {
  backend.driftValue = makeDrift();
  await drift.refresh();
  expect(drift.rows).toEqual([]);
  expect(drift.file).toBeUndefined();
  expect(drift.preview.plan).toBeUndefined();
  expect(await drift.run('')).toBeUndefined();
});

test('an error is kept and goes with the next success', async () => {
  backend.fail.set('drift', new BackendError('internal', 'no'));
  await drift.refresh();
  expect(drift.error?.code).toBe('internal');
  await drift.refresh();
  expect(drift.error).toBeUndefined();
});
