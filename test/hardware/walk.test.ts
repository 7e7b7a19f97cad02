import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeGiven } from '../../src/dump/decode.ts';
import { GIVEN_FORMATS, givenTables } from '../../src/hardware/given.ts';
import { type Granule, levelShift, startLevel } from '../../src/hardware/walk/aarch64.ts';
import { aarch64Stage1 } from '../../src/hardware/walk/aarch64-stage1.ts';
import { aarch64Stage2, stage2Consistent, stage2StartLevel } from '../../src/hardware/walk/aarch64-stage2.ts';
import { amdV1 } from '../../src/hardware/walk/amd.ts';
import { enumerateLeaves } from '../../src/hardware/walk/leaves.ts';
import { ATTR, type Regime } from '../../src/hardware/walk/regime.ts';
import { riscvTables } from '../../src/hardware/walk/riscv.ts';
import type { Access, Fault, Leaf } from '../../src/hardware/walk/types.ts';
import { vtdSecondStage } from '../../src/hardware/walk/vtd.ts';
import { Walker } from '../../src/hardware/walk/walker.ts';
import { PagesReader } from './memory.ts';
import { type TwinAnswer, twinAarch64, twinAmd, twinRiscv, twinVtd } from './twins.ts';

const BASE = 0x400000;
const PAGES = 32;
const BYTES = PAGES * 4096;

