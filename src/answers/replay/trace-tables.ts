/**
 * Tables on the trace itself: mappings still there, double maps, devices, tasks, quantiles, witnesses, lines left out.
 * @module
 */
import { formatNs, formatNumber } from '../../report/number.ts';
import type { Cell, Column, Table } from '../../report/table.ts';
import type { Summary } from '../../trace/sketch.ts';
import { shortened } from '../not-understood.ts';
import type { DoubleMapData, PartyData, ReplayData } from './data.ts';

const COUNT = { unit: 'count' } as const;
const BYTES = { unit: 'bytes' } as const;
const NS = { unit: 'ns' } as const;

function at(ns: number): string {
  return (ns / 1e9).toFixed(6);
}

function quantiles(what: string, summary: Summary, text: (value: number) => Cell): Cell[] {
  const { count, minimum, median, p90, p99, maximum } = summary;
  return [what, count, ...[minimum, median, p90, p99, maximum].map((value) => (count === 0 ? null : text(value)))];
}

/** Sizes are multiples of a sector; a quantile of a sketch is within 1 % of one. */
function bytesText(value: number): number {
  return Math.round(value / 512) * 512;
}

const QUANTILES: readonly Column[] = [
  { title: 'lists', ...COUNT },
  { title: 'least', align: 'right', drop: 3 },
  { title: 'median', align: 'right' },
  { title: '90 %', align: 'right', drop: 2 },
  { title: '99 %', align: 'right' },
  { title: 'most', align: 'right', drop: 1 },
];

/** Sizes, lifetimes and reuse of all lists. */
export function quantilesTable({ lists }: ReplayData, bytes: (value: number) => string): Table {
  const { listBytes, listElements, elementBytes, lifetime, reuse, relativeError } = lists;
  const size = (value: number): string => bytes(bytesText(value));
  const whole = (value: number): string => formatNumber(Math.round(value));
  return {
    title: 'Lists, lifetimes, reuse of addresses',
    columns: [
      { title: 'what' },
      ...QUANTILES.map((one) => (one.title === 'lists' ? { title: 'count', ...COUNT } : one)),
    ],
    rows: [
      quantiles('bytes of a list', listBytes, size),
      quantiles('elements of a list', listElements, whole),
      quantiles('bytes of an element', elementBytes, size),
      quantiles('lifetime of a list', lifetime, formatNs),
      quantiles('maps until an address is mapped again', reuse, whole),
    ],
    notes: [
      `quantiles are right to ${formatNumber(100 * relativeError)} %; reuse is looked for in a window of ${formatNumber(reuse.window)} maps, in which ${formatNumber(reuse.fresh)} addresses were new`,
    ],
  };
}

/** Maps, sizes and lifetimes by device, most bytes mapped first. */
export function devicesTable({ devices }: ReplayData): Table {
  const known = devices.some(({ about }) => about !== '');
  return {
    title: 'By device',
    columns: [
      { title: 'device' },
      ...(known ? [{ title: 'what it is', drop: 5 }] : []),
      { title: 'lists', ...COUNT },
      { title: 'mapped', ...BYTES },
      { title: 'at most', name: 'peak_bytes', ...BYTES },
      { title: 'at the end', name: 'end_bytes', ...BYTES },
      { title: 'median lifetime', ...NS, drop: 1 },
      { title: 'median size', ...BYTES, drop: 2 },
    ],
    rows: devices.map((one) => [
      one.name,
      ...(known ? [one.about] : []),
      one.maps,
      one.mappedBytes,
      one.peakBytes,
      one.liveBytes,
      median(one.lifetime),
      one.listBytes === null || one.listBytes.count === 0 ? null : bytesText(one.listBytes.median),
    ]),
  };
}

function median(summary: Summary | null): number | null {
  return summary === null || summary.count === 0 ? null : summary.median;
}

