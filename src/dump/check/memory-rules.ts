/**
 * Rules about what the mappings lead to: table pages, reserved windows, pages mapped twice.
 * @module
 */
import { hex } from '../../address.ts';
import { ATTR } from '../../hardware/walk/regime.ts';
import { type DomainMappings, rangeMemoryType } from '../decode.ts';
import type { MappedRange } from '../ranges.ts';
import type { CheckSubject, Hit, PhysicalRange, Rule } from './types.ts';

/** A mapped range with its domain. */
interface Mapping {
  readonly domain: DomainMappings;
  readonly range: MappedRange;
}

/** Mappings of one physical page that are compared, and pairs compared altogether: work stays bounded. */
const MOST_PER_PAGE = 16;
const MOST_PAIRS = 1 << 17;

/** The mappings of a decoding: several rules go through all of them. */
const MAPPINGS = new WeakMap<CheckSubject, readonly Mapping[]>();

function mappings(subject: CheckSubject): readonly Mapping[] {
  const known = MAPPINGS.get(subject);
  if (known !== undefined) return known;
  const all = subject.decoding.domains.flatMap((domain) => domain.ranges.map((range) => ({ domain, range })));
  MAPPINGS.set(subject, all);
  return all;
}

function byOutput(all: readonly Mapping[]): Mapping[] {
  return [...all].sort((a, b) => a.range.pa - b.range.pa);
}

interface Named extends PhysicalRange {
  readonly name: string;
}

/** Tables of all domains and the unit's own structures, ascending. */
function structures(subject: CheckSubject): Named[] {
  const tables = subject.decoding.domains
    .filter((domain) => domain.tables.stage2 === undefined)
    .flatMap((domain) =>
      domain.tablePages.map(({ address, bytes, level }) => ({
        name: `a level ${level} table of ${domain.id}`,
        start: address,
        bytes,
      })),
    );
  const own = (subject.decoding.model?.structures() ?? []).map(({ name, address, bytes }) => {
    return { name: `the ${name}`, start: address, bytes };
  });
  return [...tables, ...own].sort((a, b) => a.start - b.start);
}

/** The overlap of a mapping's output with a physical range, as a hit. */
function overlap({ domain, range }: Mapping, other: PhysicalRange, meaning: string): Hit | undefined {
  const start = Math.max(range.pa, other.start);
  const end = Math.min(range.pa + range.bytes, other.start + other.bytes);
  if (start >= end) return undefined;
  return { domain: domain.id, iova: range.iova + BigInt(start - range.pa), bytes: end - start, meaning };
}

/** Index of the first structure that ends above `address`; structures do not overlap by much. */
function firstAbove(sorted: readonly Named[], address: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle]?.start ?? 0) <= address) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}

function* writableTables(subject: CheckSubject): Generator<Hit> {
  const sorted = structures(subject);
  const large = sorted.filter(({ bytes }) => bytes > 65536);
  for (const mapping of mappings(subject)) {
    const { pa, bytes, attributes } = mapping.range;
    if ((attributes & (ATTR.write | ATTR.privilegedWrite)) === 0) continue;
    const candidates = new Set(large);
    for (let i = Math.max(0, firstAbove(sorted, pa) - 16); i < sorted.length; i++) {
      const structure = sorted[i];
      if (structure === undefined || structure.start >= pa + bytes) break;
      candidates.add(structure);
    }
    for (const structure of candidates) {
      const hit = overlap(mapping, structure, `devices may write ${structure.name} at ${hex(structure.start)}`);
      if (hit !== undefined) yield hit;
    }
  }
}

function* freedTables(subject: CheckSubject): Generator<Hit> {
  const { isFree } = subject;
  if (isFree === undefined) return;
  for (const domain of subject.decoding.domains) {
    for (const page of domain.tablePages) {
      if (!isFree(page.address)) continue;
      const region = domain.tables.regime.regions.find((one) => one.root === page.root);
      const iova = (region?.base ?? 0n) + BigInt(page.offset);
      yield { domain: domain.id, iova, bytes: page.bytes, meaning: `the table at ${hex(page.address)} was freed` };
    }
  }
}

