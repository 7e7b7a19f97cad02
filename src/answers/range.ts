/**
 * A range of a trace's time: its calls, their sizes and lifetimes; and what other paths make of it.
 * @module
 */
import { hex } from '../address.ts';
import { type RangeReplayOptions, replayRange } from '../replay/range.ts';
import { type Answer, type Section, tableSection } from '../report/answer.ts';
import { formatBytes, formatNs, formatNumber } from '../report/number.ts';
import type { Cell, Table } from '../report/table.ts';
import type { CallLog } from '../trace/call-log.ts';
import { type AddressWindow, touches } from '../trace/call-view.ts';
import { createCall, type TraceCall } from '../trace/calls.ts';
import type { TraceDomain } from '../trace/domain-names.ts';
import { DIRECTIONS, type TraceNames } from '../trace/events.ts';
import { Sketch, type Summary } from '../trace/sketch.ts';
import { type ReplayChoices, specsOf } from './replay/choices.ts';
import { rowDriver } from './replay/hardware.ts';
import { driverNotes } from './replay/notes.ts';
import { type RowData, rowsCsv, rowsOf, rowsTable } from './replay/rows.ts';
import { plural } from './tables/subject.ts';

/** A range. Times are nanoseconds of the trace: calls that begin in [from, to). */
export interface RangeQuestion {
  readonly log: CallLog;
  readonly names: TraceNames;
  readonly domains: readonly TraceDomain[];
  readonly from: number;
  readonly to: number;
  /** Time that the answer counts seconds from. */
  readonly start: number;
  /** Only calls that touch these addresses. */
  readonly addresses?: AddressWindow;
  /** Calls listed at most; all are counted. */
  readonly limit: number;
}

/** The data of {@link rangeAnswer}. Times are nanoseconds of the trace, sums of bytes numbers. */
export interface RangeData {
  readonly from: number;
  readonly to: number;
  readonly maps: number;
  readonly unmaps: number;
  readonly mappedBytes: number;
  readonly unmappedBytes: number;
  /** Quantiles of the bytes of the lists that were mapped, and of the lifetimes of those that were unmapped. */
  readonly listBytes: Summary;
  readonly lifetime: Summary;
}

const WORDS = { map: 'map', mapSg: 'map list', unmap: 'unmap' } as const;

function callCells({ names, domains, start }: RangeQuestion, call: TraceCall): Cell[] {
  const { kind, time, iova, size, count, was, cause } = call;
  const device = call.device < 0 ? '' : names.devices.text(call.device);
  return [
    ((time - start) / 1e9).toFixed(6),
    cause === 'inferred' ? { text: `${WORDS[kind]}, inferred`, tone: 'warning' } : WORDS[kind],
    hex(iova),
    size,
    count === 0 ? null : hex(call.pa[0] ?? 0),
    count === 0 ? null : count,
    kind !== 'unmap' ? '' : was === undefined ? { text: 'not mapped', tone: 'warning' } : formatNs(time - was.time),
    device,
    kind === 'unmap' ? '' : (DIRECTIONS[call.direction] ?? ''),
    domains[call.domain]?.title ?? '',
    `${names.tasks.text(call.task)}-${call.pid}`,
  ];
}

function callsTable(rows: readonly Cell[][], total: number): Table {
  return {
    title: 'Calls',
    columns: [
      { title: 'at, s', name: 'at_seconds', align: 'right' },
      { title: 'call' },
      { title: 'IOVA', name: 'iova', align: 'right' },
      { title: 'size', unit: 'bytes' },
      { title: 'first PA', name: 'first_pa', align: 'right' },
      { title: 'elements', unit: 'count' },
      { title: 'mapped for', name: 'lifetime', align: 'right' },
      { title: 'device' },
      { title: 'direction' },
      { title: 'domain' },
      { title: 'task' },
    ],
    rows,
    total,
  };
}

function summaryRow(what: string, summary: Summary, text: (value: number) => string): Cell[] {
  const { count, minimum, median, p90, p99, maximum } = summary;
  return [what, count, ...[minimum, median, p90, p99, maximum].map((value) => (count === 0 ? null : text(value)))];
}

