import type { Check } from '../backend/types';
import type { IconName } from '../parts/Icon.svelte';
import { count } from '../text/count';

/** How a check ended, in a word and a shape. */
export const verdicts: Record<Check['verdict'], { word: string; icon: IconName }> = {
  proved_safe: { word: 'Proved safe', icon: 'check' },
  risk: { word: 'Risk', icon: 'alert' },
  not_proved: { word: 'Not proved', icon: 'help' },
};

/**
 * What the rows made of the grade that the text alone had: `Breaking by the text, proved safe on 12,400 rows`. Empty
 * when both say the same and there is nothing to add.
 */
export function regraded(check: Check): string {
  const text = check.text_category.charAt(0).toUpperCase() + check.text_category.slice(1);
  const rows = count(check.total, 'row');
  if (check.verdict === 'not_proved') return `It stays ${check.category}, as by the text`;
  if (check.text_category === check.category) return '';
  if (check.verdict === 'risk') return `${text} by the text, ${check.category} by the rows`;
  const proved = check.category === 'safe' ? 'proved safe' : `only a ${check.category}`;
  return check.total > 0 ? `${text} by the text, ${proved} on ${rows}` : `${text} by the text, ${proved}: there are no rows`;
}

/** What the sample rows of a check are: `5 of 340 rows`. */
export function sampleLabel(check: Check): string {
  const shown = check.samples.length;
  return check.count > shown ? `The first ${shown} of ${count(check.count, 'row')}` : count(shown, 'row');
}
