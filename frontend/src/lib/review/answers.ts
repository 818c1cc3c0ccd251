import type { Block, FieldType, Question } from '../backend/types';
import { visible } from '../text/value';

export interface Meaning {
  title: string;
  text: string;
}

const meanings: Record<string, Meaning> = {
  renamed: { title: 'Renamed', text: 'The values move along under the new name.' },
  replaced: { title: 'Replaced', text: 'The new one starts empty; the old values are put aside and can come back.' },
  empty: { title: 'Start empty', text: 'The values from before stay put aside.' },
  restore: { title: 'Bring back', text: 'The values from before come back.' },
};

/** What a person reads for an answer: what it is called and what it does. */
export function meaningOf(question: Question, option: string): Meaning {
  const kind = question.key.slice(0, question.key.indexOf(':'));
  if (kind === 'repair') {
    return option === 'empty'
      ? { title: 'Start empty', text: 'The column is added again, without values.' }
      : { title: `It is ${visible(option)}`, text: 'That column gets its name back, with its values.' };
  }
  if (kind === 'source') {
    return option === 'empty' ? { title: 'Start empty', text: 'No values are taken over.' } : { title: visible(option), text: 'Its values are copied; it stays as it is.' };
  }
  return meanings[option] ?? { title: visible(option), text: '' };
}

/** An example of what a free answer looks like. */
export const examples: Record<FieldType, string> = {
  text: 'Value for the rows that have none',
  long_text: 'Value for the rows that have none',
  rich_text: 'Value for the rows that have none',
  slug: 'a-short-name',
  integer: '0',
  float: '0.5',
  boolean: 'true or false',
  datetime: '2026-03-01T19:00:00Z',
  entity_reference: 'The id of a row',
  component: '{"key": "value"}',
};

const patterns: Partial<Record<FieldType, [RegExp, string]>> = {
  integer: [/^[+-]?\d+$/, 'A whole number, such as 12'],
  float: [/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i, 'A number, such as 1.5'],
  boolean: [/^(true|false)$/, 'true or false'],
  datetime: [/^\d{4}-\d{2}-\d{2}([Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2}))?$/, 'A date and time, such as 2026-03-01T19:00:00Z'],
  slug: [/^[a-z0-9]+(-[a-z0-9]+)*$/, 'Small letters, digits and hyphens, such as spring-reading'],
};

/** What is wrong with a free answer before it is even sent; empty when nothing is. The engine has the last word. */
export function mistake(type: Question['type'], value: string): string {
  const pattern = type === '' ? undefined : patterns[type];
  return value === '' || !pattern || pattern[0].test(value.trim()) ? '' : pattern[1];
}

/** What the engine says against the answer of a question: blocks of the same file about the same field. */
export function objections(question: Question, blocked: Block[]): Block[] {
  if (question.options.length > 0) return [];
  const field = question.key.slice(question.key.indexOf('.') + 1);
  return blocked.filter((block) => block.file_path === question.file_path && (block.key === question.key || block.key.split('.').includes(field)));
}
