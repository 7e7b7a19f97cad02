import { describe, expect, it } from 'vitest';
import { givenTables } from '../../src/hardware/given.ts';
import type { Regime } from '../../src/hardware/walk/regime.ts';
import type { Leaf } from '../../src/hardware/walk/types.ts';
import { Walker } from '../../src/hardware/walk/walker.ts';
import {
  finalQueries,
  isGeneric,
  memoryOf,
  noDeviceWalks,
  regimeOf,
  translate,
  VECTORS,
  type Vector,
} from './vector-tables.ts';

const PGTABLE = VECTORS.filter((vector) => !isGeneric(vector));
const GENERIC = VECTORS.filter((vector) => isGeneric(vector) && vector.fmt !== 'amdv1_mock');

/**
 * Whether a device can be asked: the kernel's own lookup lets addresses alias that lie outside the input range, and
 * leaves may hold bits beyond the output range where only the first page of a run was checked.
 */
function isWalked({ cfg, init }: Vector, iova: bigint, pa: bigint): boolean {
  const size = 1n << BigInt(init.ias);
  const base = (BigInt(cfg.quirks) & 32n) === 0n ? 0n : (1n << 64n) - size;
  return iova >= base && iova < base + size && pa >> BigInt(init.oas) === 0n;
}

/** A block whose address field is not a multiple of its size: the kernel adds the rest, a device leaves it out. */
function isMisaligned({ regions }: Regime, { entry, level }: Leaf): boolean {
  const descriptors = regions[0]?.descriptors;
  const depth = descriptors?.levels.findIndex((each) => each.level === level) ?? 0;
  const [lo, hi] = [Number(entry & 0xffffffffn), Number(entry >> 32n)];
  return descriptors?.offences(lo, hi, depth).includes('misaligned-block') === true;
}

function differingQueries(vector: Vector, walker: Walker): { checked: number; wrong: string[] } {
  const wrong: string[] = [];
  let checked = 0;
  for (const [iova, pa] of finalQueries(vector)) {
    if (!isWalked(vector, BigInt(iova), BigInt(pa))) continue;
    const leaf = translate(walker, BigInt(iova));
    if (leaf !== undefined && isMisaligned(walker.regime, leaf)) continue;
    checked++;
    const got = leaf?.output ?? 0n;
    if (got !== BigInt(pa)) wrong.push(`${vector.id}: ${iova} → 0x${got.toString(16)}, recorded ${pa}`);
  }
  return { checked, wrong };
}

describe('recorded tables of io-pgtable, walked by the recorded registers', () => {
  const formats = [...new Set(PGTABLE.map((vector) => vector.fmt))];
  it.each(formats)('%s: every recorded query has the recorded answer', (fmt) => {
    const walked = PGTABLE.filter((vector) => vector.fmt === fmt && !noDeviceWalks(vector));
    const differing = walked.map((vector) => differingQueries(vector, new Walker(memoryOf(vector), regimeOf(vector))));
    expect(differing.flatMap(({ wrong }) => wrong)).toEqual([]);
    expect(differing.reduce((sum, { checked }) => sum + checked, 0)).toBeGreaterThan(50);
  });

  const NAMES: readonly [bigint, string][] = [
    [2n, 'no-perms'],
    [8n, 'arm-mtk-ext'],
    [16n, 'arm-mtk-ttbr-ext'],
    [32n, 'arm-ttbr1'],
    [128n, 'arm-hd'],
    [256n, 'arm-s2fwb'],
    [512n, 'no-warn'],
  ];

  /** What a user would type: format, root, granule, widths, quirks. */
  function givenOf({ fmt, init, cfg, regs, geom }: Vector, regime: Regime): Regime {
    const quirks = NAMES.filter(([bit]) => (BigInt(cfg.quirks) & bit) !== 0n).map(([, name]) => name);
    const pages = fmt === 'arm_v7s' ? 4096n : BigInt(init.pgsize_bitmap);
    const roots =
      regs !== null && 'n_ttbrs' in regs ? regime.regions.map(({ root }) => root) : [regime.regions[0]?.root ?? 0];
    const { ias, oas } = init;
    const start = fmt === 'arm_64_lpae_s2' ? { startLevel: geom?.start_level } : {};
    return givenTables({ format: fmt, roots, granule: Number(pages & -pages), ias, oas, quirks, ...start }).regime;
  }

  it.each(formats)('%s: format, root and widths alone give the same answers', (fmt) => {
    const wrong: string[] = [];
    for (const vector of PGTABLE.filter((candidate) => candidate.fmt === fmt)) {
      if (noDeviceWalks(vector) || vector.init.ias < 14) continue;
      const memory = memoryOf(vector);
      const regime = regimeOf(vector);
      const [byRegisters, byHand] = [new Walker(memory, regime), new Walker(memory, givenOf(vector, regime))];
      for (const [iova] of finalQueries(vector)) {
        const [wanted, got] = [translate(byRegisters, BigInt(iova)), translate(byHand, BigInt(iova))];
        if (got?.pa !== wanted?.pa || got?.perms !== wanted?.perms) wrong.push(`${vector.id}: ${iova}`);
      }
    }
    expect(wrong).toEqual([]);
  });
});

