/**
 * Units of work, machine profiles, and what measured latencies say about them.
 * @module
 */
export type { AnalysedUnit, Analysis } from './analysis.ts';
export { analyse } from './analysis.ts';
export type { Path, Run } from './counts.ts';
export { countsOf, PATHS } from './counts.ts';
export type { LatencyTable, Measurement } from './csv.ts';
export { readLatencyTable, selectRows } from './csv.ts';
export type { Group } from './groups.ts';
export type { WorkDone } from './meter-units.ts';
export { unitsOfMeter } from './meter-units.ts';
export type { LayerPrediction, MeteredWork, Prediction } from './predict.ts';
export { predict, predictMeter } from './predict.ts';
export type { Problem, System } from './problem.ts';
export { problemsOf } from './problem.ts';
export type { Confidence, GroupPrice, OperationPrices, Price, PricedOperation, Profile } from './profile.ts';
export { fitProfile, readProfile } from './profile.ts';
export type { SuggestedRun } from './suggest.ts';
export type { Counts, Unit, UnitId } from './units.ts';
export { UNIT_LAYER, UNIT_MEANING, UNITS } from './units.ts';
