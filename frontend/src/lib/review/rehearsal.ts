import type { Plan } from '../backend/types';
import type { IconName } from '../parts/Icon.svelte';
import { count } from '../text/count';

type Rehearsal = Plan['rehearsal'];

export interface RehearsalLine {
  tone: 'safe' | 'warn' | 'danger' | 'muted';
  icon: IconName;
  /** Stands before the text, and stronger; empty for most. */
  title: string;
  text: string;
}

const legs: Record<Rehearsal['legs'][number]['name'], string> = { forward: 'Forward', back: 'Back', forward_again: 'Forward again' };

/** What a leg of a rehearsal is called. */
export function legName(name: Rehearsal['legs'][number]['name']): string {
  return legs[name] ?? name;
}

/** What a rehearsal came to, in one line; undefined when there is nothing to rehearse. */
export function rehearsalLine(rehearsal: Rehearsal): RehearsalLine | undefined {
  switch (rehearsal.state) {
    case 'not_needed':
      return undefined;
    case 'proved':
      return { tone: 'safe', icon: 'check', title: '', text: withoutTimes(rehearsal.message) || proof(rehearsal) };
    case 'failed':
      return { tone: 'danger', icon: 'stop', title: 'The rehearsal failed.', text: rehearsal.message || 'It did not come back to the same state.' };
    case 'timed_out':
      return { tone: 'warn', icon: 'help', title: '', text: rehearsal.message || 'The rehearsal took too long, so rolling back is not proved' };
    default:
      return { tone: 'muted', icon: 'dot', title: '', text: rehearsal.message || 'Not rehearsed yet' };
  }
}

/** The legs stand beside the message, with their times. */
function withoutTimes(message: string): string {
  return message.replace(/: forward .*?forward again (?:under )?[\d.]+ m?s\./, '.');
}

function proof(rehearsal: Rehearsal): string {
  const rows = count(rehearsal.rows, 'row');
  return rehearsal.sampled ? `Rolling back was proved on a sample of ${rows}` : `Rolling back was proved on all ${rows}`;
}
