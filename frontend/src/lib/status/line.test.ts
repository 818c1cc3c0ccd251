import { describe, expect, test } from 'vitest';
import { makeStatus } from '../backend/fake';
import type { PendingChange, Problem, Status } from '../backend/types';
import { statusLine, watcherText } from './line';

const change: PendingChange = {
  file_path: 'schemas/a.schema.yaml',
  kind: 'entity',
  event: 'modified',
  op: 'add',
  key: 'fields.x',
  old: null,
  new: null,
  category: 'safe',
  rule: 'field_added',
  message: '',
  line: 1,
};
const problem: Problem = { file_path: 'a.yaml', line: 1, column: 1, code: '', message: '', hint: '' };
const held: Status['held_files'][number] = { file_path: 'h.yaml', reason: 'rejected', at: '', by: '', note: '' };
const pending = (n: number): Partial<Status> => ({ in_sync: false, state: 'pending', pending_changes: Array.from({ length: n }, () => change) });

describe('the status line begins with', () => {
  const rows: [string, Partial<Status>, string][] = [
    ['nothing waits', {}, 'In sync'],
    ['one change', pending(1), '1 change waiting'],
    ['many changes', pending(1200), '1,200 changes waiting'],
    ['one invalid file with two problems', { state: 'invalid', in_sync: false, invalid_files: [problem, problem] }, '1 invalid file'],
    ['two invalid files', { state: 'invalid', in_sync: false, invalid_files: [problem, { ...problem, file_path: 'b.yaml' }] }, '2 invalid files'],
    ['invalid before waiting', { ...pending(2), invalid_files: [problem] }, '1 invalid file'],
    ['held only', { in_sync: false, state: 'held', held_files: [held] }, '0 changes waiting'],
    ['the folder is away', { in_sync: false, state: 'unavailable', invalid_files: [problem] }, 'Project folder not available'],
    ['the database cannot be trusted', { ...pending(1), state: 'suspect', database: { ...makeStatus().database, ok: false } }, 'Database not available'],
    ['tables that differ', { in_sync: false, state: 'degraded', drift: { differences: 2, message: 'm' } }, 'Repair or adopt 2 differences in the tables'],
    ['changes beside tables that differ', { ...pending(2), drift: { differences: 1, message: 'm' } }, '2 changes waiting'],
    ['not in sync for another reason', { in_sync: false, state: 'degraded' }, 'Looking at the files…'],
  ];
  test.each(rows)('%s', (_, over, wanted) => {
    expect(statusLine(makeStatus(over), 'open').headline).toBe(wanted);
  });
});

test('a line that is not connected never claims anything', () => {
  expect(statusLine(makeStatus(), 'lost').headline).toBe('Reconnecting…');
  expect(statusLine(undefined, 'connecting').headline).toBe('Connecting…');
});

test('details say what else matters', () => {
  const now = new Date('2026-11-22T12:00:00Z');
  const status = makeStatus({ ...pending(1), invalid_files: [problem], held_files: [held], last_sync: now.toISOString() });
  const time = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' }).format(now);
  expect(statusLine(status, 'open', now).details).toEqual(['1 change waiting', '1 file held', 'snapshot 3', 'marain.db', `last sync ${time}`]);
  status.watcher.state = 'polling';
  expect(statusLine(status, 'open', now).details).toContain('Looking at 4 files on a timer');
});

test('each way of watching has words', () => {
  const words = (['watching', 'polling', 'degraded', 'unavailable', 'off'] as const).map((state) => {
    const status = makeStatus();
    status.watcher.state = state;
    return watcherText(status);
  });
  expect(new Set(words).size).toBe(5);
});
