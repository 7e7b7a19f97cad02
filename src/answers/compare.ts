/**
 * `compare`: two traces, kernels or settings side by side, what differs most first.
 * @module
 */
import { InputError } from '../errors.ts';
import type { Answer, Section } from '../report/answer.ts';
import { formatNumber, formatUnit, type Unit } from '../report/number.ts';
import type { Table } from '../report/table.ts';
import { type Measure, type MeasuredRow, type Setting, type Side, sideOf } from './compare/measures.ts';
import { type NotUnderstood, withNotUnderstood } from './not-understood.ts';

/** One side as it is given: a name for people, and the JSON document of an answer. */
export interface CompareInput {
  readonly name: string;
  readonly document: unknown;
}

/** One number on both sides. */
export interface Difference {
  /** What it is, with what it belongs to. */
  readonly what: string;
  readonly unit: Unit;
  readonly a: number | null;
  readonly b: number | null;
  /** b / a; null where a side has none, or a is 0. */
  readonly ratio: number | null;
}

/** What is known of a side. */
export interface SideData {
  readonly name: string;
  readonly schema: string;
  readonly facts: Side['facts'];
  readonly notUnderstood: NotUnderstood;
}

/** The data of {@link compareAnswer}. */
export interface CompareData {
  readonly a: SideData;
  readonly b: SideData;
  /** Settings in which the rows of the two sides differ: `a` and `b` of each. */
  readonly settings: readonly { readonly what: string; readonly a: string; readonly b: string }[];
  /** Numbers that differ, those that differ most first. */
  readonly differences: readonly Difference[];
  /** All numbers, in groups. */
  readonly groups: readonly { readonly title: string; readonly rows: readonly Difference[] }[];
}

/** Rows of the first table. */
const MOST = 12;

/** Ratios nearer to 1 are not worth a word. */
const LEAST = 0.005;

/** Below this, a difference says little: counts of a few, sizes of a page, times of a microsecond. */
const SMALL: Readonly<Record<Unit, number>> = {
  count: 5,
  bytes: 4096,
  ns: 1000,
  seconds: 1e-6,
  share: 0.01,
  ratio: 0.05,
  plain: 1,
};

/** How much two values differ: the ratio's logarithm, with small values damped. One side without a value comes first. */
function weight({ a, b, unit }: Difference): number {
  if (a === null || b === null) return a === b ? 0 : Number.POSITIVE_INFINITY;
  return Math.abs(Math.log((b + SMALL[unit]) / (a + SMALL[unit])));
}

function difference(what: string, unit: Unit, a: number | null, b: number | null): Difference {
  return { what, unit, a, b, ratio: a === null || b === null || a === 0 ? null : b / a };
}

function grouped(a: readonly Measure[], b: readonly Measure[]): CompareData['groups'] {
  const groups = new Map<string, Map<string, Difference>>();
  for (const [side, measures] of [a, b].entries()) {
    for (const { group, what, unit, value } of measures) {
      const rows = groups.get(group) ?? new Map<string, Difference>();
      groups.set(group, rows);
      const known = rows.get(what);
      rows.set(
        what,
        side === 0 ? difference(what, unit, value, null) : difference(what, unit, known?.a ?? null, value),
      );
    }
  }
  return [...groups].map(([title, rows]) => ({
    title,
    rows: [...rows.values()].filter((row) => row.a !== null || row.b !== null),
  }));
}

function constantParts(rows: readonly MeasuredRow[]): Setting {
  const [first] = rows;
  const parts = Object.entries(first?.setting ?? {});
  return Object.fromEntries(parts.filter(([part, value]) => rows.every((row) => row.setting[part] === value)));
}

/** Settings that are the same in all rows of a side, and other on the other side. */
function differentSettings(a: readonly MeasuredRow[], b: readonly MeasuredRow[]): CompareData['settings'] {
  const [left, right] = [constantParts(a), constantParts(b)];
  return Object.keys(left).flatMap((what) => {
    const [x, y] = [left[what], right[what]];
    return x === undefined || y === undefined || x === y ? [] : [{ what, a: x, b: y }];
  });
}

