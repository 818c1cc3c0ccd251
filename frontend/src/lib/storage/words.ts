import type { Backup, Tombstone } from '../backend/types';
import type { IconName } from '../parts/Icon.svelte';
import { count } from '../text/count';
import { size } from '../text/size';

const kinds: Record<string, { word: string; icon: IconName }> = {
  entity: { word: 'Content type', icon: 'entity' },
  field: { word: 'Field', icon: 'storage' },
  revisions: { word: 'Revisions', icon: 'history' },
  displaced: { word: 'Values from before a rollback', icon: 'undo' },
  filled: { word: 'Rows that were given a value', icon: 'edit' },
  cleared: { word: 'Rows whose first value was taken away', icon: 'edit' },
  foreign: { word: 'Column of another program', icon: 'database' },
};

/** What kind of thing is out of use. */
export function kindOf(tombstone: Tombstone): { word: string; icon: IconName } {
  return kinds[tombstone.kind] ?? { word: tombstone.kind.charAt(0).toUpperCase() + tombstone.kind.slice(1).replaceAll('_', ' '), icon: 'database' };
}

/** What lies inside: `12,400 values in 12,400 rows`. */
export function contents(tombstone: Tombstone): string {
  if (!tombstone.counted) return 'Too much to count';
  if (tombstone.kind === 'entity') return count(tombstone.rows, 'row');
  return tombstone.values === 0 ? 'No value inside' : `${count(tombstone.values, 'value')} in ${count(tombstone.rows, 'row')}`;
}

/** The size, or that it is not known. */
export function weight(bytes: number): string {
  return bytes < 0 ? 'Size not known' : size(bytes);
}

/** `versions 1 to 3`, `version 4`. */
export function versions(from: number, to: number): string {
  return from === to ? `version ${from}` : `versions ${from} to ${to}`;
}

const occasions: Record<Backup['kind'], string> = { apply: 'Before an apply', rollback: 'Before a rollback', repair: 'Before a repair', purge: 'Before a purge', restore: 'Before a restore' };

/** What a backup was taken before. */
export function occasion(backup: Backup): string {
  return occasions[backup.kind] ?? 'Before a change';
}

/** What a backup holds. */
export function extent(backup: Backup): string {
  return backup.whole ? 'The whole database' : count(backup.tables.length, 'table');
}

/** The command that puts a backup back, to be run in any folder. */
export function restoreCommand(backup: Backup, root: string | undefined): string {
  return ['marain restore-backup', quoted(backup.name), root ? `--project ${quoted(root)}` : ''].filter(Boolean).join(' ');
}

/** Quotes an argument where a shell needs it. */
function quoted(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`;
}
