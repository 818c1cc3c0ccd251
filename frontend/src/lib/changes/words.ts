import type { FileEvent, Kind, PlanFile, Plan } from '../backend/types';
import type { IconName } from '../parts/Icon.svelte';
import { count } from '../text/count';

export const kindIcons: Record<Kind, IconName> = { entity: 'entity', config: 'config', generic: 'generic' };
export const kindWords: Record<Kind, string> = { entity: 'Content type', config: 'Configuration', generic: 'File' };
export const eventWords: Record<FileEvent, string> = { added: 'New file', modified: 'Edited', removed: 'Removed' };

/** One short line for the list: `1 field added`, or how much changed. */
export function fileSummary(file: PlanFile): string {
  const first = file.changes[0];
  if (file.blocked.length > 0) return 'Cannot be applied yet';
  if (file.changes.length === 1 && first) return first.message;
  const changes = count(file.changes.length, 'change');
  return file.event === 'modified' ? changes : `${eventWords[file.event]} · ${changes}`;
}

/** What Approve is about to do, as a sentence. */
export function planSentence(plan: Plan): string {
  const files = count(plan.files.length, 'file');
  const changes = count(plan.files.reduce((sum, file) => sum + file.changes.length, 0), 'change');
  return `${files}, ${changes}`;
}

/** What the plan comes to beside its changes: its statements and checks. */
export function planFacts(plan: Plan): string {
  const statements = plan.files.reduce((sum, file) => sum + file.actions.reduce((total, action) => total + action.up.length, 0), 0);
  const checks = plan.files.reduce((sum, file) => sum + file.checks.length, 0);
  const parts = [statements > 0 ? count(statements, 'statement') : 'No SQL', checks > 0 ? count(checks, 'check') : ''];
  return parts.filter(Boolean).join(', ');
}

/** What a person must agree to before a breaking plan: the messages of what breaks. */
export function breakingMessages(plan: Plan): string[] {
  return plan.files.flatMap((file) => file.changes.filter((change) => change.category === 'breaking').map((change) => change.message));
}
