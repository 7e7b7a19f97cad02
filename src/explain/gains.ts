/**
 * What the difference between two series is made of: the units of which one does more, at the prices that the table gives.
 * @module
 */
import type { Analysis } from '../cost/analysis.ts';
import { countsOf } from '../cost/counts.ts';
import type { Group } from '../cost/groups.ts';
import { mainSegment, type Series } from '../cost/series.ts';
import { type Counts, isFixedCost, type UnitId } from '../cost/units.ts';
import { commonSizes, type SeriesPair } from './comparisons.ts';

/** Counts of a group's units that lie closer together than this share are taken for one. */
const NEARLY = 0.01;

/** A part of the difference, in nanoseconds: positive where the first series pays more. */
export interface GainPart {
  /** One unit, or units that the table cannot tell apart. */
  readonly units: readonly string[];
  /** Null where no price is identified. */
  readonly ns: number | null;
  readonly low: number;
  readonly high: number;
}

/** Two series at the largest size at which both were measured and their work is counted. */
export interface Gain {
  readonly from: string;
  readonly to: string;
  readonly changed: readonly string[];
  readonly bytes: number;
  readonly fromNs: number;
  readonly toNs: number;
  /** Empty where the work of a series is not counted; the fixed cost of a list is in no part. */
  readonly parts: readonly GainPart[];
}

function countsAt(series: Series, pages: number): Counts | null {
  return series.run === null ? null : countsOf({ ...series.run, pages });
}

/** How many more of each unit the first series does. */
function surplusOf(from: Counts, to: Counts): Map<string, number> {
  const units = [...new Set([...Object.keys(from), ...Object.keys(to)])] as UnitId[];
  return new Map(
    units
      .filter((unit) => !isFixedCost(unit))
      .map((unit): [string, number] => [unit, (from[unit] ?? 0) - (to[unit] ?? 0)])
      .filter(([, count]) => count !== 0),
  );
}

type Ends = readonly [low: number, high: number];

/**
 * How often a group as a whole occurs in the surplus, from the least to the most that any of its units says. With prices that
 * are not negative, the group costs at least the least and at most the most of it. Null if one of its units is not in it, or if the
 * units do not go the same way.
 */
function timesOf(group: Group, surplus: ReadonlyMap<string, number>): Ends | null {
  const times = group.units.map((unit) => (surplus.get(unit) ?? 0) / (group.weights[unit] ?? 1));
  const [low, high] = [Math.min(...times), Math.max(...times)];
  return low > 0 || high < 0 ? [low, high] : null;
}

/** Ends of the price times ends of how often it is paid. The estimate only where that is nearly one number. */
function scaled(
  units: readonly string[],
  times: Ends,
  price: { readonly ns: number | null; readonly low: number; readonly high: number },
): GainPart {
  const ends = times.flatMap((count) => [count * price.low, count * price.high]);
  const mean = (times[0] + times[1]) / 2;
  const known = price.ns !== null && Math.abs(times[1] - times[0]) < NEARLY * Math.abs(mean);
  return {
    units,
    ns: known && price.ns !== null ? mean * price.ns : null,
    low: Math.min(...ends),
    high: Math.max(...ends),
  };
}

/** Parts of groups first, the ones whose sum is identified and that hold most units; then of what is in none of them. */
function partsOf({ units, groups }: Analysis, surplus: ReadonlyMap<string, number>): GainPart[] {
  const parts: GainPart[] = [];
  const taken = new Set<string>();
  const byWorth = groups.toSorted(
    (a, b) => Number(b.sumNs !== null) - Number(a.sumNs !== null) || b.units.length - a.units.length,
  );
  for (const group of byWorth) {
    const times = timesOf(group, surplus);
    if (times === null || group.units.some((unit) => taken.has(unit))) continue;
    for (const unit of group.units) taken.add(unit);
    parts.push(scaled(group.units, times, { ns: group.sumNs, low: group.low, high: group.high }));
  }
  for (const price of units) {
    const times = surplus.get(price.unit);
    if (times !== undefined && !taken.has(price.unit)) parts.push(scaled([price.unit], [times, times], price));
  }
  return parts.toSorted((a, b) => Math.abs(b.high + b.low) - Math.abs(a.high + a.low));
}

/** Sizes whose rows have a part in the unit prices, the last one; else the last common size. */
function largestSize(pair: SeriesPair): ReturnType<typeof commonSizes>[number] | undefined {
  const main = new Set(mainSegment(pair.from).rows.map((row) => row.pages));
  const sizes = commonSizes(pair);
  return sizes.findLast(({ pages }) => main.has(pages)) ?? sizes.at(-1);
}

function gainOf(pair: SeriesPair, analyses: readonly Analysis[]): Gain[] {
  const size = largestSize(pair);
  if (size === undefined) return [];
  const { bytes, pages, fromNs, toNs } = size;
  const [from, to] = [countsAt(pair.from, pages), countsAt(pair.to, pages)];
  const analysis = analyses.find(({ problem }) => [pair.from, pair.to].every((one) => problem.series.includes(one)));
  const parts = from === null || to === null || analysis === undefined ? [] : partsOf(analysis, surplusOf(from, to));
  return [{ from: pair.from.label, to: pair.to.label, changed: pair.changed, bytes, fromNs, toNs, parts }];
}

/** What each pair's difference is made of; those that differ in one column first, then by how much they differ. */
export function gainsOf(pairs: readonly SeriesPair[], analyses: readonly Analysis[]): Gain[] {
  const factor = ({ fromNs, toNs }: Gain): number => Math.abs(Math.log(fromNs / toNs));
  return pairs
    .flatMap((pair) => gainOf(pair, analyses))
    .toSorted((a, b) => Math.min(a.changed.length, 2) - Math.min(b.changed.length, 2) || factor(b) - factor(a));
}