/** Bits that a 64-bit input address of the kernel's generic page table has below the sign extension of its hardware. */
function hardwareBits({ fmt, regs }: Vector): number {
  if (fmt === 'x86_64') return 12 + 9 * Number(regs?.['levels']);
  return fmt === 'riscv_64' ? 39 + 9 * (Number(regs?.['fsc_iosatp_mode']) - 8) : 64;
}

/** Whether the kernel looks an address up at all; it compares only the bits from `max_vasz` up. */
function inKernelRange({ cfg, init }: Vector, iova: bigint): boolean {
  const width = BigInt(init.max_vasz);
  const above = iova >> width;
  const signExtends = (BigInt(cfg.features ?? 0) & 8n) !== 0n;
  if (!signExtends || iova >> (width - 1n) === 0n) return above === 0n;
  return above === (1n << (64n - width)) - 1n;
}

/** The address by which hardware reaches the entry that the kernel takes for `iova`. */
function deviceAddress(vector: Vector, iova: bigint): bigint {
  const offset = BigInt.asUintN(vector.init.max_vasz, iova);
  return BigInt.asUintN(64, BigInt.asIntN(hardwareBits(vector), offset));
}

/** The kernel takes the C-bit for a part of the size code of a page of 2^49 bytes: no device reads such an entry so. */
const SIZE_HOLDS_C_BIT = 'G-fuzz-amdv1-231';

describe('recorded tables of the generic page table, walked by the recorded registers', () => {
  const formats = [...new Set(GENERIC.map((vector) => vector.fmt))];

  it.each(formats)('%s: every query of a canonical address has the recorded answer', (fmt) => {
    const seen = { equal: 0, refusedByKernel: 0, notCanonical: 0 };
    const wrong: string[] = [];
    for (const vector of GENERIC.filter((candidate) => candidate.fmt === fmt && candidate.id !== SIZE_HOLDS_C_BIT)) {
      const walker = new Walker(memoryOf(vector), regimeOf(vector));
      for (const [text, pa] of finalQueries(vector)) {
        const iova = BigInt(text);
        if (!inKernelRange(vector, iova)) {
          seen.refusedByKernel++;
          expect(pa).toBe('0x0');
          continue;
        }
        const at = deviceAddress(vector, iova);
        const bits = BigInt(hardwareBits(vector));
        if (BigInt.asUintN(64, BigInt.asIntN(Number(bits), iova)) !== iova) {
          seen.notCanonical++;
          expect(walker.translate(iova)).toMatchObject({ ok: false, reason: 'input-outside-region' });
        }
        const got = translate(walker, at)?.output ?? 0n;
        if (got === BigInt(pa)) seen.equal++;
        else wrong.push(`${vector.id}: ${text} → 0x${got.toString(16)}, recorded ${pa}`);
      }
    }
    expect(wrong).toEqual([]);
    expect(seen.equal).toBeGreaterThan(3000);
  });

  it('an AMD size code that holds the C-bit is reserved to a device', () => {
    const vector = GENERIC.find(({ id }) => id === SIZE_HOLDS_C_BIT);
    if (vector === undefined) throw new Error('no such vector');
    const walker = new Walker(memoryOf(vector), regimeOf(vector));
    const answers = finalQueries(vector).map(([iova, pa]) => [
      translate(walker, BigInt(iova))?.output ?? 0n,
      BigInt(pa),
    ]);
    const [differing] = answers.filter(([got, recorded]) => got !== recorded);
    expect(differing?.[0]).toBe(0n);
  });
});

/**
 * The format of iommufd's self test: AMD version 1 with 2 KiB granules, whose address field counts units of 2 KiB. No
 * hardware has it, so it is walked here.
 */
function walkMock(read: (address: bigint) => bigint, levels: number, root: bigint, iova: bigint): bigint {
  let table = root;
  for (let level = levels; ; level--) {
    const shift = BigInt(11 + 9 * (level - 1));
    const entry = read(table + ((iova >> shift) % 512n) * 8n);
    if ((entry & 1n) === 0n) return 0n;
    const field = (entry >> 12n) & ((1n << 40n) - 1n);
    const next = (entry >> 9n) & 7n;
    if (level > 1 && next !== 0n && next !== 7n) {
      table = field << 11n;
      continue;
    }
    let bits = shift;
    if (next === 7n) for (bits = 12n; (field >> (bits - 12n)) & 1n; ) bits++;
    const base = ((field << 11n) >> bits) << bits;
    return base + (iova & ((1n << bits) - 1n));
  }
}

it("amdv1_mock: the self test's format, by a walk of its own", () => {
  const wrong: string[] = [];
  let checked = 0;
  for (const vector of VECTORS.filter(({ fmt }) => fmt === 'amdv1_mock')) {
    const memory = memoryOf(vector);
    const root = BigInt(vector.cfg.table_base);
    const levels = vector.init.top_level + 1;
    for (const [iova, pa] of finalQueries(vector)) {
      if (!inKernelRange(vector, BigInt(iova))) continue;
      checked++;
      const got = walkMock((address) => memory.read64(Number(address)) ?? 0n, levels, root, BigInt(iova));
      if (got !== BigInt(pa)) wrong.push(`${vector.id}: ${iova} → 0x${got.toString(16)}, recorded ${pa}`);
    }
  }
  expect(wrong).toEqual([]);
  expect(checked).toBeGreaterThan(1000);
});
