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

/** What a function finds of a subject, found once: several rules go through it. */
function foundOnce<T>(find: (subject: CheckSubject) => T): (subject: CheckSubject) => T {
  const known = new WeakMap<CheckSubject, { readonly found: T }>();
  return (subject) => {
    const before = known.get(subject);
    if (before !== undefined) return before.found;
    const found = find(subject);
    known.set(subject, { found });
    return found;
  };
}

/** The mappings of a decoding. */
const mappings = foundOnce((subject): Mapping[] =>
  subject.decoding.domains.flatMap((domain) => domain.ranges.map((range) => ({ domain, range }))),
);

/** Numbers of mappings by output address, lowest first; of equal ones, the order stays. */
function byOutput(all: readonly Mapping[]): Uint32Array {
  const outputs = Float64Array.from(all, ({ range }) => range.pa);
  const order = Uint32Array.from(all.keys());
  return order.sort((a, b) => (outputs[a] as number) - (outputs[b] as number) || a - b);
}

interface Named extends PhysicalRange {
  readonly name: string;
}

/** Tables of all domains, one that is shared once, ascending. */
function tablesOf(subject: CheckSubject): Named[] {
  const seen = new Set<number>();
  return subject.decoding.domains
    .filter((domain) => domain.tables.stage2 === undefined)
    .flatMap(({ id, tablePages }) =>
      tablePages
        .filter(({ address }) => seen.size !== seen.add(address).size)
        .map(({ address, bytes, level }) => ({ name: `a level ${level} table of ${id}`, start: address, bytes })),
    )
    .sort((a, b) => a.start - b.start);
}

/** The unit's own structures. */
function ownStructures({ decoding }: CheckSubject): Named[] {
  const own = decoding.model?.structures() ?? [];
  return own.map(({ name, address, bytes }) => ({ name: `the ${name}`, start: address, bytes }));
}

/** The overlap of a mapping's output with a physical range, as a hit. */
function overlap({ domain, range }: Mapping, other: PhysicalRange, meaning: () => string): Hit | undefined {
  const start = Math.max(range.pa, other.start);
  const end = Math.min(range.pa + range.bytes, other.start + other.bytes);
  if (start >= end) return undefined;
  return { domain: domain.id, iova: range.iova + BigInt(start - range.pa), bytes: end - start, meaning: meaning() };
}

/** Index of the first that starts above `address`. */
function firstAbove(sorted: readonly Named[], address: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle]?.start ?? 0) <= address) low = middle + 1;
    else high = middle;
  }
  return low;
}

function* writableTables(subject: CheckSubject): Generator<Hit> {
  const [own, tables] = [ownStructures(subject), tablesOf(subject)];
  const widest = tables.reduce((most, { bytes }) => Math.max(most, bytes), 0);
  let left = MOST_PAIRS;
  for (const mapping of mappings(subject)) {
    const { pa, bytes, attributes } = mapping.range;
    if ((attributes & (ATTR.write | ATTR.privilegedWrite)) === 0) continue;
    for (const structure of own) yield* writable(mapping, structure);
    for (let i = firstAbove(tables, pa - widest); i < tables.length; i++) {
      const table = tables[i] as Named;
      if (table.start >= pa + bytes) break;
      const hits = writable(mapping, table);
      left -= hits.length;
      if (left < 0) {
        yield tooMany(mapping, `tables are not looked for from here on: at most ${MOST_PAIRS} are found`);
        return;
      }
      yield* hits;
    }
  }
}

function writable(mapping: Mapping, structure: Named): Hit[] {
  const meaning = (): string => `devices may write ${structure.name} at ${hex(structure.start)}`;
  const hit = overlap(mapping, structure, meaning);
  return hit === undefined ? [] : [hit];
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
        window.of === 'output' ? overlap(mapping, window, () => `maps ${window.name}`) : inputOverlap(mapping, window);
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
function* overlapsOf(all: readonly Mapping[]): Generator<[Mapping, Mapping, PhysicalRange]> {
  let open: Mapping[] = [];
  let left = MOST_PAIRS;
  let crowded = false;
  for (const number of byOutput(all)) {
    const mapping = all[number] as Mapping;
    const { pa, bytes } = mapping.range;
    if (open.length > 0) open = open.filter(({ range }) => range.pa + range.bytes > pa);
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

const overlaps = foundOnce((subject) => [...overlapsOf(mappings(subject))]);

/** A hit at a mapping from which on work was bounded. */
function tooMany({ domain, range }: Mapping, meaning: string): Hit {
  return { domain: domain.id, iova: range.iova, bytes: range.bytes, meaning };
}

function notCompared(mapping: Mapping): Hit {
  const from = hex(mapping.range.pa);
  const most = `at most ${MOST_PER_PAGE} of one page and ${MOST_PAIRS} in all`;
  return tooMany(mapping, `not every pair of mappings is compared from physical ${from} on: ${most}`);
}

function* typeConflicts(subject: CheckSubject): Generator<Hit> {
  for (const [a, b, common] of overlaps(subject)) {
    if (a === b) {
      yield notCompared(a);
      continue;
    }
    const [one, two] = [rangeMemoryType(a.domain, a.range), rangeMemoryType(b.domain, b.range)];
    if (one === two) continue;
    const meaning = (): string =>
      `physical ${hex(common.start)} is ${two} here and ${one} at ${hex(a.range.iova)} of ${a.domain.id}`;
    const hit = overlap(b, common, meaning);
    if (hit !== undefined) yield hit;
  }
}

function* sharedPages(subject: CheckSubject): Generator<Hit> {
  for (const [a, b, common] of overlaps(subject)) {
    if (a === b) yield notCompared(a);
    if (a.domain === b.domain) continue;
    const hit = overlap(b, common, () => `physical ${hex(common.start)} is mapped by ${a.domain.id} too`);
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
