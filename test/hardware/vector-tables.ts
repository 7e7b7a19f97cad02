/**
 * The shipped vectors as a device sees them: their bytes, their registers, and the answers recorded at their end.
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { aarch32LongStage1, aarch32LongStage2 } from '../../src/hardware/walk/aarch32-long.ts';
import { aarch32Short } from '../../src/hardware/walk/aarch32-short.ts';
import type { Granule } from '../../src/hardware/walk/aarch64.ts';
import { aarch64Stage1 } from '../../src/hardware/walk/aarch64-stage1.ts';
import { aarch64Stage2 } from '../../src/hardware/walk/aarch64-stage2.ts';
import { amdV1 } from '../../src/hardware/walk/amd.ts';
import { dart } from '../../src/hardware/walk/dart.ts';
import { mali } from '../../src/hardware/walk/mali.ts';
import type { Regime } from '../../src/hardware/walk/regime.ts';
import { riscvTables } from '../../src/hardware/walk/riscv.ts';
import type { Access, Leaf } from '../../src/hardware/walk/types.ts';
import { vtdFirstStage, vtdSecondStage } from '../../src/hardware/walk/vtd.ts';
import type { Walker } from '../../src/hardware/walk/walker.ts';
import { PagesReader } from './memory.ts';

type Row = [string, number, number, string, number?, string?];
interface Op {
  readonly op: string;
  readonly q?: readonly [string, string][];
  readonly rows?: readonly Row[];
}
/** A vector as recorded. */
export interface Vector {
  readonly id: string;
  readonly fmt: string;
  readonly cfg: {
    readonly pgsize_bitmap: string;
    readonly quirks: string;
    readonly ias: number;
    readonly table_base: string;
    readonly sme_mask?: string;
    readonly features?: string;
  };
  readonly init: {
    readonly ok: boolean;
    readonly ias: number;
    readonly oas: number;
    readonly pgsize_bitmap: string;
    readonly max_vasz: number;
    readonly top_level: number;
  };
  readonly ops: readonly Op[];
  readonly regs: Record<string, string | number> | null;
  readonly regs_end?: Record<string, string | number>;
  readonly dump: readonly Row[] | null;
  readonly tags: readonly string[];
  readonly geom?: { readonly start_level: number };
}

const ROOT = new URL('../vectors/', import.meta.url);
/** Every shipped vector whose configuration was granted and that left registers. */
export const VECTORS: readonly Vector[] = readdirSync(ROOT)
  .filter((file) => file.endsWith('.jsonl.gz') && !file.startsWith('R_'))
  .flatMap((file) =>
    gunzipSync(readFileSync(new URL(file, ROOT)))
      .toString('utf8')
      .trim()
      .split('\n'),
  )
  .map((line) => JSON.parse(line) as Vector)
  .filter((vector) => vector.init.ok && vector.regs !== null);

const QUIRK = { noPerms: 2n, mtk: 8n, mtkTables: 16n, ttbr1: 32n, hd: 128n, s2fwb: 256n };
/** Whether the generic page table wrote the vector's tables. */
export function isGeneric({ fmt }: Vector): boolean {
  return ['amdv1', 'amdv1_mock', 'x86_64', 'vtdss', 'riscv_64'].includes(fmt);
}

const TG0: Record<number, Granule> = { 0: 4096, 1: 65536, 2: 16384 };
const TG1: Record<number, Granule> = { 1: 16384, 2: 4096, 3: 65536 };
const PS = [32, 36, 40, 42, 44, 48, 52];

