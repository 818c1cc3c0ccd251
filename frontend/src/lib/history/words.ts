import type { BatchSummary } from '../backend/types';
import type { IconName } from '../parts/Icon.svelte';

type Tone = 'neutral' | 'accent' | 'safe' | 'warn' | 'danger';

/** How a batch ended, in a word, a colour and a shape. */
export function outcome(batch: BatchSummary): { word: string; tone: Tone; icon: IconName } {
  if (batch.status === 'failed') return { word: 'Failed', tone: 'danger', icon: 'stop' };
  if (batch.status === 'rejected') return { word: 'Rejected', tone: 'neutral', icon: 'pause' };
  if (batch.status === 'rolled_back') return { word: 'Rolled back', tone: 'warn', icon: 'undo' };
  if (batch.kind === 'rollback') return { word: 'Rollback', tone: 'accent', icon: 'undo' };
  if (batch.kind === 'purge') return { word: 'Purged', tone: 'danger', icon: 'stop' };
  if (batch.kind === 'restore') return { word: 'Backup restored', tone: 'warn', icon: 'database' };
  if (batch.kind === 'repair') return { word: 'Repaired', tone: 'accent', icon: 'check' };
  return { word: 'Applied', tone: 'safe', icon: 'check' };
}

export const statusOptions = [
  { value: '', label: 'Everything' },
  { value: 'applied', label: 'Applied' },
  { value: 'rolled_back', label: 'Rolled back' },
  { value: 'rejected', label: 'Rejected' },
  { value: 'failed', label: 'Failed' },
] as const;
