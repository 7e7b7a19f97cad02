/**
 * Cases of a pack that ask the independent reader: an access through a unit's registers and structures, or through tables alone.
 * @module
 */
import { IommuError, shown } from '../../errors.ts';
import { type GivenGeometry, givenTables } from '../../hardware/given.ts';
import type { IommuModel } from '../../hardware/iommu.ts';
import { createModel, MODEL_NAMES } from '../../hardware/models.ts';
import { type Access, type Fault, type Leaf, READ, WRITE } from '../../hardware/walk/types.ts';
import { Walker } from '../../hardware/walk/walker.ts';
import { isHex, isNumber, isText, listOf, recordOf, type Shape } from '../shape.ts';
import { type Answered, CASE_KEYS, type CaseKeys, type Expected, isExpected } from './case.ts';
import { areWords, type ImageMemory, type WordRun } from './image.ts';
import { ReportingIommu } from './riscv-unit.ts';
import { askSmmuV2 } from './smmu-v2.ts';

/** An access through a unit: memory, registers, device, address. */
export interface UnitCase extends CaseKeys {
  readonly kind: 'unit';
  /** `arm-smmu`, `arm-smmu-v3`, `intel-vtd`, `amd-vi`, `riscv-iommu`. */
  readonly iommu: string;
  readonly image: string;
  /** Words that differ from the image. */
  readonly words?: readonly WordRun[];
  readonly registers: Readonly<Record<string, string>>;
  /** StreamID, source-id or device id. */
  readonly device: string;
  /** SubstreamID, PASID or process id, where the access has one. */
  readonly substream?: number;
  readonly access: 'read' | 'write';
  readonly iova: string;
  readonly expect: Expected;
}

/** An access through tables whose root and geometry are given. */
export interface TablesCase extends CaseKeys {
  readonly kind: 'tables';
  readonly format: string;
  readonly image: string;
  readonly words?: readonly WordRun[];
  readonly roots: readonly string[];
  /** Smallest page in bytes. */
  readonly granule: number;
  readonly inputBits: number;
  readonly outputBits: number;
  readonly quirks: readonly string[];
  /** Start level of an Arm stage 2. */
  readonly startLevel?: number;
  /** Registers that the roots and sizes are taken from, as a driver programs them. */
  readonly registers?: Readonly<Record<string, string | number>>;
  /** `any`: the address, permissions aside. */
  readonly access: 'any' | 'read' | 'write';
  readonly iova: string;
  readonly expect: Expected;
}

const isAccess = (value: unknown): boolean => value === 'read' || value === 'write';

/** Shape of a {@link UnitCase}. */
export const UNIT_CASE: Shape = {
  needs: {
    ...CASE_KEYS.needs,
    iommu: isText,
    image: isText,
    registers: recordOf(isHex),
    device: isHex,
    access: isAccess,
    iova: isHex,
    expect: isExpected,
  },
  may: { ...CASE_KEYS.may, words: areWords, substream: isNumber },
};

/** Shape of a {@link TablesCase}. */
export const TABLES_CASE: Shape = {
  needs: {
    ...CASE_KEYS.needs,
    format: isText,
    image: isText,
    roots: listOf(isHex),
    granule: isNumber,
    inputBits: isNumber,
    outputBits: isNumber,
    quirks: listOf(isText),
    access: (value) => value === 'any' || isAccess(value),
    iova: isHex,
    expect: isExpected,
  },
  may: { ...CASE_KEYS.may, words: areWords, startLevel: isNumber },
};

/** One of these is allowed by every leaf that can be made. */
const ANY: readonly Access[] = [
  { kind: 'read', privileged: true },
  { kind: 'write', privileged: true },
  { kind: 'execute' },
  READ,
  WRITE,
];

interface NamedEvent {
  readonly event?: { readonly name: string; readonly fields?: Readonly<Record<string, bigint>> };
}

function answered(result: Leaf | Fault, event?: NamedEvent['event']): Answered {
  if (result.ok) return { address: result.output };
  const faults = [...(event === undefined ? [] : [event.name]), result.syndrome, result.reason];
  return event?.fields === undefined ? { faults } : { faults, record: event.fields };
}

function modelOf(iommu: string, memory: ImageMemory, registers: ReadonlyMap<string, bigint>): IommuModel | undefined {
  return iommu === 'riscv-iommu' ? new ReportingIommu(memory, registers) : createModel(iommu, memory, registers);
}

/** What the reader makes of an access through a unit. */
export function askUnit(each: UnitCase, image: ImageMemory): Answered {
  const memory = image.with(each.words ?? []);
  const access = each.access === 'write' ? WRITE : READ;
  const [device, iova] = [Number(each.device), BigInt(each.iova)];
  if (each.iommu === 'arm-smmu') return askSmmuV2(each.registers, memory, device, iova, access);
  const registers = new Map(Object.entries(each.registers).map(([name, value]) => [name, BigInt(value)]));
  const model = modelOf(each.iommu, memory, registers);
  if (model === undefined)
    throw new IommuError(
      'UNSUPPORTED',
      'iommu',
      `expected ${MODEL_NAMES.join(', ')} or arm-smmu, got ${shown(each.iommu)}`,
    );
  const answer: { readonly result: Leaf | Fault } & NamedEvent = model.translate(device, iova, access, each.substream);
  return answered(answer.result, answer.event);
}

function geometryOf(each: TablesCase): GivenGeometry {
  const { format, granule, inputBits: ias, outputBits: oas, quirks, startLevel } = each;
  return { format, granule, ias, oas, quirks, startLevel, roots: each.roots.map(Number) };
}

function accessesOf({ access }: TablesCase): readonly Access[] {
  if (access === 'any') return ANY;
  return [access === 'write' ? WRITE : READ];
}

/** What the reader makes of an access through tables. */
export function askTables(each: TablesCase, image: ImageMemory): Answered {
  const walker = new Walker(image.with(each.words ?? []), givenTables(geometryOf(each)).regime);
  const iova = BigInt(each.iova);
  for (const access of accessesOf(each)) {
    const result = walker.translate(iova, access);
    if (result.ok || result.class !== 'permission') return answered(result);
  }
  return { faults: ['permission'] };
}