/** A stream of 32-bit numbers out of a seed. */
function numbers(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

type Encode = (address: number, random: number, high: number) => bigint;

/** Memory of 32 pages whose entries mostly point into itself, with random attributes. */
function tangle(seed: number, encode: Encode): PagesReader {
  const next = numbers(seed);
  const memory = new PagesReader();
  memory.clear(BASE, BYTES);
  for (let at = BASE; at < BASE + BYTES; at += 8) {
    const choice = next() % 8;
    if (choice < 2) continue;
    if (choice === 7) memory.write64(at, (BigInt(next()) << 32n) | BigInt(next()));
    else memory.write64(at, encode(BASE + (next() % PAGES) * 4096, next(), next()));
  }
  return memory;
}

const armEntry: Encode = (address, random, high) =>
  BigInt(address) |
  1n |
  BigInt(random % 4 === 0 ? random & 0xffc : (random & 0xbfe) | 0x402) |
  (BigInt(high & 0x7870_0000) << 32n);
const vtdEntry: Encode = (address, random) => BigInt(address) | BigInt(random & 3 || 3) | (random & 0x700 ? 0n : 0x80n);
const riscvEntry: Encode = (address, random, high) => {
  const flags = random % 3 === 0 ? BigInt(random & 0xff) | 0x41n : 1n;
  const napot = random % 7 === 0 ? (1n << 63n) | (8n << 10n) : 0n;
  return (BigInt(address / 4096) << 10n) | flags | napot | (high % 16 === 0 ? 1n << 61n : 0n);
};
const amdEntry: Encode = (address, random, high) =>
  BigInt(address) |
  (random % 9 === 0 ? 0x7000n : 0n) |
  1n |
  (BigInt(random % 8) << 9n) |
  (BigInt(high & 0x6000_0000) << 32n);

function answer(result: Leaf | Fault): TwinAnswer {
  return result.ok ? { pa: BigInt(result.pa), perms: result.perms } : result.reason;
}

const seeds = fc.integer({ min: 1, max: 2 ** 31 });
const KINDS: readonly Access['kind'][] = ['read', 'write', 'execute'];

const LETTERS: Readonly<Record<Access['kind'], string>> = { read: 'r', write: 'w', execute: 'x' };

function expectSame(got: Leaf | Fault, wanted: TwinAnswer, kind: Access['kind']): void {
  if (typeof wanted === 'string') {
    expect(answer(got)).toBe(wanted);
    return;
  }
  // The twins know no dirty flag
  if (!got.ok && got.reason === 'dirty-flag') return;
  expect(got.ok).toBe(wanted.perms.includes(LETTERS[kind]));
  if (got.ok) expect(got.pa).toBe(Number(wanted.pa));
  else expect(got.class).toBe('permission');
}

/** Compares a walker with its twin at random addresses, for each kind of access. */
function expectTwin(walker: Walker, twin: (iova: bigint) => TwinAnswer, inputBits: number, seed: number): void {
  const next = numbers(seed + 1);
  for (let i = 0; i < 40; i++) {
    const iova = BigInt.asUintN(inputBits, (BigInt(next()) << 32n) | BigInt(next()));
    const wanted = twin(iova);
    for (const kind of KINDS) expectSame(walker.translate(iova, { kind }), wanted, kind);
  }
}

describe('walkers against their slow twins, on tangles of tables', () => {
  const granule = fc.constantFrom<Granule>(4096, 16384, 65536);

  it('AArch64 stage 1', () => {
    fc.assert(
      fc.property(
        seeds,
        granule,
        fc.integer({ min: 16, max: 39 }),
        fc.constantFrom(32, 40, 48, 52),
        (seed, size, tsz, oas) => {
          const memory = tangle(seed, armEntry);
          const inputBits = 64 - tsz;
          const fold = size === 65536 && oas === 52;
          const limit = size === 65536 ? oas : Math.min(oas, 48);
          const regime = aarch64Stage1({ ttbr0: { ttb: BASE, tsz, granule: size }, oas: limit, mair: 0n });
          const root = BigInt(regime.regions[0]?.root ?? 0);
          const start = startLevel(size, inputBits);
          const setup = { stage: 1, granuleBits: Math.log2(size), inputBits, start, root, oas: limit, fold } as const;
          expectTwin(new Walker(memory, regime), (iova) => twinAarch64(memory, setup, iova), inputBits, seed);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('AArch64 with 52-bit descriptors of 4K and 16K granules, both stages', () => {
    const small = fc.constantFrom<Granule>(4096, 16384);
    fc.assert(
      fc.property(
        seeds,
        small,
        fc.integer({ min: 12, max: 39 }),
        fc.constantFrom<1 | 2>(1, 2),
        (seed, size, tsz, stage) => {
          const memory = tangle(seed, armEntry);
          const inputBits = 64 - tsz;
          const start = startLevel(size, inputBits);
          const oas = 52;
          const sl =
            start < 0 ? { sl0: 0, sl2: true } : { sl0: (size === 4096 ? [2, 1, 0, 3] : [3, 2, 1, 0]).indexOf(start) };
          fc.pre(stage === 1 || stage2Consistent(size, sl.sl0, tsz, start < 0));
          const regime =
            stage === 1
              ? aarch64Stage1({ ttbr0: { ttb: BASE, tsz, granule: size }, oas, mair: 0n, ds: true })
              : aarch64Stage2({ ttb: BASE, tsz, ...sl, granule: size, oas, ds: true });
          const root = BigInt(regime.regions[0]?.root ?? 0);
          const setup = { stage, granuleBits: Math.log2(size), inputBits, start, root, oas, fold: false, ds: true };
          expectTwin(new Walker(memory, regime), (iova) => twinAarch64(memory, setup, iova), inputBits, seed);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('AArch64 stage 2, every start level that fits', () => {
    fc.assert(
      fc.property(
        seeds,
        granule,
        fc.integer({ min: 16, max: 39 }),
        fc.integer({ min: 0, max: 2 }),
        (seed, size, tsz, sl0) => {
          fc.pre(stage2Consistent(size, sl0, tsz));
          const memory = tangle(seed, armEntry);
          const inputBits = 64 - tsz;
          const regime = aarch64Stage2({ ttb: BASE, tsz, sl0, granule: size, oas: 44 });
          const root = BigInt(regime.regions[0]?.root ?? 0);
          const start = stage2StartLevel(size, sl0);
          const setup = {
            stage: 2,
            granuleBits: Math.log2(size),
            inputBits,
            start,
            root,
            oas: 44,
            fold: false,
          } as const;
          expectTwin(new Walker(memory, regime), (iova) => twinAarch64(memory, setup, iova), inputBits, seed);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('VT-d second stage, 3 to 5 levels', () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 3, max: 5 }), (seed, levels) => {
        const memory = tangle(seed, vtdEntry);
        const both = { superpage2M: true, superpage1G: true };
        const regime = vtdSecondStage({ root: BASE, levels, oas: 52, ...both, mode: 'legacy' });
        const twin = (iova: bigint) => twinVtd(memory, { root: BigInt(BASE), levels }, iova);
        expectTwin(new Walker(memory, regime), twin, 12 + 9 * levels, seed);
      }),
      { numRuns: 40 },
    );
  });

  it('RISC-V, all modes', () => {
    fc.assert(
      fc.property(seeds, fc.constantFrom<39 | 48 | 57>(39, 48, 57), (seed, bits) => {
        const memory = tangle(seed, riscvEntry);
        const regime = riscvTables({ root: BASE, bits, stage: 1, oas: 56 });
        const setup = { root: BigInt(BASE), levels: (bits - 12) / 9, oas: 56 };
        expectTwin(new Walker(memory, regime), (iova) => twinRiscv(memory, setup, iova), bits - 1, seed);
      }),
      { numRuns: 40 },
    );
  });

  it('AMD version 1, 1 to 6 levels, skipped levels and sized leaves', () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 1, max: 6 }), (seed, levels) => {
        const memory = tangle(seed, amdEntry);
        const regime = amdV1({ root: BASE, levels, oas: 52 });
        const twin = (iova: bigint) => twinAmd(memory, { root: BigInt(BASE), levels }, iova);
        expectTwin(new Walker(memory, regime), twin, Math.min(64, 12 + 9 * levels), seed);
      }),
      { numRuns: 40 },
    );
  });
});

function anyLeaf(walker: Walker, iova: bigint): Leaf | undefined {
  for (const privileged of [true, false]) {
    for (const kind of KINDS) {
      const result = walker.translate(iova, { kind, privileged });
      if (result.ok) return result;
    }
  }
  return undefined;
}

/** Every usable leaf of a tree is what a walk finds at its first, middle and last byte. */
function expectLeaves(memory: PagesReader, regime: Regime): void {
  const walker = new Walker(memory, regime);
  for (const region of regime.regions) {
    let left = 300;
    enumerateLeaves(
      memory,
      region,
      (offset, pa, bytes, _depth, _lo, _hi, attributes) => {
        const usable = (attributes & 63) !== 0 && (attributes & (ATTR.accessFault | ATTR.dirtyFault)) === 0;
        if (!usable || left-- <= 0) return;
        for (const at of [0, Math.floor(bytes / 8192) * 4096 + 8, bytes - 1]) {
          const iova = region.base + BigInt(offset) + BigInt(at);
          expect(anyLeaf(walker, iova)?.pa).toBe(pa + at);
        }
      },
      { tables: 200, revisits: 20 },
    );
  }
}

describe('random bytes as tables', () => {
  it.each(GIVEN_FORMATS)('%s: bounded work, no crash, and every leaf is what a walk finds', (format) => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const encode = format.startsWith('riscv') ? riscvEntry : format.startsWith('amd') ? amdEntry : armEntry;
        const memory = tangle(seed, encode);
        expectLeaves(memory, givenTables({ format, roots: [BASE] }).regime);
      }),
      { numRuns: 3 },
    );
  });

  it('the whole decoding of a tangle ends, and says what it cut', () => {
    const memory = tangle(7, armEntry);
    const tables = givenTables({ format: 'arm-64-lpae-s1', roots: [BASE] });
    const decoding = decodeGiven({ reader: memory }, tables, 'given');
    const reasons = new Set(decoding.domains[0]?.findings.map(({ reason }) => reason));
    expect(reasons).toContain('loop');
    expect(memory.reads).toBeLessThan(10_000_000);
  });
});

describe('reasons', () => {
  const memory = new PagesReader();
  memory.clear(BASE, BYTES);
  const table = (page: number, index: number, value: bigint) => memory.write64(BASE + page * 4096 + index * 8, value);
  const at = (page: number) => BigInt(BASE + page * 4096) | 3n;
  table(0, 0, at(1));
  table(0, 1, 0x40000001n);
  table(0, 2, 0x7000_0003n);
  table(0, 3, at(1) | (1n << 62n));
  table(0, 4, at(1) | (1n << 61n));
  table(1, 0, at(2));
  table(2, 0, at(3));
  table(2, 1, 0x40200f45n);
  table(3, 0, 0x40010747n);
  table(3, 1, 0x40010741n);
  table(3, 2, 0x40010347n);
  table(3, 3, 0x400107c7n);
  table(3, 4, 0x40010707n);
  table(3, 5, 0x1000_4001_0747n);
  table(3, 6, 0x40010747n | (1n << 54n));
  const walker = new Walker(
    memory,
    aarch64Stage1({
      ttbr0: { ttb: BASE, tsz: 16, granule: 4096 },
      ttbr1: { ttb: BASE, tsz: 25, granule: 4096, disabled: true },
      oas: 44,
      mair: 0xffn,
    }),
  );
  const read: Access = { kind: 'read' };
  const write: Access = { kind: 'write' };
  const cases: readonly [string, bigint, Access, string, number][] = [
    ['an invalid entry', 0x7000n, read, 'never-mapped', 3],
    ['a reserved type', 0x1000n, read, 'reserved-type', 3],
    ['a clear access flag', 0x2000n, read, 'access-flag', 3],
    ['a read-only page', 0x3000n, write, 'permission-write', 3],
    ['a privileged page', 0x4000n, read, 'permission-privileged', 3],
    ['an output beyond the size', 0x5000n, read, 'output-too-large', 3],
    ['a page that is not executable', 0x6000n, { kind: 'execute' }, 'permission-execute', 3],
    ['a block at level 0', 1n << 39n, read, 'block-not-allowed', 0],
    ['a table outside memory', 2n << 39n, read, 'table-outside-memory', 1],
    ['a write below a table with APTable read-only', 3n << 39n, write, 'permission-write', 3],
    ['a user access below a table with APTable privileged', 4n << 39n, read, 'permission-privileged', 3],
    ['an address between the halves', 1n << 50n, read, 'input-outside-region', 0],
    ['a half that is switched off', (1n << 64n) - 4096n, read, 'walk-disabled', 1],
  ];
  it.each(cases)('%s', (_name, iova, access, reason, level) => {
    expect(walker.translate(iova, access)).toMatchObject({ ok: false, reason, level });
  });

  it('a walk shows every entry with its fields', () => {
    const { steps, result } = walker.walk(0x200123n);
    expect(result).toMatchObject({ ok: true, pa: 0x40200123, size: 0x200000, memoryType: 'Device-nGnRnE' });
    expect(steps.map(({ level, index, kind }) => [level, index, kind])).toEqual([
      [0, 0, 'table'],
      [1, 0, 'table'],
      [2, 1, 'leaf'],
    ]);
    expect(steps[2]?.fields).toMatchObject({ AttrIndx: 1, AP: 1, SH: 3, AF: 1, nG: 1 });
  });

  it('level shifts are those of the architecture', () => {
    expect([0, 1, 2, 3].map((level) => levelShift(4096, level))).toEqual([39, 30, 21, 12]);
    expect([1, 2, 3].map((level) => levelShift(65536, level))).toEqual([42, 29, 16]);
  });
});
