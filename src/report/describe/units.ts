/**
 * What measurements say about the price of each unit, as ranges: a price that is not identified has a range and no
 * mark, and units that cannot be told apart stand as one row with their sum.
 * @module
 */
import type { Evidence, RangeChart, RangeRow } from '../chart.ts';

/** Columns and values that set one part of a table apart. */
type Where = Readonly<Record<string, string>>;

/** A unit of `iommu explain`. */
export interface UnitRange {
  readonly unit: string;
  readonly ns: number | null;
  readonly low: number;
  /** `Infinity` or null: no upper limit. */
  readonly high: number | null;
  readonly identifiable: boolean;
  readonly belowNoise: boolean;
  readonly where?: Where;
}

/** Units that cannot be told apart, with their sum. */
export interface UnitGroup {
  readonly units: readonly string[];
  readonly exact: boolean;
  readonly sumNs: number | null;
  readonly low: number;
  readonly high: number | null;
  readonly where?: Where;
}

function placeOf(where: Where | undefined): string {
  const words = Object.values(where ?? {});
  return words.length === 0 ? '' : ` (${words.join(', ')})`;
}

function limit(high: number | null): number {
  return high ?? Number.POSITIVE_INFINITY;
}

function unitNote({ identifiable, belowNoise }: UnitRange): { note?: string } {
  if (belowNoise) return { note: 'below the noise' };
  return identifiable ? {} : { note: 'not identified' };
}

function unitRow(unit: UnitRange, evidence: Evidence): RangeRow {
  const name = `${unit.unit}${placeOf(unit.where)}`;
  return { name, evidence, low: unit.low, high: limit(unit.high), best: unit.ns, ...unitNote(unit) };
}

function groupRow(group: UnitGroup, evidence: Evidence): RangeRow {
  const name = `${group.units.join(' + ')}${placeOf(group.where)}`;
  const note = group.exact ? 'sum only' : 'sum only, within the noise';
  return { name, evidence, low: group.low, high: limit(group.high), best: group.sumNs, note };
}

/** Ranges of units and groups; logarithmic where they lie far apart. */
export function unitsChart(
  title: string,
  units: readonly UnitRange[],
  groups: readonly UnitGroup[],
  evidence: Evidence,
): RangeChart {
  const rows = [...groups.map((group) => groupRow(group, evidence)), ...units.map((unit) => unitRow(unit, evidence))];
  const sizes = rows.map(({ high, low }) => (Number.isFinite(high) ? high : low)).filter((value) => value > 0);
  const log = sizes.length > 1 && Math.max(...sizes) > 50 * Math.min(...sizes);
  return {
    kind: 'range',
    title,
    category: 'unit',
    value: { label: 'price of one', unit: 'ns', log },
    rows,
    notes: [
      'A bar is every price that agrees with the measurements within their noise; a mark is the estimate where they identify one.',
    ],
  };
}
