import { describe, expect, test } from 'vitest';
import type { Hunk, Row } from '../backend/types';
import { makeFile, makePlan } from '../backend/fake';
import { chunksOf, lineCounts } from './chunks';
import { pieces } from './pieces';
import { Reveal } from './reveal.svelte';
import { keepHunks } from './same';
import { sqlTokens, yamlTokens } from './tokens';

const row = (line: number): Row => ({ kind: 'equal', old: { line, spans: [] }, new: { line, spans: [] } });
const hunk = (start: number, length: number): Hunk => ({
  old_start: start,
  old_lines: length,
  new_start: start,
  new_lines: length,
  rows: Array.from({ length }, (_, index) => row(start + index)),
});

describe('chunks', () => {
  test('say how many lines were left out, and never hold too much', () => {
    const chunks = chunksOf([hunk(4, 10), hunk(40, 300)]);
    expect(chunks.map((chunk) => [chunk.gap, chunk.rows.length])).toEqual([
      [3, 10],
      [26, 120],
      [0, 120],
      [0, 60],
    ]);
    expect(new Set(chunks.map((chunk) => chunk.key)).size).toBe(4);
  });

  test('a file that was added has no gap', () => {
    expect(chunksOf([{ ...hunk(1, 3), old_start: 0, old_lines: 0 }])[0]?.gap).toBe(0);
  });

  test('20,000 rows are cut, none is lost, and only the first are shown at once', () => {
    const chunks = chunksOf([hunk(1, 20_000)]);
    expect(chunks.reduce((sum, chunk) => sum + chunk.rows.length, 0)).toBe(20_000);
    const frames: (() => void)[] = [];
    const reveal = new Reveal(2, 2, (work) => (frames.push(work), () => frames.splice(frames.indexOf(work), 1)));
    reveal.start(chunks.length);
    expect(reveal.shown).toBe(2);
    while (frames.length > 0) frames.shift()?.();
    expect(reveal.shown).toBe(chunks.length);
  });

  test('a new diff stops the growth of the one before', () => {
    const frames: (() => void)[] = [];
    const reveal = new Reveal(1, 1, (work) => (frames.push(work), () => frames.splice(frames.indexOf(work), 1)));
    reveal.start(100);
    reveal.start(3);
    expect(frames).toHaveLength(1);
    reveal.stop();
    expect(frames).toHaveLength(0);
  });

  test('lines are counted on both sides', () => {
    const rows: Row[] = [row(1), { kind: 'changed' }, { kind: 'added' }, { kind: 'added' }, { kind: 'removed' }];
    expect(lineCounts([{ ...hunk(1, 0), rows }])).toEqual({ added: 3, removed: 2 });
  });
});

test('equal hunks of a newer plan are the ones that are on screen already', () => {
  const plan = (rows: number, base: number) => makePlan([makeFile('a.yaml', { hunks: [hunk(1, rows)], base_version: base })]);
  const before = plan(5, 1);
  const same = keepHunks(before, plan(5, 2));
  expect(same.files[0]?.hunks).toBe(before.files[0]?.hunks);
  expect(same.files[0]?.base_version).toBe(2);
  expect(keepHunks(before, plan(6, 1)).files[0]?.hunks).toHaveLength(1);
  expect(keepHunks(before, plan(6, 1)).files[0]?.hunks).not.toBe(before.files[0]?.hunks);
  expect(keepHunks(undefined, before)).toEqual(before);
});

describe('colours never change the text', () => {
  const yaml = [
    'id: article',
    '  - id: title   # the first',
    '- "quoted # not a comment": yes',
    "label: 'it''s'  # c",
    'url: http://host:80/#x',
    'count: -1',
    'on: true',
    '# only a comment',
    '',
    '   ',
    ': : :',
    '\t\u0000<img src=x onerror=alert(1)>',
    'a'.repeat(5_000),
  ];
  test.each(yaml)('%j', (line) => {
    expect(
      yamlTokens(line)
        .map((token) => token.text)
        .join(''),
    ).toBe(line);
  });

  test.each(['ALTER TABLE "a""b" ADD COLUMN "x" TEXT DEFAULT \'it\'\'s\' -- note', 'select 1', '', "'open"])('%j', (sql) => {
    expect(
      sqlTokens(sql)
        .map((token) => token.text)
        .join(''),
    ).toBe(sql);
  });

  test('keys, numbers, words and comments are told apart', () => {
    expect(yamlTokens('  count: 12  # of them').map((token) => token.kind)).toEqual(['mark', 'key', 'mark', 'number', 'comment']);
    expect(yamlTokens('on: true').map((token) => token.kind)).toEqual(['key', 'mark', 'word']);
  });
});

test('pieces lay colours over changed words and keep every character', () => {
  const spans = [
    { text: 'level: in', changed: false },
    { text: 'fo', changed: true },
    { text: ' # x', changed: false },
  ];
  const result = pieces(spans, yamlTokens);
  expect(result.map((piece) => piece.text).join('')).toBe('level: info # x');
  expect(result.filter((piece) => piece.changed)).toEqual([{ text: 'fo', kind: 'text', changed: true }]);
});
