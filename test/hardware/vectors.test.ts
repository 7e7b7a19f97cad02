import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { givenTables } from '../../src/hardware/given.ts';
import { aarch32LongStage1, aarch32LongStage2 } from '../../src/hardware/walk/aarch32-long.ts';
import { aarch32Short } from '../../src/hardware/walk/aarch32-short.ts';
import { aarch64Stage1, aarch64Stage2, type Granule } from '../../src/hardware/walk/aarch64.ts';
import { dart } from '../../src/hardware/walk/dart.ts';
import { mali } from '../../src/hardware/walk/mali.ts';
import type { Regime } from '../../src/hardware/walk/regime.ts';
import type { Access, Leaf } from '../../src/hardware/walk/types.ts';
import { Walker } from '../../src/hardware/walk/walker.ts';
import { PagesReader } from './memory.ts';

type Row = [string, number, number, string, number?, string?];
interface Op {
  readonly op: string;
  readonly q?: readonly [string, string][];
  readonly rows?: readonly Row[];
}
interface Vector {
  readonly id: string;
  readonly fmt: string;
  readonly cfg: {
    readonly pgsize_bitmap: string;
    readonly quirks: string;
    readonly ias: number;
    readonly table_base: string;
  };
  readonly init: { readonly ok: boolean; readonly ias: number; readonly oas: number; readonly pgsize_bitmap: string };
  readonly ops: readonly Op[];
  readonly regs: Record<string, string | number> | null;
  readonly dump: readonly Row[] | null;
  readonly tags: readonly string[];
}

const ROOT = new URL('../vectors/', import.meta.url);
const VECTORS: Vector[] = readdirSync(ROOT)
  .filter((file) => file.endsWith('.jsonl.gz') && !/^(G_pt|N|O|R)_/.test(file))
  .flatMap((file) =>
    gunzipSync(readFileSync(new URL(file, ROOT)))
      .toString('utf8')
      .trim()
      .split('\n'),
  )
  .map((line) => JSON.parse(line) as Vector)
  .filter((vector) => vector.init.ok && vector.regs !== null);

const QUIRK = { noPerms: 2n, mtk: 8n, mtkTables: 16n, ttbr1: 32n };
const TG0: Record<number, Granule> = { 0: 4096, 1: 65536, 2: 16384 };
const TG1: Record<number, Granule> = { 1: 16384, 2: 4096, 3: 65536 };
const PS = [32, 36, 40, 42, 44, 48, 52];

/** The regime that the recorded registers describe to a device: no field but the registers' is used for the tables. */
function regimeOf({ fmt, regs, init, cfg }: Vector): Regime {
  const number = (name: string) => Number(regs?.[name] ?? 0);
  const quirks = BigInt(cfg.quirks);
  const mair = BigInt.asUintN(64, BigInt(regs?.['mair'] ?? 0));
  if (fmt === 'arm_64_lpae_s1') {
    const upper = (quirks & QUIRK.ttbr1) !== 0n;
    const granule = (upper ? TG1 : TG0)[number('tcr.tg')] ?? 4096;
    const ttbr = { ttb: number('ttbr'), tsz: number('tcr.tsz'), granule };
    return aarch64Stage1({ ...(upper ? { ttbr1: ttbr } : { ttbr0: ttbr }), oas: PS[number('tcr.ips')] ?? 48, mair });
  }
  if (fmt === 'arm_64_lpae_s2') {
    const granule = TG0[number('vtcr.tg')] ?? 4096;
    const oas = PS[number('vtcr.ps')] ?? 48;
    return aarch64Stage2({ ttb: number('vttbr'), tsz: number('vtcr.tsz'), sl0: number('vtcr.sl'), granule, oas });
  }
  if (fmt === 'arm_32_lpae_s1') return aarch32LongStage1({ ttbr0: number('ttbr'), t0sz: number('tcr.tsz') & 7, mair });
  if (fmt === 'arm_32_lpae_s2') {
    return aarch32LongStage2({ ttb: number('vttbr'), t0sz: number('vtcr.tsz') & 15, sl0: number('vtcr.sl') });
  }
  if (fmt === 'arm_mali_lpae') return mali({ root: number('transtab'), ias: init.ias, oas: init.oas });
  if (fmt === 'arm_v7s') return shortRegime(number('ttbr'), number('prrr'), number('nmrr'), quirks, init.ias);
  const roots = Array.from({ length: number('n_ttbrs') }, (_, i) => number(`ttbr${i}`));
  const granule = Number(BigInt(init.pgsize_bitmap) & 0x5000n) === 4096 ? 4096 : 16384;
  return dart({ roots, encoding: fmt === 'apple_dart' ? 1 : 2, granule, ias: init.ias, oas: init.oas });
}

