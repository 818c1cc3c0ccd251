import { expect, test } from 'vitest';
import { count } from './count';
import { duration, shortTime } from './time';
import { size } from './size';
import { sentence, splitPath, valueText, visible } from './value';

test('counts have the right noun', () => {
  expect([count(0, 'change'), count(1, 'change'), count(12_400, 'row'), count(2, 'entry', 'entries')]).toEqual(['0 changes', '1 change', '12,400 rows', '2 entries']);
});

test('values read as what they are', () => {
  expect([null, undefined, 'text', '', ' x', 'true', '12', 12, false, [1], { a: 1 }].map(valueText)).toEqual([
    'nothing',
    'nothing',
    'text',
    '""',
    '" x"',
    '"true"',
    '"12"',
    '12',
    'false',
    '[1]',
    '{"a":1}',
  ]);
});

test('hidden characters are made visible, others stay', () => {
  expect(visible('a\u202eb\u200bc é 漢 <b>')).toBe('a\\u202eb\\u200bc é 漢 <b>');
});

test('messages read as sentences', () => {
  expect(['', 'the disk is full', 'Is it?', ' Done. ', 'wait…'].map(sentence)).toEqual(['', 'The disk is full.', 'Is it?', 'Done.', 'Wait…']);
});

test('sizes are in steps that people know', () => {
  expect([0, 1, 640, 1_024, 1_536, 12_800_000, 5 * 1_024 ** 4, 5_000 * 1_024 ** 4].map(size)).toEqual(['0 bytes', '1 byte', '640 bytes', '1 KB', '1.5 KB', '12 MB', '5 TB', '5000 TB']);
});

test('paths and times are cut where people look', () => {
  expect(splitPath('schemas/a.yaml')).toEqual({ folder: 'schemas/', name: 'a.yaml' });
  expect(splitPath('a.yaml')).toEqual({ folder: '', name: 'a.yaml' });
  expect([0.84, 9.96, 11.7, 1400].map(duration)).toEqual(['0.8 ms', '10 ms', '12 ms', '1.4 s']);
  const now = new Date(2026, 10, 22, 12);
  expect(shortTime(new Date(2026, 10, 22, 9, 5).toISOString(), now)).toBe('09:05');
  expect(shortTime(new Date(2026, 10, 21, 9, 5).toISOString(), now)).toBe('Yesterday 09:05');
  expect(shortTime('not a time', now)).toBe('not a time');
});
