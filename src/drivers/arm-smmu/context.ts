/**
 * A context bank's registers for a page table: what Linux's arm-smmu driver composes from the format's configuration.
 * Arm IHI 0062, 16.5 (TCR, TCR2, TTBR, MAIR, SCTLR), 10.5 (CBAR, CBA2R).
 * @module
 */
import { hex } from '../../address.ts';
import { IommuError, shown } from '../../errors.ts';
import type { Geometry, Registers } from '../../formats/contract.ts';
import { QUIRK } from '../../formats/quirks.ts';
import { type RegisterWrite, SmmuDevice } from './device.ts';
import { CB, CBAR_S1, GR1, SCTLR_ASIDPNE, SCTLR_ON } from './registers.ts';

/** TCR fields (IHI 0062, 16.5.34). */
const TCR_EAE = 0x80000000;
const TCR_EPD1 = 1 << 23;
const TCR_EPD0 = 1 << 7;
const TCR_A1 = 1 << 22;
const TCR_UPPER_SHIFT = 16;
const VTCR_RES1 = 0x80000000;

/** TCR2: PASIZE[3:0], SEP[17:15] upstream, AS (16.5.36). */
const TCR2_SEP_UPSTREAM = 7 << 15;
const TCR2_AS = 1 << 4;

const CBA2R_VA64 = 1;
const LOW = 0xffffffffn;

/** Which translation a context bank does. */
export interface ContextKind {
  /** 1 or 2. */
  readonly stage: 1 | 2;
  /** AArch64, AArch32 long or short descriptors. */
  readonly scheme: 'aarch64' | 'long' | 'short';
}

const KINDS: Readonly<Record<string, ContextKind>> = {
  'arm-64-lpae-s1': { stage: 1, scheme: 'aarch64' },
  'arm-64-lpae-s2': { stage: 2, scheme: 'aarch64' },
  'arm-32-lpae-s1': { stage: 1, scheme: 'long' },
  'arm-32-lpae-s2': { stage: 2, scheme: 'long' },
  'arm-v7s': { stage: 1, scheme: 'short' },
};

/** Formats that an SMMUv2 walks. */
export const DRIVEN_FORMATS: readonly string[] = Object.keys(KINDS);

/**
 * The translation of a format.
 * @throws IommuError `UNSUPPORTED` where no SMMU walks it.
 */
export function contextKind(format: string): ContextKind {
  const kind = KINDS[format];
  if (kind !== undefined) return kind;
  const known = DRIVEN_FORMATS.join(', ');
  throw new IommuError(
    'UNSUPPORTED',
    'format',
    `expected one of ${known} for the arm-smmu driver, got ${shown(format)}`,
  );
}

/** Address bits of an SMMUv2 (IHI 0062, 9.6.3: sIDR2.IAS, sIDR2.OAS). */
const MOST_BITS = 48;
const SHORT_INPUT_BITS = 32;
const DRIVEN_QUIRKS = QUIRK.ARM_NS | QUIRK.ARM_TTBR1 | QUIRK.ARM_OUTER_WBWA | QUIRK.ARM_CONTIGUOUS | QUIRK.NO_WARN;

function unsupported(argument: string, expected: string, got: number | string): IommuError {
  return new IommuError('UNSUPPORTED', argument, `expected ${expected} for the arm-smmu driver, got ${got}`, { got });
}

/**
 * The translation of a geometry, where registers can say it.
 * @throws IommuError `UNSUPPORTED` where no SMMUv2 walks such tables.
 */
export function drivenKind(geometry: Geometry): ContextKind {
  const { format, ias, oas, quirks } = geometry;
  const kind = contextKind(format);
  if (ias > MOST_BITS) throw unsupported('ias', `at most ${MOST_BITS} input bits`, ias);
  if (oas > MOST_BITS) throw unsupported('oas', `at most ${MOST_BITS} output bits`, oas);
  if (kind.scheme === 'short' && ias !== SHORT_INPUT_BITS) {
    throw unsupported('ias', `${SHORT_INPUT_BITS} input bits (short descriptors, TTBCR.N is 0)`, ias);
  }
  const upperOnly = (quirks & QUIRK.ARM_TTBR1) !== 0 && kind.scheme !== 'aarch64';
  if ((quirks & ~DRIVEN_QUIRKS) !== 0 || upperOnly)
    throw unsupported('quirks', `quirks within ${hex(DRIVEN_QUIRKS)} that contexts of '${format}' have`, hex(quirks));
  return kind;
}

