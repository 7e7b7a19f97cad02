/**
 * What must hold of a table with several writers: the device finds a page as it was before a call or as it is after it, and
 * after the call has returned only the latter; pages that no call is about stay as they are; the device reads no page that is
 * free; at the end every page that was allocated is in the table or free again.
 * @module
 */
import type { Event } from '../operations.ts';
import type { Reader, Rules } from '../scenario.ts';
import { addressOf, cellOf, indexAt, isBlock, span, type Table } from './table.ts';
import type { Job } from './writer.ts';

/** State of a page of memory, as the rules remember it. */
const ALLOCATED = 1;
const FREE = 0;

/** Frames of a page before and after its call; 0 is a fault. Equal where there is no call. */
export interface Expected {
  readonly before: number;
  readonly after: number;
}

/** What every input page shall translate to. `blocks` are the frames that the root's entries map at the start, 0 for none. */
export function expectedOf(table: Table, blocks: readonly number[], jobs: readonly Job[]): Expected[] {
  const each = span(table, 0);
  return Array.from({ length: each * table.entries }, (_, input) => {
    const block = blocks[Math.floor(input / each)] ?? 0;
    const before = block === 0 ? 0 : block + (input % each);
    const job = jobs.find((one) => one.input === input);
    return { before, after: job === undefined ? before : (job.frame ?? 0) };
  });
}

/** Rules for one table. What they remember: for each page of memory whether it is allocated. */
export function tableRules(table: Table, expected: readonly Expected[]): Rules {
  const memory = Array.from({ length: table.pages }, (_, page) => (page === 0 ? ALLOCATED : FREE));
  return {
    memory,
    event: (pages, happened) => look(expected, pages, happened),
    end: (pages, read) => atEnd(table, expected, pages, read),
  };
}

function look(expected: readonly Expected[], pages: number[], { name, values }: Event): string | undefined {
  const [first = 0, frame = 0, returned = 0] = values;
  if (name === 'allocates') pages[first] = ALLOCATED;
  if (name === 'frees') pages[first] = FREE;
  if (name === 'walks' && pages[first] !== ALLOCATED) return `the device walks through page ${first}, which is free`;
  if (name !== 'translates') return undefined;
  const { before, after } = expected[first] as Expected;
  if (frame === after || (returned === 0 && frame === before)) return undefined;
  const when = returned === 0 ? '' : ' after the call has returned';
  return `the device finds ${shown(frame)} for input page ${first}${when}, not ${shown(after)}`;
}

function shown(frame: number): string {
  return frame === 0 ? 'nothing' : `frame 0x${frame.toString(16)}`;
}

function atEnd(
  table: Table,
  expected: readonly Expected[],
  pages: readonly number[],
  read: Reader,
): string | undefined {
  const used = new Set([0]);
  for (const [input, { after }] of expected.entries()) {
    const frame = translated(table, read, input, used);
    if (frame !== after) return `at the end input page ${input} is ${shown(frame)}, not ${shown(after)}`;
  }
  const lost = pages.findIndex((state, page) => (state === ALLOCATED) !== used.has(page));
  if (lost === -1) return undefined;
  return used.has(lost)
    ? `at the end page ${lost} is in the table and free`
    : `at the end page ${lost} is lost: neither in the table nor free`;
}

function translated(table: Table, read: Reader, input: number, used: Set<number>): number {
  let page = 0;
  for (let level = 0; ; level++) {
    const entry = read(cellOf(table, page, indexAt(table, input, level)));
    if (entry === 0) return 0;
    if (level === table.levels - 1) return addressOf(entry);
    if (isBlock(entry)) return addressOf(entry) + (input % span(table, level));
    page = addressOf(entry);
    used.add(page);
  }
}
