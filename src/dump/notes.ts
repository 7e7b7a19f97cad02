/**
 * Counting what a reader leaves out.
 * @module
 */
import type { DumpNote } from './types.ts';

const DAMAGE: ReadonlySet<string> = new Set([
  'file-cut',
  'gzip-cut',
  'lines-too-long',
  'pages-unreadable',
  'rows-skipped',
  'segment-cut',
  'split-part',
]);

/** True if a note says that the file is cut, damaged or one part of several, so that an answer from it may miss something. */
export function isDamage({ code }: DumpNote): boolean {
  return DAMAGE.has(code);
}

/** Counts notes by code; the words are those of the first. */
export class NoteCounter {
  readonly #notes = new Map<string, { code: string; count: number; text: string }>();

  /** Adds one thing, or `count` of them. */
  add(code: string, text: string, count = 1): void {
    const note = this.#notes.get(code);
    if (note === undefined) this.#notes.set(code, { code, count, text });
    else note.count += count;
  }

  /** All notes, in the order in which they first came up. */
  list(): DumpNote[] {
    return [...this.#notes.values()];
  }
}