function partyRows(
  parties: readonly PartyData[],
  of: (one: PartyData) => Summary | null,
  text: (value: number) => Cell,
): Cell[][] {
  return parties.flatMap((one) => {
    const summary = of(one);
    return summary === null ? [] : [quantiles(one.name, summary, text)];
  });
}

/** Maps and unmaps by task, most bytes mapped first. */
export function tasksTable({ tasks }: ReplayData): Table {
  return {
    title: 'By task',
    columns: [
      { title: 'task' },
      { title: 'lists', ...COUNT },
      { title: 'unmaps', ...COUNT, drop: 1 },
      { title: 'mapped', ...BYTES },
      { title: 'at most', name: 'peak_bytes', ...BYTES },
      { title: 'at the end', name: 'end_bytes', ...BYTES },
      { title: 'median lifetime', ...NS, drop: 2 },
    ],
    rows: tasks.map((one) => [
      one.name,
      one.maps,
      one.unmaps,
      one.mappedBytes,
      one.peakBytes,
      one.liveBytes,
      median(one.lifetime),
    ]),
    notes: ['an unmap is charged to the task that mapped: it often runs in an interrupt of another task'],
  };
}

/** Sizes and lifetimes of lists by device and by task: four tables. */
export function shapeTables({ devices, tasks }: ReplayData, bytes: (value: number) => string): Table[] {
  const size = (value: number): string => bytes(bytesText(value));
  const table = (title: string, who: string, rows: Cell[][]): Table => ({
    title,
    columns: [{ title: who }, ...QUANTILES],
    rows,
  });
  return [
    table(
      'Bytes of a list by device',
      'device',
      partyRows(devices, (one) => one.listBytes, size),
    ),
    table(
      'Lifetime of a list by device',
      'device',
      partyRows(devices, (one) => one.lifetime, formatNs),
    ),
    table(
      'Bytes of a list by task',
      'task',
      partyRows(tasks, (one) => one.listBytes, size),
    ),
    table(
      'Lifetime of a list by task',
      'task',
      partyRows(tasks, (one) => one.lifetime, formatNs),
    ),
  ];
}

/** Mappings that the trace does not unmap, the oldest first; `rows` limits how many are listed. */
export function stillMappedTable({ stillMapped, live }: ReplayData, rows: number, full: boolean): Table {
  const used = stillMapped.some(({ use }) => use !== null);
  return {
    title: 'Still mapped at the end, the oldest first',
    columns: [
      { title: 'IOVA', name: 'iova', align: 'right' },
      { title: 'size', ...BYTES },
      { title: 'device' },
      { title: 'task', drop: 1 },
      { title: 'mapped at, s', name: 'mapped_at_seconds', align: 'right', drop: 2 },
      { title: 'age', ...NS },
      ...(used ? [{ title: 'use', drop: 3 }] : []),
    ],
    rows: stillMapped
      .slice(0, rows)
      .map((one) => [
        one.iova,
        Number(one.bytes),
        one.device ?? 'not named',
        `${one.task}-${one.pid}`,
        at(one.mappedAtNs),
        one.ageNs,
        ...(used ? [one.use ?? ''] : []),
      ]),
    total: live.leaks,
    ...(full ? { full } : {}),
  };
}

function whoText({ device, task, pid }: Pick<DoubleMapData, 'device' | 'task' | 'pid'>): string {
  return `${device ?? 'not named'} ${task}-${pid}`;
}

/** Maps of an address that was mapped already. */
export function doubleMapsTable({ doubleMaps, live }: ReplayData): Table {
  return {
    title: 'Maps of an address that was mapped already',
    columns: [
      { title: 'IOVA', name: 'iova', align: 'right' },
      { title: 'size', ...BYTES },
      { title: 'at, s', name: 'at_seconds', align: 'right' },
      { title: 'mapped by' },
      { title: 'before, at', name: 'before_at_seconds', align: 'right', drop: 1 },
      { title: 'before, by', name: 'before_by', drop: 2 },
      { title: 'taken for', drop: 3 },
    ],
    rows: doubleMaps.map((one) => [
      one.iova,
      Number(one.bytes),
      at(one.mappedAtNs),
      whoText(one),
      at(one.over.mappedAtNs),
      whoText(one.over),
      one.kind === 'same domain' ? 'a missing unmap' : 'another domain',
    ]),
    total: live.doubleMaps,
    full: true,
  };
}

