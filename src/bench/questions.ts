/**
 * Two questions that the reviewer of the 2021 series asked, answered from counts and times of one run.
 * @module
 */
import { formatSize } from '../address.ts';
import type { CountName } from '../meter/meter.ts';
import type { BenchCase, BenchResult, BenchRow } from './bench.ts';

/** A question: `lined-up` (can 32M cost less than 64K?), `list-loop` (does the loop over the list matter?). */
export type Question = 'lined-up' | 'list-loop';

/** Both questions. */
export const QUESTIONS: readonly Question[] = ['lined-up', 'list-loop'];

const LARGE = 32 * 2 ** 20;
const SMALL = 64 * 2 ** 10;

/** The two cases that a question compares, sampled in turn. */
export const QUESTION_CASES: Readonly<Record<Question, readonly [BenchCase, BenchCase]>> = {
  'lined-up': [
    { layout: 'aligned', bytes: LARGE },
    { layout: 'scattered', bytes: SMALL },
  ],
  'list-loop': [
    { layout: 'contiguous', bytes: LARGE },
    { layout: 'contiguous-elements', bytes: LARGE },
  ],
};

/** What a question asks, in words. */
export const QUESTION_TEXT: Readonly<Record<Question, string>> = {
  'lined-up': 'Can mapping 32M that is aligned cost less than mapping 64K that is scattered?',
  'list-loop': 'Is the loop over the list itself significant: 32M in one element against an element a page?',
};

/** Counts that the answers quote. */
export const QUESTION_COUNTS: readonly CountName[] = [
  'coreTurns',
  'driverCalls',
  'tableCalls',
  'powerGets',
  'walks',
  'tableReads',
  'tablesAllocated',
  'entryWrites',
  'wmb',
];

/** Where noise is normal: the standard deviation over the MAD; that of a median over that of a sample, times √n. */
const MAD_TO_DEVIATION = 1.4826;
const MEDIAN_SPREAD = 1.2533;
const DEVIATIONS = 3;

/** The answer for one path and dispatch. */
export interface QuestionAnswer {
  /** Map rows of the two cases. */
  readonly rows: readonly [BenchRow, BenchRow];
  /** Whether counts of driver calls are equal. */
  readonly sameDriverCalls: boolean;
  /** Time of the second minus time of the first, nanoseconds. */
  readonly differenceNs: number;
  /** Whether the difference is above the noise: three deviations of the medians, estimated from both MADs. */
  readonly aboveNoise: boolean;
  /** The sentence. */
  readonly text: string;
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(1)}`;
}

function microseconds(ns: number): string {
  return `${(ns / 1000).toFixed(ns < 10_000 ? 2 : 1)} µs`;
}

function perCall(row: BenchRow): string {
  const { tableReads, walks } = row.counts;
  return walks === 0 ? 'none' : (tableReads / walks).toFixed(1);
}

function crossings({ counts }: BenchRow): number {
  return counts.driverCalls > 0 ? counts.driverCalls : counts.coreTurns;
}

function calls(row: BenchRow): string {
  const count = crossings(row);
  return count === 1 ? '1 call' : `${count} calls`;
}

function linedUp(first: BenchRow, second: BenchRow, above: boolean): string {
  const [large, small] = [formatSize(first.bytes), formatSize(second.bytes)];
  const both =
    crossings(first) === crossings(second)
      ? `both take ${calls(first)} from the core`
      : `${large} takes ${calls(first)} from the core, ${small} takes ${crossings(second)}`;
  const depth = `a walk reads ${perCall(first)} entries for ${large}, ${perCall(second)} for ${small}`;
  const tables = `${first.counts.tablesAllocated} tables against ${second.counts.tablesAllocated}`;
  const [a, b] = [microseconds(first.medianNs), microseconds(second.medianNs)];
  const ratio = first.medianNs / second.medianNs;
  const verdict = above
    ? `${large} aligned costs ${ratio.toFixed(2)} times what ${small} scattered costs (${a} against ${b})`
    : `their times do not differ above the noise (${a} against ${b})`;
  return `${both}; ${depth}; ${tables}; ${verdict}.`;
}

function listLoop(first: BenchRow, second: BenchRow, above: boolean): string {
  const difference = second.medianNs - first.medianNs;
  const both =
    crossings(first) === crossings(second)
      ? `both lead to ${calls(first)} from the core`
      : `the element leads to ${calls(first)} from the core, the list to ${crossings(second)}`;
  const share = (100 * difference) / second.medianNs;
  const element = `${signed(difference / second.pages)} ns an element, ${share.toFixed(1)} % of the list's time`;
  if (above && difference < 0) {
    return `${both}; what the loop over the list costs is not known from this run: the list was faster (${element}).`;
  }
  const verdict = above ? `the loop over the list costs ${element}` : `no cost above the noise (${element})`;
  return `${both}; ${verdict}.`;
}

function answerFor(question: Question, rows: readonly [BenchRow, BenchRow], runs: number): QuestionAnswer {
  const [first, second] = rows;
  const differenceNs = second.medianNs - first.medianNs;
  const deviation = MAD_TO_DEVIATION * Math.hypot(first.madNs, second.madNs);
  const noise = (DEVIATIONS * MEDIAN_SPREAD * deviation) / Math.sqrt(runs);
  const aboveNoise = Math.abs(differenceNs) > noise;
  const sentence = (question === 'lined-up' ? linedUp : listLoop)(first, second, aboveNoise);
  return {
    rows,
    sameDriverCalls: first.counts.driverCalls === second.counts.driverCalls,
    differenceNs,
    aboveNoise,
    text: `${first.path}, ${first.dispatch}: ${sentence}`,
  };
}

/** Answers a question for every path and dispatch of which both cases were measured. */
export function answerQuestion(
  question: Question,
  { rows, runs }: Pick<BenchResult, 'rows' | 'runs'>,
): QuestionAnswer[] {
  const [one, other] = QUESTION_CASES[question];
  const maps = rows.filter((row) => row.op === 'map');
  const of = ({ layout, bytes }: BenchCase): BenchRow[] =>
    maps.filter((row) => row.layout === layout && row.bytes === bytes);
  return of(one).flatMap((first) => {
    const second = of(other).find((row) => row.path === first.path && row.dispatch === first.dispatch);
    return second === undefined ? [] : [answerFor(question, [first, second], runs)];
  });
}
