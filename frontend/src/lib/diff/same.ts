import type { Hunk, Plan } from '../backend/types';

/**
 * Gives a newer plan the very hunks of the one before where they say the same, so that a refresh does not draw a long
 * diff anew under the reader's eyes.
 */
export function keepHunks(before: Plan | undefined, next: Plan): Plan {
  const known = new Map(before?.files.map((file) => [file.file_path, file.hunks]));
  const files = next.files.map((file) => {
    const hunks = known.get(file.file_path);
    return hunks && same(hunks, file.hunks) ? { ...file, hunks } : file;
  });
  return { ...next, files };
}

function same(a: Hunk[], b: Hunk[]): boolean {
  return a.length === b.length && a.every((hunk, index) => hunk.rows.length === b[index]?.rows.length) && JSON.stringify(a) === JSON.stringify(b);
}
