/**
 * Predicted time: counts × a machine profile, with the range that the profile's uncertainty leaves.
 * @module
 */
import type { Counts as MeterCounts } from '../meter/meter.ts';
import { unitsOfMeter, type WorkDone } from './meter-units.ts';
import type { GroupPrice, OperationPrices, Price, PricedOperation, Profile } from './profile.ts';
import { type Counts, isFixedCost, plainUnit, UNIT_LAYER, type UnitId } from './units.ts';

/** Predicted time of one layer, or of several that the profile cannot tell apart. */
export interface LayerPrediction {
  readonly layer: string;
  /** Null where only the range is known. */
  readonly ns: number | null;
  readonly low: number;
  readonly high: number;
}

/** Predicted time of some counted work. */
export interface Prediction {
  /** Sum of the layers; null where one of them has a range only, or a unit has no price. */
  readonly ns: number | null;
  readonly low: number;
  /** Without what has no price. */
  readonly high: number;
  readonly layers: readonly LayerPrediction[];
  /** Units that occur but that the profile does not price. */
  readonly unpriced: readonly UnitId[];
}

interface Part {
  readonly layer: string;
  readonly ns: number | null;
  readonly low: number;
  readonly high: number;
}

function occurring(counts: Counts): [UnitId, number][] {
  return (Object.entries(counts) as [UnitId, number][]).filter(([, count]) => count > 0);
}

/** The price of a unit; a list's may stand under the plain name, and an entry costs no more than a page, which contains one. */
function priceOf(prices: OperationPrices, unit: UnitId): Price | null {
  const own = prices.units[unit];
  if (own !== undefined) return own;
  if (isFixedCost(unit)) return prices.units.list ?? null;
  const page = prices.units.page;
  if (unit !== 'entry' || page === undefined) return null;
  return { ns: null, low: 0, high: page.high, source: page.source, confidence: 'bounded' };
}

function layerOf(unit: UnitId): string {
  return UNIT_LAYER[plainUnit(unit) ?? 'list'];
}

function unitPart(unit: UnitId, count: number, price: Price): Part {
  const ns = price.ns === null ? null : count * price.ns;
  return { layer: layerOf(unit), ns, low: count * price.low, high: count * price.high };
}

interface Member {
  readonly unit: UnitId;
  readonly weight: number;
  readonly count: number;
  /** Most that the unit may cost by itself. */
  readonly most: number;
}

/**
 * Least or greatest Σ count × price with Σ weight × price = sum: what the sum allows goes to the members with the least (or
 * greatest) count for their weight, none above its own greatest price.
 */
function extreme(members: readonly Member[], sum: number, greatest: boolean): number {
  const worth = (one: Member): number => (greatest ? -1 : 1) * (one.count / one.weight);
  let left = sum;
  let total = 0;
  for (const one of members.toSorted((a, b) => worth(a) - worth(b))) {
    const price = Math.min(one.most, left / one.weight);
    total += one.count * price;
    left -= one.weight * price;
  }
  return total;
}

function membersOf(group: GroupPrice, counts: Counts, prices: OperationPrices): Member[] {
  return (Object.entries(group.weights) as [UnitId, number][]).map(([unit, weight]) => {
    const most = prices.units[unit]?.high ?? group.high / weight;
    return { unit, weight, count: counts[unit] ?? 0, most };
  });
}

function groupPart(group: GroupPrice, counts: Counts, prices: OperationPrices): Part | null {
  const members = membersOf(group, counts, prices);
  if (members.every((one) => one.count === 0)) return null;
  const ratios = members.map((one) => one.count / one.weight);
  const [ratio = 0] = ratios;
  const proportional = ratios.every((other) => Math.abs(other - ratio) <= 1e-9 * ratio);
  const ns = proportional && group.ns !== null ? ratio * group.ns : null;
  const layer = [...new Set(members.filter((one) => one.count > 0).map((one) => layerOf(one.unit)))].join(' + ');
  return { layer, ns, low: extreme(members, group.low, false), high: extreme(members, group.high, true) };
}

function sumParts(parts: readonly Part[], layer: string): LayerPrediction {
  let [ns, low, high]: [number | null, number, number] = [0, 0, 0];
  for (const part of parts) {
    ns = ns === null || part.ns === null ? null : ns + part.ns;
    low += part.low;
    high += part.high;
  }
  return { layer, ns, low, high };
}

/**
 * Predicts the time of counted work on a profile's machine. Units that the profile cannot tell apart are one layer, named by
 * all of theirs; where the work does not hold them in the measured proportion, only a range is given.
 * @param op - maps and unmaps have prices of their own
 */
export function predict(profile: Profile, counts: Counts, op: PricedOperation = 'map'): Prediction {
  const prices = profile.ops[op] ?? { units: {}, groups: [] };
  const parts: Part[] = [];
  const grouped = new Set<string>();
  for (const group of prices.groups) {
    for (const unit of Object.keys(group.weights)) grouped.add(unit);
    const part = groupPart(group, counts, prices);
    if (part !== null) parts.push(part);
  }
  const unpriced: UnitId[] = [];
  for (const [unit, count] of occurring(counts)) {
    if (grouped.has(unit)) continue;
    const price = priceOf(prices, unit);
    if (price === null) unpriced.push(unit);
    else parts.push(unitPart(unit, count, price));
  }
  const names = [...new Set(parts.map((part) => part.layer))];
  const layers = names.map((name) =>
    sumParts(
      parts.filter((part) => part.layer === name),
      name,
    ),
  );
  const total = sumParts(parts, 'all');
  return { ns: unpriced.length > 0 ? null : total.ns, low: total.low, high: total.high, layers, unpriced };
}

/** Metered work of one kind: maps, or unmaps. */
export interface MeteredWork extends WorkDone {
  readonly counts: Readonly<MeterCounts>;
}

/** Predicts the time of metered work, maps and unmaps together: each by its own prices, summed layer by layer. */
export function predictMeter(profile: Profile, work: readonly MeteredWork[]): Prediction {
  const predictions = work
    .filter(({ lists }) => lists > 0)
    .map((one) => predict(profile, unitsOfMeter(one.counts, one), one.op));
  const layers = predictions.flatMap((one) => one.layers);
  const names = [...new Set(layers.map((one) => one.layer))];
  const unpriced = [...new Set(predictions.flatMap((one) => one.unpriced))];
  const total = sumParts(
    predictions.map((one) => ({ ...one, layer: 'all' })),
    'all',
  );
  return {
    ns: total.ns,
    low: total.low,
    high: total.high,
    layers: names.map((name) =>
      sumParts(
        layers.filter((one) => one.layer === name),
        name,
      ),
    ),
    unpriced,
  };
}
