/**
 * Rules about table entries.
 * @module
 */
import { hex } from '../../address.ts';
import { ATTR, type Descriptors, KIND } from '../../hardware/walk/regime.ts';
import type { DomainFinding } from '../decode.ts';
import type { CheckSubject, Entry, Hit, PhysicalRange, Rule } from './types.ts';

function inRanges(ranges: readonly PhysicalRange[], address: number): boolean {
  return ranges.some(({ start, bytes }) => address >= start && address < start + bytes);
}

/** Findings of the walks that gave one of some reasons. */
function* walkFindings(
  subject: CheckSubject,
  reasons: readonly DomainFinding['reason'][],
  words: string,
): Generator<Hit> {
  for (const domain of subject.decoding.domains) {
    for (const { reason, iova, bytes, level, entryAddress, entry } of domain.findings) {
      if (!reasons.includes(reason)) continue;
      const value = entry === undefined ? '' : ` = ${hex(entry)}`;
      yield {
        domain: domain.id,
        iova,
        bytes,
        meaning: `${words}: level ${level}, entry at ${hex(entryAddress)}${value}`,
      };
    }
  }
}

/** Entries with one of the offences that hardware need not notice. */
function* offences(subject: CheckSubject, names: readonly string[], words: string): Generator<Hit> {
  for (const entry of subject.entries()) {
    if (!entry.offences.some((name) => names.includes(name))) continue;
    yield entryHit(entry, `${words}: entry at ${hex(entry.address)} = ${hex(entryValue(entry))}`);
  }
}

function entryValue({ lo, hi }: { readonly lo: number; readonly hi: number }): bigint {
  return (BigInt(hi) << 32n) | BigInt(lo);
}

function entryHit({ domain, iova, bytes }: Entry, meaning: string): Hit {
  return { domain: domain.id, iova, bytes, meaning };
}

/** Tables that a domain's entries lead to and the dump does not hold. */
function* missingTables(subject: CheckSubject, outside: boolean): Generator<Hit> {
  for (const domain of subject.decoding.domains) {
    for (const { reason, iova, bytes, entryAddress, level } of domain.findings) {
      if (reason !== 'table-outside-memory') continue;
      const beyond = subject.ram.length > 0 && !inRanges(subject.ram, entryAddress);
      if (beyond !== outside) continue;
      const where = outside ? 'lies outside system memory' : 'is not in the dump';
      yield { domain: domain.id, iova, bytes, meaning: `the table of level ${level} at ${hex(entryAddress)} ${where}` };
    }
  }
}

/** A group of entries that are one leaf or share the contiguous hint, if something breaks it. */
function brokenGroup(entry: Entry): string | undefined {
  const d = entry.domain.tables.regime.regions[0]?.descriptors;
  if (d === undefined || entry.kind !== KIND.leaf) return undefined;
  const same = d.span(entry.lo, entry.hi, entry.depth) / entry.bytes;
  if (same > 1) return brokenCopies(entry, d, same);
  const hinted = (d.attributes(entry.lo, entry.hi, entry.depth, 0) & ATTR.contiguous) !== 0;
  const count = hinted ? (d.hintEntries?.(entry.depth) ?? 0) : 0;
  if (count === 0) return hinted ? 'the contiguous hint has no meaning at this level' : undefined;
  return brokenHint(entry, d, count);
}

/** The halves of another entry of the same table, zero behind its end. */
function neighbour({ words }: Entry, d: Descriptors, index: number): { lo: number; hi: number } {
  const at = (index * d.entryBytes) / 4;
  return { lo: words[at] ?? 0, hi: d.entryBytes === 8 ? (words[at + 1] ?? 0) : 0 };
}

function brokenCopies(entry: Entry, d: Descriptors, count: number): string | undefined {
  const first = entry.index - (entry.index % count);
  for (let i = first; i < first + count; i++) {
    const { lo, hi } = neighbour(entry, d, i);
    if (((lo ^ entry.lo) & ~(d.statusBits ?? 0)) !== 0 || hi !== entry.hi) {
      return `a leaf of ${count} equal entries has a different one at index ${i}`;
    }
  }
  return undefined;
}

function brokenHint(entry: Entry, d: Descriptors, count: number): string | undefined {
  const first = entry.index - (entry.index % count);
  const start = d.output(entry.lo, entry.hi, entry.depth) - (entry.index - first) * entry.bytes;
  if (start % (count * entry.bytes) !== 0) return 'a contiguous group starts at an unaligned output address';
  for (let i = first; i < first + count; i++) {
    const { lo, hi } = neighbour(entry, d, i);
    const leaf = d.kind(lo, hi, entry.depth) === KIND.leaf;
    const follows = d.output(lo, hi, entry.depth) === start + (i - first) * entry.bytes;
    const mine = d.attributes(entry.lo, entry.hi, entry.depth, 0);
    if (!leaf || !follows || d.attributes(lo, hi, entry.depth, 0) !== mine) {
      return `a contiguous group of ${count} is broken at index ${i}`;
    }
  }
  return undefined;
}

function* brokenGroups(subject: CheckSubject): Generator<Hit> {
  for (const entry of subject.entries()) {
    const why = brokenGroup(entry);
    if (why !== undefined) yield entryHit(entry, `${why}: entry at ${hex(entry.address)}`);
  }
}