function shortRegime(ttbr: number, prrr: number, nmrr: number, quirks: bigint, ias: number): Regime {
  const mtk = (quirks & QUIRK.mtk) !== 0n;
  const noPermissions = (quirks & QUIRK.noPerms) !== 0n;
  // MediaTek keeps the root's upper bits in the register's low ones
  const ttbr0 = mtk ? (ttbr % 128) * 2 ** 32 + (ttbr - (ttbr % 128)) : ttbr - (ttbr % 128);
  const tables = (quirks & QUIRK.mtkTables) !== 0n;
  const remap = { accessFlag: !noPermissions, prrr, nmrr };
  return aarch32Short({ ttbr0, ...remap, inputBits: ias, mtkLeaves: mtk, mtkTables: tables, noPermissions });
}

/** Memory that holds the dumped entries; what a table's page has besides is zero. */
function memoryOf(vector: Vector): PagesReader {
  const reader = new PagesReader();
  const base = Number(vector.cfg.table_base);
  reader.zeros = [base, base + 2 ** 26];
  const wide = vector.fmt !== 'arm_v7s';
  for (const [table, , index, pte, count = 1, stride = '0x0'] of vector.dump ?? []) {
    for (let k = 0; k < count; k++) {
      const value = BigInt.asUintN(64, BigInt(pte) + BigInt(k) * BigInt(stride));
      const at = Number(table) + (index + k) * (wide ? 8 : 4);
      if (wide) reader.write64(at, value);
      else reader.write32(at, Number(BigInt.asUintN(32, value)));
    }
  }
  return reader;
}

const ANY: readonly Access[] = [
  { kind: 'read', privileged: true },
  { kind: 'write', privileged: true },
  { kind: 'execute' },
];

function translate(walker: Walker, iova: bigint): Leaf | undefined {
  for (const access of ANY) {
    const result = walker.translate(iova, access);
    if (result.ok) return result;
    if (result.class !== 'permission') return undefined;
  }
  return undefined;
}

/**
 * AArch32 T0SZ ends at 7: 25 input bits. Linux grants 24 for 32-bit LPAE all the same and records a T0SZ that the register
 * field cuts to another size, so a device given those registers walks elsewhere.
 */
function beyondRegisters({ fmt, init }: Vector): boolean {
  return fmt.startsWith('arm_32') && init.ias < 25;
}

/** Queries made after the last operation that changed anything. */
function finalQueries(vector: Vector): readonly [string, string][] {
  const last = vector.ops.findLastIndex((op) => op.op.includes('map'));
  return vector.ops.slice(last + 1).flatMap((op) => op.q ?? []);
}

describe('recorded tables, walked by the recorded registers', () => {
  const formats = [...new Set(VECTORS.map((vector) => vector.fmt))];
  it.each(formats)('%s: every recorded query has the recorded answer', (fmt) => {
    let checked = 0;
    const wrong: string[] = [];
    for (const vector of VECTORS.filter((candidate) => candidate.fmt === fmt)) {
      if (vector.tags.includes('i2p_beyond_range') || beyondRegisters(vector)) continue;
      const walker = new Walker(memoryOf(vector), regimeOf(vector));
      for (const [iova, pa] of finalQueries(vector)) {
        checked++;
        const got = translate(walker, BigInt(iova))?.pa ?? 0;
        if (got !== Number(pa)) wrong.push(`${vector.id}: ${iova} → 0x${got.toString(16)}, recorded ${pa}`);
      }
    }
    expect(wrong).toEqual([]);
    expect(checked).toBeGreaterThan(10);
  });

  const NAMES: readonly [bigint, string][] = [
    [2n, 'no-perms'],
    [8n, 'arm-mtk-ext'],
    [16n, 'arm-mtk-ttbr-ext'],
    [32n, 'arm-ttbr1'],
  ];

  /** What a user would type: format, root, granule, widths, quirks. */
  function givenOf({ fmt, init, cfg, regs }: Vector, regime: Regime): Regime {
    const quirks = NAMES.filter(([bit]) => (BigInt(cfg.quirks) & bit) !== 0n).map(([, name]) => name);
    const pages = BigInt(init.pgsize_bitmap);
    const roots =
      regs !== null && 'n_ttbrs' in regs ? regime.regions.map(({ root }) => root) : [regime.regions[0]?.root ?? 0];
    const { ias, oas } = init;
    return givenTables({ format: fmt, roots, granule: Number(pages & -pages), ias, oas, quirks }).regime;
  }

  it.each(formats)('%s: format, root and widths alone give the same answers', (fmt) => {
    const wrong: string[] = [];
    for (const vector of VECTORS.filter((candidate) => candidate.fmt === fmt)) {
      if (beyondRegisters(vector)) continue;
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
