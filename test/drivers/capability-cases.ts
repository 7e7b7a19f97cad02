/**
 * Units that say that they do not walk some tables, with the tables, and what would do instead.
 * @module
 */
import type { DomainOptions } from '../../src/core/index.ts';

/** Identification registers by offset, of 32 or 64 bits. */
export type Ids = Readonly<Record<number, number | bigint>>;

const [K4, K16, K64, M2, G1] = [2 ** 12, 2 ** 14, 2 ** 16, 2 ** 21, 2 ** 30];
/** Offsets of the identification registers of each unit. */
const AT = {
  sIDR0: 0x20,
  sIDR2: 0x28,
  IDR0: 0x0,
  IDR5: 0x14,
  CAP: 0x8,
  ECAP: 0x10,
  FEATURES: 0x30,
  MASK: 0x100,
} as const;
/** IDR0 of an SMMUv3 with both stages, AArch64 tables and coherent walks. */
const IDR0 = 0x0d44_343b;
/** sIDR0 of an SMMUv2 with all stages and formats. */
const SIDR0 = 0x7c00_4020;
/** CAP and ECAP of a unit with 48 bits, large pages, both stages; a scalable one. */
const CAP = 0x81d2_008c_222f_0606n;
const ECAP = 0x0000_c800_84f0_0f4en;
/** Sv39 to Sv57. */
const CAPABILITIES = 0x0038_0000_0e10n;
const SV = ['riscv-sv39', 'riscv-sv48', 'riscv-sv57'];

const s1 = { format: 'arm-64-lpae-s1' } as const;
const s2 = { format: 'arm-64-lpae-s2' } as const;

/** A unit that is narrower than the tables, the argument that is refused, and the field that says why. */
export interface CapabilityCase {
  readonly driver: string;
  readonly ids: Ids;
  readonly options: DomainOptions;
  readonly more?: object;
  readonly refused: string;
  readonly because: string;
  /** The same unit with what was missing, or tables that it walks. */
  readonly instead: { readonly ids?: Ids; readonly options?: DomainOptions };
}

