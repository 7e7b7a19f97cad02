/**
 * What two answers are compared by: named numbers, taken from the JSON document of a `replay`, or of an `explain` of a
 * function_graph trace. A document may come from a file: nothing of its shape is taken for granted.
 * @module
 */
import { InputError } from '../../errors.ts';
import type { Unit } from '../../report/number.ts';
import { graphLines, type NotUnderstood } from '../not-understood.ts';

/** One number of one side. */
export interface Measure {
  /** What it belongs to: `calls`, `sizes`, `lifetimes`, `device …`, `row …`, `latency of …`. */
  readonly group: string;
  readonly what: string;
  readonly unit: Unit;
  /** Null where the side has no such value. */
  readonly value: number | null;
}

/** The parts of a row that options choose. */
export type Setting = Readonly<Record<string, string>>;

/** One row of a replay. */
export interface MeasuredRow {
  readonly setting: Setting;
  readonly measures: readonly Omit<Measure, 'group'>[];
}

/** One side, ready to be compared. */
export interface Side {
  readonly name: string;
  readonly schema: 'iommu.replay' | 'iommu.explain';
  /** What else is known of it, for notes: kernel, seconds, driver. */
  readonly facts: Readonly<Record<string, string | number | null>>;
  /** Lines of its input that were not understood; an answer that does not say it counts as all understood. */
  readonly notUnderstood: NotUnderstood;
  readonly measures: readonly Measure[];
  readonly rows: readonly MeasuredRow[];
}

type Json = Readonly<Record<string, unknown>>;

const MOST_ITEMS = 10_000;
const SETTINGS = ['path', 'dispatch', 'format', 'granule', 'iova', 'physical', 'tlb'] as const;

