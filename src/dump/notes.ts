/**
 * Counting what a reader leaves out.
 * @module
 */
import { cutTo } from '../errors.ts';
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

/** Characters of a line in a note. */
const SHOWN = 80;

/** Counts the lines of a text, and those of them that were not understood. */
export class LineTally {
  #all = 0;
  #left = 0;
  #first = '';

  /** Counts a line that may be understood or not. */
  all(): void {
    this.#all++;
  }

  /** Counts one that was not understood. */
  left({ number, text }: { readonly number: number; readonly text: string }): void {
    if (this.#left++ > 0) return;
    this.#first = `the first is line ${number}: ${cutTo(text.trim().slice(0, 4 * SHOWN), SHOWN)}`;
  }

  /** Says how many were left, of how many, with the first; `what` as in "lines of no known form". */
  addTo(notes: NoteCounter, code: string, what: string): void {
    if (this.#left > 0) notes.add(code, `${what}, of ${this.#all} lines; ${this.#first}`, this.#left);
  }
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
