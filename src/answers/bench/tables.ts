/**
 * The tables and the data of the answer `bench`.
 * @module
 */
import { formatSize } from '../../address.ts';
import type { BenchResult, BenchRow } from '../../bench/bench.ts';
import { OTHER_WORK_MS } from '../../bench/other-work.ts';
import {
  answerQuestion,
  QUESTION_COUNTS,
  QUESTION_TEXT,
  type Question,
  type QuestionAnswer,
} from '../../bench/questions.ts';
import type { Profile } from '../../cost/profile.ts';
import type { CountName } from '../../meter/meter.ts';
import { formatNs } from '../../report/number.ts';
import type { Column, Table } from '../../report/table.ts';
import { predictRow } from './predictions.ts';

/** Where and with what was measured. */
export interface Setting {
  readonly runtime: string;
  readonly cpu: string;
  readonly driver: string;
  readonly format: string;
  readonly granule: number;
  readonly seed: number;
}

const LABEL = 'times of this engine on this machine';

const COUNTS: readonly (readonly [CountName, string])[] = [
  ['coreTurns', 'core turns'],
  ['driverCalls', 'driver calls'],
  ['tableCalls', 'table calls'],
  ['powerGets', 'power'],
  ['walks', 'walks'],
  ['wmb', 'wmb'],
  ['dmaWmb', 'dma_wmb'],
  ['entryWrites', 'entries'],
  ['tablesAllocated', 'tables'],
  ['tlbAddress', 'TLBI'],
  ['tlbLastLevel', 'TLBI last'],
  ['tlbSync', 'syncs'],
];

/** How rows were timed: hot, cold, and what one process does to them. */
function effortNotes({ effort, runs, rows, timer }: BenchResult): string[] {
  const shared =
    rows.length > 1
      ? [
          `${rows.length} rows were measured in one process, so that code was compiled for all of them; a row that is asked for alone is measured as \`npm run bench\` measures it.`,
        ]
      : [];
  return [
    `Hot: the median of ${runs} samples after ${effort.warmMs} ms of the same call. A sample does it several times ('batch'): in new domains each, or, with --tables present, on ranges of one domain.`,
    `Cold: the first call after ${OTHER_WORK_MS} ms of other work, in compiled code, the median of ${effort.coldSamples}; of \`translate\` one page.`,
    `Each row is measured alone, one after the other. One reading of the clock (${timer.readingNs.toFixed(0)} ns) is taken off each sample.`,
    ...shared,
  ];
}

/** What is inside the timing and what is not; where it was measured. */
export function timingNotes(result: BenchResult, setting: Setting): string[] {
  const { floor, timer, runs } = result;
  const { runtime, cpu, driver, format, granule, seed } = setting;
  return [
    `All times are ${LABEL}: ${runtime}, ${cpu}. Counts are facts of the work and hold anywhere.`,
    `geometry: ${format} ${formatSize(granule)} (given); driver ${driver}; semantics safe; seed ${seed}; ${runs} runs a row.`,
    ...effortNotes(result),
    'Inside the timing: argument checks, merging, page-size choice, tables allocated and freed, metering; TLB and cache maintenance are counted, not waited for.',
    'Outside the timing: making and freeing the domain, filling the list, and, after all rows, one comparison of all tables with those of the plain per-page path.',
    `Floor, sampled in turn with the hot samples: one 64-bit store an entry over ${floor.entries} entries, ${floor.nsPerEntry.toFixed(3)} ns an entry (MAD ${floor.madNs.toFixed(3)}, p99 ${floor.p99Ns.toFixed(3)}).`,
    `Clock: steps of ${timer.resolutionNs.toFixed(0)} ns or less, ${timer.readingNs.toFixed(0)} ns a reading.`,
  ];
}

const ROW_COLUMNS: readonly Column[] = [
  { title: 'size', unit: 'bytes' },
  { title: 'path' },
  { title: 'dispatch', drop: 7 },
  { title: 'hot', name: 'median', unit: 'ns' },
  { title: 'MAD', unit: 'ns', drop: 8 },
  { title: 'p99', unit: 'ns', drop: 6 },
  { title: 'cold', unit: 'ns' },
  { title: 'a page', unit: 'ns', drop: 5 },
  { title: '/ per-page', name: 'ratio_to_per_page', unit: 'ratio' },
  { title: '/ floor', name: 'ratio_to_floor', unit: 'ratio' },
  { title: 'batch', unit: 'count', drop: 9 },
];

function cells(row: BenchRow): (string | number)[] {
  return [
    row.bytes,
    row.path,
    row.dispatch,
    row.medianNs,
    row.madNs,
    row.p99Ns,
    row.coldNs ?? '',
    row.nsPerPage,
    row.ratioToPerPage ?? '',
    row.ratioToFloor,
    row.batch,
  ];
}

