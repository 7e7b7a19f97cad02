// A regime of each family of tables, and entries as the family writes them.
import { aarch32LongStage1 } from '../../src/hardware/walk/aarch32-long.ts';
import { aarch32Short } from '../../src/hardware/walk/aarch32-short.ts';
import type { Granule } from '../../src/hardware/walk/aarch64.ts';
import { aarch64Stage1 } from '../../src/hardware/walk/aarch64-stage1.ts';
import { aarch64Stage2 } from '../../src/hardware/walk/aarch64-stage2.ts';
import { amdV1 } from '../../src/hardware/walk/amd.ts';
import { dart } from '../../src/hardware/walk/dart.ts';
import { mali } from '../../src/hardware/walk/mali.ts';
import type { Regime, Region } from '../../src/hardware/walk/regime.ts';
import { riscvTables } from '../../src/hardware/walk/riscv.ts';
import { vtdFirstStage, vtdSecondStage } from '../../src/hardware/walk/vtd.ts';

/** Physical address of the root. */
export const ROOT = 0x40_0000;

/** A family's tables: 32-bit entries have no bits above 31. */
export interface Family {
  readonly region: Region;
  /** The entry that leads to a table at a depth. */
  table(address: number, depth: number): bigint;
  /** A leaf at a depth; `seed` decides bits that differ between leaves. */
  leaf(address: number, depth: number, seed: number): bigint;
}

function first({ regions }: Regime): Region {
  const [region] = regions;
  if (region === undefined) throw new Error('no region');
  return region;
}

/** One of two bits in one of eight leaves. */
function some(seed: number, ...bits: readonly bigint[]): bigint {
  return seed % 8 === 0 ? (bits[(seed >>> 3) % bits.length] ?? 0n) : 0n;
}

function arm(region: Region): Family {
  const last = region.descriptors.levels.length - 1;
  const odd = (seed: number): bigint => some(seed, 0x80n, 1n << 52n, 1n << 8n);
  return {
    region,
    table: (address) => BigInt(address) | 3n,
    leaf: (address, depth, seed) => BigInt(address) | odd(seed) | (depth === last ? 0x743n : 0x741n),
  };
}

function stage1(granule: Granule, oas: number, ds = false): Family {
  return arm(first(aarch64Stage1({ ttbr0: { ttb: ROOT, tsz: 25, granule }, oas, mair: 0xffn, ds })));
}

function stage2(granule: Granule, oas: number): Family {
  return arm(first(aarch64Stage2({ ttb: ROOT, tsz: 25, sl0: 1, granule, oas })));
}

function amd(oas: number, encryption?: number): Family {
  const rights = 3n << 61n;
  const levels = 3;
  const marked = encryption === undefined ? {} : { encryption };
  return {
    region: first(amdV1({ root: ROOT, levels, oas, ...marked })),
    table: (address, depth) => BigInt(address) | rights | BigInt((levels - depth - 1) << 9) | 1n,
    leaf: (address, _depth, seed) => BigInt(address) | rights | some(seed, 0x20n, 0x40n, 1n << 60n, 1n << 47n) | 1n,
  };
}

function vtd(oas: number, stage: 1 | 2): Family {
  const mode = stage === 1 ? 'first' : 'second';
  const config = { root: ROOT, levels: 3, oas, superpage2M: true, superpage1G: true, mode } as const;
  const rights = stage === 1 ? 7n : 3n;
  const odd = (seed: number): bigint => some(seed, 0x20n, 0x40n, 0x100n, 0x200n, 0x800n);
  return {
    region: first(stage === 1 ? vtdFirstStage(config) : vtdSecondStage(config)),
    table: (address) => BigInt(address) | rights,
    leaf: (address, depth, seed) => BigInt(address) | odd(seed) | rights | (depth < 2 ? 0x80n : 0n),
  };
}

function riscv(oas: number, stage: 1 | 2, hardwareAD: boolean): Family {
  return {
    region: first(riscvTables({ root: ROOT, bits: 39, stage, oas, hardwareAD })),
    table: (address) => (BigInt(address) >> 2n) | 1n,
    leaf: (address, _depth, seed) => (BigInt(address) >> 2n) | (0xd7n ^ some(seed, 0x40n, 0x80n, 4n, 1n << 61n)),
  };
}

function darts(encoding: 1 | 2, granule: 4096 | 16384): Family {
  const shift = encoding === 1 ? 0n : 4n;
  return {
    region: first(dart({ roots: [ROOT], encoding, granule, oas: 36 })),
    table: (address) => (BigInt(address) >> shift) | 1n,
    leaf: (address, _depth, seed) => (BigInt(address) >> shift) | some(seed, 8n, 1n << 41n, 0x80n) | 1n,
  };
}

function short(mtkLeaves: boolean): Family {
  return {
    region: first(aarch32Short({ ttbr0: ROOT, mtkLeaves })),
    table: (address) => BigInt(address) | 1n,
    leaf: (address, depth, seed) =>
      BigInt(address % 2 ** 32) | some(seed, 0x10n, 0x200n, 8n) | (depth === 0 ? 0x402n : 0x12n),
  };
}

function malis(): Family {
  return {
    region: first(mali({ root: ROOT, ias: 39 })),
    table: (address) => BigInt(address) | 3n,
    leaf: (address, _depth, seed) => BigInt(address) | some(seed, 4n, 1n << 54n, 0x40n) | 0x81n,
  };
}

/** Families by name; of some, other sizes and options too. */
export const FAMILIES: readonly (readonly [string, Family])[] = [
  ['aarch64 stage 1, 4K', stage1(4096, 44)],
  ['aarch64 stage 1, 4K with 52 bits', stage1(4096, 52, true)],
  ['aarch64 stage 1, 16K', stage1(16384, 40)],
  ['aarch64 stage 1, 64K with 52 bits', stage1(65536, 52)],
  ['aarch64 stage 2, 4K', stage2(4096, 48)],
  ['aarch64 stage 2, 64K', stage2(65536, 36)],
  ['aarch32 long', arm(first(aarch32LongStage1({ ttbr0: ROOT, t0sz: 0, mair: 0xffn })))],
  ['aarch32 short', short(false)],
  ['aarch32 short of MediaTek', short(true)],
  ['amd v1', amd(48)],
  ['amd v1, encrypted', amd(52, 2 ** 47)],
  ['vt-d first stage', vtd(46, 1)],
  ['vt-d second stage', vtd(39, 2)],
  ['riscv first stage', riscv(56, 1, true)],
  ['riscv second stage', riscv(44, 2, false)],
  ['dart of 36 bits', darts(1, 4096)],
  ['dart of 42 bits', darts(2, 16384)],
  ['mali', malis()],
];
