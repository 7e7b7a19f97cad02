/**
 * `bench`: how fast mapping is in this engine, by path, size and layout, and why.
 * @module
 */
import { formatSize } from '../address.ts';
import type { BenchResult, BenchRow } from '../bench/bench.ts';
import { answerQuestion, type Question } from '../bench/questions.ts';
import type { BenchOp } from '../bench/variants.ts';
import type { Profile } from '../cost/profile.ts';
import type { CountName } from '../meter/meter.ts';
import { type Answer, chartSection, type Section, tableSection } from '../report/answer.ts';
import { benchCharts, benchRatioCharts } from '../report/describe/latency.ts';
import { formatNs, formatNumber } from '../report/number.ts';
import { predictionTable } from './bench/predictions.ts';
import { benchData, questionTable, rowTables, type Setting, seriesTable, timingNotes } from './bench/tables.ts';
import { pathTitle } from './paths.ts';

/** What a benchmark's answer is made of. */
export interface BenchQuestion {
  readonly result: BenchResult;
  readonly setting: Setting;
  /** The reviewer's question that was asked; undefined for the whole table. */
  readonly question?: Question | undefined;
  /** Prices to predict the times of another machine with. */
  readonly profile?: Profile | null;
}

/** Counts that say why a path is faster, in the order in which they are quoted. */
const WHY: readonly (readonly [CountName, string])[] = [
  ['driverCalls', 'calls into the driver'],
  ['walks', 'walks from the root'],
  ['powerGets', 'runtime PM gets'],
  ['wmb', 'write barriers'],
];

/** Rows of one operation, layout, size and dispatch: those of the largest scattered map, or else of the first row. */
function compared(rows: readonly BenchRow[]): BenchRow[] {
  const maps = rows.filter(({ op, layout }) => op === 'map' && layout === 'scattered');
  const [first] = (maps.length > 0 ? maps : rows).toSorted((a, b) => b.bytes - a.bytes);
  if (first === undefined) return [];
  const same = (row: BenchRow): boolean =>
    row.op === first.op && row.layout === first.layout && row.bytes === first.bytes && row.dispatch === first.dispatch;
  return rows.filter(same).toSorted((a, b) => a.medianNs - b.medianNs);
}

/** What the first call costs after other work. */
function coldText({ op, coldNs }: BenchRow): string {
  const call = op === 'translate' ? 'one page' : 'the first call';
  return coldNs === null ? 'No cold call was timed.' : `Cold, ${call} takes ${formatNs(coldNs)}.`;
}

function rowText({ path, medianNs }: BenchRow): string {
  return `${formatNs(medianNs)} by ${pathTitle(path)}`;
}

/** What the fastest path does less of than the one that it is compared with. */
function whyText(fastest: BenchRow, slowest: BenchRow): string {
  const parts = WHY.filter(([name]) => fastest.counts[name] < slowest.counts[name])
    .slice(0, 2)
    .map(
      ([name, words]) =>
        `${formatNumber(fastest.counts[name])} instead of ${formatNumber(slowest.counts[name])} ${words}`,
    );
  return parts.length === 0 ? 'The counts of both are the same.' : `The counts say why: ${parts.join(', ')}.`;
}

const VERBS: Readonly<Record<BenchOp, string>> = {
  map: 'Mapping',
  'map-run': 'Mapping',
  unmap: 'Unmapping',
  translate: 'Translating',
  'translate-range': 'Translating',
};

function rowsVerdict(rows: readonly BenchRow[]): string {
  const found = compared(rows);
  const [fastest] = found;
  const linux = found.find(({ path }) => path === 'map-pages');
  const slowest = linux === undefined || linux === fastest ? found.at(-1) : linux;
  if (fastest === undefined || slowest === undefined) return 'Nothing was measured.';
  const what = `${VERBS[fastest.op]} ${formatSize(fastest.bytes)}, ${fastest.layout}, takes`;
  if (fastest === slowest) return `${what} ${rowText(fastest)} in this engine, hot. ${coldText(fastest)}`;
  const ratio = formatNumber(Number((slowest.medianNs / fastest.medianNs).toPrecision(2)));
  return `${what} ${rowText(fastest)} and ${rowText(slowest)} in this engine, hot: ${ratio} times. ${whyText(fastest, slowest)}`;
}

function verdictOf({ result, question }: BenchQuestion): string {
  if (question === undefined) return rowsVerdict(result.rows);
  const answers = answerQuestion(question, result);
  const [first] = answers;
  return first === undefined
    ? 'Nothing was measured.'
    : `${first.text}${answers.length > 1 ? ' The other paths follow.' : ''}`;
}

function questionSections({ result, question, setting }: BenchQuestion): Section[] {
  if (question === undefined) return [];
  const table = questionTable(question, answerQuestion(question, result));
  return [tableSection('question', table.title ?? '', table), ...settingSection(result, setting)];
}

function settingSection(result: BenchResult, setting: Setting): Section[] {
  const items = timingNotes(result, setting);
  return [{ id: 'how', title: 'How it was measured', rank: 'detail', blocks: [{ kind: 'list', items }] }];
}

function tableSections({ result, setting }: BenchQuestion): Section[] {
  const rows = result.rows.map((row) => ({ ...row, granule: formatSize(row.granule) }));
  const series = seriesTable(result).map((table) => tableSection('series', table.title ?? '', table));
  const tables = rowTables(result).map((table, i) =>
    tableSection(`rows-${i}`, table.title ?? '', table, series.length > 0 ? 'detail' : 'main'),
  );
  const ratios = benchRatioCharts(rows).map((chart, i) =>
    chartSection(`ratio-${i}`, chart, i === 0 ? 'main' : 'detail'),
  );
  const times = benchCharts(rows).map((chart, i) => chartSection(`times-${i}`, chart, 'detail'));
  return [...series, ...ratios, ...times, ...tables, ...settingSection(result, setting)];
}

/** How fast each path is here, which counts say why, and what the times do not claim. */
export function benchAnswer(asked: BenchQuestion): Answer {
  const { result, setting, question, profile = null } = asked;
  const predicted = profile === null ? [] : [tableSection('predicted', '', predictionTable(result.rows, profile))];
  return {
    schema: 'iommu.bench',
    version: 1,
    outcome: 'fine',
    verdict: verdictOf(asked),
    data: benchData(result, setting, question, profile),
    sections: [...(question === undefined ? tableSections(asked) : questionSections(asked)), ...predicted],
    notes: [
      `times of this engine on this machine: ${setting.runtime}, ${setting.cpu}; counts are facts of the work and hold anywhere`,
      `geometry: ${setting.format} ${formatSize(setting.granule)} (given); driver ${setting.driver}; semantics safe; ${result.runs} hot and ${result.effort.coldSamples} cold samples a row`,
      ...result.warnings,
    ],
    records: result.rows,
    csv: { columns: [], rows: [], ...rowTables(result, 'one')[0] },
  };
}
