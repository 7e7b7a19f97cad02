/**
 * The evidence in a latency table: comparisons, prices of units, what is inseparable, lines, charts.
 * @module
 */
import { UNIT_ESTIMATOR } from '../../cost/ranges.ts';
import type { Finding } from '../../explain/findings.ts';
import type { Fit, TableAnswer } from '../../explain/table.ts';
import { listText, rangeText, sizeText, timeText } from '../../explain/words.ts';
import { type Block, listSection, type Section, tableSection } from '../../report/answer.ts';
import type { Evidence, RangeChart, ScatterChart } from '../../report/chart.ts';
import { latencyChart } from '../../report/describe/latency.ts';
import { unitsChart } from '../../report/describe/units.ts';
import type { Cell, Table } from '../../report/table.ts';

type Where = Readonly<Record<string, string>>;
type Unit = TableAnswer['units'][number];

const MANY_SERIES = 8;

/** Name of the part of the table that a price belongs to; empty if the table has only one part. */
function whereText(where: Where): string {
  return Object.values(where).join(' ');
}

/** A row a pair, at the size of which the verdict speaks. */
function comparisonTable({ comparisons, gains }: TableAnswer): Table {
  return {
    columns: [
      { title: 'first' },
      { title: 'second' },
      { title: 'at', unit: 'bytes' },
      { title: 'first / second', unit: 'ratio' },
      { title: 'large sizes', unit: 'ratio', drop: 1 },
      { title: 'second below from', name: 'break_even_bytes', align: 'right', drop: 2 },
      { title: 'differ in', drop: 3 },
    ],
    rows: comparisons.map(({ from, to, changed, limit, breakEvenBytes }) => {
      const gain = gains.find((one) => one.from === from && one.to === to);
      const even = breakEvenBytes === null ? 'never' : sizeText(breakEvenBytes);
      const ratio = gain === undefined ? null : gain.fromNs / gain.toNs;
      return [from, to, gain?.bytes ?? null, ratio, limit, even, listText(changed)];
    }),
    notes: ['Measured times; large sizes: ratio of the unweighted slopes; below from: by the unweighted lines.'],
  };
}

/** Ratios at every size, a row a size and pair. */
function ratioTable({ comparisons }: TableAnswer): Table {
  return {
    columns: [
      { title: 'first' },
      { title: 'second' },
      { title: 'size', unit: 'bytes' },
      { title: 'first / second', unit: 'ratio' },
    ],
    rows: comparisons.flatMap(({ from, to, rows }) => rows.map(({ bytes, ratio }) => [from, to, bytes, ratio])),
  };
}

function unitVerdict(unit: Unit, answer: TableAnswer): Cell {
  if (unit.identifiable) return { text: 'identified', tone: 'good' };
  if (unit.belowNoise) return 'below the noise';
  const grouped = answer.inseparable.some(
    ({ where, units }) => whereText(where) === whereText(unit.where) && units.includes(unit.unit),
  );
  return { text: grouped ? 'inseparable' : 'not identified', tone: 'warning' };
}

function unitTable(answer: TableAnswer): Table {
  const several = answer.noise.factors.length > 1;
  return {
    title: 'Prices of the units',
    columns: [
      ...(several ? [{ title: 'of' }] : []),
      { title: 'unit' },
      { title: 'estimate', unit: 'ns' },
      { title: 'range', align: 'right' },
      { title: 'verdict' },
    ],
    rows: answer.units.map((unit) => [
      ...(several ? [whereText(unit.where)] : []),
      unit.unit,
      unit.ns,
      rangeText(unit.low, unit.high),
      unitVerdict(unit, answer),
    ]),
    notes: [`Estimates by ${UNIT_ESTIMATOR}; range: all non-negative prices within the noise.`],
  };
}

function weightText(weight: number, unit: string): string {
  return weight === 1 ? unit : `${Number(weight.toPrecision(4))} × ${unit}`;
}

