/**
 * What the device sees: table walks and IOMMU models, decoded from the architectures' rules alone.
 * @module
 */

export { AmdVi } from './amd-vi/amd-vi.ts';
export { AMD_COMMANDS } from './amd-vi/commands.ts';
export {
  ANY,
  type Command,
  CommandDecoder,
  type CommandLimits,
  type CommandTable,
  type CommandType,
  emptyScope,
  type Scope,
  STAGES,
  scopeText,
} from './command.ts';
export { GIVEN_FORMATS, type GivenGeometry, givenTables, NOT_SUPPORTED } from './given.ts';
export { idWord } from './id-words.ts';
export {
  type AnyWalker,
  type ContextList,
  type DeviceContext,
  type DomainTables,
  type IommuModel,
  type StateNote,
  type Structure,
  type TableGeometry,
  walkContext,
  walkerOf,
} from './iommu.ts';
export { createModel, MODEL_NAMES } from './models.ts';
export {
  type CommandQueue,
  commandQueue,
  type QueueContents,
  type QueuedCommand,
  queueContents,
} from './queue.ts';
export { RISCV_COMMANDS } from './riscv/commands.ts';
export { RiscvIommu } from './riscv/riscv.ts';
export { CERROR, COMMANDS, SMMU_V3_COMMANDS } from './smmu-v3/commands.ts';
export {
  decodeEvent,
  EVENT_BYTES,
  EVENT_CLASS,
  EVENT_TYPES,
  type EventRecord,
  type EventType,
  encodeEvent,
  eventType,
} from './smmu-v3/events.ts';
export type { SmmuV3Answer } from './smmu-v3/fault-answer.ts';
export { SmmuV3 } from './smmu-v3/smmu.ts';
export { VIRTIO_REQUESTS, VIRTIO_STATUS } from './virtio/requests.ts';
export {
  IQE_REASONS,
  VTD_DESCRIPTORS,
  VTD_WIDE_DESCRIPTORS,
  vtdDescriptorName,
  vtdDeviceOf,
} from './vt-d/descriptors.ts';
export { VTD_FAULTS, type VtdMode, vtdFaultText, vtdWalkCode } from './vt-d/faults.ts';
export { VtdUnit } from './vt-d/vtd.ts';
export { aarch32LongStage1, aarch32LongStage2 } from './walk/aarch32-long.ts';
export { aarch32Short, type ShortConfig } from './walk/aarch32-short.ts';
export { aarch64Stage1 } from './walk/aarch64-stage1.ts';
export { aarch64Stage2, stage2Consistent, stage2StartLevel } from './walk/aarch64-stage2.ts';
export { type AmdConfig, amdV1 } from './walk/amd.ts';
export { type DartConfig, dart } from './walk/dart.ts';
export type { LeafRun, LeafSink, RunSink } from './walk/leaf-run.ts';
export {
  enumerateLeaves,
  enumerateRuns,
  type TablePage,
  type Tree,
  type TreeFinding,
} from './walk/leaves.ts';
export { mairByteName } from './walk/mair.ts';
export { type MaliConfig, mali } from './walk/mali.ts';
export { IntermediateReader, NestedWalker } from './walk/nested.ts';
export { ATTR, permsText, type Regime, type Region } from './walk/regime.ts';
export { type RiscvConfig, riscvTables } from './walk/riscv.ts';
export {
  type Access,
  type Fault,
  type FaultClass,
  faultClass,
  type Leaf,
  READ,
  type Reason,
  type Step,
  type Walk,
  WRITE,
} from './walk/types.ts';
export { type VtdConfig, vtdFirstStage, vtdSecondStage } from './walk/vtd.ts';
export { Walker } from './walk/walker.ts';
