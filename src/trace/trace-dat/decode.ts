/**
 * Records to events, by the formats that the file carries: each format is compiled once into the few field reads that
 * its kind of event needs.
 * @module
 */
import { InputError } from '../../errors.ts';
import { withRoom } from '../arrays.ts';
import { CONTEXT, clearBody, EVENT_KINDS, KIND, type Kind, type TraceEvent, type TraceNames } from '../events.ts';
import type { EventFormat, Field } from './formats.ts';
import { SOURCE } from './source.ts';

/** `enum trace_flag_type`: TRACE_FLAG_HARDIRQ, _SOFTIRQ, _NMI. */
const FLAG = { HARD_IRQ: 0x08, SOFT_IRQ: 0x10, NMI: 0x40 } as const;
/** Every record begins with these (`common_type`, `common_flags`, `common_preempt_count`, `common_pid`). */
const COMMON = { TYPE: 0, FLAGS: 2, PID: 4, SIZE: 8 } as const;
const TWO_32 = 4294967296;
const DECODER = new TextDecoder('utf-8', { fatal: false });

/** Where the fields of one format lie; undefined where it has none. */
interface Layout {
  readonly kind: Kind;
  readonly iova: Field | undefined;
  readonly pa: Field | undefined;
  readonly size: Field | undefined;
  readonly unmapped: Field | undefined;
  readonly value: Field | undefined;
  readonly device: Field | undefined;
  readonly direction: Field | undefined;
  readonly dma: Field | undefined;
  readonly lengths: Field | undefined;
  readonly physical: Field | undefined;
  readonly truncated: Field | undefined;
  readonly text: Field | undefined;
  /** Bytes that every record of this format has. */
  readonly minimum: number;
}

const WIDTHS: readonly number[] = [1, 2, 4, 8];
/** A location word is 32 bits wide; records are shorter than a page of the ring buffer. */
const LOCATION = 4;
const LONGEST_RECORD = 1 << 20;

/** Checks that a field which is read can be read: a number, or a location of an array of numbers. */
function checkField(event: string, field: Field): void {
  const width = field.placement === 'plain' ? WIDTHS.includes(field.size) : field.size === LOCATION;
  const lies = field.offset + field.size <= LONGEST_RECORD;
  if (lies && width && WIDTHS.includes(field.element)) return;
  const { name, offset, size, element } = field;
  const got = `${size} bytes at ${offset} with elements of ${element}`;
  throw new InputError('MALFORMED', SOURCE, `format of ${event}: field ${name}: expected 1, 2, 4 or 8, got ${got}`, {
    size,
    offset,
  });
}

function layoutOf(kind: Kind, { fields, name: event }: EventFormat): Layout {
  const first = (...names: readonly string[]): Field | undefined => {
    const field = names.map((name) => fields.get(name)).find((one) => one !== undefined);
    if (field !== undefined && field.name !== 'buf') checkField(event, field);
    return field;
  };
  const plain = [...fields.values()].map(({ offset, size }) => offset + size);
  return {
    kind,
    iova: first('iova', 'dma_addr', 'addr'),
    pa: first('paddr', 'phys_addr'),
    size: first('size'),
    unmapped: first('unmapped_size'),
    value: kind === KIND.FAULT ? first('flags') : first('gid'),
    device: first('device'),
    direction: first('dir'),
    dma: first('dma_addrs'),
    lengths: first('lengths'),
    physical: kind === KIND.DMA_UNMAP_SG ? first('addrs', 'phys_addrs') : first('phys_addrs'),
    truncated: first('truncated'),
    text: kind === KIND.FAULT ? first('driver') : first('buf'),
    minimum: Math.max(COMMON.SIZE, ...plain),
  };
}

const UNUSED = 'event not used: ';

/** True if {@link RecordDecoder.read} left a record because its event is not used. */
export function isUnused(problem: string): boolean {
  return problem.startsWith(UNUSED);
}

/** True for the systems whose events are read: names such as `map` mean other things elsewhere. */
function isRead({ system, name }: EventFormat): boolean {
  if (name === 'print') return system === 'ftrace';
  return system === 'iommu' || system === 'dma';
}

/** Decodes records of one file. */
export class RecordDecoder {
  readonly #layouts = new Map<number, Layout>();
  readonly #formatNames = new Map<number, string>();
  readonly #names: TraceNames;
  readonly #little: boolean;
  #view: DataView = new DataView(new ArrayBuffer(0));
  #bytes: Uint8Array = new Uint8Array(0);
  #start = 0;
  #end = 0;
  #ok = true;

  constructor(formats: readonly EventFormat[], names: TraceNames, little: boolean) {
    this.#names = names;
    this.#little = little;
    for (const format of formats) {
      const kind = isRead(format) ? EVENT_KINDS.get(format.name) : undefined;
      this.#formatNames.set(format.id, format.name);
      if (kind !== undefined) this.#layouts.set(format.id, layoutOf(kind, format));
    }
  }

