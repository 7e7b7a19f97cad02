/**
 * Machine profiles: what one of each unit costs on one machine, as JSON with the source and confidence of every number.
 * A profile is made from measurements of that machine and holds for no other.
 * @module
 */
import { checkText, InputError } from '../errors.ts';
import type { Analysis } from './analysis.ts';
import type { Group } from './groups.ts';
import { plainUnit, UNITS, type UnitId } from './units.ts';

/**
 * How far a price can be trusted. `identified`: the measurements fix it; `inseparable`: only this sum is fixed; `bounded`:
 * only its range is known; `assumed noise`: fixed, but the noise behind the range was assumed, not judged.
 */
export type Confidence = 'identified' | 'inseparable' | 'bounded' | 'assumed noise';

const CONFIDENCES: readonly Confidence[] = ['identified', 'inseparable', 'bounded', 'assumed noise'];

/** Price of one unit, or of a group. */
export interface Price {
  /** Nanoseconds; null where only the range is known. */
  readonly ns: number | null;
  readonly low: number;
  readonly high: number;
  /** Where the number comes from. */
  readonly source: string;
  readonly confidence: Confidence;
}

/** Price of Σ weight × unit over units that the measurements cannot tell apart. */
export interface GroupPrice extends Price {
  readonly weights: Readonly<Partial<Record<UnitId, number>>>;
}

/** Prices of one operation. */
export interface OperationPrices {
  readonly units: Readonly<Partial<Record<UnitId, Price>>>;
  readonly groups: readonly GroupPrice[];
}

/** Operations that have prices of their own. */
export type PricedOperation = 'map' | 'unmap';

/** A machine profile. */
export interface Profile {
  readonly schema: 'iommu.profile';
  readonly version: 1;
  readonly machine: { readonly name: string; readonly kind: 'hardware' | 'kvm' };
  readonly ops: Readonly<Partial<Record<PricedOperation, OperationPrices>>>;
}

/** Groups that do not share a unit, those with an identified sum and the most units first. */
function disjoint(groups: readonly Group[]): Group[] {
  const chosen: Group[] = [];
  const order = groups.toSorted(
    (a, b) => Number(b.sumNs !== null) - Number(a.sumNs !== null) || b.units.length - a.units.length,
  );
  for (const group of order) {
    if (!chosen.some((other) => other.units.some((unit) => group.units.includes(unit)))) chosen.push(group);
  }
  return chosen;
}

function pricesOf(analysis: Analysis, source: string): OperationPrices {
  const { assumed } = analysis.problem.noise;
  const fixed: Confidence = assumed ? 'assumed noise' : 'identified';
  const units = analysis.units.map(({ unit, ns, low, high }) => {
    const price: Price = { ns, low, high, source, confidence: ns === null ? 'bounded' : fixed };
    return [unit, price] as const;
  });
  const groups = disjoint(analysis.groups).map((group): GroupPrice => {
    const confidence: Confidence = group.sumNs === null ? 'bounded' : 'inseparable';
    const { weights, sumNs: ns, low, high } = group;
    return { weights, ns, low, high, source, confidence };
  });
  return { units: Object.fromEntries(units), groups };
}

/**
 * Makes a profile of analysed latency tables of one machine.
 * @param analyses - at most one for each operation
 * @param machine - its name, and whether times are the hardware's, a guest's, or an emulator's
 * @param source - what the measurements are
 * @throws InputError `UNSUPPORTED_INPUT` for an emulated machine or two sets of prices for one operation, `NO_EVENTS` if no unit was priced.
 */
export function fitProfile(
  analyses: readonly Analysis[],
  machine: { readonly name: string; readonly kind: 'hardware' | 'kvm' | 'emulated' },
  source: string,
): Profile {
  const { kind } = machine;
  if (kind === 'emulated') {
    throw new InputError(
      'UNSUPPORTED_INPUT',
      source,
      'expected times of hardware or of KVM, got emulated ones, from which no machine profile is fitted',
    );
  }
  const ops: Partial<Record<PricedOperation, OperationPrices>> = {};
  for (const analysis of analyses.filter(({ units }) => units.length > 0)) {
    const op = analysis.problem.rows[0]?.series.run?.op ?? 'map';
    if (ops[op] !== undefined) {
      const where = Object.keys(analysis.problem.where).join(', ');
      const message = `expected one set of prices for ${op}, got more than one: select one with --where (columns that differ: ${where})`;
      throw new InputError('UNSUPPORTED_INPUT', source, message, { op });
    }
    ops[op] = pricesOf(analysis, source);
  }
  if (Object.keys(ops).length === 0)
    throw new InputError('NO_EVENTS', source, 'expected measurements that price a unit, got none');
  return { schema: 'iommu.profile', version: 1, machine: { name: machine.name, kind }, ops };
}

type Json = Readonly<Record<string, unknown>>;

class ProfileReader {
  readonly #source: string;

