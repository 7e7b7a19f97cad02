// Runs of leaves: what is read of neighbouring entries at once is what is read of each.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MappedRanges } from '../../src/dump/ranges.ts';
import type { LeafRun } from '../../src/hardware/walk/leaf-run.ts';
import { enumerateLeaves, enumerateRuns } from '../../src/hardware/walk/leaves.ts';
import { type Descriptors, KIND } from '../../src/hardware/walk/regime.ts';
import { FAMILIES, type Family, ROOT } from './leaf-families.ts';
import { PagesReader } from './memory.ts';

const TWO_32 = 2 ** 32;
const TABLES = 0x50_0000;
/** Bytes between tables, each of 64 KiB at most. */
const APART = 0x1_0000;
const words = fc.nat({ max: 2 ** 32 - 1 });

/** The same descriptors without the short way. */
function plain(d: Descriptors): Descriptors {
  return {
    family: d.family,
    stage: d.stage,
    entryBytes: d.entryBytes,
    levels: d.levels,
    ...(d.statusBits === undefined ? {} : { statusBits: d.statusBits }),
    ...(d.next === undefined ? {} : { next: (...entry) => d.next?.(...entry) ?? 0 }),
    kind: (...entry) => d.kind(...entry),
    table: (...entry) => d.table(...entry),
    output: (...entry) => d.output(...entry),
    addressBits: () => undefined,
    span: (...entry) => d.span(...entry),
    inherit: (...entry) => d.inherit(...entry),
    attributes: (...entry) => d.attributes(...entry),
    memoryType: (code) => d.memoryType(code),
    fields: (...entry) => d.fields(...entry),
    offences: (...entry) => d.offences(...entry),
    syndrome: (...fault) => d.syndrome(...fault),
  };
}

function halves(entry: bigint): [lo: number, hi: number] {
  return [Number(entry & 0xffff_ffffn), Number(entry >> 32n)];
}

/** The bits of `to` in a mask, the others of `from`. */
function mixed(from: number, to: number, mask: number): number {
  return ((from & ~mask) | (to & mask)) >>> 0;
}

describe.each(FAMILIES)('address bits of %s', (_name, { region, leaf }) => {
  const d = region.descriptors;

  it.each(d.levels.map((_, depth) => depth))(
    'at depth %i cover leaves of one size with the same attributes',
    (depth) => {
      const [lo, hi] = halves(leaf(0, depth, 1));
      const bits = d.addressBits(depth);
      if (bits === undefined || d.kind(lo, hi, depth) !== KIND.leaf) return;
      const value = (low: number, high: number): number =>
        ((high & bits.hi) * TWO_32 + ((low & bits.lo) >>> 0)) * bits.scale;
      fc.assert(
        fc.property(words, words, words, words, (lo1, hi1, lo2, hi2) => {
          const [low, high] = [mixed(lo, lo1, bits.lo), mixed(hi, hi1, bits.hi)];
          const [low2, high2] = [mixed(low, lo2, bits.lo | (d.statusBits ?? 0)), mixed(high, hi2, bits.hi)];
          const output = d.output(lo, hi, depth) + value(low2, high2);
          expect(d.output(low2, high2, depth)).toBe(output);
          expect(d.kind(low2, high2, depth) === KIND.leaf).toBe(output < bits.limit);
          expect(d.span(low2, high2, depth)).toBe(d.span(low, high, depth));
          expect(d.attributes(low2, high2, depth, 0)).toBe(d.attributes(low, high, depth, 0));
          if (output < bits.limit) expect(d.offences(low2, high2, depth)).toEqual(d.offences(lo, hi, depth));
        }),
        { numRuns: 100 },
      );
    },
  );
});

