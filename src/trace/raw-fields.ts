/**
 * `[FAILED TO PARSE] device=… full_nents=12 … phys_addrs=ARRAY[00, 20, 0c, …] … dir=2`: trace-cmd's report cannot follow
 * the print format of scatter-list events, but it prints their fields, arrays byte by byte.
 * @module
 */
import { withRoom } from './arrays.ts';
import type { Cursor } from './cursor.ts';
import { DIRECTIONS, KIND, type TraceEvent, type TraceNames } from './events.ts';

const UNREADABLE = '[FAILED TO PARSE] by trace-cmd report, and without the fields that are needed';
const NAME = /\w+$/;
const LONGEST_NAME = 32;
const ARRAY = 'ARRAY[';

/** `name=value` pairs; a value is an array in brackets, or reaches to the next blank. */
function fieldsOf(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  const last = text.lastIndexOf(']');
  for (let at = text.indexOf('='); at >= 0; ) {
    const name = NAME.exec(text.slice(Math.max(0, at - LONGEST_NAME), at))?.[0];
    const isArray = text.startsWith(ARRAY, at + 1) && at < last;
    const found = text.indexOf(isArray ? ']' : ' ', at);
    const end = found < 0 ? text.length : found + (isArray ? 1 : 0);
    if (name !== undefined) fields.set(name, text.slice(at + 1, end).trim());
    at = text.indexOf('=', end);
  }
  return fields;
}

/** Old prints of allocations have no direction: −1. */
function directionOf(text: string | undefined, kind: TraceEvent['kind']): number | undefined {
  if (text === undefined) return kind === KIND.DMA_ALLOC || kind === KIND.DMA_FREE ? -1 : undefined;
  return DIRECTIONS[Number(text)] === undefined ? undefined : Number(text);
}

/** Reads the raw fields of a dma event. @returns '' or the reason why not. */
export function readRawFields(cursor: Cursor, event: TraceEvent, names: TraceNames): string {
  const fields = fieldsOf(cursor.text(cursor.at, cursor.end));
  const device = fields.get('device');
  const direction = directionOf(fields.get('dir'), event.kind);
  if (device === undefined || direction === undefined) return UNREADABLE;
  event.device = names.devices.idOf(device);
  event.direction = direction;
  event.iova = Number(fields.get('dma_addr') ?? 0);
  event.size = Number(fields.get('size') ?? 0);
  const { list } = event;
  list.truncated = fields.get('truncated') === '1';
  [list.dma, list.count] = array(fields.get('dma_addrs'), 8, list.dma);
  const [lengths, count] = array(fields.get('lengths'), 4, list.lengths);
  list.lengths = lengths;
  const physical =
    event.kind === KIND.DMA_UNMAP_SG ? (fields.get('addrs') ?? fields.get('phys_addrs')) : fields.get('phys_addrs');
  [list.physical, list.physicalCount] = array(physical, 8, list.physical);
  const whole = count === list.count && !Number.isNaN(event.iova + event.size + list.count + list.physicalCount);
  return whole ? '' : UNREADABLE;
}

/** `ARRAY[00, 20, …]`: little-endian elements of `width` bytes. The count is NaN if the bytes do not make whole elements. */
function array(text: string | undefined, width: number, into: Float64Array): [Float64Array, number] {
  const bytes = (text ?? '').match(/[0-9a-f]{2}(?=[,\]])/gi) ?? [];
  const count = bytes.length / width;
  if (!Number.isInteger(count)) return [into, Number.NaN];
  const values = withRoom(into, count);
  for (let index = 0; index < count; index++) {
    const element = bytes.slice(index * width, (index + 1) * width);
    values[index] = Number(`0x${element.reverse().join('')}`);
  }
  return [values, count];
}