function field(registers: Registers, name: string): number {
  return Number(registers[name] ?? 0n);
}

/** TCR of a stage 1 context. */
export function stage1Tcr(registers: Registers, scheme: ContextKind['scheme'], upper: boolean): number {
  if (scheme === 'short') return field(registers, 'tcr');
  const half =
    (field(registers, 'tcr.tg') << 14) |
    (field(registers, 'tcr.sh') << 12) |
    (field(registers, 'tcr.orgn') << 10) |
    (field(registers, 'tcr.irgn') << 8) |
    (field(registers, 'tcr.tsz') & 0x3f);
  const placed = upper ? ((half << TCR_UPPER_SHIFT) & ~TCR_A1) | TCR_EPD0 : half | TCR_EPD1;
  return (placed | (scheme === 'long' ? TCR_EAE : 0)) >>> 0;
}

/** TCR of a stage 2 context. */
export function stage2Tcr(registers: Registers): number {
  return (
    (VTCR_RES1 |
      (field(registers, 'vtcr.ps') << 16) |
      (field(registers, 'vtcr.tg') << 14) |
      (field(registers, 'vtcr.sh') << 12) |
      (field(registers, 'vtcr.orgn') << 10) |
      (field(registers, 'vtcr.irgn') << 8) |
      (field(registers, 'vtcr.sl') << 6) |
      (field(registers, 'vtcr.tsz') & 0x3f)) >>>
    0
  );
}

function stage1Writes(
  geometry: Geometry,
  registers: Registers,
  scheme: ContextKind['scheme'],
  asid: number,
): [number, number | bigint][] {
  const upper = (geometry.quirks & QUIRK.ARM_TTBR1) !== 0;
  const tag = BigInt(asid) << 48n;
  const root = registers['ttbr'] ?? 0n;
  const mair = scheme === 'short' ? undefined : (registers['mair'] ?? 0n);
  const tcr2 = field(registers, 'tcr.ips') | TCR2_SEP_UPSTREAM | (scheme === 'aarch64' ? TCR2_AS : 0);
  return [
    [CB.TCR2, scheme === 'short' ? 0 : tcr2],
    [CB.TCR, stage1Tcr(registers, scheme, upper)],
    ...(scheme === 'short'
      ? ([
          [CB.CONTEXTIDR, asid],
          [CB.TTBR0, Number(root)],
          [CB.TTBR1, 0],
        ] as [number, number][])
      : ([
          [CB.TTBR0, upper ? tag : root | tag],
          [CB.TTBR1, upper ? root | tag : tag],
        ] as [number, bigint][])),
    [CB.MAIR0, Number((mair ?? registers['prrr'] ?? 0n) & LOW)],
    [CB.MAIR1, mair === undefined ? Number(registers['nmrr'] ?? 0n) : Number((mair >> 32n) & LOW)],
  ];
}

/** Everything that switches a context bank on, in the driver's order. */
export function contextWrites(geometry: Geometry, registers: Registers, bank: number): RegisterWrite[] {
  const { stage, scheme } = drivenKind(geometry);
  const inBank = (writes: [number, number | bigint][]): RegisterWrite[] =>
    writes.map(([register, value]) => [SmmuDevice.bank(bank, register), value]);
  const cbar = stage === 1 ? CBAR_S1 : bank + 1;
  const body: [number, number | bigint][] =
    stage === 1
      ? stage1Writes(geometry, registers, scheme, bank)
      : [
          [CB.TCR, stage2Tcr(registers)],
          [CB.TTBR0, registers['vttbr'] ?? 0n],
        ];
  return [
    [GR1.CBA2R + 4 * bank, scheme === 'aarch64' ? CBA2R_VA64 : 0],
    [GR1.CBAR + 4 * bank, cbar],
    ...inBank([...body, [CB.SCTLR, SCTLR_ON | (stage === 1 ? SCTLR_ASIDPNE : 0)]]),
  ];
}
