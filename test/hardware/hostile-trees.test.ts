// Hostile trees: what is read in runs is what a plain reading of each entry gives, and what a walk of each address finds.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aarch32LongStage1 } from '../../src/hardware/walk/aarch32-long.ts';
import { enumerateLeaves, type TreeLimits } from '../../src/hardware/walk/leaves.ts';
import { ATTR, KIND, type Region, reasonOf } from '../../src/hardware/walk/regime.ts';
import { Walker } from '../../src/hardware/walk/walker.ts';
import { FAMILIES, type Family, ROOT } from './leaf-families.ts';
import { PagesReader } from './memory.ts';

/** Bytes between tables, each of 64 KiB at most. */
const APART = 0x1_0000;
const TABLES = 4;
const WITHOUT_LIMITS: TreeLimits = { tables: 1e6, revisits: 1e6, findings: 1e6 };

/** Addresses from `offset` that lead to `pa` on, or do not for a reason. */
interface Stretch {
  readonly offset: number;
  bytes: number;
  readonly what: string;
  readonly pa: number;
}

/** Adds what is known of the next addresses, joined to the one before where it goes on. */
function add(list: Stretch[], next: Stretch): void {
  const last = list.at(-1);
  const touches = last !== undefined && last.what === next.what && last.offset + last.bytes === next.offset;
  if (touches && (next.pa < 0 || last.pa + last.bytes === next.pa)) last.bytes += next.bytes;
  else list.push({ ...next });
}

/** Reads a tree entry by entry and word by word, without any limit. */
class PlainReading {
  readonly leaves: Stretch[] = [];
  readonly findings: Stretch[] = [];
  readonly #memory: PagesReader;
  readonly #region: Region;

  constructor(memory: PagesReader, region: Region) {
    this.#memory = memory;
    this.#region = region;
    this.visit(region.root, 0, 0, 0, []);
  }

  visit(table: number, depth: number, offset: number, denied: number, path: readonly number[]): void {
    const { descriptors: d } = this.#region;
    const { unit = 0, entries = 0 } = d.levels[depth] ?? {};
    const [from, size] = [this.#region.from ?? 0, this.#region.size];
    if (offset + unit * entries <= from || offset >= size) return;
    if (path.includes(table)) {
      add(this.findings, { offset, bytes: unit * entries, what: 'loop', pa: -1 });
      return;
    }
    for (let i = 0; i < entries; i++)
      this.#entry(table + i * d.entryBytes, depth, offset + i * unit, denied, [...path, table]);
  }

  #entry(address: number, depth: number, offset: number, denied: number, path: readonly number[]): void {
    const { descriptors: d, from = 0, size } = this.#region;
    const unit = d.levels[depth]?.unit ?? 0;
    const lo = this.#memory.read32(address);
    const hi = d.entryBytes === 8 ? this.#memory.read32(address + 4) : 0;
    if (lo === undefined || hi === undefined) {
      add(this.findings, { offset, bytes: unit, what: 'table-outside-memory', pa: -1 });
      return;
    }
    const kind = d.kind(lo, hi, depth);
    if (kind === KIND.table) {
      const next = d.next === undefined ? depth + 1 : d.next(lo, hi, depth);
      this.visit(d.table(lo, hi, depth), next, offset, d.inherit(lo, hi, denied), path);
    } else if (kind === KIND.leaf) {
      const [start, end] = [Math.max(offset, from), Math.min(offset + unit, size)];
      if (start >= end) return;
      const pa = d.output(lo, hi, depth) + (start % d.span(lo, hi, depth));
      const attributes = d.attributes(lo, hi, depth, denied) & ~ATTR.contiguous;
      add(this.leaves, { offset: start, bytes: end - start, what: `attributes ${attributes}`, pa });
    } else if (kind !== KIND.invalid) add(this.findings, { offset, bytes: unit, what: reasonOf(kind), pa: -1 });
  }
}

