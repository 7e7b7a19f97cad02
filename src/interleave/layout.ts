/**
 * The shared words of a scenario: their names and what they hold at the start.
 * @module
 */
import type { Cell } from './operations.ts';

/** Hands out shared words one after the other. */
export class Layout {
  /** Name of each word, for traces. */
  readonly names: string[] = [];
  /** What each word holds at the start, in the cache and in memory. */
  readonly initial: number[] = [];
  /** Words that a device reads from memory: they may be written back at any time. */
  readonly written: Cell[] = [];

  /** A word that every party sees alike. */
  cell(name: string, initial = 0): Cell {
    this.initial.push(initial);
    return this.names.push(name) - 1;
  }

  /** Neighbouring words `name[0]`, `name[1]`, …; gives the first. */
  cells(name: string, count: number, initial = 0): Cell {
    const first = this.names.length;
    for (let i = 0; i < count; i++) this.cell(`${name}[${i}]`, initial);
    return first;
  }

  /** Lets a device that does not snoop read these words: from now on they have a copy in memory. */
  notSnooped(first: Cell, count: number): void {
    for (let cell = first; cell < first + count; cell++) this.written.push(cell);
  }
}
