import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { BackendError } from '../backend/backend';
import { FakeBackend, makeStatus } from '../backend/fake';
import type { Progress, Running } from '../backend/types';
import { Activity } from './activity.svelte';
import { doing, percent, rowsDone } from './words';

const progress: Progress = { action_id: 'b1', file_path: 'a.yaml', description: 'Fill words', done: 150_000, total: 1_000_000, phase: 'running' };
const running: Running = { ...progress, kind: 'apply', since: '2026-11-22T10:00:00Z', by: 'ann via command' };

let backend: FakeBackend;
let activity: Activity;

beforeEach(() => {
  vi.useFakeTimers();
  backend = new FakeBackend();
  activity = new Activity(backend);
});
afterEach(() => vi.useRealTimers());

test('what is over at once is never shown', () => {
  activity.show(makeStatus({ running }));
  expect(activity.shown).toBeUndefined();
  activity.show(makeStatus());
  vi.advanceTimersByTime(1_000);
  expect(activity.shown).toBeUndefined();
});

test('what goes on is shown, with the newest figures, until it ends', () => {
  activity.show(makeStatus({ running }));
  vi.advanceTimersByTime(300);
  expect(activity.shown).toEqual(running);
  expect(activity.progress({ ...progress, done: 200_000 })).toBe(false);
  expect(activity.shown).toMatchObject({ done: 200_000, by: 'ann via command' });
  activity.show(makeStatus({ running: { ...running, action_id: 'b2' } }));
  expect(activity.shown).toBeUndefined(); // another one, which may be over at once
  activity.show(makeStatus());
  expect(activity.shown).toBeUndefined();
});

test('an event tells of a batch before the status does', () => {
  expect(activity.progress(progress)).toBe(true);
  expect(activity.progress(progress)).toBe(false);
  expect(activity.progress(null)).toBe(false);
  expect(activity.progress('text')).toBe(false);
  vi.advanceTimersByTime(300);
  expect(activity.shown?.action_id).toBe('b1');
});

test('cancelling names the batch, once, and says why when it is too late', async () => {
  expect(await activity.cancel()).toBeUndefined();
  expect(backend.callsOf('cancel')).toHaveLength(0);
  activity.show(makeStatus({ running }));
  backend.hold.add('cancel');
  const first = activity.cancel();
  expect(activity.cancelling).toBe(true);
  expect(await activity.cancel()).toBeUndefined();
  backend.callsOf('cancel')[0]?.release();
  expect(await first).toBeUndefined();
  expect(backend.callsOf('cancel').map((call) => call.request)).toEqual([{ action_id: 'b1' }]);
  backend.hold.clear();
  backend.fail.set('cancel', new BackendError('conflict', 'it is being committed'));
  expect(await activity.cancel()).toMatchObject({ code: 'conflict' });
  expect(activity.cancelling).toBe(false);
});

test('it is told in words and figures', () => {
  expect(doing(running)).toBe('Applying: Fill words');
  expect(doing({ ...running, kind: 'rollback', phase: 'verifying', description: '' })).toBe('Rolling back: Verifying the tables');
  expect(rowsDone(running)).toBe('150,000 of 1,000,000 rows');
  expect(rowsDone({ ...running, total: 0 })).toBe('');
  expect(percent(running)).toBe(15);
  expect(percent({ ...running, total: 0 })).toBeUndefined();
  expect(percent({ ...running, done: 2_000_000 })).toBe(100);
});
