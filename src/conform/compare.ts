/**
 * Comparing what was recorded with what the engine does.
 * @module
 */
import { hex } from '../address.ts';
import type { DumpRow, TlbEvent } from './vector.ts';

/** One difference: where, what was recorded, what the engine did. */
export interface Difference {
  /** Field of the vector, such as `ret`, `tlb[3]`, `dump[0x80001000][5]`. */
  readonly field: string;
  /** The recorded value. */
  readonly expected: string;
  /** The engine's value. */
  readonly got: string;
}

/** The first difference of two values, compared as text. */
export function compareText(field: string, expected: string, got: string): Difference | undefined {
  return expected === got ? undefined : { field, expected, got };
}

/** Events with `A` runs expanded to single pages: how runs are cut is not significant. */
export function expandEvents(events: readonly TlbEvent[]): string[] {
  return events.flatMap((event) => (event[0] === 'A' ? expandPages(event) : [event.join(' ')]));
}

function expandPages(event: readonly ['A', string, string, number]): string[] {
  const step = BigInt(event[2]);
  return Array.from(
    { length: event[3] },
    (_, i) => `A ${hex(BigInt.asUintN(64, BigInt(event[1]) + BigInt(i) * step))} ${hex(step)}`,
  );
}

/** The first difference of two event lists. */
export function compareEvents(expected: readonly TlbEvent[], got: readonly TlbEvent[]): Difference | undefined {
  const want = expandEvents(expected);
  const have = expandEvents(got);
  for (let i = 0; i < Math.max(want.length, have.length); i++) {
    if (want[i] !== have[i]) return { field: `tlb[${i}]`, expected: want[i] ?? 'nothing', got: have[i] ?? 'nothing' };
  }
  return undefined;
}

/** Entries by `table[index]`, each with its level and value. */
export type EntryMap = ReadonlyMap<string, string>;

/** Dump rows with runs expanded. */
export function expandRows(rows: readonly DumpRow[], entryBits: 32 | 64): EntryMap {
  const entries = new Map<string, string>();
  for (const [table, level, index, value, count = 1, stride = '0x0'] of rows) {
    for (let i = 0; i < count; i++) {
      const entry = BigInt.asUintN(entryBits, BigInt(value) + BigInt(i) * BigInt(stride));
      entries.set(`${table}[${index + i}]`, `level ${level} ${hex(entry)}`);
    }
  }
  return entries;
}

/** The first difference of two sets of entries. */
export function compareEntries(expected: EntryMap, got: EntryMap): Difference | undefined {
  for (const [key, value] of expected) {
    const have = got.get(key);
    if (have !== value) return { field: `dump.${key}`, expected: value, got: have ?? 'nothing' };
  }
  for (const [key, value] of got) {
    if (!expected.has(key)) return { field: `dump.${key}`, expected: 'nothing', got: value };
  }
  return undefined;
}
