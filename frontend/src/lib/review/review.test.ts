import { describe, expect, test } from 'vitest';
import type { Check, FieldType, Plan, Question } from '../backend/types';
import { meaningOf, mistake, objections } from './answers';
import { legName, rehearsalLine } from './rehearsal';
import { regraded, sampleLabel } from './verdicts';

function check(over: Partial<Check>): Check {
  return {
    key: 'fields.title.required',
    rule: 'field_required',
    message: '0 of 12,400 rows are empty',
    verdict: 'proved_safe',
    text_category: 'breaking',
    category: 'safe',
    sql: '',
    count: 0,
    total: 12_400,
    samples: [],
    duration_ms: 3,
    ...over,
  };
}

describe('checks', () => {
  test.each([
    [{}, 'Breaking by the text, proved safe on 12,400 rows'],
    [{ total: 1 }, 'Breaking by the text, proved safe on 1 row'],
    [{ total: 0 }, 'Breaking by the text, proved safe: there are no rows'],
    [{ category: 'warning' }, 'Breaking by the text, only a warning on 12,400 rows'],
    [{ verdict: 'risk', text_category: 'warning', category: 'breaking' }, 'Warning by the text, breaking by the rows'],
    [{ text_category: 'safe' }, ''],
    [{ verdict: 'risk', category: 'breaking' }, ''],
    [{ verdict: 'not_proved', category: 'breaking' }, 'It stays breaking, as by the text'],
  ] as [Partial<Check>, string][])('%o', (over, said) => {
    expect(regraded(check(over))).toBe(said);
  });

  test('say how many of the rows are shown', () => {
    expect(sampleLabel(check({ samples: [{ id: 1 }, { id: 2 }], count: 340 }))).toBe('The first 2 of 340 rows');
    expect(sampleLabel(check({ samples: [{ id: 1 }], count: 1 }))).toBe('1 row');
  });
});

describe('rehearsals', () => {
  const rehearsed = (over: Partial<Plan['rehearsal']>) => rehearsalLine({ state: 'proved', message: '', legs: [], rows: 12_400, sampled: false, ...over });

  test('are one calm line', () => {
    expect(rehearsed({})?.text).toBe('Rolling back was proved on all 12,400 rows');
    expect(rehearsed({ rows: 500, sampled: true })?.text).toBe('Rolling back was proved on a sample of 500 rows');
    expect(rehearsed({ message: 'All well' })).toEqual({ tone: 'safe', icon: 'check', title: '', text: 'All well' });
    const long = 'Rolling back was proved on a sample of 2,000 of 612,400 rows: forward 1.2 s, back under 1 ms, forward again 0.9 s. 3 rows keep the value that they were given.';
    expect(rehearsed({ message: long })?.text).toBe('Rolling back was proved on a sample of 2,000 of 612,400 rows. 3 rows keep the value that they were given.');
    expect(rehearsed({ state: 'failed' })).toMatchObject({ tone: 'danger', title: 'The rehearsal failed.' });
    expect(rehearsed({ state: 'timed_out' })?.tone).toBe('warn');
    expect(rehearsed({ state: 'not_run' })?.tone).toBe('muted');
    expect(rehearsed({ state: 'not_needed', message: 'no table' })).toBeUndefined();
    expect((['forward', 'back', 'forward_again'] as const).map(legName)).toEqual(['Forward', 'Back', 'Forward again']);
  });
});

describe('free answers', () => {
  test.each<[FieldType, string, boolean]>([
    ['integer', '12', true],
    ['integer', '-3', true],
    ['integer', '1.5', false],
    ['integer', 'many', false],
    ['float', '1.5', true],
    ['float', '.5', true],
    ['float', '1,5', false],
    ['boolean', 'true', true],
    ['boolean', 'yes', false],
    ['datetime', '2026-03-01T19:00:00Z', true],
    ['datetime', '2026-03-01T19:00:00+02:00', true],
    ['datetime', 'tomorrow', false],
    ['slug', 'spring-reading', true],
    ['slug', 'Spring Reading', false],
    ['text', 'anything at all', true],
    ['component', '{', true],
    ['integer', '', true],
  ])('%s %s', (type, value, fits) => {
    expect(mistake(type, value) === '').toBe(fits);
  });

  test('of each kind of question have their own meaning', () => {
    const title = (key: string, option: string) => meaningOf({ key, file_path: '', text: '', options: [option], type: '', samples: [], answered: false }, option).title;
    expect([title('rename:a.b', 'renamed'), title('restore:a.b', 'empty'), title('repair:t.c', 'old_c'), title('source:t.c', 'old_c'), title('x:y', 'other')]).toEqual([
      'Renamed',
      'Start empty',
      'It is old_c',
      'old_c',
      'other',
    ]);
  });

  test('hear what the engine has against them, and nothing else', () => {
    const question: Question = { key: 'backfill:article.title', file_path: 'a.yaml', text: '', options: [], type: 'text', samples: [], answered: true };
    const block = (file_path: string, key: string) => ({ file_path, key, message: 'm', hint: '' });
    const mine = block('a.yaml', 'fields.title');
    const deeper = block('a.yaml', 'fields.title.required');
    expect(objections(question, [mine, deeper, block('b.yaml', 'fields.title'), block('a.yaml', 'fields.subtitle')])).toEqual([mine, deeper]);
    expect(objections({ ...question, options: ['renamed'] }, [mine])).toEqual([]);
  });
});
