import { beforeEach, describe, expect, test } from 'vitest';
import { BackendError } from '../backend/backend';
import { FakeBackend } from '../backend/fake';
import type { Backup, Tombstone } from '../backend/types';
import { Purge, Storage } from './storage.svelte';
import { contents, extent, kindOf, occasion, restoreCommand, versions, weight } from './words';

function tombstone(id: string, over: Partial<Tombstone> = {}): Tombstone {
  return {
    id,
    kind: 'field',
    name: `article.${id}`,
    entity: 'article',
    field: id,
    type: 'text',
    since: '2026-11-22T10:00:00Z',
    action_id: 'b1',
    summary: '1 field removed',
    by: 'ann via window',
    places: [{ table: 'content_article', column: `zz_${id}` }],
    rows: 12_400,
    values: 12_000,
    size: 2_048,
    counted: true,
    needed_by: [{ file_path: 'schemas/article.schema.yaml', from: 1, to: 3 }],
    undo: '',
    inside: [],
    purge_at: '',
    ...over,
  };
}

function backup(name: string, over: Partial<Backup> = {}): Backup {
  return { name, action_id: 'b1', kind: 'apply', summary: '', by: '', taken_at: '2026-11-22T10:00:00Z', driver: 'sqlite', whole: true, tables: [], size: 4_096, ok: true, message: '', ...over };
}

let backend: FakeBackend;
beforeEach(() => {
  backend = new FakeBackend();
  backend.tombstoneList = [tombstone('a'), tombstone('b', { inside: ['a'] }), tombstone('c')];
  backend.backupList = [backup('x.db'), backup('y.db')];
});

describe('storage', () => {
  let storage: Storage;
  beforeEach(async () => {
    storage = new Storage(backend);
    await storage.refresh();
  });

  test('keeps what is selected on each shelf, and takes the first when it is gone', async () => {
    expect(storage.tombstone?.id).toBe('a');
    storage.move(1);
    expect(storage.tombstone?.id).toBe('b');
    storage.shelf = 'backups';
    storage.move(9);
    expect(storage.backup?.name).toBe('y.db');
    storage.shelf = 'tombstones';
    expect(storage.tombstone?.id).toBe('b');
    backend.tombstoneList = [tombstone('c')];
    await storage.refresh();
    expect(storage.tombstone?.id).toBe('c');
  });

  test('knows what lies inside something else', () => {
    expect(storage.inside(backend.tombstoneList[1]!).map((item) => item.id)).toEqual(['a']);
  });

  test('says when it cannot be read, and keeps what was there', async () => {
    backend.fail.set('backups', new BackendError('internal', 'no'));
    await storage.refresh();
    expect(storage.error?.code).toBe('internal');
    expect(storage.items).toHaveLength(3);
    await storage.refresh();
    expect(storage.error).toBeUndefined();
  });
});

describe('a purge', () => {
  let purge: Purge;
  beforeEach(() => (purge = new Purge(backend)));

  test('is looked at, typed, and then does exactly that', async () => {
    await purge.ask({ ids: ['a'] });
    expect(purge.preview?.purged.map((item) => item.id)).toEqual(['a']);
    expect(await purge.run()).toBeUndefined();
    purge.typed = 'purge';
    expect(await purge.run()).toBeUndefined();
    expect(backend.tombstoneList).toHaveLength(3);
    purge.typed = ' purge 1 ';
    purge.note = ' old ';
    expect(await purge.run()).toMatchObject({ action_id: 'purged-1', backup: 'backup-1' });
    expect(backend.callsOf('purge').at(-1)?.request).toEqual({ ids: ['a'], confirm: 'purge 1', note: 'old' });
    expect(purge.open).toBe(false);
    expect(backend.tombstoneList.map((item) => item.id)).toEqual(['b', 'c']);
  });

  test('that was closed meanwhile shows nothing', async () => {
    backend.hold.add('purge');
    const asking = purge.ask({ ids: ['a'] });
    purge.close();
    backend.calls.at(-1)?.release();
    await asking;
    expect(purge.open).toBe(false);
    expect(purge.preview).toBeUndefined();
    expect(purge.confirmed).toBe(false);
  });

  test('that is asked for anew forgets what was typed', async () => {
    await purge.ask({ ids: ['a'] });
    purge.typed = 'purge 1';
    await purge.ask({ ids: ['b'] });
    expect(purge.confirmed).toBe(false);
  });

  test('of nothing cannot be confirmed', async () => {
    backend.tombstoneList = [];
    await purge.ask({ older_than_days: 0 });
    purge.typed = purge.preview?.confirm ?? '';
    expect(purge.confirmed).toBe(false);
  });

  test('that fails stays open and says why', async () => {
    await purge.ask({ ids: ['a'] });
    purge.typed = 'purge 1';
    backend.fail.set('purge', new BackendError('locked', 'somebody is at it'));
    expect(await purge.run()).toBeUndefined();
    expect(purge.error?.code).toBe('locked');
    expect(purge.open).toBe(true);
    expect(backend.tombstoneList).toHaveLength(3);
  });
});

test('what is stored is told in words', () => {
  expect(contents(tombstone('a'))).toBe('12,000 values in 12,400 rows');
  expect(contents(tombstone('a', { values: 0 }))).toBe('No value inside');
  expect(contents(tombstone('a', { kind: 'entity', rows: 1 }))).toBe('1 row');
  expect(contents(tombstone('a', { counted: false }))).toBe('Too much to count');
  expect(kindOf(tombstone('a')).word).toBe('Field');
  expect(kindOf(tombstone('a', { kind: 'old_values' })).word).toBe('Old values');
  expect(weight(-1)).toBe('Size not known');
  expect(weight(2_048)).toBe('2 KB');
  expect([versions(1, 3), versions(4, 4)]).toEqual(['versions 1 to 3', 'version 4']);
  expect(occasion(backup('x', { kind: 'purge' }))).toBe('Before a purge');
  expect([extent(backup('x')), extent(backup('x', { whole: false, tables: ['a', 'b'] }))]).toEqual(['The whole database', '2 tables']);
});

test('the command that puts a backup back can be pasted into a shell', () => {
  expect(restoreCommand(backup('2026-11-22.db'), '/srv/blog')).toBe('marain restore-backup 2026-11-22.db --project /srv/blog');
  expect(restoreCommand(backup('x.db'), "/srv/ann's blog")).toBe(`marain restore-backup x.db --project '/srv/ann'\\''s blog'`);
  expect(restoreCommand(backup('x.db'), undefined)).toBe('marain restore-backup x.db');
});
