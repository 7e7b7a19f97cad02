/**
 * The part of a trace line after the event's name, as the kernel's print formats write it (`print fmt` of the tracefs
 * format files), old prints included. Each function fills the event and answers '' or why it could not.
 * @module
 */

import { withRoom } from './arrays.ts';
import { ascii, type Cursor } from './cursor.ts';
import { DIRECTIONS, type EventList, KIND, type Kind, type TraceEvent, type TraceNames } from './events.ts';
import { readRawFields } from './raw-fields.ts';

const IOVA = ascii('IOMMU: iova=0x');
const DASH_0X = ascii(' - 0x');
const PADDR = ascii(' paddr=0x');
const SIZE = ascii(' size=');
const UNMAPPED = ascii(' unmapped_size=');
const IOMMU = ascii('IOMMU:');
const DEVICE = ascii('device=');
const GROUP = ascii('groupID=');
const IOVA_FIELD = ascii('iova=0x');
const FLAGS_FIELD = ascii('flags=0x');
const MARK_PREFIX = ascii('tracing_mark_write: ');
const DIRECTION_NAMES = DIRECTIONS.map(ascii);

const SPACE = 0x20;
const EQUALS = 0x3d;
const BRACE_OPEN = 0x7b;
const BRACE_CLOSE = 0x7d;
const COMMA = 0x2c;
const TWO_64 = 2 ** 64;
/** The kernel cuts lists off at 128 elements; a longer line is something else. */
const MAX_ELEMENTS = 4096;

/** What trace-cmd report prints of an event whose format it cannot follow: the raw fields. */
const FAILED = ascii('[FAILED TO PARSE] ');

const MALFORMED = 'fields of a known event could not be read';
const END_DIFFERS = 'end address of a map or unmap is not iova + size';

/** Reads bodies by kind; keeps only the tables of names. */
export class BodyReader {
  readonly #names: TraceNames;

  constructor(names: TraceNames) {
    this.#names = names;
  }

  /** Reads the body that the cursor stands at. @returns '' or the reason why not. */
  read(kind: Kind, cursor: Cursor, event: TraceEvent): string {
    switch (kind) {
      case KIND.MAP:
        return readMap(cursor, event);
      case KIND.UNMAP:
        return readUnmap(cursor, event);
      case KIND.MARK:
        return readMark(cursor, event);
      case KIND.FAULT:
        return this.#readFault(cursor, event);
      case KIND.ATTACH:
      case KIND.DETACH:
      case KIND.ADD_DEVICE:
      case KIND.REMOVE_DEVICE:
        return this.#readDeviceEvent(cursor, event);
      default:
        return this.#readDma(cursor, event);
    }
  }

  /** `0000:00:01.0 dir=FROM_DEVICE dma_addr=fffbf000 size=4096 phys_addr=421e6000 attrs=` and its relatives. */
  #readDma(cursor: Cursor, event: TraceEvent): string {
    if (cursor.match(FAILED)) return readRawFields(cursor, event, this.#names);
    this.#readDevice(cursor, event);
    let lengths = 0;
    while (cursor.peek() === SPACE) {
      cursor.at++;
      const start = cursor.at;
      while (cursor.at < cursor.end && cursor.bytes[cursor.at] !== EQUALS && cursor.bytes[cursor.at] !== SPACE) {
        cursor.at++;
      }
      const length = cursor.at - start;
      if (cursor.peek() === EQUALS) {
        cursor.at++;
        const key = length * 256 + (cursor.bytes[start] as number);
        if (key === KEY.SIZES) lengths = readArray(cursor, event.list, 'lengths');
        else readDmaField(cursor, key, event);
      } else if (cursor.bytes[start] === 0x5b) event.list.truncated = true;
      cursor.at = cursor.find(SPACE);
    }
    const sum = event.iova + event.size + event.pa + event.list.count + event.list.physicalCount;
    return isDirection(event) && !Number.isNaN(sum) && lengths === event.list.count ? '' : MALFORMED;
  }

  #readDevice(cursor: Cursor, event: TraceEvent): void {
    const end = cursor.find(SPACE);
    event.device = this.#names.devices.id(cursor.bytes, cursor.at, end);
    cursor.at = end;
  }

  /** `IOMMU: groupID=0 device=0000:00:02.0` and `IOMMU: device=0000:00:02.0`. */
  #readDeviceEvent(cursor: Cursor, event: TraceEvent): string {
    if (!cursor.match(IOMMU)) return MALFORMED;
    cursor.skipSpaces();
    if (cursor.match(GROUP)) {
      event.value = cursor.decimal();
      cursor.skipSpaces();
    }
    if (!cursor.match(DEVICE) || cursor.at >= cursor.end || Number.isNaN(event.value)) return MALFORMED;
    this.#readDevice(cursor, event);
    return '';
  }

  /** `IOMMU:driver 0000:00:06.0 iova=0x0000000200000000 flags=0x0000`. */
  #readFault(cursor: Cursor, event: TraceEvent): string {
    if (!cursor.match(IOMMU)) return MALFORMED;
    const driverEnd = cursor.find(SPACE);
    event.text = cursor.text(cursor.at, driverEnd);
    cursor.at = driverEnd;
    cursor.skipSpaces();
    this.#readDevice(cursor, event);
    cursor.skipSpaces();
    if (!cursor.match(IOVA_FIELD)) return MALFORMED;
    event.iova = cursor.hex();
    cursor.skipSpaces();
    if (!cursor.match(FLAGS_FIELD)) return MALFORMED;
    event.value = cursor.hex();
    return Number.isNaN(event.iova + event.value) ? MALFORMED : '';
  }
}

