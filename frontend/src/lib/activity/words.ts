import type { Progress, Running } from '../backend/types';
import { count } from '../text/count';

const phases: Record<Progress['phase'], string> = {
  waiting: 'Waiting for the database',
  checking: 'Checking that the plan is still true',
  saving: 'Making a backup',
  running: 'Changing the tables',
  verifying: 'Verifying the tables',
  recording: 'Writing the history',
  committing: 'Committing',
};

const kinds: Record<Running['kind'], string> = {
  apply: 'Applying',
  rollback: 'Rolling back',
  repair: 'Repairing',
  purge: 'Purging',
  restore: 'Restoring a backup',
};

/** What a batch is doing now, without its figures: they change too often to be read out. */
export function doing(running: Running): string {
  const what = running.phase === 'running' && running.description ? running.description : (phases[running.phase] ?? running.phase);
  return `${kinds[running.kind] ?? 'Applying'}: ${what}`;
}

/** `150,000 of 1,000,000 rows`; empty where rows are not counted. */
export function rowsDone(running: Progress): string {
  return running.total > 0 ? `${new Intl.NumberFormat('en').format(running.done)} of ${count(running.total, 'row')}` : '';
}

/** From 0 to 100, or undefined where nobody knows. */
export function percent(running: Progress): number | undefined {
  return running.total > 0 ? Math.min(100, Math.round((running.done / running.total) * 100)) : undefined;
}
