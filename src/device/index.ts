/**
 * Live units: they own registers, consume their queues through memory, and may serve stale translations as hardware may.
 * @module
 */
export { type AmdViOptions, LiveAmdVi } from './amd-vi/amd-vi.ts';
export { type CheckerOptions, InvalidationChecker } from './checker/checker.ts';
export { judgeQueue, type QueueReport } from './checker/queue-judge.ts';
export { CHECKED_UNITS, checkerRules } from './checker/rules.ts';
export { isCommandStream, StreamJudge, type StreamReport } from './checker/stream.ts';
export { TableWatch } from './checker/table-watch.ts';
export type {
  CheckerRules,
  ConfigChange,
  InvalidationCost,
  InvalidationFinding,
  InvalidationRule,
  TableChange,
} from './checker/types.ts';
export { LiveChecker } from './checker/watched.ts';
export type { DropPoint } from './drop.ts';
export type { AccessSeen, ConsumedCommand, UnitObserver } from './observer.ts';
export { LiveRiscv, type RiscvOptions } from './riscv/riscv.ts';
export type { CacheGeometry } from './sets.ts';
export { CB, GR0, GR1 } from './smmu-v2/registers.ts';
export { type PowerViolation, SmmuV2, type SmmuV2Answer, type SmmuV2Options } from './smmu-v2/smmu.ts';
export type { TlbEntry } from './smmu-v2/tlb.ts';
export { LiveSmmuV3, type SmmuV3Options } from './smmu-v3/smmu-v3.ts';
export { type CacheStatistics, Tlb, type TlbLeaf } from './tlb.ts';
export type { CacheOptions, Translator, UnitAnswer } from './translator.ts';
export type { LiveUnit, UnitOptions } from './unit.ts';
export { LiveVirtio, type VirtioOptions } from './virtio/virtio.ts';
export { LiveVtd, type VtdOptions } from './vt-d/vt-d.ts';
export type { WalkCache } from './walk-cache.ts';
