/**
 * Comparing what was recorded with what the engine does.
 * @module
 */
import { hex } from '../address.ts';
import type { RecordedEvent } from './subject.ts';
import type { DumpRow } from './vector.ts';

/** One difference: where, what was recorded, what the engine did. */
export interface Difference {
  /** Field of the vector, such as `ret`, `tlb[3]`, `dump[0x80001000][5]`. */
  readonly field: string;
  /** The recorded value. */
  readonly expected: string;
  /** The engine's value. */
  readonly got: string;
}

/** A value of a vector, or of an answer in a vector's form; a `bigint` stands for its `0x…` text. */
export type Value =
  | string
  | number
  | bigint
  | boolean
  | null
  | undefined
  | readonly Value[]
  | { readonly [key: string]: Value };

function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

function isRecord(value: Value): value is { readonly [key: string]: Value } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textOf(value: Value): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'bigint') return hex(value);
  if (typeof value === 'string') return /^0x[0-9a-f]{1,16}$/i.test(value) ? hex(BigInt(value)) : value;
  return isList(value) ? `[${value.map(textOf).join(', ')}]` : isRecord(value) ? 'a record' : String(value);
}

/** The first difference of two texts. */
export function compareText(field: string, expected: string, got: string): Difference | undefined {
  return expected === got ? undefined : { field, expected, got };
}

/** The first difference of two values: lists item by item, records key by key. */
export function compareValue(field: string, expected: Value, got: Value): Difference | undefined {
  if (isList(expected) && isList(got)) {
    for (let i = 0; i < Math.max(expected.length, got.length); i++) {
      const found = compareValue(`${field}[${i}]`, expected[i], got[i]);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (isRecord(expected) && isRecord(got)) {
    for (const key of new Set([...Object.keys(expected), ...Object.keys(got)])) {
      const found = compareValue(`${field}.${key}`, ownValue(expected, key), ownValue(got, key));
      if (found !== undefined) return found;
    }
    return undefined;
  }
  return compareText(field, textOf(expected), textOf(got));
}

function ownValue(record: { readonly [key: string]: Value }, key: string): Value {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

/** Events as text, with `A` runs expanded to single pages: how runs are cut is not significant. */
export function expandEvents(events: readonly RecordedEvent[]): string[] {
  return events.flatMap((event) =>
    event[0] === 'A' ? expandPages(event) : [event.map((part) => textOf(part)).join(' ')],
  );
}

function expandPages([, first, size, count]: RecordedEvent): string[] {
  const step = BigInt(String(size));
  return Array.from(
    { length: Number(count) },
    (_, i) => `A ${hex(BigInt.asUintN(64, BigInt(String(first)) + BigInt(i) * step))} ${hex(step)}`,
  );
}

/** The first difference of two event lists. */
export function compareEvents(
  field: string,
  expected: readonly RecordedEvent[],
  got: readonly RecordedEvent[],
): Difference | undefined {
  return compareValue(field, expandEvents(expected), expandEvents(got));
}

/** Entries by `table[index]`, each with its level and value. */
export type EntryMap = ReadonlyMap<string, string>;

/** An entry in use, as a {@link EntryMap} has it. */
export function addEntry(
  entries: Map<string, string>,
  table: bigint,
  level: number,
  index: number,
  entry: bigint,
): void {
  entries.set(`${hex(table)}[${index}]`, `level ${level} ${hex(entry)}`);
}

/** Dump rows with runs expanded. */
export function expandRows(rows: readonly DumpRow[], entryBits: 32 | 64): EntryMap {
  const entries = new Map<string, string>();
  for (const [table, level, index, value, count = 1, stride = '0x0'] of rows) {
    for (let i = 0; i < count; i++) {
      const entry = BigInt.asUintN(entryBits, BigInt(value) + BigInt(i) * BigInt(stride));
      addEntry(entries, BigInt(table), level, index + i, entry);
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
