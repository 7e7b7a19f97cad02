/**
 * A latency table as a model to play with: measured points, the work behind each, and the prices that the numbers leave open.
 * @module
 */
import type { Analysis } from '../cost/analysis.ts';
import { leastSquaresPrices } from '../cost/ranges.ts';
import { type Counts, plainUnit, UNIT_LAYER, UNIT_MEANING, type UnitId } from '../cost/units.ts';

/** The price of a unit: where it starts, and between which bounds the numbers allow it. Nanoseconds. */
export interface ModelUnit {
  readonly unit: UnitId;
  readonly meaning: string;
  readonly layer: string;
  /** By non-negative least squares: one of the prices that fit, not more than that unless it is identified. */
  readonly ns: number;
  readonly low: number;
  readonly high: number;
  readonly isIdentified: boolean;
}

/** Units of which the numbers fix only the sum of weight × price. */
export interface ModelGroup {
  readonly weights: readonly (readonly [UnitId, number])[];
  readonly sumNs: number | null;
  readonly low: number;
  readonly high: number;
}

/** A measured point and the work behind it. */
export interface ModelPoint {
  readonly bytes: number;
  readonly measuredNs: number;
  readonly counts: Counts;
}

/** One series of a table. */
export interface ModelSeries {
  readonly name: string;
  readonly points: readonly ModelPoint[];
}

/** Series that share prices. */
export interface LatencyModel {
  /** Columns and values that set them apart from the table's others; empty where there are none. */
  readonly where: string;
  readonly units: readonly ModelUnit[];
  readonly groups: readonly ModelGroup[];
  readonly series: readonly ModelSeries[];
}

function unitsOf({ problem, units }: Analysis): ModelUnit[] {
  const prices = leastSquaresPrices(problem.system);
  return problem.system.units.flatMap((unit, i) => {
    const found = units.find((one) => one.unit === unit);
    const plain = plainUnit(unit) ?? 'list';
    const ns = prices[i] ?? 0;
    if (found === undefined) return [];
    const meaning = plain === unit ? UNIT_MEANING[plain] : `${UNIT_MEANING[plain]}, ${unit.slice('list:'.length)}`;
    const { low, high, identifiable } = found;
    return [{ unit, meaning, layer: UNIT_LAYER[plain], ns, low, high, isIdentified: identifiable }];
  });
}

function seriesOf({ problem }: Analysis): ModelSeries[] {
  const names = [...new Set(problem.rows.map(({ series }) => series.label))];
  return names.map((name) => ({
    name,
    points: problem.rows
      .filter(({ series }) => series.label === name)
      .map(({ measurement, counts }) => ({ bytes: measurement.bytes, measuredNs: measurement.timeNs, counts })),
  }));
}

/** The model of each set of series that has prices. */
export function latencyModels(analyses: readonly Analysis[]): LatencyModel[] {
  return analyses
    .filter(({ units }) => units.length > 0)
    .map((analysis) => ({
      where: Object.entries(analysis.problem.where)
        .map(([column, value]) => `${column} ${value}`)
        .join(', '),
      units: unitsOf(analysis),
      groups: analysis.groups.map(({ weights, sumNs, low, high }) => ({
        weights: Object.entries(weights) as [UnitId, number][],
        sumNs,
        low,
        high,
      })),
      series: seriesOf(analysis),
    }));
}

/** The time of some work by given prices, nanoseconds. */
export function pricedNs(counts: Counts, prices: ReadonlyMap<UnitId, number>): number {
  let sum = 0;
  for (const [unit, count] of Object.entries(counts) as [UnitId, number][]) sum += count * (prices.get(unit) ?? 0);
  return sum;
}
