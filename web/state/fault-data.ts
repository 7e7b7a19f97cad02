/**
 * The part of the fault answer's data that the page draws: an incident's words, its fields bit by bit, and the walk of its
 * address. The answer comes from the worker as plain data, so that its shape is looked at, not assumed.
 * @module
 */
import type { BitGroup } from '../explore/bits.ts';

/** One field of an incident. */
export interface FieldCell {
  readonly name: string;
  readonly value: string;
  readonly meaning: string;
}

/** Bits of a record or register, as far as the lines tell them. */
export interface BitPicture {
  /** `record`, or the register's name. */
  readonly of: string;
  readonly value: bigint;
  readonly groups: readonly BitGroup[];
}

/** One memory read of a walk. */
export interface WalkRow {
  readonly level: string;
  readonly index: string;
  readonly address: string;
  readonly entry: string;
  readonly kind: string;
}

/** The walk of an incident's address in the dump that was dropped. */
export interface WalkCells {
  /** Id of the domain; empty where the dump does not say. */
  readonly domain: string;
  readonly rows: readonly WalkRow[];
  /** What the walk came to, in words. */
  readonly result: string;
}

/** One incident. */
export interface IncidentCells {
  readonly line: string;
  readonly words: string;
  readonly iova: string;
  readonly fields: readonly FieldCell[];
  readonly pictures: readonly BitPicture[];
  readonly walk: WalkCells | undefined;
}

/** Bits of the widest record. */
const MOST_BITS = 512;

function entriesOf(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}

function own(value: unknown, ...keys: readonly string[]): unknown {
  return keys.reduce<unknown>((inner, key) => entriesOf(inner).find(([name]) => name === key)?.[1], value);
}

function text(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

interface PlacedField {
  readonly of: string;
  readonly name: string;
  readonly at: number;
  readonly bits: number;
  readonly value: bigint;
}

function placedOf(field: unknown): PlacedField[] {
  const [at, bits, value] = [own(field, 'at'), own(field, 'bits'), text(own(field, 'value'))];
  if (typeof at !== 'number' || typeof bits !== 'number' || !/^0x[0-9a-f]+$/.test(value)) return [];
  if (!(at >= 0 && bits > 0 && at + bits <= MOST_BITS)) return [];
  return [{ of: text(own(field, 'of')), name: text(own(field, 'name')), at, bits, value: BigInt(value) }];
}

/** Fields from the highest bit down, with what lies between them as groups without a name. */
function groupsOf(fields: readonly PlacedField[]): BitGroup[] {
  const width = Math.ceil(Math.max(...fields.map(({ at, bits }) => at + bits)) / 32) * 32;
  const groups: BitGroup[] = [];
  let top = width;
  for (const { name, at, bits } of fields.toSorted((a, b) => b.at - a.at)) {
    if (at + bits > top) continue;
    if (at + bits < top) groups.push({ name: '', high: top - 1, low: at + bits });
    groups.push({ name, high: at + bits - 1, low: at });
    top = at;
  }
  if (top > 0) groups.push({ name: '', high: top - 1, low: 0 });
  return groups;
}

function picturesOf(fault: unknown): BitPicture[] {
  const fields = listOf(own(fault, 'bitFields')).flatMap(placedOf);
  return [...new Set(fields.map(({ of }) => of))].map((of) => {
    const placed = fields.filter((field) => field.of === of);
    return {
      of,
      groups: groupsOf(placed),
      value: placed.reduce((sum, { at, value }) => sum | (value << BigInt(at)), 0n),
    };
  });
}

function resultWords(walk: unknown): string {
  const pa = text(own(walk, 'pa'));
  if (pa !== '') return `translated to ${pa}, ${text(own(walk, 'perms'))}`;
  const reason = text(own(walk, 'fault', 'reason'));
  return reason === '' ? '' : `faults: ${reason} (${text(own(walk, 'fault', 'syndrome'))})`;
}

function walkOf(fault: unknown): WalkCells | undefined {
  const walk = own(fault, 'walk');
  const rows = listOf(own(walk, 'steps')).map((step) => ({
    level: text(own(step, 'level')),
    index: text(own(step, 'index')),
    address: text(own(step, 'entryAddress')),
    entry: text(own(step, 'entry')),
    kind: text(own(step, 'kind')),
  }));
  const result = resultWords(walk);
  return rows.length === 0 && result === '' ? undefined : { domain: text(own(walk, 'domain')), rows, result };
}

function cellsOf(fault: unknown): IncidentCells {
  const meanings = new Map(entriesOf(own(fault, 'meanings')));
  const fields = entriesOf(own(fault, 'fields')).map(([name, value]) => ({
    name,
    value: text(value),
    meaning: text(meanings.get(name)),
  }));
  const [line, words, iova] = ['line', 'words', 'iova'].map((key) => text(own(fault, key)));
  return {
    line: line ?? '',
    words: words ?? '',
    iova: iova ?? '',
    fields,
    pictures: picturesOf(fault),
    walk: walkOf(fault),
  };
}

/** The first incidents of an answer that have fields, one for each set of values. */
export function incidentsOf(data: object, most: number): IncidentCells[] {
  const seen = new Set<string>();
  const cells = listOf(own(data, 'faults')).slice(0, 200).map(cellsOf);
  return cells
    .filter(({ fields }) => {
      const key = fields.map(({ name, value }) => `${name}=${value}`).join();
      return fields.length > 0 && !seen.has(key) && seen.add(key);
    })
    .slice(0, most);
}
