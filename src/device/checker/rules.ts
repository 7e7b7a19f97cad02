/**
 * What differs from unit to unit when invalidations are judged.
 * @module
 */
import { AMD_COMMANDS } from '../../hardware/amd-vi/commands.ts';
import { type Registers, register, registerBits } from '../../hardware/bits.ts';
import { RISCV_COMMANDS } from '../../hardware/riscv/commands.ts';
import { SMMU_V3_COMMANDS } from '../../hardware/smmu-v3/commands.ts';
import { VIRTIO_REQUESTS } from '../../hardware/virtio/requests.ts';
import { VTD_DESCRIPTORS, VTD_WIDE_DESCRIPTORS } from '../../hardware/vt-d/descriptors.ts';
import type { CheckerRules } from './types.ts';

/** RISC-V IOMMU 1.0, 6.3: capabilities.NL and capabilities.S. */
const RISCV_CAPABILITY = { nonLeaf: 42, naturalRanges: 43 } as const;
/** IDR3.BBML of SMMUv3, 12:11 (IHI 0070 6.3.4). */
const BBML_AT = 11;
// VT-d 11.4.2: CAP.CM 7, PSI 39, MAMV 53:48; 11.4.9.3: IQA.DW 11
const IQA_DW = 11;
const CAP = { CM: 7, mamvAt: 48, mamvBits: 6 } as const;

function smmuV3(registers: Registers): CheckerRules {
  // 3.21.1: without a level of support, a valid entry is never changed to another valid one
  const breakBeforeMake = registerBits(register(registers, 'IDR3'), BBML_AT, 2) === 0;
  return {
    unit: 'arm-smmu-v3',
    decoder: SMMU_V3_COMMANDS,
    breakBeforeMake,
    keepsAbsent: 'never',
    config: 'all',
    // Arm DDI 0487, D8.16: by address, all copies of a block's entry go; Linux sends one command for a block
    wholeEntry: true,
    deviceLast: true,
    limits: {},
  };
}

function vtd(registers: Registers): CheckerRules {
  const cap = registers.get('CAP');
  const caching = cap !== undefined && registerBits(cap, CAP.CM, 1) === 1;
  const wide = registerBits(register(registers, 'IQA'), IQA_DW, 1) === 1;
  return {
    unit: 'intel-vtd',
    decoder: wide ? VTD_WIDE_DESCRIPTORS : VTD_DESCRIPTORS,
    breakBeforeMake: false,
    keepsAbsent: caching ? 'second' : 'never',
    config: caching ? 'all' : 'valid',
    wholeEntry: false,
    // Linux sends both in one batch from 6.12 on
    deviceLast: false,
    limits: cap === undefined ? {} : { maxAddressMask: registerBits(cap, CAP.mamvAt, CAP.mamvBits) },
  };
}

/** @param registers `NP_CACHE`, of the capability header, where it is known */
function amd(registers: Registers): CheckerRules {
  const keepsAbsent = register(registers, 'NP_CACHE') === 1n ? 'all' : 'never';
  const shared = {
    breakBeforeMake: false,
    config: 'all',
    wholeEntry: false,
    deviceLast: true,
    limits: {},
  } as const;
  return { unit: 'amd-vi', decoder: AMD_COMMANDS, keepsAbsent, ...shared };
}

function riscv(registers: Registers): CheckerRules {
  const capabilities = registers.get('CAPABILITIES');
  const has = (bit: number): boolean => registerBits(capabilities ?? 0n, bit, 1) === 1;
  const { nonLeaf, naturalRanges } = RISCV_CAPABILITY;
  // RISC-V IOMMU 1.0, 4.1.1: the leaf entry that maps the address; each entry of a NAPOT page is one of its own (Svnapot)
  const shared = {
    breakBeforeMake: false,
    config: 'valid',
    wholeEntry: true,
    deviceLast: true,
    limits: capabilities === undefined ? {} : { nonLeaf: has(nonLeaf), naturalRanges: has(naturalRanges) },
  } as const;
  return { unit: 'riscv-iommu', decoder: RISCV_COMMANDS, keepsAbsent: 'never', ...shared };
}

function virtio(): CheckerRules {
  const shared = {
    breakBeforeMake: false,
    config: 'all',
    wholeEntry: false,
    deviceLast: false,
    limits: {},
  } as const;
  return { unit: 'virtio-iommu', decoder: VIRTIO_REQUESTS, keepsAbsent: 'never', ...shared };
}

const RULES: ReadonlyMap<string, (registers: Registers) => CheckerRules> = new Map<
  string,
  (registers: Registers) => CheckerRules
>([
  ['arm-smmu-v3', smmuV3],
  ['intel-vtd', vtd],
  ['amd-vi', amd],
  ['riscv-iommu', riscv],
  ['virtio-iommu', virtio],
]);

/** Units whose invalidations can be judged. */
export const CHECKED_UNITS: readonly string[] = [...RULES.keys()];

/** The rules of a kind of unit, as far as its registers decide them; undefined for a kind that is not known. */
export function checkerRules(iommu: string, registers: Registers = new Map()): CheckerRules | undefined {
  return RULES.get(iommu)?.(registers);
}