interface DisagreementRow {
  readonly timeNs: number;
  readonly task: string;
  readonly pid: number;
  readonly start: string;
  readonly end: string;
  readonly ruleStart: string;
  readonly ruleEnd: string;
}

/** Lists whose boundaries differ from their `dma_map_sg` events; undefined where there is none. */
export function disagreementsTable({ witnesses }: ReplayData): Table | undefined {
  const { total, agree } = witnesses;
  const rows = witnesses.disagreements as readonly DisagreementRow[];
  if (rows.length === 0) return undefined;
  return {
    title: 'Lists whose boundaries differ from their dma_map_sg events',
    columns: [{ title: 'seconds', align: 'right' }, { title: 'task', drop: 1 }, { title: 'event' }, { title: 'rule' }],
    rows: rows.map(({ timeNs, task, pid, start, end, ruleStart, ruleEnd }) => [
      at(timeNs),
      `${task}-${pid}`,
      `${start} to ${end}`,
      `${ruleStart} to ${ruleEnd}`,
    ]),
    total: Math.max(rows.length, total - agree),
    notes: ['ends are exclusive; the replay itself takes the events as boundaries'],
  };
}

/** What was read, and what the calls are. */
export function traceTable({ trace, calls, witnesses, live, track }: ReplayData): Table {
  const { total, agree } = witnesses;
  const left = trace.skipped.reduce((sum, { count }) => sum + count, 0);
  const rows: [string, Cell][] = [
    ['events read', formatNumber(trace.events)],
    ['lines', formatNumber(trace.notUnderstood.of)],
    ['lines left out', formatNumber(left)],
    ['of these not understood', formatNumber(trace.notUnderstood.count)],
    ['traced system', trace.system ?? 'the trace does not say'],
    ['seconds of trace', formatNumber(trace.seconds, 4)],
    ['map lines', formatNumber(calls.map)],
    ['lists that they are', formatNumber(calls.lists)],
    ['unmap lines', formatNumber(calls.unmap)],
    [
      'lists whose boundaries a dma_map_sg event confirms',
      total === 0 ? 'no such event' : `${formatNumber(agree)} of ${formatNumber(total)}`,
    ],
    ['unmaps of addresses that were not mapped', formatNumber(live.unknownUnmaps)],
    ['maps of an address already mapped in the same domain', formatNumber(track.mapsOverLive)],
    ['maps of an address already mapped, probably another domain', formatNumber(track.mapsToNextLayer)],
  ];
  return { title: 'Trace', columns: [{ title: 'what' }, { title: 'value', align: 'right' }], rows };
}

/** Lines left out, by reason; undefined where there is none. */
export function skippedTable({ trace }: ReplayData): Table | undefined {
  if (trace.skipped.length === 0) return undefined;
  return {
    title: 'Lines left out',
    columns: [{ title: 'lines', ...COUNT }, { title: 'why' }, { title: 'the first', drop: 1 }],
    rows: trace.skipped.map(({ count, reason, firstLine }) => [count, reason, shortened(firstLine)]),
  };
}

/** Domains of the trace, and how they are known. */
export function domainsTable({ domains }: ReplayData): Table {
  const how = { dma: 'dma events', attach: 'the attach of its task', layer: 'nothing names it' } as const;
  return {
    title: 'Domains',
    columns: [{ title: 'domain', unit: 'count' }, { title: 'what it is' }, { title: 'known by' }],
    rows: domains.map(({ id, title, source }) => [id, title, how[source]]),
  };
}
