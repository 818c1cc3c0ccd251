import type { Hunk, Row } from '../backend/types';

/** Rows that are put on the page together. A gap says how many equal lines were left out before them. */
export interface Chunk {
  key: string;
  gap: number;
  rows: Row[];
}

const rowsPerChunk = 120;

/** Cuts hunks into chunks of a size that can be drawn within one frame. */
export function chunksOf(hunks: Hunk[]): Chunk[] {
  const chunks: Chunk[] = [];
  let line = 1;
  hunks.forEach((hunk, index) => {
    // The longer side decides: at the start of a file that was added the old side has no line at all.
    const gap = Math.max(0, Math.max(hunk.old_start - line, index === 0 ? hunk.new_start - 1 : 0));
    line = hunk.old_start + hunk.old_lines;
    for (let at = 0; at < hunk.rows.length; at += rowsPerChunk) {
      chunks.push({ key: `${index}:${at}`, gap: at === 0 ? gap : 0, rows: hunk.rows.slice(at, at + rowsPerChunk) });
    }
  });
  return chunks;
}

/** How many lines were added and removed. */
export function lineCounts(hunks: Hunk[]): { added: number; removed: number } {
  let added = 0;
  let removed = 0;
  for (const hunk of hunks) {
    for (const row of hunk.rows) {
      if (row.kind === 'added' || row.kind === 'changed') added++;
      if (row.kind === 'removed' || row.kind === 'changed') removed++;
    }
  }
  return { added, removed };
}