/** Two last-level tables whose entries are mostly alike, with gaps and blocks beside them. */
function memoryOf({ region, table, leaf }: Family, seed: readonly number[]): PagesReader {
  const memory = new PagesReader();
  const { levels, entryBytes } = region.descriptors;
  const last = levels.length - 1;
  const put = (address: number, index: number, entry: bigint): void => {
    if (entryBytes === 4) memory.write32(address + index * 4, Number(entry));
    else memory.write64(address + index * 8, entry);
  };
  memory.clear(ROOT, APART);
  memory.clear(TABLES, (last + 2) * APART);
  for (let depth = 0; depth < last; depth++) {
    const at = depth === 0 ? ROOT : TABLES + depth * APART;
    put(at, 0, table(TABLES + (depth + 1) * APART, depth));
    if (depth === last - 1) put(at, 1, table(TABLES + (depth + 2) * APART, depth));
    for (let i = 2; i < 6; i++) put(at, i, leaf(i * (levels[depth]?.unit ?? 0), depth, seed[i] ?? 0));
  }
  const { unit, entries } = levels[last] ?? { unit: 4096, entries: 512 };
  for (const [i, random] of seed.entries()) {
    const page = (random % 5 === 0 ? random >>> 12 : i) * unit + (random % 31 === 0 ? 2 ** 46 : 0);
    const at = TABLES + (last + Math.floor(i / entries)) * APART;
    if (random % 11 !== 0) put(at, i % entries, leaf(page % 2 ** 48, last, random));
  }
  return memory;
}

/** All that is read of a region: leaf by leaf, by runs, and what was found besides. */
function readLeaves(memory: PagesReader, { region }: Family) {
  const leaves: number[][] = [];
  const byRuns = new MappedRanges();
  const byLeaves = new MappedRanges();
  for (const ranges of [byRuns, byLeaves]) ranges.begin(region.base);
  const tree = enumerateLeaves(memory, region, (...leaf) => {
    leaves.push(leaf);
    byLeaves.add(leaf[0], leaf[1], leaf[2], leaf[6]);
  });
  enumerateRuns(memory, region, (run: LeafRun) => byRuns.addRun(run, run.attributes));
  expect([...byRuns]).toEqual([...byLeaves]);
  return { leaves, tree, ranges: [...byRuns] };
}

describe.each(FAMILIES)('runs of leaves of %s', (_name, family) => {
  const { region } = family;
  const most = 2 * Math.min(512, region.descriptors.levels.at(-1)?.entries ?? 0);
  const pages = fc.array(words, { minLength: 20, maxLength: most });
  const unit = region.descriptors.levels.at(-1)?.unit ?? 0;

  it('hold what is found leaf by leaf, and merge to the same ranges', () => {
    let found = 0;
    fc.assert(
      fc.property(pages, fc.nat(most), (seed, from) => {
        const memory = memoryOf(family, seed);
        const cut = { ...region, from: from * unit, size: (from + 100) * unit };
        for (const short of [region, cut]) {
          const read = readLeaves(memory, { ...family, region: short });
          const slow = readLeaves(memory, { ...family, region: { ...short, descriptors: plain(short.descriptors) } });
          expect(read).toEqual(slow);
          found += read.leaves.length;
        }
      }),
      { numRuns: 8 },
    );
    expect(found).toBeGreaterThan(100);
  });
});

describe('runs of leaves', () => {
  it('are counted beyond the limit as leaves are', () => {
    const pa = Float64Array.from({ length: 600 }, (_, k) => (k % 3 === 0 ? k * 8192 : k * 4096));
    const runs = new MappedRanges(100);
    const one = new MappedRanges(100);
    for (const ranges of [runs, one]) ranges.begin(0x1000n);
    runs.addRun({ count: 600, offset: 0, bytes: 4096, pa }, 7);
    for (const [k, address] of pa.entries()) one.add(k * 4096, address, 4096, 7);
    expect([runs.length, runs.total, runs.cutAt]).toEqual([one.length, one.total, one.cutAt]);
    expect([...runs]).toEqual([...one]);
  });
});
