// Runs of leaves: what is read of neighbouring entries at once is what is read of each.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MappedRanges } from '../../src/dump/ranges.ts';
import { aarch64Stage1, aarch64Stage2, type Granule } from '../../src/hardware/walk/aarch64.ts';
import { enumerateLeaves, enumerateRuns, type LeafRun } from '../../src/hardware/walk/leaves.ts';
import { type Descriptors, KIND, type Region } from '../../src/hardware/walk/regime.ts';
import { PagesReader } from './memory.ts';

const BASE = 0x40_0000;
const TWO_32 = 2 ** 32;

function region(stage: 1 | 2, granule: Granule, oas: number): Region {
  const sl0 = granule === 4096 ? 1 : 2;
  const regime =
    stage === 1
      ? aarch64Stage1({ ttbr0: { ttb: BASE, tsz: 25, granule }, oas, mair: 0xffn })
      : aarch64Stage2({ ttb: BASE, tsz: 25, sl0, granule, oas });
  return regime.regions[0] as Region;
}

const regions = fc
  .record({
    stage: fc.constantFrom<1 | 2>(1, 2),
    granule: fc.constantFrom<Granule>(4096, 16384, 65536),
    oas: fc.constantFrom(32, 36, 40, 44, 48, 52),
  })
  .map(({ stage, granule, oas }) => region(stage, granule, granule === 65536 ? oas : Math.min(oas, 48)));
const words = fc.nat({ max: 2 ** 32 - 1 });

/** The same descriptors without the short way. */
function plain(d: Descriptors): Descriptors {
  return {
    family: d.family,
    stage: d.stage,
    entryBytes: d.entryBytes,
    levels: d.levels,
    kind: (...entry) => d.kind(...entry),
    table: (...entry) => d.table(...entry),
    output: (...entry) => d.output(...entry),
    span: (...entry) => d.span(...entry),
    inherit: (...entry) => d.inherit(...entry),
    attributes: (...entry) => d.attributes(...entry),
    memoryType: (code) => d.memoryType(code),
    fields: (...entry) => d.fields(...entry),
    offences: (...entry) => d.offences(...entry),
    syndrome: (...fault) => d.syndrome(...fault),
  };
}

describe('address bits', () => {
  it('entries that agree in all other bits are leaves of one size with the same attributes', () => {
    let compared = 0;
    fc.assert(
      fc.property(regions, fc.nat(3), words, words, words, words, ({ descriptors: d }, depth, lo, hi, lo2, hi2) => {
        const bits = d.addressBits?.(depth);
        const leaf = (lo & ~2 & ~1) | 1 | (depth === d.levels.length - 1 ? 2 : 0);
        if (bits === undefined || depth >= d.levels.length || d.kind(leaf, hi, depth) !== KIND.leaf) return;
        const low = ((leaf & ~bits.lo) | (lo2 & bits.lo)) >>> 0;
        const high = ((hi & ~bits.hi) | (hi2 & bits.hi)) >>> 0;
        const output = (high & bits.hi) * TWO_32 + ((low & bits.lo) >>> 0);
        expect(d.kind(low, high, depth) === KIND.leaf).toBe(output < bits.limit);
        expect(d.output(low, high, depth)).toBe(output);
        expect(d.span(low, high, depth)).toBe(d.span(leaf, hi, depth));
        expect(d.attributes(low, high, depth, 0)).toBe(d.attributes(leaf, hi, depth, 0));
        compared++;
      }),
      { numRuns: 3000 },
    );
    expect(compared).toBeGreaterThan(100);
  });
});

/** A table of level 3 whose entries are pages, mostly alike, with gaps. */
function memoryOf(seed: readonly number[]): PagesReader {
  const memory = new PagesReader();
  memory.clear(BASE, 0x8000);
  memory.write64(BASE, BigInt(BASE + 0x1000) | 3n);
  memory.write64(BASE + 0x1000, BigInt(BASE + 0x2000) | 3n);
  memory.write64(BASE + 0x1008, BigInt(BASE + 0x3000) | 3n);
  for (const [index, random] of seed.entries()) {
    const odd = random % 16 === 0 ? BigInt(random & 0xc0) : 0x40n;
    const page = random % 5 === 0 ? BigInt(random >>> 8) : BigInt(index);
    const high = random % 31 === 0 ? 1n << 46n : 0n;
    const entry = random % 11 === 0 ? 0n : (page << 12n) | high | odd | 0x703n;
    memory.write64(BASE + 0x2000 + index * 8, entry);
  }
  return memory;
}

describe('runs of leaves', () => {
  const pages = fc.array(words, { minLength: 20, maxLength: 1024 });

  it('hold what is found leaf by leaf, and merge to the same ranges', () => {
    fc.assert(
      fc.property(pages, fc.constantFrom(36, 48), fc.nat(2 ** 22), (seed, oas, from) => {
        const memory = memoryOf(seed);
        const whole = region(1, 4096, oas);
        for (const short of [whole, { ...whole, from: from - (from % 4096), size: 2 ** 22 }]) {
          const leaves: number[][] = [];
          const slow = { ...short, descriptors: plain(short.descriptors) };
          const expected: number[][] = [];
          const ranges = new MappedRanges();
          const twin = new MappedRanges();
          ranges.begin(0n);
          twin.begin(0n);
          const tree = enumerateLeaves(memory, short, (...leaf) => leaves.push(leaf));
          const plainTree = enumerateLeaves(memory, slow, (...leaf) => {
            expected.push(leaf);
            twin.add(leaf[0], leaf[1], leaf[2], leaf[6]);
          });
          expect(leaves).toEqual(expected);
          expect(tree).toEqual(plainTree);
          enumerateRuns(memory, short, (run: LeafRun) => ranges.addRun(run, run.attributes));
          expect([...ranges]).toEqual([...twin]);
        }
      }),
      { numRuns: 20 },
    );
  });

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