function enumerated(memory: PagesReader, region: Region, limits: TreeLimits) {
  const leaves: Stretch[] = [];
  const findings: Stretch[] = [];
  const tree = enumerateLeaves(
    memory,
    region,
    (offset, pa, bytes, _depth, _lo, _hi, attributes) =>
      add(leaves, { offset, bytes, what: `attributes ${attributes & ~ATTR.contiguous}`, pa }),
    limits,
  );
  for (const { reason, offset, bytes } of tree.findings) add(findings, { offset, bytes, what: reason, pa: -1 });
  return { leaves, findings, tree };
}

/** What is written at an index of a table. */
type Wish = readonly [kind: number, table: number, index: number, random: number, count: number];

const wish: fc.Arbitrary<Wish> = fc.tuple(
  fc.nat(9),
  fc.nat(TABLES),
  fc.nat(63),
  fc.nat(2 ** 32 - 1),
  fc.constantFrom(1, 1, 2, 17, 40),
);
const pool = fc.array(fc.array(wish, { minLength: 1, maxLength: 5 }), { minLength: TABLES, maxLength: TABLES });

/** Where an index lies: at both ends of the table and around the end of its first 4 KiB. */
function placeOf(index: number, entries: number): number {
  const near = [0, 496, entries - 40, 1008][index >>> 4] ?? 0;
  return Math.min(Math.max(0, near + (index & 15)), entries - 1);
}

function entryOf(family: Family, [kind, table, , random, count]: Wish, depth: number, k: number): bigint {
  const unit = family.region.descriptors.levels[depth]?.unit ?? 4096;
  const page = (random % 13 === 0 ? random >>> 20 : (random & 0xff) + k) * unit;
  if (kind === 0) return (BigInt(random) << 32n) | BigInt(Math.imul(random, 0x9e37_79b1) >>> 0);
  if (kind === 1) return family.table(table === TABLES ? 0x7fff_0000 : ROOT + table * APART + (random & 0x1c0), depth);
  if (kind < 5) return family.table(ROOT + table * APART, depth);
  return family.leaf(page % 2 ** 47, depth, count > 1 && random % 3 > 0 ? random : random + k);
}

/** Tables that lead to one another; a page of a table, or the last one, may be missing. */
function memoryOf(family: Family, tables: readonly (readonly Wish[])[], lost: number): PagesReader {
  const { levels, entryBytes } = family.region.descriptors;
  const memory = new PagesReader();
  memory.clear(ROOT, TABLES * APART);
  for (const [number, wishes] of tables.entries()) {
    const depth = Math.min(number, levels.length - 1);
    const entries = Math.min(levels[depth]?.entries ?? 512, APART / entryBytes);
    for (const one of wishes) {
      for (let k = 0; k < one[4]; k++) {
        const at = ROOT + number * APART + Math.min(placeOf(one[2], entries) + k, entries - 1) * entryBytes;
        const entry = entryOf(family, one, depth, k);
        if (entryBytes === 4) memory.write32(at, Number(entry & 0xffff_ffffn));
        else memory.write64(at, BigInt.asUintN(64, entry));
      }
    }
  }
  if (lost < TABLES * 2) memory.pages.delete(ROOT + (lost >>> 1) * APART + (lost & 1) * 0x1000);
  return memory;
}

/** Where a stretch begins and ends, and addresses beside it. */
function edgesOf(stretches: readonly Stretch[], unit: number, end: number): number[] {
  const edges = stretches.flatMap(({ offset, bytes }) => [
    offset - unit,
    offset,
    offset + bytes - unit,
    offset + bytes,
  ]);
  return edges.filter((at) => at >= 0 && at < end);
}

function at(list: readonly Stretch[], offset: number): Stretch | undefined {
  return list.find((one) => offset >= one.offset && offset < one.offset + one.bytes);
}

