/**
 * Linux's recorded tables behind the registers of an SMMUv2 (Arm IHI 0062).
 * @module
 */
import { contextWrites } from '../src/drivers/arm-smmu/context.ts';
import { IommuError } from '../src/errors.ts';
import type { Geometry } from '../src/formats/contract.ts';
import { QUIRK } from '../src/formats/quirks.ts';
import { type Draft, hex, type Recorded, someOf } from './unit-draft.ts';

const PAGE = 4096;
const BANK = 1;
const STREAM = 0x42;
/** IO_PGTABLE_QUIRK_ARM_TTBR1 of Linux. */
const LINUX_TTBR1 = 0x20n;
const NAMES: ReadonlyMap<number, string> = new Map([
  [0x0, 'SCTLR'],
  [0x10, 'TCR2'],
  [0x20, 'TTBR0'],
  [0x28, 'TTBR1'],
  [0x30, 'TCR'],
  [0x34, 'CONTEXTIDR'],
  [0x38, 'MAIR0'],
  [0x3c, 'MAIR1'],
]);
/** FSR.FORMAT (16.5.14): short, long, AArch64. */
const FORMATS: Readonly<Record<string, bigint>> = {
  'arm-v7s': 0n,
  'arm-32-lpae-s1': 1n,
  'arm-32-lpae-s2': 1n,
  'arm-64-lpae-s1': 2n,
  'arm-64-lpae-s2': 2n,
};
const TF = 2n;

function nameOf(offset: number): string {
  if (offset === 0x1800 + 4 * BANK) return `CBA2R${BANK}`;
  if (offset === 0x1000 + 4 * BANK) return `CBAR${BANK}`;
  return `CB${BANK}_${NAMES.get(offset % PAGE) ?? '?'}`;
}

/** A stream that leads to context bank 1; the bank as Linux's driver programs it for these tables. */
function smmuV2Registers({ format, ias, oas, quirks, registers }: Recorded): Record<string, string> | undefined {
  if ((quirks & ~LINUX_TTBR1) !== 0n) return undefined;
  const geometry = { format, ias, oas, quirks: quirks === 0n ? 0 : QUIRK.ARM_TTBR1 } as Geometry;
  try {
    const bank = contextWrites(geometry, registers, BANK).map(([offset, value]) => [nameOf(offset), hex(value)]);
    return Object.fromEntries([
      ...bank,
      ['S2CR0', hex(BANK)],
      ['SMR0', hex(0x80000000 + STREAM)],
      ['sCR0', hex(0x1c36)],
    ]);
  } catch (error) {
    if (error instanceof IommuError) return undefined;
    throw error;
  }
}

/** Accesses of a stream behind context bank 1. */
export function smmuV2Cases(recorded: Recorded): Draft[] {
  const registers = smmuV2Registers(recorded);
  if (registers === undefined) return [];
  const common = { iommu: 'arm-smmu', registers, device: hex(STREAM) } as const;
  const status = hex(TF | ((FORMATS[recorded.format] ?? 0n) << 9n));
  return someOf(recorded, 2).map(([iova, pa], i) => ({
    ...common,
    id: `smmu-v2 ${recorded.id} ${hex(iova)} (${i})`,
    access: pa === 0n && i % 2 === 1 ? 'write' : 'read',
    iova: hex(iova),
    ...(pa === 0n
      ? {
          expect: {
            fault: 'TF',
            record: { [`CB${BANK}_FSR`]: status, [`CB${BANK}_FAR`]: hex(iova), [`CBFRSYNRA${BANK}`]: hex(STREAM) },
          },
          rule: 'Arm IHI 0062 16.5.14 (FSR), 16.5.11 (FAR), 10.5.2 (CBFRSYNRA)',
        }
      : { expect: { address: hex(pa) } }),
  }));
}

/** Streams without a context, once: behind the tables of any vector. */
export function streamCases(recorded: Recorded): Draft[] {
  const registers = smmuV2Registers(recorded);
  if (registers === undefined) return [];
  const fault = (name: string, bits: number, stream: number): Draft['expect'] => ({
    fault: name,
    record: { sGFSR: hex(bits), sGFAR: '0x5000', sGFSYNR1: hex(stream) },
  });
  const common = { iommu: 'arm-smmu', access: 'read', iova: '0x5000', byRule: true } as const;
  return [
    {
      ...common,
      id: `smmu-v2 ${recorded.id}: no stream matches`,
      registers,
      device: '0x43',
      expect: fault('USF', 2, 0x43),
      rule: 'Arm IHI 0062 9.6.10, sCR0.USFCFG',
    },
    {
      ...common,
      id: `smmu-v2 ${recorded.id}: two streams match`,
      registers: { ...registers, SMR1: '0x80010042', S2CR1: '0x0' },
      device: hex(STREAM),
      expect: fault('SMCF', 4, STREAM),
      rule: 'Arm IHI 0062 9.6.16: more than one SMR matches',
    },
    {
      ...common,
      id: `smmu-v2 ${recorded.id}: a stream that bypasses`,
      registers: { ...registers, S2CR0: '0x10000' },
      device: hex(STREAM),
      expect: { address: '0x5000' },
      rule: 'Arm IHI 0062 9.6.15, S2CR.TYPE bypass',
    },
    {
      ...common,
      id: `smmu-v2 ${recorded.id}: a stream that faults`,
      registers: { ...registers, S2CR0: '0x20000' },
      device: hex(STREAM),
      expect: fault('ICF', 1, STREAM),
      rule: 'Arm IHI 0062 9.6.15, S2CR.TYPE fault',
    },
    {
      ...common,
      id: `smmu-v2 ${recorded.id}: clients are not translated`,
      registers: { ...registers, sCR0: '0x1c37' },
      device: hex(STREAM),
      expect: { address: '0x5000' },
      rule: 'Arm IHI 0062 9.6.10, sCR0.CLIENTPD',
    },
  ];
}