function* clearAccessFlags(subject: CheckSubject): Generator<Hit> {
  for (const domain of subject.decoding.domains) {
    for (const { iova, bytes, attributes } of domain.ranges) {
      if ((attributes & ATTR.accessFault) === 0) continue;
      yield { domain: domain.id, iova, bytes, meaning: 'the access flag is clear: every access faults' };
    }
  }
}

function* writableExecutable(subject: CheckSubject): Generator<Hit> {
  for (const domain of subject.decoding.domains) {
    for (const { iova, bytes, attributes } of domain.ranges) {
      if ((attributes & ATTR.write) === 0 || (attributes & ATTR.execute) === 0) continue;
      yield { domain: domain.id, iova, bytes, meaning: 'writable and executable' };
    }
  }
}

function* emptyTables(subject: CheckSubject): Generator<Hit> {
  for (const domain of subject.decoding.domains) {
    for (const page of domain.tablePages) {
      if (page.used > 0 || page.address === page.root) continue;
      const region = domain.tables.regime.regions.find((one) => one.root === page.root);
      const iova = (region?.base ?? 0n) + BigInt(page.offset);
      const meaning = `the table of level ${page.level} at ${hex(page.address)} has no entry`;
      yield { domain: domain.id, iova, bytes: page.bytes, meaning };
    }
  }
}

const ARM_BITS = 'Arm DDI 0487 D8.3; VT-d 9.8; AMD 48882 2.2.3; RISC-V privileged 12.3';

/** The rules about entries, errors first. */
export const TABLE_RULES: readonly Rule[] = [
  {
    id: 'reserved-bits',
    severity: 'error',
    text: 'entries have a defined type, and zeros where the architecture wants zeros',
    source: ARM_BITS,
    *find(subject) {
      yield* walkFindings(subject, ['reserved-bits', 'reserved-type', 'skipped-bits-set'], 'reserved bits or type');
      yield* offences(subject, ['reserved-bits'], 'reserved bits are set');
    },
  },
  {
    id: 'misaligned-block',
    severity: 'error',
    text: 'a block, section or superpage has an output address aligned to its size',
    source: ARM_BITS,
    *find(subject) {
      yield* walkFindings(subject, ['misaligned-block'], 'the output address is not aligned');
      yield* offences(subject, ['misaligned-block', 'partial-page'], 'the output address is not aligned to the block');
    },
  },
  {
    id: 'block-not-allowed',
    severity: 'error',
    text: 'leaves stand only at levels where the format allows them',
    source: 'Arm DDI 0487 D8.3.1; VT-d 11.4.2 (SSLPS)',
    find: (subject) => walkFindings(subject, ['block-not-allowed'], 'no leaf may stand here'),
  },
  {
    id: 'output-too-large',
    severity: 'error',
    text: 'output and table addresses fit the output address size',
    source: 'Arm DDI 0487 D8.2.4; VT-d 9.8; AMD 48882 2.2.3',
    find: (subject) => walkFindings(subject, ['output-too-large'], 'the address is too large'),
  },
  {
    id: 'loop',
    severity: 'error',
    text: 'no table leads to itself',
    source: 'tables are a tree',
    find: (subject) => walkFindings(subject, ['loop'], 'the table leads to itself'),
  },
  {
    id: 'start-level',
    severity: 'error',
    text: 'start level and input size fit each other',
    source: 'Arm DDI 0487 D8.2.9',
    find: (subject) =>
      walkFindings(subject, ['start-level-inconsistent', 'bad-geometry'], 'the geometry is impossible'),
  },
  {
    id: 'table-outside-memory',
    severity: 'error',
    text: 'tables lie in system memory',
    source: 'the dump’s list of memory',
    find: (subject) => missingTables(subject, true),
  },
  {
    id: 'broken-group',
    severity: 'error',
    text: 'entries that share one leaf or a contiguous hint agree',
    source: 'Arm DDI 0487 D8.6.1, G5.4.1; RISC-V Svnapot; AMD 48882 2.2.3',
    find: brokenGroups,
  },
  {
    id: 'access-flag-clear',
    severity: 'warning',
    text: 'leaves can be used: the access flag is set, or hardware sets it',
    source: 'Arm DDI 0487 D8.4.5',
    find: clearAccessFlags,
  },
  {
    id: 'table-not-in-dump',
    severity: 'warning',
    text: 'the dump holds every table',
    source: 'the dump',
    find: (subject) => missingTables(subject, false),
  },
  {
    id: 'shared-tables',
    severity: 'warning',
    text: 'tables are not reached over and over',
    source: 'bounded work',
    find: (subject) => walkFindings(subject, ['shared-table-limit', 'table-limit'], 'the walk was cut short here'),
  },
  {
    id: 'writable-executable',
    severity: 'info',
    text: 'what is writable is not executable (Linux maps so by default)',
    source: 'Arm DDI 0487 D8.4.2; VT-d 9.7, 9.8 (R/W, W, XD, X); AMD 48882 2.2.3; RISC-V privileged 12.3',
    find: writableExecutable,
  },
  {
    id: 'empty-table',
    severity: 'info',
    text: 'tables without entries are given back (Linux keeps them)',
    source: 'memory use',
    find: emptyTables,
  },
];
