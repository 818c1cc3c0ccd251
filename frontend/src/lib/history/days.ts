import type { BatchSummary } from '../backend/types';
import { dayLabel } from '../text/time';

export interface Day {
  label: string;
  batches: BatchSummary[];
}

/** Groups batches by the reader's own day. They keep the order they come in, which is the order they happened in. */
export function groupByDay(batches: BatchSummary[], now = new Date()): Day[] {
  const days: Day[] = [];
  for (const batch of batches) {
    const label = dayLabel(batch.at, now);
    const last = days.at(-1);
    if (last?.label === label) last.batches.push(batch);
    else days.push({ label, batches: [batch] });
  }
  return days;
}
