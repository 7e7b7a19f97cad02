/**
 * What a careful reader finds in a latency table beyond its fits, derived from the numbers and the counts alone.
 * @module
 */
import type { Analysis } from '../cost/analysis.ts';
import { countsOf } from '../cost/counts.ts';
import { ASSUMED_RELATIVE } from '../cost/noise.ts';
import { DATE_COLUMNS, hasOneSize, mainSegment, type Segment, type Series } from '../cost/series.ts';
import { type Counts, isFixedCost, plainUnit, UNIT_MEANING, type UnitId } from '../cost/units.ts';
import { commonSizes, type SeriesPair } from './comparisons.ts';
import { fixedCosts, predictedWithout } from './spread.ts';
import { listText, microseconds, percentText, rangeText, sizeText, timeText } from './words.ts';

/** One thing found. */
export interface Finding {
  readonly kind:
    | 'spread'
    | 'outlier'
    | 'fixed-cost'
    | 'gone'
    | 'confounded'
    | 'below-noise'
    | 'noise'
    | 'same-work'
    | 'inseparable'
    | 'assumed'
    | 'left-out';
  readonly text: string;
}

/** Slower by more than this is worth a word. */
const NOTICEABLE = 0.05;
/** A fixed cost is carried by the rows of which it is at least this share. */
const CARRIES = 0.5;

function seriesOf(analyses: readonly Analysis[]): Series[] {
  return analyses.flatMap(({ problem }) => [...problem.series]);
}

function spreadFinding(analyses: readonly Analysis[]): Finding[] {
  const rows = seriesOf(analyses).flatMap((series) => series.segments.flatMap((segment) => segment.rows));
  if (rows.every((row) => row.spreadNs !== null)) return [];
  const text =
    'The table gives one time a row and no spread: intervals show how the lines move when a row is left out, not sampling error.';
  return [{ kind: 'spread', text }];
}

function outlierFindings(analyses: readonly Analysis[]): Finding[] {
  const found = seriesOf(analyses).flatMap((series) =>
    series.segments.flatMap((segment) =>
      segment.rows.flatMap((row, at): Finding[] => {
        if (segment.outliers[at] !== true) return [];
        const expected = predictedWithout(segment, at);
        const others = expected === null ? '' : `; the other rows of its series give ${rangeText(...expected)}`;
        const text = `Outlier under both estimators: ${series.label}, ${sizeText(row.bytes)} at ${microseconds(row.timeNs)}${others}.`;
        return [{ kind: 'outlier', text }];
      }),
    ),
  );
  return found.length > 0 ? found : [{ kind: 'outlier', text: 'No row is an outlier under both estimators.' }];
}

function countsAt(series: Series, pages: number): Counts | null {
  return series.run === null ? null : countsOf({ ...series.run, pages });
}

