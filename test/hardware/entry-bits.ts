import { ATTR, type Descriptors, KIND, permsText, reasonOf, TYPE_SHIFT } from '../../src/hardware/walk/regime.ts';
import { effectsOfBits, type Parts, partsText } from './bit-effects.ts';

/** Attributes that permission letters do not show. */
const FLAGS = { accessFault: ATTR.accessFault, dirtyFault: ATTR.dirtyFault, contiguous: ATTR.contiguous } as const;

const halves = (entry: bigint): readonly [number, number] => [Number(entry & 0xffff_ffffn), Number(entry >> 32n)];
const hex = (value: number): string => `0x${BigInt(value).toString(16)}`;

function attributesText(attributes: number): string {
  const flags = Object.entries(FLAGS).flatMap(([name, bit]) => ((attributes & bit) === 0 ? [] : [name]));
  const privileged = permsText((attributes & ~7) >>> 0);
  return [permsText(attributes) || 'none', privileged || 'none', ...flags].join(' ');
}

function leafParts(d: Descriptors, lo: number, hi: number, depth: number): Parts {
  const attributes = d.attributes(lo, hi, depth, 0);
  return {
    output: hex(d.output(lo, hi, depth)),
    span: hex(d.span(lo, hi, depth)),
    hint: String(d.hintEntries?.(depth) ?? 0),
    attributes: attributesText(attributes & 0xffff),
    type: d.memoryType(attributes >>> TYPE_SHIFT),
  };
}

function tableParts(d: Descriptors, lo: number, hi: number, depth: number, leaf: bigint): Parts {
  const denied = d.inherit(lo, hi, 0);
  const last = d.levels.length - 1;
  return {
    table: hex(d.table(lo, hi, depth)),
    next: String(d.next?.(lo, hi, depth) ?? depth + 1),
    leaves: attributesText(d.attributes(...halves(leaf), last, denied) & 0xffff),
  };
}

function partsOf(d: Descriptors, entry: bigint, depth: number, leaf: bigint): Parts {
  const [lo, hi] = halves(entry);
  const kind = d.kind(lo, hi, depth);
  const name = ['invalid', 'table', 'leaf'][kind] ?? reasonOf(kind);
  const fields = kind === KIND.invalid ? {} : d.fields(lo, hi, depth);
  const named = Object.fromEntries(Object.entries(fields).map(([field, value]) => [`.${field}`, String(value)]));
  const offences = { offences: d.offences(lo, hi, depth).join('; ') };
  if (kind === KIND.leaf) return { kind: name, ...named, ...offences, ...leafParts(d, lo, hi, depth) };
  if (kind === KIND.table) return { kind: name, ...named, ...offences, ...tableParts(d, lo, hi, depth, leaf) };
  return { kind: name };
}

/** What a flip of each bit of an entry changes; `leaf` stands below a table entry, to show what the entry denies. */
export function entryEffects(d: Descriptors, depth: number, entry: bigint, leaf: bigint): string[] {
  const base = partsOf(d, entry, depth, leaf);
  return effectsOfBits(base, 8 * d.entryBytes, (bit) => partsOf(d, entry ^ (1n << BigInt(bit)), depth, leaf));
}

/** An entry in one line: what it is, and what it says beside its fields. */
export function entryText(d: Descriptors, depth: number, entry: bigint, leaf: bigint): string {
  return partsText(partsOf(d, entry, depth, leaf));
}