/** At least one case for each field that a driver compares. */
export const CAPABILITY_CASES: readonly CapabilityCase[] = [
  {
    driver: 'arm-smmu',
    ids: { [AT.sIDR0]: SIDR0 & ~(1 << 30) },
    options: s1,
    refused: 'format',
    because: 'sIDR0.S1TS',
    instead: { options: s2 },
  },
  {
    driver: 'arm-smmu',
    ids: { [AT.sIDR0]: SIDR0 & ~(1 << 29) },
    options: s2,
    refused: 'format',
    because: 'sIDR0.S2TS',
    instead: { options: s1 },
  },
  {
    driver: 'arm-smmu',
    ids: { [AT.sIDR0]: SIDR0 | (1 << 25) },
    options: { format: 'arm-32-lpae-s1' },
    refused: 'format',
    because: 'AArch32',
    instead: { options: s1 },
  },
  {
    driver: 'arm-smmu',
    ids: { [AT.sIDR0]: SIDR0 | (1 << 24) },
    options: { format: 'arm-v7s' },
    refused: 'format',
    because: 'short descriptors',
    instead: { options: { format: 'arm-32-lpae-s1' } },
  },
  {
    driver: 'arm-smmu',
    ids: { [AT.sIDR2]: 0x1555 },
    options: { ...s1, pageSizes: K64 },
    refused: 'pageSizes',
    because: 'sIDR2.PTFSv8',
    instead: { options: { ...s1, pageSizes: K4 } },
  },
  {
    driver: 'arm-smmu',
    ids: { [AT.sIDR2]: 0x7055 },
    options: { ...s1, ias: 36 },
    refused: 'ias',
    because: 'sIDR2.UBS',
    instead: { options: { ...s1, ias: 32 } },
  },
  {
    driver: 'arm-smmu',
    ids: { [AT.sIDR2]: 0x7552 },
    options: { ...s1, oas: 42 },
    refused: 'oas',
    because: 'sIDR2.IAS',
    instead: { options: { ...s1, oas: 40 } },
  },
  {
    driver: 'arm-smmu',
    ids: { [AT.sIDR2]: 0x7535 },
    options: { ...s2, oas: 44 },
    refused: 'oas',
    because: 'sIDR2.OAS',
    instead: { options: { ...s2, oas: 42 } },
  },
  {
    driver: 'arm-smmu-v3',
    ids: { [AT.IDR0]: IDR0 & ~1 },
    options: s2,
    refused: 'format',
    because: 'IDR0.S2P',
    instead: { options: s1 },
  },
  {
    driver: 'arm-smmu-v3',
    ids: { [AT.IDR0]: IDR0 & ~2 },
    options: s1,
    refused: 'format',
    because: 'IDR0.S1P',
    instead: { options: s2 },
  },
  {
    driver: 'arm-smmu-v3',
    ids: { [AT.IDR0]: (IDR0 & ~0xc) | 4 },
    options: s1,
    refused: 'format',
    because: 'IDR0.TTF',
    instead: { ids: { [AT.IDR0]: IDR0 | 0xc } },
  },
  {
    driver: 'arm-smmu-v3',
    ids: { [AT.IDR0]: IDR0 | 0x40 },
    options: { ...s1, quirks: ['ARM_HD'] },
    refused: 'quirks',
    because: 'IDR0.HTTU',
    instead: { ids: { [AT.IDR0]: IDR0 | 0x80 } },
  },
  {
    driver: 'arm-smmu-v3',
    ids: { [AT.IDR5]: 0x55 },
    options: { ...s1, pageSizes: K16 },
    refused: 'pageSizes',
    because: 'IDR5.GRAN',
    instead: { options: { ...s1, pageSizes: K64 } },
  },
  {
    driver: 'arm-smmu-v3',
    ids: { [AT.IDR5]: 0x74 },
    options: { ...s1, pageSizes: K64, oas: 52 },
    refused: 'oas',
    because: 'IDR5.OAS',
    instead: { ids: { [AT.IDR5]: 0x76 } },
  },
  {
    driver: 'arm-smmu-v3',
    ids: { [AT.IDR0]: IDR0 | 0xc, [AT.IDR5]: 0x71 },
    options: { ...s2, ias: 40, oas: 40 },
    refused: 'oas',
    because: 'IDR5.OAS',
    instead: { options: { ...s2, ias: 40, oas: 36 } },
  },
  {
    driver: 'arm-smmu-v3',
    ids: { [AT.IDR5]: 0x74 },
    options: { ...s2, ias: 48, oas: 44 },
    refused: 'ias',
    because: 'IDR5.OAS',
    instead: { options: { ...s2, ias: 44, oas: 44 } },
  },
  {
    driver: 'arm-smmu-v3',
    ids: { [AT.IDR5]: 0x76 },
    options: { ...s1, pageSizes: K64, ias: 52, oas: 52 },
    refused: 'ias',
    because: 'IDR5.VAX',
    instead: { ids: { [AT.IDR5]: 0x476 } },
  },
  {
    driver: 'intel-vtd',
    ids: { [AT.CAP]: CAP & ~(1n << 10n) },
    options: { format: 'vtd-ss', ias: 48 },
    refused: 'ias',
    because: 'CAP.SAGAW',
    instead: { options: { format: 'vtd-ss', ias: 39 } },
  },
  {
    driver: 'intel-vtd',
    ids: { [AT.CAP]: (CAP & ~(0x3fn << 16n)) | (56n << 16n) },
    options: { format: 'vtd-ss', ias: 57 },
    refused: 'ias',
    because: 'CAP.SAGAW',
    instead: { ids: { [AT.CAP]: (CAP & ~(0x3fn << 16n)) | (56n << 16n) | (1n << 11n) } },
  },
  {
    driver: 'intel-vtd',
    ids: { [AT.CAP]: (CAP & ~(0x3fn << 16n)) | (38n << 16n) },
    options: { format: 'vtd-ss', ias: 48 },
    refused: 'ias',
    because: 'CAP.MGAW',
    instead: { options: { format: 'vtd-ss', ias: 39 } },
  },
  ...[M2, G1].map((size, i) => ({
    driver: 'intel-vtd',
    ids: { [AT.CAP]: CAP & ~(1n << BigInt(34 + i)) },
    options: { format: 'vtd-ss', pageSizes: K4 + size },
    refused: 'pageSizes',
    because: 'CAP.SSLPS',
    instead: { options: { format: 'vtd-ss', pageSizes: K4 } },
  })),
  {
    driver: 'intel-vtd',
    ids: { [AT.CAP]: CAP & ~(1n << 56n) },
    options: { format: 'x86-64', pageSizes: K4 + M2 + G1 },
    refused: 'pageSizes',
    because: 'CAP.FS1GP',
    instead: { options: { format: 'x86-64', pageSizes: K4 + M2 } },
  },
  {
    driver: 'intel-vtd',
    ids: { [AT.CAP]: CAP | (0x3fn << 16n) },
    options: { format: 'x86-64', ias: 57 },
    refused: 'ias',
    because: 'CAP.FS5LP',
    instead: { ids: { [AT.CAP]: CAP | (0x3fn << 16n) | (1n << 60n) } },
  },
  {
    driver: 'intel-vtd',
    ids: { [AT.ECAP]: ECAP & ~(1n << 47n) },
    options: { format: 'x86-64' },
    refused: 'format',
    because: 'ECAP.FSTS',
    instead: { options: { format: 'vtd-ss' } },
  },
  {
    driver: 'intel-vtd',
    ids: { [AT.ECAP]: ECAP & ~(1n << 46n) },
    options: { format: 'vtd-ss' },
    more: { scalable: true },
    refused: 'format',
    because: 'ECAP.SSTS',
    instead: { options: { format: 'x86-64' } },
  },
  {
    driver: 'intel-vtd',
    ids: { [AT.ECAP]: ECAP & ~(1n << 43n) },
    options: { format: 'x86-64' },
    refused: 'scalable',
    because: 'ECAP.SMTS',
    instead: { options: { format: 'vtd-ss' } },
  },
  {
    driver: 'intel-vtd',
    ids: { [AT.ECAP]: ECAP & ~(1n << 7n) },
    options: { format: 'vtd-ss', quirks: ['FORCE_COHERENCE'] },
    refused: 'quirks',
    because: 'ECAP.SC',
    instead: { ids: { [AT.ECAP]: ECAP | (1n << 7n) } },
  },
  {
    driver: 'amd-vi',
    ids: { [AT.FEATURES]: 0x01c3n },
    options: { format: 'x86-64' },
    refused: 'format',
    because: 'GTSup',
    instead: { options: { format: 'amd-v1', ias: 48 } },
  },
  {
    driver: 'amd-vi',
    ids: { [AT.FEATURES]: 0x01d3n },
    options: { format: 'amd-v1', ias: 64 },
    refused: 'ias',
    because: 'HATS',
    instead: { ids: { [AT.FEATURES]: 0x09d3n } },
  },
  {
    driver: 'amd-vi',
    ids: { [AT.FEATURES]: 0x09d3n },
    options: { format: 'x86-64', ias: 57 },
    refused: 'ias',
    because: 'GATS',
    instead: { ids: { [AT.FEATURES]: 0x19d3n } },
  },
  ...[9n, 10n, 11n].map((bit, i) => ({
    driver: 'riscv-iommu',
    ids: { 0: CAPABILITIES & ~(1n << bit) },
    options: { format: SV[i] as string },
    refused: 'format',
    because: 'capabilities',
    instead: { options: { format: SV[(i + 1) % 3] as string } },
  })),
  {
    driver: 'riscv-iommu',
    ids: { 0: CAPABILITIES },
    options: { format: 'riscv-sv48', quirks: ['SVPBMT', 'DETAILED_GATHER'] },
    refused: 'quirks',
    because: 'Svpbmt',
    instead: { ids: { 0: CAPABILITIES | (1n << 15n) } },
  },
  {
    driver: 'virtio-iommu',
    ids: { [AT.MASK]: 0xffff_ffff_ffff_0000n },
    options: { format: 'x86-64' },
    refused: 'pageSizes',
    because: 'page_size_mask',
    instead: { options: { ...s1, pageSizes: K64 } },
  },
  {
    driver: 'virtio-iommu',
    ids: { [AT.MASK]: 0xffff_ffff_ffff_0000n },
    options: { ...s1, pageSizes: K64 },
    more: { pageSizes: K4 },
    refused: 'pageSizes',
    because: 'page_size_mask',
    instead: { ids: {} },
  },
];