/** A walk of an address ends as the plain reading says. */
function expectWalk(walker: Walker, region: Region, plain: PlainReading, offset: number): void {
  const steps = walker.walk(region.base + BigInt(offset), { kind: 'read' });
  const leaf = at(plain.leaves, offset);
  const finding = at(plain.findings, offset);
  const { result } = steps;
  if (leaf !== undefined) {
    const last = steps.steps.at(-1);
    expect(last?.kind).toBe('leaf');
    if (result.ok) expect(result.pa).toBe(leaf.pa + offset - leaf.offset);
  } else if (finding === undefined) {
    expect(result.ok ? 'translated' : result.reason).toMatch(/^(never-mapped|skipped-bits-set)$/);
  } else if (finding.what !== 'loop') expect(result.ok ? 'translated' : result.reason).toBe(finding.what);
}

describe('a leaf across the end of its region', () => {
  it('is read up to there: TTBR1 begins inside its first block where T1SZ is 0', () => {
    const { regions } = aarch32LongStage1({ ttbr0: ROOT, ttbr1: ROOT + APART, t0sz: 7, t1sz: 0, mair: 0xffn });
    const [lower, upper] = regions;
    const memory = new PagesReader();
    memory.clear(ROOT, 2 * APART);
    memory.write64(ROOT + APART, 0x741n);
    if (lower === undefined || upper === undefined) throw new Error('expected two regions');
    expect(enumerated(memory, lower, {}).leaves).toEqual([]);
    const attributes = expect.stringContaining('attributes');
    const [from, gigabyte] = [2 ** 25, 2 ** 30];
    expect(enumerated(memory, upper, {}).leaves).toEqual([
      { offset: from, bytes: gigabyte - from, what: attributes, pa: from },
    ]);
    expect(new Walker(memory, { regions, summary: '' }).translate(from)).toMatchObject({ ok: true, pa: from });
  });
});

describe.each(FAMILIES)('hostile trees of %s', (_name, family) => {
  const unit = family.region.descriptors.levels.at(-1)?.unit ?? 4096;
  const cut = fc.constantFrom<Partial<Region>>(
    {},
    {},
    { from: 17 * unit, size: 505 * unit },
    { size: Math.min(family.region.size, 2 ** 31 + unit) },
  );

  it('are read as entry by entry, and as walks find them', () => {
    let found = 0;
    fc.assert(
      fc.property(pool, fc.nat(3 * TABLES), cut, (tables, lost, part) => {
        const region = { ...family.region, ...part };
        const memory = memoryOf(family, tables, lost);
        const plain = new PlainReading(memory, region);
        const { leaves, findings } = enumerated(memory, region, WITHOUT_LIMITS);
        expect(leaves).toEqual(plain.leaves);
        expect(findings).toEqual(plain.findings);
        const walker = new Walker(memory, { regions: [region], summary: '' });
        const some = [...plain.leaves.slice(0, 20), ...plain.findings.slice(0, 20)];
        for (const offset of edgesOf(some, unit, region.size)) {
          if (offset >= (region.from ?? 0)) expectWalk(walker, region, plain, offset);
        }
        found += leaves.length + findings.length;
      }),
      { numRuns: 12 },
    );
    expect(found).toBeGreaterThan(2);
  });

  it('are read in part within limits, and what is left out is said', () => {
    fc.assert(
      fc.property(pool, fc.nat(4), fc.nat(6), (tables, most, revisits) => {
        const memory = memoryOf(family, tables, 99);
        const plain = new PlainReading(memory, family.region);
        const { leaves, findings, tree } = enumerated(memory, family.region, { tables: most, revisits });
        expect(tree.tables.length).toBeLessThanOrEqual(most);
        const limited = findings.filter(({ what }) => what.endsWith('-limit'));
        for (const one of plain.leaves) {
          for (const offset of edgesOf([one], unit, family.region.size)) {
            if (at(plain.leaves, offset) === undefined || at(limited, offset) !== undefined) continue;
            const [got, wanted] = [at(leaves, offset), at(plain.leaves, offset)];
            expect(got && [got.what, got.pa + offset - got.offset]).toEqual(
              wanted && [wanted.what, wanted.pa + offset - wanted.offset],
            );
          }
        }
      }),
      { numRuns: 5 },
    );
  });
});