/** Allocations of Linux 6.12.0 to about 6.12.35 print no direction: −1 stands for one that the trace does not say. */
function isDirection({ kind, direction }: TraceEvent): boolean {
  return direction >= 0 || (direction === -1 && (kind === KIND.DMA_ALLOC || kind === KIND.DMA_FREE));
}

/** An end address printed after `iova`; 2^64 wraps to 0. Old kernels print none. */
function readEnd(cursor: Cursor): number {
  return cursor.match(DASH_0X) ? cursor.hex() : -1;
}

function endFits(iova: number, size: number, end: number): boolean {
  return end < 0 || iova + size === end || iova + size - TWO_64 === end;
}

/** `IOMMU: iova=0x… - 0x… paddr=0x… size=4096`. */
function readMap(cursor: Cursor, event: TraceEvent): string {
  if (!cursor.match(IOVA)) return MALFORMED;
  const iova = cursor.hex();
  const end = readEnd(cursor);
  if (!cursor.match(PADDR)) return MALFORMED;
  event.pa = cursor.hex();
  if (!cursor.match(SIZE)) return MALFORMED;
  const size = cursor.size();
  event.iova = iova;
  event.size = size;
  if (Number.isNaN(iova + end + event.pa + size)) return MALFORMED;
  return endFits(iova, size, end) ? '' : END_DIFFERS;
}

/** `IOMMU: iova=0x… - 0x… size=4096 unmapped_size=4096`. */
function readUnmap(cursor: Cursor, event: TraceEvent): string {
  if (!cursor.match(IOVA)) return MALFORMED;
  const iova = cursor.hex();
  const end = readEnd(cursor);
  if (!cursor.match(SIZE)) return MALFORMED;
  const size = cursor.size();
  if (!cursor.match(UNMAPPED)) return MALFORMED;
  event.iova = iova;
  event.size = size;
  event.unmapped = cursor.size();
  if (Number.isNaN(iova + end + size + event.unmapped)) return MALFORMED;
  return endFits(iova, size, end) ? '' : END_DIFFERS;
}

function readMark(cursor: Cursor, event: TraceEvent): string {
  cursor.match(MARK_PREFIX);
  event.text = cursor.text(cursor.at, cursor.end).trimEnd();
  return '';
}

/** Keys of dma events, told apart by length × 256 + first letter. */
const KEY = {
  DIR: 0x364,
  DMA_ADDR: 0x864,
  SIZE: 0x473,
  PHYS_ADDR: 0x970,
  DMA_ADDRS: 0x964,
  SIZES: 0x573,
  PHYS_ADDRS: 0xa70,
} as const;

/** One `key=value` of a dma event; a value that cannot be read becomes NaN. Other keys are passed over. */
function readDmaField(cursor: Cursor, key: number, event: TraceEvent): void {
  const { list } = event;
  if (key === KEY.DIR) event.direction = readDirection(cursor);
  else if (key === KEY.DMA_ADDR) event.iova = hexField(cursor);
  else if (key === KEY.SIZE) event.size = cursor.size();
  else if (key === KEY.PHYS_ADDR) event.pa = hexField(cursor);
  else if (key === KEY.DMA_ADDRS) list.count = readArray(cursor, list, 'dma');
  else if (key === KEY.PHYS_ADDRS) list.physicalCount = readArray(cursor, list, 'physical');
}

function hexField(cursor: Cursor): number {
  if (cursor.peek() === 0x30 && cursor.at + 1 < cursor.end && cursor.bytes[cursor.at + 1] === 0x78) cursor.at += 2;
  return cursor.hex();
}

function readDirection(cursor: Cursor): number {
  const length = cursor.find(SPACE) - cursor.at;
  for (let direction = 0; direction < DIRECTION_NAMES.length; direction++) {
    const name = DIRECTION_NAMES[direction] as Uint8Array;
    if (name.length === length && cursor.match(name)) return direction;
  }
  return Number.NaN;
}

/** `{0x1000,0x2000}` into one of the list's arrays. @returns how many, or NaN. */
function readArray(cursor: Cursor, list: EventList, which: 'dma' | 'lengths' | 'physical'): number {
  if (cursor.peek() !== BRACE_OPEN) return Number.NaN;
  cursor.at++;
  let count = 0;
  let array = list[which];
  while (cursor.peek() !== BRACE_CLOSE) {
    const value = hexField(cursor);
    if (Number.isNaN(value) || count >= MAX_ELEMENTS) return Number.NaN;
    if (count === array.length) {
      array = withRoom(array, count + 1);
      list[which] = array;
    }
    array[count++] = value;
    if (cursor.peek() === COMMA) cursor.at++;
    else if (cursor.peek() !== BRACE_CLOSE) return Number.NaN;
  }
  cursor.at++;
  return count;
}