  constructor(source: string) {
    this.#source = source;
  }

  profile(value: unknown): Profile {
    const json = this.#object(value, 'profile');
    if (json['schema'] !== 'iommu.profile' || json['version'] !== 1) {
      const message = `expected schema "iommu.profile", version 1, got ${JSON.stringify(json['schema'])}, ${JSON.stringify(json['version'])}`;
      throw new InputError('NOT_RECOGNISED', this.#source, message);
    }
    const machine = this.#object(json['machine'], 'machine');
    const name = this.#text(machine['name'], 'machine.name');
    const kind = machine['kind'];
    if (kind !== 'hardware' && kind !== 'kvm') this.#fail('machine.kind', kind, '"hardware" or "kvm"');
    const ops = this.#object(json['ops'], 'ops');
    for (const op of Object.keys(ops)) if (op !== 'map' && op !== 'unmap') this.#fail(`ops.${op}`, op, 'map or unmap');
    const read = Object.entries(ops).map(([op, prices]) => [op, this.#prices(prices, `ops.${op}`)] as const);
    if (read.length === 0) this.#fail('ops', {}, 'prices for map, unmap or both');
    return {
      schema: 'iommu.profile',
      version: 1,
      machine: { name, kind: kind as 'hardware' | 'kvm' },
      ops: Object.fromEntries(read),
    };
  }

  #prices(value: unknown, at: string): OperationPrices {
    const json = this.#object(value, at);
    const given = this.#object(json['units'], `${at}.units`);
    const units = Object.entries(given).map(([unit, price]) => {
      return [this.#unit(unit, `${at}.units`), this.#price(price, `${at}.units.${unit}`)] as const;
    });
    if (units.length === 0) this.#fail(`${at}.units`, {}, 'the price of at least one unit');
    const groups = json['groups'] ?? [];
    if (!Array.isArray(groups)) this.#fail(`${at}.groups`, groups, 'a list');
    const read = (groups as unknown[]).map((group, i) => this.#group(group, `${at}.groups[${i}]`));
    return { units: Object.fromEntries(units), groups: read };
  }

  #group(value: unknown, at: string): GroupPrice {
    const weights = Object.entries(this.#object(this.#object(value, at)['weights'], `${at}.weights`));
    const read = weights.map(([unit, weight]) => {
      const number = this.#number(weight, `${at}.weights.${unit}`);
      if (number === 0) this.#fail(`${at}.weights.${unit}`, weight, 'a positive number');
      return [this.#unit(unit, `${at}.weights`), number] as const;
    });
    if (read.length === 0) this.#fail(`${at}.weights`, {}, 'the weight of at least one unit');
    return { ...this.#price(value, at), weights: Object.fromEntries(read) };
  }

  #price(value: unknown, at: string): Price {
    const json = this.#object(value, at);
    const ns = json['ns'] === null ? null : this.#number(json['ns'], `${at}.ns`);
    const [low, high] = [this.#number(json['low'], `${at}.low`), this.#number(json['high'], `${at}.high`)];
    if (low > high) this.#fail(`${at}.low`, low, `at most ${at}.high (${high})`);
    const source = this.#text(json['source'], `${at}.source`);
    const confidence = CONFIDENCES.find((known) => known === json['confidence']);
    if (confidence === undefined) return this.#fail(`${at}.confidence`, json['confidence'], CONFIDENCES.join(', '));
    return { ns, low, high, source, confidence };
  }

  #unit(name: string, at: string): UnitId {
    if (plainUnit(name) === null) this.#fail(at, name, `a known unit (${UNITS.join(', ')}, list:<series>)`);
    return name as UnitId;
  }

  #object(value: unknown, at: string): Json {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
    return this.#fail(at, value, 'an object');
  }

  #text(value: unknown, at: string): string {
    return typeof value === 'string' && value !== '' ? value : this.#fail(at, value, 'a text');
  }

  #number(value: unknown, at: string): number {
    if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value;
    return this.#fail(at, value, 'nanoseconds, 0 or more');
  }

  #fail(at: string, got: unknown, want: string): never {
    const code = got === undefined ? 'MISSING_VALUE' : 'MALFORMED';
    const text = got === undefined ? 'nothing' : (JSON.stringify(got) ?? String(got)).slice(0, 60);
    throw new InputError(code, this.#source, `${at}: expected ${want}, got ${text}`, { at });
  }
}

/**
 * Reads and checks a profile.
 * @param text - JSON
 * @param source - its name, for messages
 * @throws InputError `NOT_RECOGNISED` (another schema), `MISSING_VALUE`, `MALFORMED` (no JSON, unknown unit, negative price).
 */
export function readProfile(text: string, source: string): Profile {
  checkText('text', text);
  checkText('source', source);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new InputError(
      'MALFORMED',
      source,
      `expected JSON, got other text: ${cause instanceof Error ? cause.message : String(cause)}`,
    );
  }
  return new ProfileReader(source).profile(value);
}
