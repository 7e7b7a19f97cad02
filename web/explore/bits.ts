/**
 * Which bits of an entry are which field: found by asking the decoder itself, bit by bit, what changes.
 * @module
 */
import { type Descriptors, KIND, reasonOf } from '../../src/hardware/walk/regime.ts';

/** Neighbouring bits of one name. */
export interface BitGroup {
  /** Field's name; empty for bits that the decoder does not look at. */
  readonly name: string;
  readonly high: number;
  readonly low: number;
}

interface Seen {
  readonly fields: Readonly<Record<string, string | number>>;
  readonly kind: number;
  readonly to: number;
}

function halves(entry: bigint): [number, number] {
  return [Number(BigInt.asUintN(32, entry)) | 0, Number(entry >> 32n) | 0];
}

function see(d: Descriptors, entry: bigint, depth: number, asTable: boolean): Seen {
  const [lo, hi] = halves(entry);
  const to = asTable ? d.table(lo, hi, depth) : d.output(lo, hi, depth);
  return { fields: d.fields(lo, hi, depth), kind: d.kind(lo, hi, depth), to };
}

/** Whether a kind says what an entry is, rather than what is wrong with its contents. */
function isType(kind: number): boolean {
  return kind <= KIND.leaf || /^(?:reserved-type|block-not-allowed)$/.test(reasonOf(kind));
}

/** The field that a bit belongs to: the one that changes with it, else the address, else the type of the entry. */
function nameOf(plain: Seen, flipped: Seen, asTable: boolean): string {
  const changed = Object.keys(plain.fields).filter((name) => plain.fields[name] !== flipped.fields[name]);
  const same = Object.keys(flipped.fields).length === Object.keys(plain.fields).length;
  if (changed.length > 0 && same) return changed.slice(0, 2).join(' ');
  if (plain.kind !== flipped.kind && isType(flipped.kind)) return 'type';
  if (plain.to !== flipped.to) return asTable ? 'next table' : 'output address';
  return plain.kind === flipped.kind ? '' : 'reserved';
}

/** The fields of an entry at a depth, from the highest bit down. */
export function bitGroups(d: Descriptors, entry: bigint, depth: number): BitGroup[] {
  const [lo, hi] = halves(entry);
  const asTable = d.kind(lo, hi, depth) === KIND.table;
  const plain = see(d, entry, depth, asTable);
  const groups: BitGroup[] = [];
  for (let bit = d.entryBytes * 8 - 1; bit >= 0; bit--) {
    const name = nameOf(plain, see(d, entry ^ (1n << BigInt(bit)), depth, asTable), asTable);
    const last = groups.at(-1);
    if (last?.name === name) groups[groups.length - 1] = { ...last, low: bit };
    else groups.push({ name, high: bit, low: bit });
  }
  return groups;
}
