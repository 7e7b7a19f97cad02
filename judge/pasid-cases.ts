/**
 * Linux's recorded tables behind a PASID of a VT-d unit.
 * @module
 */
import { BY_RULE, type Draft, entry, hex, type Recorded, STRUCTURES, someOf } from './unit-draft.ts';

const PASID = 69;
const SOURCE = 0x18;
const PASIDS_A_TABLE = 64;
const VTD = { RTADDR: hex(STRUCTURES + 0x400), GSTS: '0xc6000000' } as const;
const DID = 9n;
const NOT_PRESENT = {
  entry: 'fault reason 0x59: scalable mode: the PASID table entry is not present',
  directory: 'fault reason 0x51: scalable mode: the PASID directory entry is not present',
  first: 'fault reason 0x71: scalable mode: a first-stage paging entry is not present',
  second: 'fault reason 0x79: scalable mode: no permission in a second-stage paging entry',
} as const;

/** Root, context, directory and table; the entry of PASID 69 leads to the tables, in the second table of the directory. */
export function pasidWords({ format, registers }: Recorded): (readonly [number, bigint])[] {
  const [context, directory, table] = [STRUCTURES + 0x1000, STRUCTURES + 0x2000, STRUCTURES + 0x3000];
  const at = table + 64 * (PASID % PASIDS_A_TABLE);
  const get = (name: string): bigint => registers[name] ?? 0n;
  const words =
    format === 'x86-64'
      ? [1n | (1n << 6n), DID, get('gcr3_pt') | (get('levels') === 5n ? 4n : 0n)]
      : [1n | (2n << 6n) | (get('aw') << 2n) | get('ssptptr'), DID];
  return [
    [STRUCTURES, BigInt(context) | 1n],
    [context + 32 * SOURCE, BigInt(directory) | 1n],
    [directory + 8 * Math.floor(PASID / PASIDS_A_TABLE), BigInt(table) | 1n],
    ...entry(at, words),
  ];
}

/** Accesses with that PASID, others and none. */
export function pasidCases(recorded: Recorded): Draft[] {
  const common = { iommu: 'intel-vtd', registers: VTD, device: hex(SOURCE), access: 'read' } as const;
  const id = (what: string): string => `vt-d pasids ${recorded.id}: ${what}`;
  const missing = recorded.format === 'x86-64' ? NOT_PRESENT.first : NOT_PRESENT.second;
  const refused = (what: string, pasid: number, fault: string): Draft => ({
    ...common,
    ...BY_RULE,
    id: id(what),
    substream: pasid,
    iova: '0x1000',
    expect: { fault },
    rule: 'Intel VT-d 9.5, 9.6; 7.1.3',
  });
  return [
    ...someOf(recorded, 3).map(([at, to], i) => ({
      ...common,
      id: id(`${hex(at)} (${i})`),
      substream: PASID,
      iova: hex(at),
      expect: to === 0n ? { fault: missing } : { address: hex(to) },
      rule: 'Intel VT-d 9.6, 7.1.3',
    })),
    refused('an entry that is not present', PASID + 1, NOT_PRESENT.entry),
    refused('a table that is not present', 3, NOT_PRESENT.directory),
    refused('no PASID: RID_PASID is 0', 0, NOT_PRESENT.directory),
  ];
}
