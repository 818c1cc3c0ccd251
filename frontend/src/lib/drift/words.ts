import type { DriftDifference, Unmanaged } from '../backend/types';
import { count } from '../text/count';
import { sentence } from '../text/value';
import type { Differing } from './drift.svelte';

/** Where a difference is: `content_article.title`, or the table alone. */
export function place(difference: DriftDifference): string {
  const part = difference.column ?? difference.index;
  return part ? `${difference.table}.${part}` : difference.table;
}

/** How many differences a file has. */
export function tally(file: Differing): string {
  return file.differences.length === 1 ? sentence(file.differences[0]?.message ?? '') : count(file.differences.length, 'difference');
}

/** What no file mentions, in figures: `2 columns, 1 table, 3 other things`. */
export function unmanagedTally(unmanaged: Unmanaged): string {
  const { columns, tables, objects } = unmanaged;
  return [
    columns.length > 0 ? count(columns.length, 'column') : '',
    tables.length > 0 ? count(tables.length, 'table') : '',
    objects.length > 0 ? count(objects.length, objects[0]?.kind ?? 'object', 'other things') : '',
  ]
    .filter(Boolean)
    .join(', ');
}
