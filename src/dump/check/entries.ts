/**
 * The entries of every table of a decoding, for rules about single entries.
 * @module
 */
import type { PhysicalReader } from '../../bus.ts';
import { IntermediateReader } from '../../hardware/walk/nested.ts';
import { ATTR, type Descriptors, KIND } from '../../hardware/walk/regime.ts';
import { Walker } from '../../hardware/walk/walker.ts';
import type { Decoding, DomainMappings } from '../decode.ts';
import { PAGE } from '../pages.ts';
import type { Entry } from './types.ts';

/** A table's words; unknown ones are zero. */
function readTable(reader: PhysicalReader, address: number, bytes: number): Uint32Array {
  const words = new Uint32Array(bytes / 4);
  for (let at = 0; at < bytes; at += PAGE) {
    const seen = reader.view?.(address + at, Math.min(PAGE, bytes - at));
    if (seen !== undefined) words.set(seen, at / 4);
    else for (let i = at; i < Math.min(bytes, at + PAGE); i += 4) words[i / 4] = reader.read32(address + i) ?? 0;
  }
  return words;
}

/** A table of a domain as its entries are read. */
interface ReadTable {
  readonly domain: DomainMappings;
  readonly d: Descriptors;
  readonly depth: number;
  readonly address: number;
  /** Input address of the first entry. */
  readonly base: bigint;
  readonly words: Uint32Array;
}

function* domainEntries(reader: PhysicalReader, domain: DomainMappings): Generator<Entry> {
  const { regime, stage2 } = domain.tables;
  const memory = stage2 === undefined ? reader : new IntermediateReader(reader, new Walker(reader, stage2));
  const seen = new Set<number>();
  for (const { root, offset, level, address, bytes } of domain.tablePages) {
    const ofRoot = regime.regions.filter((one) => one.root === root);
    const region = ofRoot.find((one) => offset >= (one.from ?? 0) && offset < one.size) ?? ofRoot[0];
    const d = region?.descriptors;
    const depth = d?.levels.findIndex((one) => one.level === level) ?? -1;
    if (d === undefined || region === undefined || depth < 0 || seen.has(address + depth)) continue;
    seen.add(address + depth);
    const words = readTable(memory, address, bytes);
    yield* tableEntries({ domain, d, depth, address, base: region.base + BigInt(offset), words });
  }
}

/** Whether leaves that differ from this one in their addresses only need not be looked at. */
function isPlain({ kind, lo, hi, depth, bytes, offences }: Entry, d: Descriptors): boolean {
  if (kind !== KIND.leaf || offences.length > 0 || d.span(lo, hi, depth) !== bytes) return false;
  return (d.attributes(lo, hi, depth, 0) & ATTR.contiguous) === 0;
}

function* tableEntries(table: ReadTable): Generator<Entry> {
  const { d, depth, words } = table;
  const stride = d.entryBytes / 4;
  const bits = d.addressBits(depth);
  const [sameLow, sameHigh] = bits === undefined ? [-1, -1] : [~(bits.lo | (d.statusBits ?? 0)), ~bits.hi];
  let plain: Entry | undefined;
  for (let w = 0; w < words.length; w += stride) {
    const lo = words[w] as number;
    const hi = stride === 2 ? (words[w + 1] as number) : 0;
    if ((lo | hi) === 0) continue;
    if (plain !== undefined && (((lo ^ plain.lo) & sameLow) | ((hi ^ plain.hi) & sameHigh)) === 0) continue;
    const entry = entryOf(table, w / stride, lo, hi);
    if (isPlain(entry, d)) plain = entry;
    yield entry;
  }
}

function entryOf({ domain, d, depth, address, base, words }: ReadTable, index: number, lo: number, hi: number): Entry {
  const unit = d.levels[depth]?.unit ?? 0;
  return {
    domain,
    depth,
    lo,
    hi,
    kind: d.kind(lo, hi, depth),
    iova: base + BigInt(index) * BigInt(unit),
    bytes: unit,
    index,
    address: address + index * d.entryBytes,
    offences: d.offences(lo, hi, depth),
    words,
  };
}

/**
 * Entries of all domains, read as they are asked for: of leaves of a table that differ in their addresses only, and in which
 * no rule can find anything, the first. A table that is shared is read once a domain.
 */
export function* readEntries(reader: PhysicalReader, decoding: Decoding): Generator<Entry> {
  for (const domain of decoding.domains) yield* domainEntries(reader, domain);
}