function rowMeasures(
  rows: readonly MeasuredRow[],
  without: ReadonlySet<string>,
  shown: ReadonlySet<string>,
): Measure[] {
  return rows.flatMap(({ setting, measures }) => {
    const parts = Object.entries(setting).filter(([part]) => !without.has(part) && shown.has(part));
    const title = parts.map(([, value]) => value).join(' ');
    return measures.map((one) => ({ ...one, group: title === '' ? 'row' : `row ${title}` }));
  });
}

/** Parts that name a row: the path always, others where they vary on a side. */
function namingParts(rows: readonly MeasuredRow[]): Set<string> {
  const parts = Object.keys(rows[0]?.setting ?? {});
  return new Set(parts.filter((part) => part === 'path' || new Set(rows.map(({ setting }) => setting[part])).size > 1));
}

function settingsText(settings: CompareData['settings']): string {
  return settings.map(({ what, a, b }) => `${what} ${a} against ${b}`).join(', ');
}

function dataOf(a: Side, b: Side): CompareData {
  const settings = differentSettings(a.rows, b.rows);
  const without = new Set(settings.map(({ what }) => what));
  const shown = namingParts([...a.rows, ...b.rows]);
  const measures = [a, b].map(({ rows, measures: own }) => [...own, ...rowMeasures(rows, without, shown)]);
  const groups = grouped(measures[0] ?? [], measures[1] ?? []).filter(({ rows }) => rows.length > 0);
  const all = groups.flatMap(({ title, rows }) => rows.map((row) => ({ ...row, what: `${title}: ${row.what}` })));
  const differences = all.filter((row) => row.a !== row.b).toSorted((x, y) => weight(y) - weight(x));
  const side = ({ name, schema, facts, notUnderstood }: Side): SideData => ({
    name,
    schema,
    facts,
    notUnderstood,
  });
  return { a: side(a), b: side(b), settings, differences, groups };
}

function valueText(value: number | null, unit: Unit): string {
  return value === null ? 'none' : formatUnit(value, unit);
}

function ratioText({ ratio }: Difference): string {
  return ratio === null ? '-' : formatUnit(ratio, 'ratio');
}

