/**
 * The 2021 series' table, live, and the floor under it.
 * @module
 */
export type { BenchCase, BenchOptions, BenchResult, BenchRow, FloorResult } from './bench.ts';
export { runBench, SERIES_BYTES } from './bench.ts';
export { FLOOR_ENTRIES, Floor } from './floor.ts';
export type { Layout, Work } from './layouts.ts';
export { growBeforehand, LAYOUT_TEXT, LAYOUTS, layOut } from './layouts.ts';
export type { Question, QuestionAnswer } from './questions.ts';
export { answerQuestion, QUESTION_CASES, QUESTION_COUNTS, QUESTION_TEXT, QUESTIONS } from './questions.ts';
export type { Spread } from './statistics.ts';
export { spreadOf } from './statistics.ts';
export type { Clock, Timer } from './timer.ts';
export { measureTimer } from './timer.ts';
export type { BenchOp, Subject, Variant } from './variants.ts';
export { BENCH_OPS } from './variants.ts';
