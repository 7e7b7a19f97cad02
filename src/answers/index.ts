/**
 * Questions and their answers: each function takes inputs and gives an `Answer`, which every face shows.
 * @module
 */

export { type BenchQuestion, benchAnswer } from './bench.ts';
export { type CheckQuestion, checkAnswer, rulesAnswer } from './check.ts';
export { type CompareData, type CompareInput, compareAnswer, type Difference } from './compare.ts';
export { type ConformTally, conformAnswer, runCases } from './conform.ts';
export { type ConvertQuestion, convertAnswer } from './convert.ts';
export { type DecodeQuestion, decodeAnswer } from './decode.ts';
export { type DiffQuestion, diffAnswer } from './diff.ts';
export { type DoctorData, type DoctorQuestion, doctorAnswer, type FindingData } from './doctor.ts';
export { type Explained, type ExplainInput, explainAnswer, readExplained } from './explain.ts';
export { type FormatFacts, type FormatsData, formatsAnswer, type Granule } from './formats.ts';
export { type GenQuestion, genAnswer } from './gen.ts';
export { type InvalidationOptions, queueAnswer, streamAnswer } from './invalidations.ts';
export { type DeviceData, type GroupData, type GroupsData, groupsAnswer } from './machine/groups.ts';
export type { ReplayChoices } from './replay/choices.ts';
export type { ReplayData } from './replay/data.ts';
export { ReplayTimeline } from './replay/timeline.ts';
export { type ReplayQuestion, ReplayRun } from './replay.ts';
export { type SemanticsData, type SemanticsDifference, semanticsAnswer } from './semantics.ts';
export { type WalkQuestion, walkAnswer } from './walk.ts';
