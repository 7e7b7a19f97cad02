/**
 * What a device is told about a domain's tables: the registers that a driver programs, and the facts that are wired into
 * a device rather than programmed (quirks of the implementation, input width, page size of a DART).
 * @module
 */
import type { Domain } from '../../src/core/index.ts';
import { type Format, type FormatConfiguration, QUIRK } from '../../src/formats/index.ts';
import {
  aarch32LongStage1,
  aarch32LongStage2,
  aarch32Short,
  aarch64Stage1,
  aarch64Stage2,
  amdV1,
  dart,
  mali,
  type Regime,
  riscvTables,
  type VtdConfig,
  vtdFirstStage,
  vtdSecondStage,
} from '../../src/hardware/index.ts';

type Granule = 4096 | 16384 | 65536;

/** TG0 and TG1 of TCR_EL1, PS of VTCR_EL2 and IPS of TCR_EL1 (Arm DDI 0487, D19.2). */
const TG0: readonly Granule[] = [4096, 65536, 16384];
const TG1: readonly (Granule | undefined)[] = [undefined, 16384, 4096, 65536];
const PS: readonly number[] = [32, 36, 40, 42, 44, 48, 52];

type Reading = (name: string) => number;

function reading(domain: Domain): Reading {
  return (name) => {
    const value = domain.registers[name];
    if (value === undefined) throw new Error(`no register ${name}`);
    return Number(value);
  };
}

function at<T>(table: readonly (T | undefined)[], index: number): T {
  const value = table[index];
  if (value === undefined) throw new Error(`${index} is reserved`);
  return value;
}

function stage1(domain: Domain, read: Reading): Regime {
  const upper = (domain.geometry.quirks & QUIRK.ARM_TTBR1) !== 0;
  const granule = at<Granule>(upper ? TG1 : TG0, read('tcr.tg'));
  const ttbr = { ttb: read('ttbr'), tsz: read('tcr.tsz'), granule };
  const mair = BigInt.asUintN(64, domain.registers['mair'] ?? 0n);
  const half = upper ? { ttbr1: ttbr } : { ttbr0: ttbr };
  return aarch64Stage1({
    ...half,
    oas: at(PS, read('tcr.ips')),
    mair,
    ds: domain.registers['tcr.ds'] === 1n,
    hardwareDirty: domain.registers['tcr.hd'] === 1n,
  });
}

function stage2({ geometry, registers }: Domain, read: Reading): Regime {
  return aarch64Stage2({
    ds: registers['vtcr.ds'] === 1n,
    sl2: registers['vtcr.sl2'] === 1n,
    forceWriteBack: (geometry.quirks & QUIRK.ARM_S2FWB) !== 0,
    ttb: read('vttbr'),
    tsz: read('vtcr.tsz'),
    sl0: read('vtcr.sl'),
    granule: at(TG0, read('vtcr.tg')),
    oas: at(PS, read('vtcr.ps')),
  });
}

/** MediaTek keeps the upper bits of the root in the register's low ones. */
function mtkRoot(ttbr: number): number {
  return (ttbr % 128) * 2 ** 32 + (ttbr - (ttbr % 128));
}

function short(domain: Domain, read: Reading): Regime {
  const { quirks, ias } = domain.geometry;
  const has = (flag: number): boolean => (quirks & flag) !== 0;
  const ttbr = read('ttbr');
  return aarch32Short({
    ttbr0: has(QUIRK.ARM_MTK_EXT) ? mtkRoot(ttbr) : ttbr - (ttbr % 128),
    n: read('tcr') & 7,
    accessFlag: !has(QUIRK.NO_PERMS),
    noPermissions: has(QUIRK.NO_PERMS),
    mtkLeaves: has(QUIRK.ARM_MTK_EXT),
    mtkTables: has(QUIRK.ARM_MTK_TTBR_EXT),
    prrr: read('prrr'),
    nmrr: read('nmrr'),
    inputBits: ias,
  });
}

function dartRegime(domain: Domain, read: Reading, encoding: 1 | 2): Regime {
  const { ias, oas, pageSizes } = domain.geometry;
  const roots = Array.from({ length: read('n_ttbrs') }, (_, i) => read(`ttbr${i}`));
  const levels = read('n_levels') === 4 ? 3 : 2;
  return dart({ roots, encoding, granule: pageSizes === 4096 ? 4096 : 16384, ias, oas, levels });
}

function vtd({ geometry }: Domain, root: number, levels: number, mode: 'first' | 'second'): VtdConfig {
  const { ias: inputBits, oas } = geometry;
  return { root, levels, inputBits, oas, superpage2M: true, superpage1G: true, mode };
}

function riscvBits(ias: number): 39 | 48 | 57 {
  return ias === 39 || ias === 48 ? ias : 57;
}

/** The translation that a device given the domain's registers does. */
export function regimeOf(domain: Domain): Regime {
  const read = reading(domain);
  const { format, ias, oas } = domain.geometry;
  const mair = BigInt.asUintN(64, domain.registers['mair'] ?? 0n);
  switch (format) {
    case 'arm-64-lpae-s1':
      return stage1(domain, read);
    case 'arm-64-lpae-s2':
      return stage2(domain, read);
    case 'arm-32-lpae-s1':
      return aarch32LongStage1({ ttbr0: read('ttbr'), t0sz: read('tcr.tsz') & 7, mair });
    case 'arm-32-lpae-s2':
      return aarch32LongStage2({ ttb: read('vttbr'), t0sz: read('vtcr.tsz') & 15, sl0: read('vtcr.sl') });
    case 'arm-mali-lpae':
      return mali({ root: read('transtab'), ias, oas, memattr: domain.registers['memattr'] ?? 0n });
    case 'arm-v7s':
      return short(domain, read);
    case 'apple-dart':
      return dartRegime(domain, read, 1);
    case 'apple-dart2':
      return dartRegime(domain, read, 2);
    case 'vtd-ss':
      return vtdSecondStage(vtd(domain, read('ssptptr'), read('aw') + 2, 'second'));
    case 'x86-64':
      return vtdFirstStage(vtd(domain, read('gcr3_pt'), read('levels'), 'first'));
    case 'amd-v1':
      return amdV1({ root: read('host_pt_root'), levels: read('mode'), oas });
    case 'riscv-sv39':
    case 'riscv-sv48':
    case 'riscv-sv57':
      return riscvTables({ root: read('ppn') * 4096, bits: riscvBits(ias), stage: 1, oas });
    default:
      throw new Error(`no device walks ${format}`);
  }
}

/**
 * The input address as the device's regime counts it. A 32-bit device presents 32 bits: an upper-half region of the
 * AArch32 long format, which Linux places below 2^64, is seen from its low bits.
 */
export function presented(domain: Domain, iova: bigint): bigint {
  return domain.geometry.format === 'arm-32-lpae-s1' ? BigInt.asUintN(32, iova) : iova;
}

/**
 * The configurations of a format whose addresses a device presents as they stand in entries. An encryption bit is taken off by
 * the memory controller behind the IOMMU.
 */
export function plainConfigurations(format: Format): readonly FormatConfiguration[] {
  return format.configurations.filter(({ request }) => request.encryptionBit === undefined);
}
