/**
 * An SMMUv2 of a pack: its registers by the names of Arm IHI 0062, an access, and what its fault registers hold afterwards.
 * @module
 */
import { CB, FSR, GFSR, GR0, GR1 } from '../../device/smmu-v2/registers.ts';
import { SmmuV2 } from '../../device/smmu-v2/smmu.ts';
import { IommuError } from '../../errors.ts';
import type { Access } from '../../hardware/walk/types.ts';
import type { Answered } from './case.ts';
import type { ImageMemory } from './image.ts';

const PAGE = 4096;
/** First page of the context banks, where sIDR1 gives 16 pages to the global space. */
const BANK_PAGE = 16;
/** Registers of 64 bits: TTBR0, TTBR1, FAR and IPAFAR of a bank, sGFAR. */
const WIDE: ReadonlySet<string> = new Set(['TTBR0', 'TTBR1', 'FAR', 'IPAFAR', 'sGFAR']);
const BANKED = /^CB(\d{1,3})_([A-Z0-9]{1,16})$/;
const NUMBERED = /^(SMR|S2CR|CBAR|CBA2R|CBFRSYNRA)(\d{1,3})$/;

interface Place {
  readonly offset: number;
  readonly wide: boolean;
}

function own(table: Readonly<Record<string, number>>, name: string): number | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

/** Where a register of a name lies: `sCR0`, `SMR0`, `CBAR1`, `CB1_TTBR0`. @throws IommuError `UNSUPPORTED` */
function placeOf(name: string): Place {
  const [, bank, banked = ''] = BANKED.exec(name) ?? [];
  const [, numbered = '', index] = NUMBERED.exec(name) ?? [];
  const inBank = bank === undefined ? undefined : own(CB, banked);
  if (inBank !== undefined) return { offset: (BANK_PAGE + Number(bank)) * PAGE + inBank, wide: WIDE.has(banked) };
  const inSpace1 = own(GR1, numbered);
  if (inSpace1 !== undefined) return { offset: PAGE + inSpace1 + 4 * Number(index), wide: false };
  const global = own(GR0, index === undefined ? name : numbered);
  if (global !== undefined) return { offset: global + 4 * Number(index ?? 0), wide: WIDE.has(name) };
  throw new IommuError('UNSUPPORTED', 'registers', `expected a register of an SMMUv2, got '${name}'`);
}

function read(smmu: SmmuV2, name: string): bigint {
  const { offset, wide } = placeOf(name);
  return wide ? smmu.read64(offset) : BigInt(smmu.read32(offset));
}

/** Names of the bits that are set. */
function bitsIn(value: bigint, bits: Readonly<Record<string, number>>): string[] {
  return Object.entries(bits).flatMap(([name, bit]) =>
    (value & BigInt(bit >>> 0)) === BigInt(bit >>> 0) ? [name] : [],
  );
}

const FAULT_BITS = { TF: FSR.TF, AFF: FSR.AFF, PF: FSR.PF, EF: FSR.EF, ASF: FSR.ASF } as const;
const GLOBAL_BITS = { ICF: GFSR.ICF, USF: GFSR.USF, SMCF: GFSR.SMCF, UCBF: GFSR.UCBF } as const;

/** The fault registers, and the bits of FSR or sGFSR that name the fault. */
function faultOf(smmu: SmmuV2, bank: number | undefined): Answered {
  const names =
    bank === undefined
      ? ['sGFSR', 'sGFAR', 'sGFSYNR1']
      : [`CB${bank}_FSR`, `CB${bank}_FAR`, `CB${bank}_FSYNR0`, `CB${bank}_IPAFAR`, `CBFRSYNRA${bank}`];
  const record = Object.fromEntries(names.map((name) => [name, read(smmu, name)]));
  const status = record[names[0] as string] ?? 0n;
  return { faults: bitsIn(status, bank === undefined ? GLOBAL_BITS : FAULT_BITS), record };
}

/** What an SMMUv2 makes of an access; registers are written in their order. @throws IommuError `UNSUPPORTED` */
export function askSmmuV2(
  registers: Readonly<Record<string, string>>,
  memory: ImageMemory,
  stream: number,
  iova: bigint,
  access: Access,
): Answered {
  const smmu = new SmmuV2(memory);
  for (const [name, value] of Object.entries(registers)) {
    const { offset, wide } = placeOf(name);
    if (wide) smmu.write64(offset, BigInt(value));
    else smmu.write32(offset, Number(BigInt(value) & 0xffffffffn));
  }
  const { result, bank } = smmu.translate(stream, iova, access);
  return result.ok ? { address: result.output } : faultOf(smmu, bank);
}
