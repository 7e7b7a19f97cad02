/**
 * Every entry of every table of a decoding, for rules about single entries.
 * @module
 */
import type { PhysicalReader } from '../../bus.ts';
import { IntermediateReader } from '../../hardware/walk/nested.ts';
import type { Descriptors } from '../../hardware/walk/regime.ts';
import { Walker } from '../../hardware/walk/walker.ts';
import type { Decoding, DomainMappings } from '../decode.ts';
import type { Entry } from './types.ts';

type Halves = { readonly lo: number; readonly hi: number };

function readTable(reader: PhysicalReader, address: number, count: number, entryBytes: number): Halves[] {
  const entries: Halves[] = [];
  for (let i = 0; i < count; i++) {
    const at = address + i * entryBytes;
    const hi = entryBytes === 8 ? (reader.read32(at + 4) ?? 0) : 0;
    entries.push({ lo: reader.read32(at) ?? 0, hi });
  }
  return entries;
}

function* domainEntries(reader: PhysicalReader, domain: DomainMappings): Generator<Entry> {
  const { regime, stage2 } = domain.tables;
  const memory = stage2 === undefined ? reader : new IntermediateReader(reader, new Walker(reader, stage2));
  const seen = new Set<number>();
  for (const page of domain.tablePages) {
    const ofRoot = regime.regions.filter((one) => one.root === page.root);
    const region = ofRoot.find((one) => page.offset >= (one.from ?? 0) && page.offset < one.size) ?? ofRoot[0];
    const d = region?.descriptors;
    const depth = d?.levels.findIndex((level) => level.level === page.level) ?? -1;
    if (d === undefined || region === undefined || depth < 0 || seen.has(page.address + depth)) continue;
    seen.add(page.address + depth);
    const table = readTable(memory, page.address, page.bytes / d.entryBytes, d.entryBytes);
    yield* tableEntries(domain, d, depth, table, page.address, region.base + BigInt(page.offset));
  }
}

function* tableEntries(
  domain: DomainMappings,
  d: Descriptors,
  depth: number,
  table: readonly Halves[],
  address: number,
  base: bigint,
): Generator<Entry> {
  const unit = d.levels[depth]?.unit ?? 0;
  for (const [index, { lo, hi }] of table.entries()) {
    if ((lo | hi) === 0) continue;
    yield {
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
      table,
    };
  }
}

/** Reads all entries of all domains; a table that is shared is read once a domain. */
export function readEntries(reader: PhysicalReader, decoding: Decoding): Entry[] {
  return decoding.domains.flatMap((domain) => [...domainEntries(reader, domain)]);
}
