import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { BackendError } from '../backend/backend';
import { Notices } from './notices.svelte';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test('good news leaves by itself, bad news stays', () => {
  const notices = new Notices(1_000);
  notices.success('Applied');
  notices.error(new BackendError('internal', 'boom'));
  vi.advanceTimersByTime(5_000);
  expect(notices.items.map((notice) => notice.severity)).toEqual(['error']);
  notices.dismiss(notices.items[0]!.id);
  expect(notices.items).toEqual([]);
});

test('nothing leaves while somebody points at it', () => {
  const notices = new Notices(1_000);
  notices.success('Applied');
  const { id } = notices.items[0]!;
  notices.pause(id);
  vi.advanceTimersByTime(5_000);
  expect(notices.items).toHaveLength(1);
  notices.resume(id);
  vi.advanceTimersByTime(1_000);
  expect(notices.items).toHaveLength(0);
});

test('newer good news takes the place of older, and bad news stays beside it', () => {
  const notices = new Notices();
  notices.success('Applied');
  notices.warn('Careful');
  notices.success('Rolled back');
  expect(notices.items.map((notice) => notice.title)).toEqual(['Careful', 'Rolled back']);
});

test('the same message twice is one, and three are the most', () => {
  const notices = new Notices();
  notices.warn('a');
  notices.warn('a');
  expect(notices.items).toHaveLength(1);
  for (const title of ['b', 'c', 'd']) notices.warn(title);
  expect(notices.items.map((notice) => notice.title)).toEqual(['b', 'c', 'd']);
});