/** The regime that the recorded registers describe to a device: no field but the registers' is used for the tables. */
export function regimeOf(vector: Vector): Regime {
  const { fmt, regs, init, cfg } = vector;
  if (isGeneric(vector)) return genericRegime(vector);
  const number = (name: string) => Number(regs?.[name] ?? 0);
  const quirks = BigInt(cfg.quirks);
  const mair = BigInt.asUintN(64, BigInt(regs?.['mair'] ?? 0));
  if (fmt === 'arm_64_lpae_s1') {
    const hardwareDirty = (quirks & QUIRK.hd) !== 0n;
    const upper = (quirks & QUIRK.ttbr1) !== 0n;
    const granule = (upper ? TG1 : TG0)[number('tcr.tg')] ?? 4096;
    const ttbr = { ttb: number('ttbr'), tsz: number('tcr.tsz'), granule };
    return aarch64Stage1({
      ...(upper ? { ttbr1: ttbr } : { ttbr0: ttbr }),
      oas: PS[number('tcr.ips')] ?? 48,
      mair,
      hardwareDirty,
    });
  }
  if (fmt === 'arm_64_lpae_s2') {
    const granule = TG0[number('vtcr.tg')] ?? 4096;
    const oas = PS[number('vtcr.ps')] ?? 48;
    const forceWriteBack = (quirks & QUIRK.s2fwb) !== 0n;
    const sizes = { tsz: number('vtcr.tsz'), sl0: number('vtcr.sl'), granule, oas };
    return aarch64Stage2({ ttb: number('vttbr'), ...sizes, forceWriteBack });
  }
  if (fmt === 'arm_32_lpae_s1') return aarch32LongStage1({ ttbr0: number('ttbr'), t0sz: number('tcr.tsz') & 7, mair });
  if (fmt === 'arm_32_lpae_s2') {
    return aarch32LongStage2({ ttb: number('vttbr'), t0sz: number('vtcr.tsz') & 15, sl0: number('vtcr.sl') });
  }
  if (fmt === 'arm_mali_lpae') return mali({ root: number('transtab'), ias: init.ias, oas: init.oas });
  if (fmt === 'arm_v7s') return shortRegime(number('ttbr'), number('prrr'), number('nmrr'), quirks, init.ias);
  const roots = Array.from({ length: number('n_ttbrs') }, (_, i) => number(`ttbr${i}`));
  const granule = Number(BigInt(init.pgsize_bitmap) & 0x5000n) === 4096 ? 4096 : 16384;
  const levels = number('n_levels') === 4 ? 3 : 2;
  return dart({ roots, encoding: fmt === 'apple_dart' ? 1 : 2, granule, ias: init.ias, oas: init.oas, levels });
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

const RISCV_BITS: Readonly<Record<number, 39 | 48 | 57>> = { 8: 39, 9: 48, 10: 57 };

/** The regime behind the registers that the vector ends with: an AMD root may have grown. */
function genericRegime({ fmt, regs, regs_end: end, cfg, init }: Vector): Regime {
  const number = (name: string) => Number((end ?? regs)?.[name] ?? 0);
  const sme = Number(cfg.sme_mask ?? 0);
  const shared = { oas: 52, superpage2M: true, superpage1G: true, ...(sme === 0 ? {} : { encryption: sme }) };
  if (fmt === 'amdv1') return amdV1({ root: number('host_pt_root'), levels: number('mode'), ...shared });
  if (fmt === 'vtdss') {
    const sizes = { levels: number('aw') + 2, inputBits: init.max_vasz };
    return vtdSecondStage({ root: number('ssptptr'), ...sizes, ...shared, mode: 'second' });
  }
  if (fmt === 'x86_64') {
    return vtdFirstStage({
      root: number('gcr3_pt'),
      levels: number('levels'),
      ...shared,
      execute: true,
      mode: 'first',
    });
  }
  const bits = RISCV_BITS[number('fsc_iosatp_mode')];
  if (bits === undefined) throw new Error(`${fmt} has no walk`);
  return riscvTables({ root: number('ppn') * 4096, bits, stage: 1, oas: 56 });
}

/** Memory that holds the dumped entries; what a table's page has besides is zero. */
export function memoryOf(vector: Vector): PagesReader {
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
  { kind: 'read' },
  { kind: 'write' },
];

/** The leaf that some access reaches. */
export function translate(walker: Walker, iova: bigint): Leaf | undefined {
  for (const access of ANY) {
    const result = walker.translate(iova, access);
    if (result.ok) return result;
    if (result.class !== 'permission') return undefined;
  }
  return undefined;
}

/**
 * Whether a device with the recorded registers walks the recorded tables at all. Linux grants what no device does: 24 bits
 * for 32-bit LPAE, where AArch32 T0SZ ends at 7 (25 bits), its upper half (no TTBR1 where both sizes are 0, DDI 0487
 * G5.5.3) or a start level 0, which no AArch32 SL0 names; and tables beyond the output size.
 */
export function noDeviceWalks({ fmt, init, cfg, regs }: Vector): boolean {
  if (BigInt(cfg.table_base) >> BigInt(init.oas) !== 0n && fmt !== 'arm_v7s') return true;
  if (!fmt.startsWith('arm_32')) return false;
  return init.ias < 25 || (BigInt(cfg.quirks) & QUIRK.ttbr1) !== 0n || Number(regs?.['vtcr.sl'] ?? 0) > 1;
}

/** Queries made after the last operation that changed anything. */
export function finalQueries(vector: Vector): readonly [string, string][] {
  const last = vector.ops.findLastIndex((op) => /map|unmap|gather|dirty|hw_write/.test(op.op));
  return vector.ops.slice(last + 1).flatMap((op) => op.q ?? []);
}