function shapeTable({ listBytes, lifetime }: RangeData): Table {
  return {
    title: 'Sizes and lifetimes',
    columns: [
      { title: 'what' },
      { title: 'count', unit: 'count' },
      ...['least', 'median', '90 %', '99 %', 'most'].map((title) => ({ title, align: 'right' as const })),
    ],
    rows: [summaryRow('bytes of a list', listBytes, formatBytes), summaryRow('lifetime of a list', lifetime, formatNs)],
  };
}

function verdictOf({ from, to, maps, unmaps, mappedBytes, unmappedBytes }: RangeData, asked: RangeQuestion): string {
  const [first, last] = [from, to].map((time) => formatNumber((time - asked.start) / 1e9, 6));
  const where =
    asked.addresses === undefined ? '' : ` at ${hex(asked.addresses.start)} to ${hex(asked.addresses.end - 1)}`;
  const what = `${plural(maps, 'list')} of ${formatBytes(mappedBytes)} mapped, ${plural(unmaps, 'unmap')} of ${formatBytes(unmappedBytes)}`;
  return `${first} s to ${last} s${where}: ${what}.`;
}

/** What a range holds. */
export function rangeAnswer(question: RangeQuestion): Answer<RangeData> {
  const { log, from, to, addresses, limit } = question;
  const [listBytes, lifetime] = [new Sketch(), new Sketch()];
  const sums = { maps: 0, unmaps: 0, mappedBytes: 0, unmappedBytes: 0 };
  const rows: Cell[][] = [];
  const call = createCall();
  for (let i = 0; i < log.count; i++) {
    if (log.time(i) < from || log.time(i) >= to || !touches(log, i, addresses)) continue;
    log.read(i, call);
    if (call.kind === 'unmap') {
      sums.unmaps++;
      sums.unmappedBytes += call.covered;
      if (call.was !== undefined && call.cause === 'traced') lifetime.add(call.time - call.was.time);
    } else {
      sums.maps++;
      sums.mappedBytes += call.size;
      listBytes.add(call.size);
    }
    if (rows.length < limit) rows.push(callCells(question, call));
  }
  const data = { from, to, ...sums, listBytes: listBytes.summary(), lifetime: lifetime.summary() };
  const calls = callsTable(rows, sums.maps + sums.unmaps);
  return {
    schema: 'iommu.replay.range',
    version: 1,
    outcome: sums.maps + sums.unmaps === 0 ? 'unusable' : 'fine',
    verdict: verdictOf(data, question),
    data,
    sections: rangeSections(data, calls),
    notes:
      log.dropped === 0 ? [] : [`the last ${formatNumber(log.dropped)} calls of the trace are not kept for ranges`],
    csv: calls,
  };
}

function rangeSections(data: RangeData, calls: Table): Section[] {
  if (data.maps + data.unmaps === 0) return [];
  const shape = shapeTable(data);
  return [tableSection('range-shape', shape.title ?? '', shape), tableSection('range-calls', calls.title ?? '', calls)];
}

/**
 * What other paths, formats and granules make of a range.
 * @throws IommuError `BAD_OPTION`, `UNKNOWN_FORMAT`.
 */
export function rangeRowsAnswer(
  range: Omit<RangeReplayOptions, 'rows' | 'driver'>,
  choices: ReplayChoices,
): Answer<{ readonly rows: readonly RowData[] }> {
  const reports = replayRange({ ...range, rows: specsOf(choices), driver: rowDriver });
  const rows = rowsOf(reports, null);
  const whole = rowsTable(rows);
  const table = { ...whole, title: `In the range: ${whole.title ?? ''}` };
  const [best] = rows;
  return {
    schema: 'iommu.replay.range.rows',
    version: 1,
    outcome: 'fine',
    verdict:
      best === undefined
        ? 'No row.'
        : `Fewest crossings between layers: ${formatNumber(best.crossings)}, by ${best.path}.`,
    data: { rows },
    sections: [tableSection('range-paths', table.title, table)],
    notes: [
      'what was mapped before the range is mapped in each row first, and not counted',
      ...driverNotes(rows, choices.hardware),
    ],
    csv: rowsCsv(rows),
  };
}
