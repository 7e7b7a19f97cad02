/**
 * The 2021 series' table, live, and the floor under it.
 * @module
 */
export type { BenchCase, BenchOptions, BenchResult, BenchRow, BenchTimes, FloorResult } from './bench.ts';
export { effortFor, runBench, SERIES_BYTES } from './bench.ts';
export type { Call, Tables } from './calls.ts';
export { jobOf, TABLES } from './calls.ts';
export { FLOOR_ENTRIES, Floor } from './floor.ts';
export type { Effort, Job, Measured } from './harness.ts';
export { Harness } from './harness.ts';
export type { Layout, Work } from './layouts.ts';
export { growBeforehand, LAYOUT_TEXT, LAYOUTS, layOut } from './layouts.ts';
export { useEverything } from './mixed.ts';
export { OTHER_WORK_MS } from './other-work.ts';
export type { Question, QuestionAnswer } from './questions.ts';
export { answerQuestion, QUESTION_CASES, QUESTION_COUNTS, QUESTION_TEXT, QUESTIONS } from './questions.ts';
export type { Spread } from './statistics.ts';
export { spreadOf } from './statistics.ts';
export type { Clock, Timer } from './timer.ts';
export { measureTimer } from './timer.ts';
export type { BenchOp, Subject, Variant } from './variants.ts';
export { ALL_OPS, BENCH_OPS } from './variants.ts';