function groupTable(answer: TableAnswer): Table {
  const several = answer.noise.factors.length > 1;
  return {
    title: 'What cannot be told apart',
    columns: [
      ...(several ? [{ title: 'of' }] : []),
      { title: 'units' },
      { title: 'sum', unit: 'ns' },
      { title: 'range', align: 'right' },
      { title: 'why' },
    ],
    rows: answer.inseparable.map((group) => [
      ...(several ? [whereText(group.where)] : []),
      group.units.map((unit) => weightText(group.weights[unit] ?? 1, unit)).join(' + '),
      group.sumNs,
      rangeText(group.low, group.high),
      group.exact ? 'exact' : 'within the noise',
    ]),
    notes: [
      'exact: the counts keep one proportion in every row, so that no fit can tell them apart; within the noise: none of them is needed, but not all of them can be free.',
    ],
  };
}

function sizesOf(fit: Fit): string {
  const [first, last] = [fit.rows[0], fit.rows.at(-1)];
  return first === undefined || last === undefined ? '' : `${sizeText(first.bytes)} to ${sizeText(last.bytes)}`;
}

function spreadText(range: readonly [number, number] | undefined): string | null {
  return range === undefined ? null : rangeText(...range);
}

/** A fit whose exact answer is 0 leaves a rounding error. */
function withoutDust(ns: number): number {
  return Math.abs(ns) < 1e-6 ? 0 : ns;
}

function lineTable({ fits }: TableAnswer): Table {
  return {
    title: 'Lines, time over pages',
    columns: [
      { title: 'series' },
      { title: 'sizes', drop: 3 },
      { title: 'least squares' },
      { title: 'a page', unit: 'ns' },
      { title: 'one row left out', align: 'right', drop: 5 },
      { title: 'fixed', unit: 'ns' },
      { title: 'one row left out', align: 'right', drop: 4 },
    ],
    rows: fits.map((fit) => [
      fit.series,
      sizesOf(fit),
      fit.estimator.replace(' least squares', ''),
      withoutDust(fit.perPageNs),
      spreadText(fit.leaveOneOut?.perPageNs),
      withoutDust(fit.fixedNs),
      spreadText(fit.leaveOneOut?.fixedNs),
    ]),
  };
}

/** Every row with what its line says, for CSV. */
export function fittedRows({ fits }: TableAnswer): Table {
  return {
    columns: [
      { title: 'series' },
      { title: 'estimator' },
      { title: 'size', name: 'bytes', unit: 'bytes' },
      { title: 'pages', unit: 'count' },
      { title: 'measured', unit: 'ns' },
      { title: 'fitted', unit: 'ns' },
      { title: 'outlier' },
    ],
    rows: fits.flatMap(({ series, estimator, rows }) =>
      rows.map((row) => [
        series,
        estimator,
        row.bytes,
        row.pages,
        row.measuredNs,
        row.fittedNs,
        row.outlier ? 'yes' : 'no',
      ]),
    ),
  };
}

function gainItems({ gains }: TableAnswer): string[] {
  return gains.flatMap(({ from, to, bytes, fromNs, toNs, parts }) => {
    const words = parts.map(({ units, low, high }) => `${listText(units)} ${rangeText(low, high)}`);
    if (words.length === 0) return [];
    return [
      `${from} takes ${timeText(fromNs)} and ${to} ${timeText(toNs)} at ${sizeText(bytes)}. The units that differ: ${words.join('; ')}.`,
    ];
  });
}

function runItems({ suggestedRuns, noise }: TableAnswer): string[] {
  const byText = new Map<string, TableAnswer['suggestedRuns'][number][]>();
  for (const run of suggestedRuns) byText.set(run.text, [...(byText.get(run.text) ?? []), run]);
  return [...byText].map(([text, runs]) => {
    const before = timeText(runs.reduce((sum, run) => sum + run.widthBefore, 0));
    const after = timeText(runs.reduce((sum, run) => sum + run.widthAfter, 0));
    const of = noise.factors.length > 1 ? ` for ${listText(runs.map(({ where }) => whereText(where)))}` : '';
    return `${text}${of}: the summed ranges of the inseparable units shrink from ${before} to ${after} on average`;
  });
}