  /** Sets the bytes that records lie in. */
  open(view: DataView): void {
    this.#view = view;
    this.#bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  }

  /** Reads a record. @returns '' or why it is not an event that can be delivered. */
  read(start: number, length: number, event: TraceEvent): string {
    if (length < COMMON.SIZE) return 'record too short';
    const type = this.#view.getUint16(start + COMMON.TYPE, this.#little);
    const layout = this.#layouts.get(type);
    if (layout === undefined) {
      const name = this.#formatNames.get(type);
      return name === undefined ? 'record of an event without a format' : `${UNUSED}${name}`;
    }
    if (length < layout.minimum) return 'record shorter than its format';
    this.#start = start;
    this.#end = start + length;
    this.#ok = true;
    clearBody(event);
    event.kind = layout.kind;
    event.pid = this.#view.getInt32(start + COMMON.PID, this.#little);
    event.context = contextOf(this.#view.getUint8(start + COMMON.FLAGS));
    this.#numbers(layout, event);
    if (layout.dma !== undefined || layout.physical !== undefined) this.#lists(layout, event);
    if (layout.text !== undefined) event.text = this.#text(layout.text);
    return this.#ok ? '' : 'array of a record goes beyond it';
  }

  #numbers(layout: Layout, event: TraceEvent): void {
    if (layout.iova !== undefined) event.iova = this.#number(layout.iova);
    if (layout.pa !== undefined) event.pa = this.#number(layout.pa);
    if (layout.size !== undefined) event.size = this.#number(layout.size);
    if (layout.unmapped !== undefined) event.unmapped = this.#number(layout.unmapped);
    if (layout.value !== undefined) event.value = this.#number(layout.value);
    if (layout.device !== undefined) event.device = this.#name(layout.device);
    if (layout.direction !== undefined) event.direction = this.#number(layout.direction);
  }

  #lists(layout: Layout, event: TraceEvent): void {
    const { list } = event;
    if (layout.dma !== undefined) {
      list.count = this.#elements(layout.dma);
      list.dma = this.#array(layout.dma, list.dma);
    }
    if (layout.lengths !== undefined) {
      if (this.#elements(layout.lengths) !== list.count) this.#ok = false;
      list.lengths = this.#array(layout.lengths, list.lengths);
    }
    if (layout.physical !== undefined) {
      list.physicalCount = this.#elements(layout.physical);
      list.physical = this.#array(layout.physical, list.physical);
    }
    if (layout.truncated !== undefined) list.truncated = this.#number(layout.truncated) !== 0;
  }

  #number(field: Field): number {
    return this.#value(this.#start + field.offset, field.size, field.signed);
  }

  #value(at: number, size: number, signed: boolean): number {
    const view = this.#view;
    const little = this.#little;
    if (size === 8) {
      const first = view.getUint32(at, little);
      const second = view.getUint32(at + 4, little);
      return little ? second * TWO_32 + first : first * TWO_32 + second;
    }
    if (size === 4) return signed ? view.getInt32(at, little) : view.getUint32(at, little);
    return size === 2 ? view.getUint16(at, little) : view.getUint8(at);
  }

  /** Where the bytes of an array begin (as `offset`) and how many there are; 0 bytes if they lie outside the record. */
  #locate(field: Field): { from: number; bytes: number } {
    const word = this.#view.getUint32(this.#start + field.offset, this.#little);
    const base = field.placement === 'rel_loc' ? field.offset + field.size : 0;
    const from = this.#start + base + (word & 0xffff);
    const bytes = word >>> 16;
    if (from + bytes <= this.#end) return { from, bytes };
    this.#ok = false;
    return { from: this.#start, bytes: 0 };
  }

  #elements(field: Field): number {
    return Math.floor(this.#locate(field).bytes / field.element);
  }

  #array(field: Field, into: Float64Array): Float64Array {
    const { from, bytes } = this.#locate(field);
    const count = Math.floor(bytes / field.element);
    const array = withRoom(into, count);
    for (let index = 0; index < count; index++) {
      array[index] = this.#value(from + index * field.element, field.element, false);
    }
    return array;
  }

  #name(field: Field): number {
    const { from, bytes } = this.#locate(field);
    let end = from;
    while (end < from + bytes && this.#bytes[end] !== 0) end++;
    return this.#names.devices.id(this.#bytes, from, end);
  }

  /** Text of a location, or of a field without size, which reaches to the record's end; up to a NUL. */
  #text(field: Field): string {
    const plain = { from: this.#start + field.offset, bytes: this.#end - this.#start - field.offset };
    const { from, bytes } = field.placement === 'plain' ? plain : this.#locate(field);
    const nul = this.#bytes.subarray(from, from + bytes).indexOf(0);
    return DECODER.decode(this.#bytes.subarray(from, nul < 0 ? from + bytes : from + nul)).trimEnd();
  }
}

function contextOf(flags: number): TraceEvent['context'] {
  if ((flags & (FLAG.HARD_IRQ | FLAG.NMI)) !== 0) return CONTEXT.HARD_IRQ;
  return (flags & FLAG.SOFT_IRQ) !== 0 ? CONTEXT.SOFT_IRQ : CONTEXT.TASK;
}
