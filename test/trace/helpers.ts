import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { expect } from 'vitest';
import {
  createNames,
  createTraceReader,
  DIRECTIONS,
  isStreamFormat,
  KIND_NAMES,
  type ReadStats,
  recogniseTrace,
  type StreamFormat,
  type TraceEvent,
  type TraceNames,
} from '../../src/trace/index.ts';

/** Folder of the real captures. */
export const CAPTURES: string = new URL('../captures/', import.meta.url).pathname;

/** Folder of the made samples. */
export const SAMPLES: string = new URL('./samples/', import.meta.url).pathname;

/** Bytes of a file, unpacked if its name ends in .gz; the name with .gz is tried too. */
export function load(path: string): Uint8Array {
  const folder = path.slice(0, path.lastIndexOf('/'));
  const name = path.slice(path.lastIndexOf('/') + 1);
  const packed = !readdirSync(folder).includes(name);
  const bytes = readFileSync(packed ? `${path}.gz` : path);
  return packed || name.endsWith('.gz') ? gunzipSync(bytes) : bytes;
}

/** Everything that an event says, as one line of text. */
export function eventText(event: TraceEvent, names: TraceNames): string {
  const { list } = event;
  const parts = [
    `${(event.time / 1e9).toFixed(9)} ${names.tasks.text(event.task)}-${event.pid} cpu${event.cpu} c${event.context}`,
    KIND_NAMES[event.kind],
    names.devices.text(event.device),
    DIRECTIONS[event.direction],
    `0x${event.iova.toString(16)} 0x${event.pa.toString(16)} ${event.size} ${event.unmapped} ${event.value}`,
  ];
  const hex = (values: Float64Array, count: number): string =>
    Array.from(values.subarray(0, count), (value) => value.toString(16)).join(',');
  if (list.count > 0) parts.push(`dma{${hex(list.dma, list.count)}} lengths{${hex(list.lengths, list.count)}}`);
  if (list.physicalCount > 0) parts.push(`phys{${hex(list.physical, list.physicalCount)}}`);
  if (list.truncated) parts.push('truncated');
  if (event.text !== '') parts.push(JSON.stringify(event.text));
  return parts.filter((part) => part !== undefined && part !== '').join(' ');
}

/** What a reader made of a file. */
export interface Read {
  readonly events: readonly string[];
  readonly stats: ReadStats;
}

/** Reads bytes of a known format, in chunks of `chunk` bytes. */
export function read(bytes: Uint8Array, format: StreamFormat, chunk: number = bytes.length || 1): Read {
  const names = createNames();
  const events: string[] = [];
  const reader = createTraceReader(format, (event) => events.push(eventText(event, names)), names);
  for (let at = 0; at < bytes.length; at += chunk) reader.push(bytes.slice(at, at + chunk));
  reader.end();
  return { events, stats: reader.stats };
}

/** Statistics without their zeros, for small snapshots. */
export function shortStats(stats: ReadStats): object {
  const kinds = Object.fromEntries(
    Array.from(stats.kinds, (count, kind) => [KIND_NAMES[kind] ?? kind, count] as const).filter(
      ([, count]) => count > 0,
    ),
  );
  const { skipped, lost } = stats;
  return { reader: stats.reader, events: stats.events, kinds, lost, skipped, unordered: stats.unordered };
}

/**
 * The four steps: read as the format named and hold against the snapshot; read again by what the bytes show, not by
 * name; read through other cuts; compare all.
 */
export function checkImport(bytes: Uint8Array, format: StreamFormat): Read {
  const whole = read(bytes, format);
  expect({ ...shortStats(whole.stats), first: whole.events.slice(0, 3) }).toMatchSnapshot();
  const recognised = recogniseTrace(bytes);
  expect(recognised).toBe(format);
  if (isStreamFormat(recognised)) expect(read(bytes, recognised)).toEqual(whole);
  for (const chunk of [1, 7, 4096]) {
    if (chunk > 1 || bytes.length < 200_000) expect(read(bytes, format, chunk)).toEqual(whole);
  }
  return whole;
}