/** −1: b does less of some units and more of none; 0: the same; 1: anything else. */
function compareWork(a: Counts, b: Counts): -1 | 0 | 1 {
  const units = [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((unit) => !isFixedCost(unit)) as UnitId[];
  const gaps = units.map((unit) => (b[unit] ?? 0) - (a[unit] ?? 0));
  if (gaps.some((gap) => gap > 0)) return 1;
  return gaps.some((gap) => gap < 0) ? -1 : 0;
}

interface FixedCost {
  readonly pair: SeriesPair;
  readonly carrier: Segment;
  readonly other: Segment;
  /** Fixed cost of the carrier by both estimators. */
  readonly range: [number, number];
  readonly otherRange: [number, number];
  /** Rows of the carrier that consist of it for the greater part. */
  readonly rows: readonly number[];
}

/**
 * A fixed cost that one series of a pair pays and the other does not, whichever row is left out. A fixed cost is at most what
 * the smallest row takes in all, whatever a line says that large rows have drawn.
 */
function fixedCostOf(pair: SeriesPair): FixedCost | null {
  const sides = [mainSegment(pair.from), mainSegment(pair.to)] as const;
  for (const [carrier, other] of [sides, [sides[1], sides[0]] as const]) {
    const [mine, theirs] = [fixedCosts(carrier), fixedCosts(other)];
    if (mine === null || theirs === null) continue;
    const most = Math.max(0, Math.min(theirs.both[1], other.rows[0]?.timeNs ?? 0));
    if (mine.both[0] <= Math.max(2 * most, theirs.both[1]) || mine.leftOut[0] <= most) continue;
    const rows = [...carrier.rows.keys()].filter((at) => mine.both[0] > CARRIES * (carrier.rows[at]?.timeNs ?? 0));
    const confirmed = rows.some((at) => carrierIsSlower(carrier, other, at));
    if (confirmed) return { pair, carrier, other, range: mine.both, otherRange: theirs.both, rows };
  }
  return null;
}

function carrierIsSlower(carrier: Segment, other: Segment, at: number): boolean {
  const row = carrier.rows[at];
  const same = other.rows.find((one) => one.pages === row?.pages);
  return row !== undefined && same !== undefined && row.timeNs - same.timeNs > NOTICEABLE * same.timeNs;
}

function carriedBy(cost: FixedCost): string {
  const words = cost.rows.flatMap((at) => {
    const row = cost.carrier.rows[at];
    const expected = predictedWithout(cost.carrier, at);
    if (row === undefined || expected === null) return [];
    return [
      `${sizeText(row.bytes)} is predicted at ${rangeText(...expected)} against ${microseconds(row.timeNs)} measured`,
    ];
  });
  return words.length === 0 ? '' : ` No single row makes it: left out of the fit, ${listText(words)}.`;
}

function notCounted(cost: FixedCost): string {
  const row = cost.carrier.rows[cost.rows[0] ?? 0];
  const same = cost.other.rows.find((one) => one.pages === row?.pages);
  if (row === undefined || same === undefined) return '';
  const [mine, theirs] = [countsAt(cost.carrier.series, row.pages), countsAt(cost.other.series, row.pages)];
  if (mine === null || theirs === null || compareWork(theirs, mine) > 0) return '';
  const where = `At ${sizeText(row.bytes)} it does no more of any counted unit than ${cost.other.series.label}, which needs ${microseconds(same.timeNs)}`;
  return ` ${where}: the cost is not in the units counted.`;
}

function fixedCostFinding(cost: FixedCost): Finding {
  const { carrier, other } = cost;
  const head = `${carrier.series.label} carries a fixed cost of ${rangeText(...cost.range)} a list that ${other.series.label} lacks (${rangeText(...cost.otherRange)}; both by the two line estimators).`;
  return { kind: 'fixed-cost', text: `${head}${carriedBy(cost)}${notCounted(cost)}` };
}

/** Series that are the carrier of a fixed cost but for a date and what came with it, and no longer pay it. */
function goneFindings(cost: FixedCost, pairs: readonly SeriesPair[]): Finding[] {
  return pairs.flatMap(({ from, to, changed }): Finding[] => {
    const { series, rows } = cost.carrier;
    if (![from, to].includes(series) || !changed.some((name) => DATE_COLUMNS.includes(name))) return [];
    const twin = from === series ? to : from;
    const twinRows = twin.segments.flatMap((segment) => segment.rows);
    const same = cost.rows.map((at) => twinRows.find((row) => row.pages === rows[at]?.pages));
    if (same.length === 0 || !same.every((row) => row !== undefined && row.timeNs < cost.range[0])) return [];
    const times = listText(same.map((row) => `${sizeText(row?.bytes ?? 0)} takes ${microseconds(row?.timeNs ?? 0)}`));
    const cause =
      changed.length > 1 ? ` Which of the changes (${listText(changed)}) removed it, this table cannot say.` : '';
    return [
      { kind: 'gone', text: `In ${twin.label} the fixed cost of ${series.label} is not there: ${times}.${cause}` },
    ];
  });
}

function confoundedFindings(pairs: readonly SeriesPair[]): Finding[] {
  const sets = new Map<string, SeriesPair>();
  for (const pair of pairs) if (pair.changed.length > 1) sets.set(pair.changed.join(), pair);
  return [...sets.values()].map(({ from, to, changed }) => {
    const before = changed.map((name) => from.columns[name] ?? '').join(', ');
    const after = changed.map((name) => to.columns[name] ?? '').join(', ');
    const dates = changed.some((name) => DATE_COLUMNS.includes(name))
      ? ', and the code may have changed between the dates'
      : '';
    const text = `Between (${before}) and (${after}) ${listText(changed)} changed at once${dates}: a difference cannot be put down to one of them.`;
    return { kind: 'confounded', text };
  });
}

/** A pair at whose largest common size only the given unit differs. */
function evidenceOf(unit: string, pairs: readonly SeriesPair[]): string {
  const words = pairs.flatMap((pair) => {
    const last = commonSizes(pair).at(-1);
    const [a, b] = [countsAt(pair.from, last?.pages ?? 1), countsAt(pair.to, last?.pages ?? 1)];
    if (last === undefined || a === null || b === null) return [];
    const units = [...new Set([...Object.keys(a), ...Object.keys(b)])] as UnitId[];
    const differ = units.filter((name) => (a[name] ?? 0) !== (b[name] ?? 0));
    if (differ.length !== 1 || differ[0] !== unit) return [];
    const counts = `${a[unit as UnitId] ?? 0} against ${b[unit as UnitId] ?? 0} of them`;
    return [
      {
        spread: Math.abs((a[unit as UnitId] ?? 0) - (b[unit as UnitId] ?? 0)),
        text: `with ${counts}, ${sizeText(last.bytes)} takes ${microseconds(last.fromNs)} against ${microseconds(last.toNs)}`,
      },
    ];
  });
  const best = words.toSorted((a, b) => b.spread - a.spread)[0];
  return best === undefined ? '' : `: ${best.text}`;
}

function belowNoiseFindings(analysis: Analysis, pairs: readonly SeriesPair[]): Finding[] {
  return analysis.units.flatMap((one): Finding[] => {
    const plain = plainUnit(one.unit);
    if (!one.belowNoise || plain === null || plain === 'list') return [];
    const text = `${one.unit} (${UNIT_MEANING[plain]}) is below the noise, ${rangeText(one.low, one.high)}${evidenceOf(one.unit, pairs)}.`;
    return [{ kind: 'below-noise', text }];
  });
}

function slowerWithLess(pair: SeriesPair): Finding[] {
  if (pair.from.columns['path'] !== pair.to.columns['path']) return [];
  const sizes = commonSizes(pair).filter(({ pages }) => {
    const [a, b] = [countsAt(pair.from, pages), countsAt(pair.to, pages)];
    return a !== null && b !== null && compareWork(a, b) === -1;
  });
  const slower = sizes.filter(({ fromNs, toNs }) => toNs > (1 + NOTICEABLE) * fromNs);
  if (slower.length === 0) return [];
  const words = slower.map(({ bytes, fromNs, toNs }) => `${sizeText(bytes)} by ${percentText(toNs / fromNs - 1)}`);
  const text = `The noise is large: ${pair.to.label} does less of some units and more of none than ${pair.from.label}, yet is slower at ${listText(words)}.`;
  return [{ kind: 'noise', text }];
}

function sameWork(pair: SeriesPair): Finding[] {
  if (pair.changed.includes('code') || pair.changed.includes('path')) return [];
  const same = commonSizes(pair).filter(({ pages }) => {
    const [a, b] = [countsAt(pair.from, pages), countsAt(pair.to, pages)];
    return a !== null && b !== null && compareWork(a, b) === 0;
  });
  const gap = (row: { fromNs: number; toNs: number }): number => Math.abs(row.toNs / row.fromNs - 1);
  const most = same.toSorted((a, b) => gap(b) - gap(a))[0];
  if (most === undefined || gap(most) <= NOTICEABLE) return [];
  const text = `${pair.from.label} and ${pair.to.label} do the same counted work at ${listText(same.map((row) => sizeText(row.bytes)))}, yet differ by up to ${percentText(gap(most))} (${sizeText(most.bytes)}: ${microseconds(most.fromNs)} and ${microseconds(most.toNs)}): that is this table's resolution.`;
  return [{ kind: 'same-work', text }];
}

function whereText(analysis: Analysis): string {
  const values = Object.entries(analysis.problem.where).map(([name, value]) => `${name}=${value}`);
  return values.length === 0 ? '' : `${values.join(', ')}: `;
}

function inseparableFindings(analysis: Analysis): Finding[] {
  return analysis.groups.map((group) => {
    const why = group.exact
      ? 'occur in the same proportion in every row: no fit can tell them apart'
      : 'cannot be told apart within the noise: none of them is needed, but not all of them can be free';
    const range = rangeText(group.low, group.high);
    const sum =
      group.sumNs === null
        ? `their sum is not identified either (${range})`
        : `what is identified is their sum, ${timeText(group.sumNs)} (${range})`;
    return { kind: 'inseparable', text: `${whereText(analysis)}${listText(group.units)} ${why}; ${sum}.` };
  });
}

function assumedFindings(analyses: readonly Analysis[]): Finding[] {
  const assumed = analyses.filter(({ problem, units }) => problem.noise.assumed && units.length > 0);
  if (assumed.length === 0) return [];
  const series = new Set(assumed.flatMap(({ problem }) => problem.series.map((one) => one.label)));
  const text = `Fewer than 4 sizes in ${series.size === 1 ? 'the series' : `each of ${series.size} series`}, so that their noise cannot be judged: ${percentText(ASSUMED_RELATIVE)} is assumed, and every range rests on it.`;
  return [{ kind: 'assumed', text }];
}

function leftOutFindings(analyses: readonly Analysis[]): Finding[] {
  const refused = seriesOf(analyses)
    .filter(hasOneSize)
    .map((series) => series.label);
  const found: Finding[] = [];
  if (refused.length > 0) {
    const text = `One size only, so no line and no unit from ${listText(refused)}: a second size is needed.`;
    found.push({ kind: 'left-out', text });
  }
  const short = analyses.flatMap(({ problem }) => problem.leftOut);
  if (short.length > 0) {
    const sizes = [...new Set(short.flatMap((segment) => segment.rows.map((row) => sizeText(row.bytes))))];
    const text = `At ${listText(sizes)} the work changes (whole tables or blocks), and fewer than 3 sizes are measured there: these rows have lines but no part in the unit prices.`;
    found.push({ kind: 'left-out', text });
  }
  const unknown = new Set(seriesOf(analyses).flatMap((series) => series.unknown ?? []));
  for (const why of unknown)
    found.push({ kind: 'left-out', text: `No unit prices where the work is not known: ${why}.` });
  return found;
}

/** Finds everything that a table says beyond its fits. */
export function findingsOf(analyses: readonly Analysis[], pairs: readonly SeriesPair[]): Finding[] {
  const costs = pairs
    .filter((pair) => pair.changed.length === 1 && !pair.changed.includes('code'))
    .flatMap((pair) => fixedCostOf(pair) ?? []);
  return [
    ...spreadFinding(analyses),
    ...outlierFindings(analyses),
    ...costs.map(fixedCostFinding),
    ...costs.flatMap((cost) => goneFindings(cost, pairs)),
    ...confoundedFindings(pairs),
    ...analyses.flatMap((analysis) => belowNoiseFindings(analysis, pairs)),
    ...pairs.flatMap(slowerWithLess),
    ...pairs.flatMap(sameWork),
    ...analyses.flatMap(inseparableFindings),
    ...assumedFindings(analyses),
    ...leftOutFindings(analyses),
  ];
}