function usedCounts(rows: readonly BenchRow[]): (readonly [CountName, string])[] {
  return COUNTS.filter(([name]) => rows.some((row) => row.counts[name] > 0));
}

function tableOf(rows: readonly BenchRow[], title: string): Table {
  const counts = usedCounts(rows);
  return {
    title,
    columns: [
      ...ROW_COLUMNS,
      ...counts.map(([, heading], i) => ({ title: heading, unit: 'count' as const, drop: i + 10 })),
    ],
    rows: rows.map((row) => [...cells(row), ...counts.map(([name]) => row.counts[name])]),
  };
}

function oneTable(rows: readonly BenchRow[]): Table {
  const { columns, rows: body } = tableOf(rows, '');
  return {
    columns: [{ title: 'op' }, { title: 'layout' }, ...columns],
    rows: body.map((line, i) => [rows[i]?.op ?? '', rows[i]?.layout ?? '', ...line]),
  };
}

/** All rows: a table for each operation and layout, or everything in one. */
export function rowTables({ rows }: BenchResult, how: 'each' | 'one' = 'each'): Table[] {
  if (how === 'one') return [oneTable(rows)];
  const groups = new Map<string, BenchRow[]>();
  for (const row of rows) {
    const key = `${row.op}, ${row.layout}`;
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups].map(([key, group]) => tableOf(group, `${key} (${LABEL})`));
}

/** The table of the 2021 series: scattered lists by size, a column a path; nothing if they were not measured. */
export function seriesTable({ rows }: BenchResult): Table[] {
  const maps = rows.filter((row) => row.op === 'map' && row.layout === 'scattered' && row.dispatch === 'indirect');
  const paths = [...new Set(maps.map((row) => row.path))];
  if (!paths.includes('per-page')) return [];
  const sizes = [...new Set(maps.map((row) => row.bytes))];
  if (paths.length < 2) return [];
  const line = (bytes: number): (string | number)[] => [
    bytes,
    bytes / (maps[0]?.granule ?? 1),
    ...paths.map((path) => {
      const row = maps.find((candidate) => candidate.bytes === bytes && candidate.path === path);
      return row === undefined ? '' : `${formatNs(row.medianNs)} (${(1 / (row.ratioToPerPage ?? 1)).toFixed(2)}×)`;
    }),
  ];
  return [
    {
      title: `Mapping a scattered list, indirect dispatch: median, hot, and how many times faster than per-page (${LABEL})`,
      columns: [
        { title: 'size', unit: 'bytes' },
        { title: 'pages', unit: 'count' },
        ...paths.map((title) => ({ title, align: 'right' as const })),
      ],
      rows: sizes.map(line),
    },
  ];
}

/** Counts and times of a question, and its sentences. */
export function questionTable(question: Question, answers: readonly QuestionAnswer[]): Table {
  return {
    title: `${QUESTION_TEXT[question]} (${LABEL})`,
    columns: [
      { title: 'path' },
      { title: 'dispatch', drop: 1 },
      { title: 'layout' },
      { title: 'size', unit: 'bytes' },
      { title: 'median', unit: 'ns' },
      { title: 'MAD', unit: 'ns', drop: 2 },
      ...QUESTION_COUNTS.map((title, i) => ({ title, unit: 'count' as const, drop: 3 + i })),
    ],
    rows: answers.flatMap(({ rows }) =>
      rows.map((row) => [
        row.path,
        row.dispatch,
        row.layout,
        row.bytes,
        row.medianNs,
        row.madNs,
        ...QUESTION_COUNTS.map((name) => row.counts[name]),
      ]),
    ),
    notes: answers.map(({ text }) => text),
  };
}

function questionJson(question: Question, result: BenchResult): object {
  return {
    question,
    asks: QUESTION_TEXT[question],
    answers: answerQuestion(question, result).map(({ rows: [first, second], ...rest }) => ({
      path: first.path,
      dispatch: first.dispatch,
      ...rest,
      medianNs: { [first.layout]: first.medianNs, [second.layout]: second.medianNs },
    })),
  };
}

/** The data of the answer. */
export function benchData(
  result: BenchResult,
  setting: Setting,
  question: Question | undefined,
  profile: Profile | null,
): object {
  const { runs, effort, floor, timer, rows, warnings } = result;
  return {
    label: LABEL,
    ...setting,
    runs,
    effort: { ...effort, otherWorkMs: OTHER_WORK_MS },
    timer,
    floor,
    warnings,
    ...(question === undefined ? {} : { question: questionJson(question, result) }),
    ...(profile === null ? { rows } : { rows: rows.map((row) => ({ ...row, predicted: predictRow(profile, row) })) }),
  };
}
