import type { Connection } from '../backend/backend';
import type { Status } from '../backend/types';
import { count } from '../text/count';
import { shortTime } from '../text/time';
import { splitPath } from '../text/value';

export type Tone = 'safe' | 'warn' | 'danger' | 'muted';

export interface Line {
  tone: Tone;
  headline: string;
  details: string[];
}

/** How many files are invalid; a file with three problems is one. */
export function invalidFileCount(status: Status): number {
  return new Set(status.invalid_files.map((problem) => problem.file_path)).size;
}

/**
 * What the status line says. It speaks of the newest state that was fetched, and says so when it cannot know whether
 * that is still true: a line that is not connected never claims to be in sync.
 */
export function statusLine(status: Status | undefined, connection: Connection, now = new Date()): Line {
  if (connection === 'lost') return { tone: 'muted', headline: 'Reconnecting…', details: ['What you see may be out of date'] };
  if (!status) return { tone: 'muted', headline: 'Connecting…', details: [] };
  return { ...headline(status), details: details(status, now) };
}

function headline(status: Status): { tone: Tone; headline: string } {
  const invalid = invalidFileCount(status);
  const waiting = status.pending_changes.length;
  if (!status.database.ok) return { tone: 'danger', headline: 'Database not available' };
  if (status.state === 'unavailable') return { tone: 'danger', headline: 'Project folder not available' };
  if (invalid > 0) return { tone: 'danger', headline: count(invalid, 'invalid file') };
  if (waiting > 0) return { tone: 'warn', headline: `${count(waiting, 'change')} waiting` };
  if (status.held_files.length > 0) return { tone: 'muted', headline: '0 changes waiting' };
  if (status.drift.differences > 0) return { tone: 'warn', headline: `Repair or adopt ${count(status.drift.differences, 'difference')} in the tables` };
  if (!status.in_sync) return { tone: 'muted', headline: 'Looking at the files…' };
  return { tone: 'safe', headline: 'In sync' };
}

function details(status: Status, now: Date): string[] {
  const parts: string[] = [];
  const waiting = status.pending_changes.length;
  if (waiting > 0 && status.invalid_files.length > 0) parts.push(`${count(waiting, 'change')} waiting`);
  if (status.held_files.length > 0) parts.push(count(status.held_files.length, 'file held', 'files held'));
  if (status.watcher.state !== 'watching') parts.push(watcherText(status));
  parts.push(`snapshot ${status.snapshot_version}`);
  parts.push(databaseName(status));
  if (status.last_sync) parts.push(`last sync ${shortTime(status.last_sync, now)}`);
  return parts;
}

/** The database in a word: the file's name, or the host and name as they are. */
export function databaseName(status: Status): string {
  const { driver, location } = status.database;
  return driver === 'sqlite' ? splitPath(location.replaceAll('\\', '/')).name : location;
}

/** How saved files are noticed, in a few words. */
export function watcherText(status: Status): string {
  const watcher = status.watcher;
  switch (watcher.state) {
    case 'watching':
      return `Watching ${count(watcher.files, 'file')}`;
    case 'polling':
      return `Looking at ${count(watcher.files, 'file')} on a timer`;
    case 'degraded':
      return 'Catching up with many changes';
    case 'unavailable':
      return 'Folder not available';
    default:
      return 'Not watching';
  }
}
