/**
 * Registers of an SMMUv3 that say what it does (Arm IHI 0070, chapter 6).
 * @module
 */
import { isClear, type Registers, register, registerBits } from '../bits.ts';
import type { StateNote, Structure } from '../iommu.ts';
import { type SmmuV3Forms, smmuV3Forms } from './forms.ts';

// IHI 0070 6.3.1 SMMU_IDR0
const IDR0 = { s2p: 0, s1p: 1, cd2l: 19, stLevel: 27 } as const;
// 6.3.6 SMMU_IDR5.OAS
const OAS_BITS = [32, 36, 40, 42, 44, 48, 52, 56];
// 6.3.9 SMMU_CR0
const CR0 = { SMMUEN: 0, PRIQEN: 1, EVENTQEN: 2, CMDQEN: 3 } as const;
// 6.3.18 SMMU_GBPA
const GBPA_ABORT = 20;
// 6.3.19 SMMU_GERROR
const GERROR = {
  CMDQ_ERR: 0,
  EVENTQ_ABT_ERR: 2,
  PRIQ_ABT_ERR: 3,
  MSI_CMDQ_ABT_ERR: 4,
  MSI_EVENTQ_ABT_ERR: 5,
  MSI_PRIQ_ABT_ERR: 6,
  MSI_GERROR_ABT_ERR: 7,
  SFM_ERR: 8,
} as const;
/** Bit 31 of SMMU_EVENTQ_PROD: OVFLG (6.3.31); of EVENTQ_CONS: OVACKFLG. */
const OVERFLOW = 31;
// 6.3.24 SMMU_STRTAB_BASE, 6.3.25 SMMU_STRTAB_BASE_CFG
const ADDRESS_MASK = 0x000f_ffff_ffff_ffc0n;
const QUEUE_ADDRESS_MASK = 0x000f_ffff_ffff_ffe0n;
const STE_BYTES = 64;
const L1_BYTES = 8;
/** Bytes of a command and of an event record. */
const COMMAND_BYTES = 16;
const EVENT_BYTES = 32;

/** What the registers say about the stream table and the translation. */
export interface SmmuV3Setup {
  readonly enabled: boolean;
  /** With translation off: every access is aborted (GBPA.ABORT) rather than passed. */
  readonly abortWhenOff: boolean;
  readonly stage1: boolean;
  readonly stage2: boolean;
  /** Output address bits of the unit. */
  readonly oas: number;
  readonly strtabBase: number;
  /** log2 of the number of streams. */
  readonly log2Size: number;
  readonly twoLevel: boolean;
  /** Stream id bits that index a second-level table. */
  readonly split: number;
  /** What makes an entry ILLEGAL on this unit. */
  readonly forms: SmmuV3Forms;
}

/** Reads the set-up from named registers. */
export function smmuV3Setup(registers: Registers): SmmuV3Setup {
  const idr0 = register(registers, 'IDR0');
  const config = register(registers, 'STRTAB_BASE_CFG');
  const log2Size = registerBits(config, 0, 6);
  const twoLevel = registerBits(config, 16, 2) === 1;
  const split = registerBits(config, 6, 5);
  const bytes = twoLevel ? 2 ** Math.max(0, log2Size - split) * L1_BYTES : 2 ** log2Size * STE_BYTES;
  const base = Number(register(registers, 'STRTAB_BASE') & ADDRESS_MASK);
  const idr5 = registers.get('IDR5');
  const oas = idr5 === undefined ? 48 : (OAS_BITS[registerBits(idr5, 0, 3)] ?? 48);
  return {
    enabled: registerBits(register(registers, 'CR0'), CR0.SMMUEN, 1) === 1,
    abortWhenOff: registerBits(register(registers, 'GBPA'), GBPA_ABORT, 1) === 1,
    stage1: registers.has('IDR0') ? registerBits(idr0, IDR0.s1p, 1) === 1 : true,
    stage2: registers.has('IDR0') ? registerBits(idr0, IDR0.s2p, 1) === 1 : true,
    oas,
    strtabBase: base - (base % Math.max(64, bytes)),
    log2Size,
    twoLevel,
    split,
    forms: smmuV3Forms(registers, oas),
  };
}

function queue(registers: Registers, name: string, entry: number): Structure | undefined {
  const base = registers.get(`${name}_BASE`);
  if (base === undefined || (base & QUEUE_ADDRESS_MASK) === 0n) return undefined;
  const bytes = 2 ** registerBits(base, 0, 5) * entry;
  const address = Number(base & QUEUE_ADDRESS_MASK);
  return { name: `${name} queue`, address: address - (address % Math.max(32, bytes)), bytes };
}

/** The stream table and the queues. */
export function smmuV3Structures(registers: Registers): Structure[] {
  const setup = smmuV3Setup(registers);
  const bytes = setup.twoLevel
    ? 2 ** Math.max(0, setup.log2Size - setup.split) * L1_BYTES
    : 2 ** setup.log2Size * STE_BYTES;
  const all = [
    { name: 'stream table', address: setup.strtabBase, bytes },
    queue(registers, 'CMDQ', COMMAND_BYTES),
    queue(registers, 'EVENTQ', EVENT_BYTES),
    queue(registers, 'PRIQ', COMMAND_BYTES),
  ];
  return all.filter((one) => one !== undefined);
}

/** What of the state is not as a working unit has it. */
export function smmuV3State(registers: Registers): StateNote[] {
  const notes: StateNote[] = [];
  const off = (bit: number): boolean => isClear(registers, 'CR0', bit);
  const add = (rule: StateNote['rule'], text: string, section: string) => notes.push({ rule, text, section });
  if (off(CR0.SMMUEN)) add('translation-off', 'CR0.SMMUEN is 0', 'IHI 0070 6.3.9');
  if (off(CR0.CMDQEN)) add('queue-off', 'CR0.CMDQEN is 0: no commands', 'IHI 0070 6.3.9');
  if (off(CR0.EVENTQEN)) add('queue-off', 'CR0.EVENTQEN is 0: no events', 'IHI 0070 6.3.9');
  const pending = register(registers, 'GERROR') ^ register(registers, 'GERRORN');
  for (const [name, bit] of Object.entries(GERROR)) {
    if (registerBits(pending, bit, 1) === 1) add('error-pending', `GERROR.${name} is pending`, 'IHI 0070 6.3.19');
  }
  const overflow = register(registers, 'EVENTQ_PROD') ^ register(registers, 'EVENTQ_CONS');
  if (registerBits(overflow, OVERFLOW, 1) === 1) {
    add('error-pending', 'the event queue overflowed: events were lost', 'IHI 0070 7.4');
  }
  return notes;
}