function latencyCharts(answer: TableAnswer, evidence: Evidence): ScatterChart[] {
  const labels = [...new Set(answer.fits.map((fit) => fit.series))];
  const groups = Array.from({ length: Math.ceil(labels.length / MANY_SERIES) }, (_, i) =>
    labels.slice(i * MANY_SERIES, (i + 1) * MANY_SERIES),
  );
  return groups.map((some) =>
    latencyChart(
      'Time of a list against its size',
      answer.fits.filter((fit) => some.includes(fit.series)),
      evidence,
    ),
  );
}

/** Prices of one part of the table; the fixed costs of the series stand in the table of lines. */
function priceChart(answer: TableAnswer, where: string, evidence: Evidence): RangeChart {
  const here = <T extends { readonly where: Where }>(items: readonly T[]): T[] =>
    items.filter((one) => whereText(one.where) === where).map((one) => ({ ...one, where: {} }));
  const units = here(answer.units).filter(({ unit }) => !unit.startsWith('list'));
  const title = where === '' ? 'Range of each unit' : `Range of each unit: ${where}`;
  return unitsChart(title, units, here(answer.inseparable), evidence);
}

function chartsSection(id: string, title: string, charts: readonly (ScatterChart | RangeChart)[]): Section {
  return { id, title, rank: 'detail', blocks: charts.map((chart): Block => ({ kind: 'chart', chart })) };
}

/** Kinds of findings that limit all others: they stand in the notes. */
const LIMITS: readonly Finding['kind'][] = ['spread', 'assumed', 'left-out'];

/** The sections of a table's answer. `published`: one of the tables that come with the program. */
export function tableSections(answer: TableAnswer, published: boolean): Section[] {
  const evidence: Evidence = published ? 'published' : 'measured';
  const findings = answer.findings.filter(({ kind }) => kind !== 'inseparable' && !LIMITS.includes(kind));
  const wheres = [...new Set(answer.units.map((unit) => whereText(unit.where)))];
  const sections = [
    tableSection('comparisons', 'Comparisons', comparisonTable(answer)),
    listSection('gains', 'What the differences are made of', gainItems(answer)),
    listSection(
      'findings',
      'What the numbers say',
      findings.map(({ text }) => text),
    ),
    tableSection('inseparable', 'What cannot be told apart', groupTable(answer)),
    listSection('runs', 'The run to make next', runItems(answer)),
    tableSection('lines', 'Lines, time over pages', lineTable(answer)),
    tableSection('units', 'Prices of the units', unitTable(answer)),
    chartsSection('latency', 'Latency', latencyCharts(answer, evidence)),
    chartsSection(
      'prices',
      'Ranges of the prices',
      wheres.map((where) => priceChart(answer, where, evidence)),
    ),
    tableSection('ratios', 'Comparisons at every size', ratioTable(answer), 'detail'),
  ];
  return sections.filter(({ blocks }) => blocks.some(isFilled));
}

function isFilled(block: Block): boolean {
  if (block.kind === 'list') return block.items.length > 0;
  return block.kind !== 'table' || block.table.rows.length > 0;
}

/** What limits a table's answer. */
export function tableNotes(answer: TableAnswer, published: boolean): string[] {
  const { rule, factors } = answer.noise;
  const words = factors.map(({ where, factor, usedFactor }) => {
    const of = factors.length > 1 ? `${whereText(where)}: ` : '';
    return `${of}noise factor ${factor.toFixed(2)} (the least at which the counts fit), ${usedFactor.toFixed(2)} used`;
  });
  return [
    `${answer.source}: ${published ? 'published times, of the machine that the table names' : 'times as given'}`,
    ...answer.findings.filter(({ kind }) => LIMITS.includes(kind)).map(({ text }) => text.replace(/\.$/, '')),
    `noise of a row: ${rule}`,
    ...words,
  ];
}