function* windows(subject: CheckSubject): Generator<Hit> {
  for (const mapping of mappings(subject)) {
    for (const window of subject.windows) {
      const hit =
        window.of === 'output' ? overlap(mapping, window, `maps ${window.name}`) : inputOverlap(mapping, window);
      if (hit !== undefined) yield hit;
    }
  }
}

function inputOverlap({ domain, range }: Mapping, window: Named): Hit | undefined {
  const from = BigInt(window.start);
  const end = from + BigInt(window.bytes);
  const start = range.iova > from ? range.iova : from;
  const last = range.iova + BigInt(range.bytes) < end ? range.iova + BigInt(range.bytes) : end;
  if (start >= last) return undefined;
  return { domain: domain.id, iova: start, bytes: Number(last - start), meaning: `lies over ${window.name}` };
}

/**
 * Overlapping pairs of mappings, each compared with those before it that reach as far. A mapping paired with itself says
 * that from it on, not every pair is compared: work stays bounded.
 */
function* overlaps(subject: CheckSubject): Generator<[Mapping, Mapping, PhysicalRange]> {
  let open: Mapping[] = [];
  let left = MOST_PAIRS;
  let crowded = false;
  for (const mapping of byOutput(mappings(subject))) {
    const { pa, bytes } = mapping.range;
    open = open.filter(({ range }) => range.pa + range.bytes > pa);
    left -= open.length;
    if (left < 0) {
      yield [mapping, mapping, { start: pa, bytes }];
      return;
    }
    for (const other of open) {
      const end = Math.min(pa + bytes, other.range.pa + other.range.bytes);
      yield [other, mapping, { start: pa, bytes: end - pa }];
    }
    if (open.length < MOST_PER_PAGE) open.push(mapping);
    else if (!crowded) {
      crowded = true;
      yield [mapping, mapping, { start: pa, bytes }];
    }
  }
}

function notCompared({ domain, range }: Mapping): Hit {
  const meaning = `not every pair of mappings is compared from physical ${hex(range.pa)} on: at most ${MOST_PER_PAGE} of one page and ${MOST_PAIRS} in all`;
  return { domain: domain.id, iova: range.iova, bytes: range.bytes, meaning };
}

function* typeConflicts(subject: CheckSubject): Generator<Hit> {
  for (const [a, b, common] of overlaps(subject)) {
    if (a === b) {
      yield notCompared(a);
      continue;
    }
    const [one, two] = [rangeMemoryType(a.domain, a.range), rangeMemoryType(b.domain, b.range)];
    if (one === two) continue;
    const meaning = `physical ${hex(common.start)} is ${two} here and ${one} at ${hex(a.range.iova)} of ${a.domain.id}`;
    const hit = overlap(b, common, meaning);
    if (hit !== undefined) yield hit;
  }
}

function* sharedPages(subject: CheckSubject): Generator<Hit> {
  for (const [a, b, common] of overlaps(subject)) {
    if (a === b) yield notCompared(a);
    if (a.domain === b.domain) continue;
    const hit = overlap(b, common, `physical ${hex(common.start)} is mapped by ${a.domain.id} too`);
    if (hit !== undefined) yield hit;
  }
}

/** The rules about memory, errors first. */
export const MEMORY_RULES: readonly Rule[] = [
  {
    id: 'table-mapped-writable',
    severity: 'error',
    text: 'no device may write tables, device tables or queues',
    source: 'isolation: a device that writes tables escapes them',
    find: writableTables,
  },
  {
    id: 'table-freed',
    severity: 'error',
    text: 'tables in use are not free pages (only a live memory knows)',
    source: 'use after free',
    find: freedTables,
  },
  {
    id: 'memory-type-conflict',
    severity: 'warning',
    text: 'one physical page has one memory type',
    source: 'Arm DDI 0487 B2.16 (mismatched memory attributes)',
    find: typeConflicts,
  },
  {
    id: 'reserved-window',
    severity: 'warning',
    text: 'nothing is mapped over reserved windows',
    source: 'VT-d 3.14 (0xFEEx_xxxx is never translated); AMD 48882 2.1.4; the unit’s own registers',
    find: windows,
  },
  {
    id: 'page-in-two-domains',
    severity: 'info',
    text: 'one physical page belongs to one domain (Linux maps doorbells and shared buffers in several)',
    source: 'isolation',
    find: sharedPages,
  },
];