function table(title: string, rows: readonly Difference[], total = rows.length): Table {
  return {
    title,
    columns: [
      { title: 'what' },
      { title: 'A', align: 'right' },
      { title: 'B', align: 'right' },
      { title: 'B / A', align: 'right' },
    ],
    rows: rows.map((row) => [row.what, valueText(row.a, row.unit), valueText(row.b, row.unit), ratioText(row)]),
    total,
  };
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

function sectionsOf({ differences, groups }: CompareData): Section[] {
  const most = table('What differs most', differences.slice(0, MOST), differences.length);
  const first: Section[] =
    differences.length === 0
      ? []
      : [{ id: 'most', title: 'What differs most', rank: 'main', blocks: [{ kind: 'table', table: most }] }];
  const kinds: readonly (readonly [id: string, title: string, prefix: RegExp, rank: Section['rank']])[] = [
    ['latency', 'Latency by layer', /^latency of /, 'main'],
    ['calls', 'Calls', /^calls$/, 'main'],
    ['sizes', 'Sizes and lifetimes', /^(sizes|lifetimes)$/, 'detail'],
    ['devices', 'By device', /^device /, 'detail'],
    ['layers', 'Counts by layer', /^row\b/, 'detail'],
  ];
  const others = kinds.flatMap(([id, title, prefix, rank]): Section[] => {
    const blocks = groups
      .filter((group) => prefix.test(group.title))
      .map((group) => ({ kind: 'table' as const, table: table(capital(group.title), group.rows) }));
    return blocks.length === 0 ? [] : [{ id, title, rank, blocks }];
  });
  return [...first, ...others];
}

/** Numbers that stand for a whole side, in the order in which a verdict names them. */
const KEY_MEASURES: readonly (readonly [key: string, words: string])[] = [
  ['calls: lists', 'lists'],
  ['calls: bytes mapped', 'bytes mapped'],
  ['calls: mapped at most', 'bytes mapped at once'],
  ['lifetimes: lifetime, median', 'median lifetime'],
  ['row map-pages: crossings', 'crossings of map-pages'],
  ['row: crossings', 'crossings'],
  ['latency of map: whole call, median', 'median latency of map'],
  ['latency of unmap: whole call, median', 'median latency of unmap'],
];

function keySentence({ groups }: CompareData): string {
  const all = new Map<string, Difference>(
    groups.flatMap(({ title, rows }) => rows.map((row) => [`${title}: ${row.what}`, row] as const)),
  );
  const parts = KEY_MEASURES.flatMap(([key, words]) => {
    const row = all.get(key);
    if (row === undefined || row.ratio === null || row.b === null || Math.abs(row.ratio - 1) < LEAST) return [];
    return [
      `${formatUnit(row.ratio, 'ratio')} the ${words} (${valueText(row.b, row.unit)} against ${valueText(row.a, row.unit)})`,
    ];
  });
  return parts.length === 0 ? '' : `B has ${parts.slice(0, 4).join(', ')}.`;
}

function verdictOf(data: CompareData): string {
  const { a, b, differences, settings } = data;
  if (differences.length === 0 && settings.length === 0)
    return `${a.name} (A) and ${b.name} (B) are equal in all that is compared.`;
  const [most] = differences;
  const first = `A is ${a.name}, B is ${b.name}${settings.length === 0 ? '' : ` (${settingsText(settings)})`}.`;
  const last =
    most === undefined
      ? ''
      : `What differs most: ${most.what}, ${valueText(most.a, most.unit)} in A and ${valueText(most.b, most.unit)} in B.`;
  return [first, keySentence(data), last].filter((one) => one !== '').join(' ');
}

function notesOf({ a, b, differences }: CompareData): string[] {
  const [x, y] = [a.facts['seconds'], b.facts['seconds']];
  const spans =
    typeof x === 'number' && typeof y === 'number' && Math.abs(x - y) > 0.1 * Math.max(x, y)
      ? [
          `A spans ${formatNumber(x)} s, B ${formatNumber(y)} s: counts are of the whole traces; 'lists a second' is not`,
        ]
      : [];
  const kernels = [a, b].flatMap(({ facts }, i) => {
    const kernel = facts['kernel'];
    return typeof kernel === 'string' ? [`${i === 0 ? 'A' : 'B'} is of ${kernel}`] : [];
  });
  const machines = [a, b].some(({ facts }) => facts['machine'] === 'emulated')
    ? ['a side was recorded in an emulated machine: its times make no claim about hardware']
    : [];
  const missing = differences.some((one) => one.a === null || one.b === null)
    ? ["'none': that side has no such value; what only one side has stands first"]
    : [];
  const small = 'the order damps small values: a few counts, a page, a microsecond';
  return [...spans, ...kernels, ...machines, ...missing, ...(differences.length > 0 ? [small] : [])];
}

/**
 * Compares two answers of one kind: of `replay`, or of `explain` on function_graph traces.
 * @throws InputError `UNSUPPORTED_INPUT` for documents of other kinds, or of two kinds.
 */
export function compareAnswer(left: CompareInput, right: CompareInput): Answer<CompareData> {
  const [a, b] = [sideOf(left.name, left.document), sideOf(right.name, right.document)];
  if (a.schema !== b.schema) {
    throw new InputError(
      'UNSUPPORTED_INPUT',
      b.name,
      `expected ${a.schema} as ${a.name} is, got ${b.schema}: the two have nothing in common`,
    );
  }
  const data = dataOf(a, b);
  const answer: Answer<CompareData> = {
    schema: 'iommu.compare',
    version: 1,
    outcome: data.differences.length > 0 || data.settings.length > 0 ? 'findings' : 'fine',
    verdict: verdictOf(data),
    data,
    sections: sectionsOf(data),
    notes: notesOf(data),
    records: data.differences,
    csv: {
      columns: ['what', 'unit', 'a', 'b', 'ratio'].map((title) => ({ title })),
      rows: data.groups.flatMap(({ title, rows }) =>
        rows.map((row) => [`${title}: ${row.what}`, row.unit, row.a, row.b, row.ratio]),
      ),
    },
  };
  return withNotUnderstood(withNotUnderstood(answer, data.b.notUnderstood, ' of B'), data.a.notUnderstood, ' of A');
}
