/**
 * The models by the kind of IOMMU that a register file names.
 * @module
 */
import type { PhysicalReader } from '../bus.ts';
import { AmdVi } from './amd-vi/amd-vi.ts';
import type { Registers } from './bits.ts';
import type { IommuModel } from './iommu.ts';
import { RiscvIommu } from './riscv/riscv.ts';
import { SmmuV3 } from './smmu-v3/smmu.ts';
import { VtdUnit } from './vt-d/vtd.ts';

/** Registers without which the device table of a kind of IOMMU cannot be found or understood. */
const NEEDED: ReadonlyMap<string, readonly string[]> = new Map([
  ['arm-smmu-v3', ['STRTAB_BASE', 'STRTAB_BASE_CFG', 'CR0']],
  ['intel-vtd', ['RTADDR']],
  ['amd-vi', ['DEV_TAB_BASE']],
  ['riscv-iommu', ['DDTP']],
]);

/** Those of the needed registers that a register file lacks. */
export function missingRegisters(iommu: string, registers: Registers): string[] {
  return (NEEDED.get(iommu) ?? []).filter((name) => !registers.has(name));
}

type Create = (reader: PhysicalReader, registers: Registers) => IommuModel;

const MODELS: ReadonlyMap<string, Create> = new Map<string, Create>([
  ['arm-smmu-v3', (reader, registers) => new SmmuV3(reader, registers)],
  ['intel-vtd', (reader, registers) => new VtdUnit(reader, registers)],
  ['amd-vi', (reader, registers) => new AmdVi(reader, registers)],
  ['riscv-iommu', (reader, registers) => new RiscvIommu(reader, registers)],
]);

/** Kinds of IOMMU that can be read from their registers. */
export const MODEL_NAMES: readonly string[] = [...MODELS.keys()];

/** The model of a kind of IOMMU, or `undefined` for a kind that is not read here. */
export function createModel(iommu: string, reader: PhysicalReader, registers: Registers): IommuModel | undefined {
  return MODELS.get(iommu)?.(reader, registers);
}
