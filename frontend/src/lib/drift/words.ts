import type { DriftDifference } from '../backend/types';
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
