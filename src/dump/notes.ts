/**
 * Counting what a reader leaves out.
 * @module
 */
import type { DumpNote } from './types.ts';

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
