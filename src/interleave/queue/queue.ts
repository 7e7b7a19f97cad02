/**
 * The command queue that several CPUs and one SMMU share: registers, entries, and what the CPUs keep beside them. Positions
 * count entries modulo twice the size, as CMDQ_PROD and CMDQ_CONS do (Arm IHI 0070, 3.5.1): index, and the wrap bit above it.
 * @module
 */
import type { Layout } from '../layout.ts';
import type { Cell } from '../operations.ts';

/** Set in the CPUs' copy of PROD while a producer collects the commands of those that come after it. */
export const COLLECTED: number = 2 ** 31;

/** The lock word while one CPU holds it alone; the waiters are counted up from here. */
export const EXCLUSIVE: number = -(2 ** 31);

/** How a CMD_SYNC says that it is done: the waiter polls CMDQ_CONS, or its own entry, which the SMMU zeroes by an MSI. */
export type Completion = 'consumed' | 'msi';

/** The words of a queue. */
export interface Queue {
  /** Entries; a power of two. */
  readonly size: number;
  readonly completion: Completion;
  /** CMDQ_PROD and CMDQ_CONS. */
  readonly prodRegister: Cell;
  readonly consRegister: Cell;
  /** The CPUs' own PROD (with {@link COLLECTED}) and CONS, halves of one 64-bit word. */
  readonly prod: Cell;
  readonly cons: Cell;
  /** Up to where producers have published: whose turn it is. */
  readonly turn: Cell;
  /** Shared by those that wait for a CMD_SYNC (their number), or {@link EXCLUSIVE}. */
  readonly lock: Cell;
  /** First word of the entries, two words each. */
  readonly entries: Cell;
  /** First word of the valid bits, and how many bits a word has. */
  readonly valid: Cell;
  readonly validBits: number;
}

/** Makes the words of a queue. `validBits` at most 31. */
export function queueIn(layout: Layout, size: number, completion: Completion, validBits = 2): Queue {
  return {
    size,
    completion,
    validBits,
    prodRegister: layout.cell('CMDQ_PROD'),
    consRegister: layout.cell('CMDQ_CONS'),
    prod: layout.cell('prod'),
    cons: layout.cell('cons'),
    turn: layout.cell('turn'),
    lock: layout.cell('lock'),
    entries: layout.cells('entry', 2 * size),
    valid: layout.cells('valid', Math.ceil(size / validBits)),
  };
}

/** The position `count` entries on. */
export function forward(queue: Queue, position: number, count: number): number {
  return (position + count) % (2 * queue.size);
}

/** Entries from a position forward to another one. */
export function distance(queue: Queue, from: number, to: number): number {
  return (to - from + 2 * queue.size) % (2 * queue.size);
}

/** Entries that are free between two positions. */
export function space(queue: Queue, prod: number, cons: number): number {
  return queue.size - distance(queue, cons, prod);
}

/**
 * Whether CONS has passed the entry at `position`. Right only while CONS cannot have gone round since: a position alone does
 * not say how often.
 */
export function passed(queue: Queue, cons: number, position: number): boolean {
  const ahead = distance(queue, position, cons);
  return ahead > 0 && ahead <= queue.size;
}

/** The first word of the entry at a position. */
export function entryOf(queue: Queue, position: number): Cell {
  return queue.entries + 2 * (position % queue.size);
}

/** Valid bits in one word: which, and what they are once the entries of this round are written. */
export interface ValidRun {
  readonly cell: Cell;
  readonly mask: number;
  readonly written: number;
}

/** The valid bits of `count` entries from a position on, word by word. They flip in each round, so nobody clears them. */
export function validRuns(queue: Queue, position: number, count: number): ValidRun[] {
  const runs: ValidRun[] = [];
  for (let done = 0; done < count; ) {
    const at = forward(queue, position, done);
    const index = at % queue.size;
    const bit = index % queue.validBits;
    const length = Math.min(count - done, queue.validBits - bit, queue.size - index);
    const mask = (2 ** length - 1) * 2 ** bit;
    runs.push({ cell: queue.valid + Math.floor(index / queue.validBits), mask, written: at < queue.size ? mask : 0 });
    done += length;
  }
  return runs;
}