function objectOf(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

function at(value: unknown, ...keys: readonly string[]): unknown {
  return keys.reduce<unknown>((inner, key) => {
    const found = objectOf(inner);
    return Object.hasOwn(found, key) ? found[key] : undefined;
  }, value);
}

function numberAt(value: unknown, ...keys: readonly string[]): number | null {
  const found = at(value, ...keys);
  return typeof found === 'number' && Number.isFinite(found) ? found : null;
}

function textAt(value: unknown, ...keys: readonly string[]): string | null {
  const found = at(value, ...keys);
  return typeof found === 'string' ? found : null;
}

function listAt(value: unknown, ...keys: readonly string[]): readonly unknown[] {
  const found = at(value, ...keys);
  return Array.isArray(found) ? found.slice(0, MOST_ITEMS) : [];
}

function quantiles(document: Json, key: string, what: string, unit: Unit, group: string): Measure[] {
  return (['median', 'p99', 'maximum'] as const).map((quantile) => ({
    group,
    what: `${what}, ${quantile === 'p99' ? '99 %' : quantile === 'maximum' ? 'most' : quantile}`,
    unit,
    value: numberAt(document, 'lists', key, quantile),
  }));
}

const CALLS: readonly (readonly [what: string, unit: Unit, path: readonly string[]])[] = [
  ['lists', 'count', ['calls', 'lists']],
  ['map lines', 'count', ['calls', 'map']],
  ['unmap lines', 'count', ['calls', 'unmap']],
  ['bytes mapped', 'bytes', ['pairing', 'mappedBytes']],
  ['mapped at most', 'bytes', ['live', 'peakBytes']],
  ['mapped at the end', 'bytes', ['live', 'endBytes']],
  ['lists still mapped', 'count', ['live', 'leaks']],
  ['double maps', 'count', ['live', 'doubleMaps']],
  ['unmaps of nothing', 'count', ['live', 'unknownUnmaps']],
];

function rates(document: Json): Measure[] {
  const seconds = numberAt(document, 'trace', 'seconds');
  const lists = numberAt(document, 'calls', 'lists');
  const value = seconds === null || lists === null || seconds === 0 ? null : lists / seconds;
  return [{ group: 'calls', what: 'lists a second', unit: 'plain', value }];
}

function deviceMeasures(device: unknown): Measure[] {
  const group = `device ${textAt(device, 'name') ?? ''}`;
  return [
    { group, what: 'lists', unit: 'count', value: numberAt(device, 'maps') },
    { group, what: 'bytes mapped', unit: 'bytes', value: numberAt(device, 'mappedBytes') },
    { group, what: 'mapped at most', unit: 'bytes', value: numberAt(device, 'peakBytes') },
    { group, what: 'lifetime, median', unit: 'ns', value: numberAt(device, 'lifetime', 'median') },
    { group, what: 'bytes of a list, median', unit: 'bytes', value: numberAt(device, 'listBytes', 'median') },
  ];
}

/** Counts that a person compares by layer; names as in `counts` of a row. */
const LAYER_COUNTS: readonly (readonly [what: string, keys: readonly string[]])[] = [
  ['calls to the driver', ['driverCalls']],
  ['calls to the page table', ['tableCalls']],
  ['runtime PM gets', ['powerGets']],
  ['walks', ['walks']],
  ['entries written', ['entryWrites']],
  ['barriers', ['wmb', 'dmaWmb']],
  ['TLB invalidations', ['tlbAddress', 'tlbLastLevel', 'tlbAsid']],
  ['TLB syncs', ['tlbSync']],
];

function rowOf(row: unknown): MeasuredRow {
  const setting = Object.fromEntries(SETTINGS.map((part) => [part, textAt(row, part) ?? '']));
  const counts = LAYER_COUNTS.map(([what, keys]) => {
    const parts = keys.map((key) => numberAt(row, 'counts', key));
    return {
      what,
      unit: 'count' as const,
      value: parts.includes(null) ? null : parts.reduce<number>((a, b) => a + (b ?? 0), 0),
    };
  });
  const asked = numberAt(row, 'askedBytes');
  const mapped = numberAt(row, 'mappedBytes');
  return {
    setting,
    measures: [
      { what: 'crossings', unit: 'count', value: numberAt(row, 'crossings') },
      ...counts,
      { what: 'bytes of tables', unit: 'bytes', value: numberAt(row, 'tableBytes') },
      {
        what: 'mapped / asked',
        unit: 'ratio',
        value: asked === null || mapped === null || asked === 0 ? null : mapped / asked,
      },
      { what: 'predicted time', unit: 'ns', value: numberAt(row, 'predictedNs') },
    ],
  };
}

function replayNotUnderstood(document: Json): NotUnderstood {
  const found = at(document, 'trace', 'notUnderstood');
  const first = at(found, 'first');
  return {
    count: numberAt(found, 'count') ?? 0,
    of: numberAt(found, 'of') ?? 0,
    first: {
      file: numberAt(first, 'file'),
      line: numberAt(first, 'line'),
      reason: textAt(first, 'reason'),
      text: textAt(first, 'text') ?? '',
    },
    ...(at(found, 'cutOff') === true ? { cutOff: true } : {}),
  };
}

function graphNotUnderstood(document: Json): NotUnderstood {
  const trace = at(document, 'trace');
  return graphLines({
    lines: numberAt(trace, 'lines') ?? 0,
    unread: numberAt(trace, 'unread') ?? 0,
    firstUnread: numberAt(trace, 'firstUnread'),
    firstUnreadText: textAt(trace, 'firstUnreadText') ?? '',
    cutOff: at(trace, 'cutOff') === true,
  });
}

function replaySide(name: string, document: Json): Side {
  return {
    name,
    schema: 'iommu.replay',
    facts: {
      kernel: textAt(document, 'trace', 'system'),
      seconds: numberAt(document, 'trace', 'seconds'),
      profile: textAt(document, 'profile', 'name'),
    },
    notUnderstood: replayNotUnderstood(document),
    measures: [
      ...CALLS.map(([what, unit, path]) => ({ group: 'calls', what, unit, value: numberAt(document, ...path) })),
      ...rates(document),
      ...quantiles(document, 'listBytes', 'bytes of a list', 'bytes', 'sizes'),
      ...quantiles(document, 'listElements', 'elements of a list', 'plain', 'sizes'),
      ...quantiles(document, 'lifetime', 'lifetime', 'ns', 'lifetimes'),
      ...quantiles(document, 'reuse', 'maps until an address is mapped again', 'plain', 'lifetimes'),
      ...listAt(document, 'devices').flatMap(deviceMeasures),
    ],
    rows: listAt(document, 'rows').map(rowOf),
  };
}

function latencies(operation: unknown): Measure[] {
  const group = `latency of ${textAt(operation, 'op') ?? ''}`;
  return [
    { group, what: 'calls', unit: 'count', value: numberAt(operation, 'count') },
    { group, what: 'whole call, median', unit: 'ns', value: numberAt(operation, 'medianNs') },
    { group, what: 'whole call, 99 %', unit: 'ns', value: numberAt(operation, 'p99Ns') },
    ...listAt(operation, 'layers')
      .filter((layer) => textAt(layer, 'status') === 'measured')
      .map((layer) => ({
        group,
        what: `${textAt(layer, 'layer') ?? ''}, median self time`,
        unit: 'ns' as const,
        value: numberAt(layer, 'medianNs'),
      })),
  ];
}

function explainSide(name: string, document: Json): Side {
  const operations = listAt(document, 'operations');
  if (operations.length === 0) {
    throw new InputError(
      'UNSUPPORTED_INPUT',
      name,
      'expected an explain answer of a function_graph trace, got one without operations',
    );
  }
  return {
    name,
    schema: 'iommu.explain',
    facts: { machine: textAt(document, 'machine', 'kind') },
    notUnderstood: graphNotUnderstood(document),
    measures: operations.flatMap(latencies),
    rows: [],
  };
}

/**
 * Reads one side from a JSON document.
 * @throws InputError `UNSUPPORTED_INPUT` for a document of another schema or version.
 */
export function sideOf(name: string, document: unknown): Side {
  const schema = textAt(document, 'schema');
  const version = numberAt(document, 'version');
  if (version === 1 && schema === 'iommu.replay') return replaySide(name, objectOf(document));
  if (version === 1 && schema === 'iommu.explain') return explainSide(name, objectOf(document));
  const got = schema === null ? 'a document without schema' : `${schema} ${version ?? 'without version'}`;
  throw new InputError('UNSUPPORTED_INPUT', name, `expected an answer iommu.replay 1 or iommu.explain 1, got ${got}`);
}
