/**
 * The common lines (map, unmap, dma map and unmap of a page) in one pass from their first byte to their newline. A line
 * that is in any way unusual is left to the general reader; the tests hold the two against each other.
 * @module
 */
import { DECIMAL_PAIR, HEX_PAIR, HEX_VALUE } from './digits.ts';
import { CONTEXT, type Context, clearBody, KIND, type Kind, type TraceEvent } from './events.ts';
import { LineHeads, LineStarts, LONGEST } from './line-memory.ts';
import { type Literal, literal } from './literal.ts';

/** No line that is read here is longer; nearer to the end of a chunk the general reader takes over. */
const ROOM = 512;
const NOT_HERE = -1;
const TWO_32 = 4294967296;
const TWO_64 = 2 ** 64;
const NEWLINE = 0x0a;
const SPACE = 0x20;
const DOT = 0x2e;
const COLON = 0x3a;

const MAP = literal('map: ');
const UNMAP = literal('unmap: ');
/** After the head: flags and time, and the start of a dma body up to its address. */
const DMA_START = /^[^:]*: (dma_(?:un)?map_(?:page|phys): +[^ ]+ dir=[A-Z_]+ dma_addr=)/;
const LATIN = new TextDecoder('latin1');
const HEX_16 = '?'.repeat(16);
const MAPPED = literal(`IOMMU: iova=0x${HEX_16} - 0x${HEX_16} paddr=0x${HEX_16} size=`);
const UNMAPPED = literal(`IOMMU: iova=0x${HEX_16} - 0x${HEX_16} size=`);
const UNMAPPED_SIZE = literal(' unmapped_size=');
const SIZE = literal(' size=');
const PHYS_ADDR = literal(' phys_addr=');
const ATTRS = literal(' attrs=');
/** Where numbers stand in {@link MAPPED} and {@link UNMAPPED}. */
const IOVA_AT = 14;
const END_AT = 35;
const PA_AT = 60;

/** Reads common lines into an event. */
export class FastLines {
  readonly #event: TraceEvent;
  readonly #deliver: () => void;
  readonly #heads = new LineHeads();
  readonly #dmaStarts = new LineStarts();
  #bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(this.#bytes.buffer);
  #at = 0;
  /** Whether the head of the line that was tried last is remembered. */
  #knowsHead = false;

  /** `deliver` is called for each event that was read in full. */
  constructor(event: TraceEvent, deliver: () => void) {
    this.#event = event;
    this.#deliver = deliver;
  }

  /**
   * Remembers a line's head (up to the bracket after the processor) and the start of a dma body, as the general reader
   * read them.
   */
  remember(line: Uint8Array, start: number, headEnd: number): void {
    if (headEnd < 0) return;
    if (!this.#knowsHead) this.#heads.add(line.subarray(start, headEnd), this.#event);
    if (this.#event.kind !== KIND.DMA_MAP && this.#event.kind !== KIND.DMA_UNMAP) return;
    const [text = '', known = ''] = DMA_START.exec(LATIN.decode(line.subarray(headEnd, headEnd + ROOM))) ?? [];
    const end = headEnd + text.length;
    this.#dmaStarts.add(line.subarray(end - known.length, end), this.#event);
  }

  /** Reads the line that starts at `start`. @returns where the next line starts, or −1 to leave it to others. */
  read(bytes: Uint8Array, start: number): number {
    if (start + ROOM > bytes.length) return NOT_HERE;
    if (bytes !== this.#bytes) this.#look(bytes);
    const head = this.#heads.find(this.#view, start);
    this.#knowsHead = head !== undefined;
    if (head === undefined) return NOT_HERE;
    this.#at = start + head.bytes.length;
    if (!this.#flags() || !this.#time()) return NOT_HERE;
    const kind = this.#body();
    if (kind < 0 || bytes[this.#at] !== NEWLINE) return NOT_HERE;
    const event = this.#event;
    event.pid = head.pid;
    event.task = head.task;
    event.cpu = head.cpu;
    event.kind = kind as Kind;
    const next = this.#at + 1;
    this.#deliver();
    return next;
  }

  #look(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** ` d.h.. `, four or five characters. */
  #flags(): boolean {
    const bytes = this.#bytes;
    const at = this.#at;
    const end = bytes[at + 6] === SPACE ? at + 6 : at + 5;
    const first = bytes[at + 1] as number;
    if (bytes[at] !== SPACE || bytes[end] !== SPACE || (first >= 0x30 && first <= 0x39)) return false;
    for (let flag = at + 1; flag < end; flag++) if ((bytes[flag] as number) <= SPACE) return false;
    const context = contextOf(bytes[at + 3] as number);
    this.#event.context = context;
    this.#at = end;
    return context !== CONTEXT.UNKNOWN;
  }

  /** Spaces, seconds, a point, six decimals, a colon and a space. */
  #time(): boolean {
    this.#spaces();
    const seconds = this.#number();
    const bytes = this.#bytes;
    const view = this.#view;
    const at = this.#at;
    if (seconds < 0 || bytes[at] !== DOT || bytes[at + 7] !== COLON || bytes[at + 8] !== SPACE) return false;
    const first = DECIMAL_PAIR[view.getUint16(at + 1, true)] as number;
    const second = DECIMAL_PAIR[view.getUint16(at + 3, true)] as number;
    const third = DECIMAL_PAIR[view.getUint16(at + 5, true)] as number;
    if ((first | second | third) < 0) return false;
    this.#event.time = seconds * 1e9 + (first * 10_000 + second * 100 + third) * 1000;
    this.#at = at + 9;
    return true;
  }

  /** @returns the kind, or −1. */
  #body(): number {
    const first = this.#bytes[this.#at];
    if (first === 0x6d) return this.#match(MAP) && this.#map() ? KIND.MAP : NOT_HERE;
    if (first === 0x75) return this.#match(UNMAP) && this.#unmap() ? KIND.UNMAP : NOT_HERE;
    return first === 0x64 ? this.#dma() : NOT_HERE;
  }

  /** `IOMMU: iova=0x… - 0x… paddr=0x… size=4096`. */
  #map(): boolean {
    this.#spaces();
    const at = this.#at;
    const view = this.#view;
    if (!this.#match(MAPPED)) return false;
    const iova = hex16(view, at + IOVA_AT);
    const end = hex16(view, at + END_AT);
    const pa = hex16(view, at + PA_AT);
    const size = this.#number();
    if (size < 0 || !endFits(iova, size, end) || Number.isNaN(pa)) return false;
    clearBody(this.#event);
    this.#event.iova = iova;
    this.#event.pa = pa;
    this.#event.size = size;
    return true;
  }

  /** `IOMMU: iova=0x… - 0x… size=4096 unmapped_size=4096`. */
  #unmap(): boolean {
    this.#spaces();
    const at = this.#at;
    const view = this.#view;
    if (!this.#match(UNMAPPED)) return false;
    const iova = hex16(view, at + IOVA_AT);
    const end = hex16(view, at + END_AT);
    const size = this.#number();
    if (!this.#match(UNMAPPED_SIZE)) return false;
    const unmapped = this.#number();
    if ((size | unmapped) < 0 || !endFits(iova, size, end)) return false;
    clearBody(this.#event);
    this.#event.iova = iova;
    this.#event.size = size;
    this.#event.unmapped = unmapped;
    return true;
  }

  /** `dma_map_page: … dir=… dma_addr=… size=… [phys_addr=…] attrs=…`, whose attributes reach to the newline. */
  #dma(): number {
    const known = this.#dmaStarts.find(this.#view, this.#at);
    if (known === undefined) return NOT_HERE;
    this.#at += known.bytes.length;
    const iova = this.#hex();
    if (!this.#match(SIZE)) return NOT_HERE;
    const size = this.#number();
    let pa = 0;
    if (known.kind === KIND.DMA_MAP) pa = this.#match(PHYS_ADDR) ? this.#hex() : Number.NaN;
    if (size < 0 || Number.isNaN(iova + pa) || !this.#match(ATTRS) || !this.#attributes()) return NOT_HERE;
    const event = this.#event;
    clearBody(event);
    event.device = known.device;
    event.direction = known.direction;
    event.iova = iova;
    event.size = size;
    event.pa = pa;
    return known.kind;
  }

  /** Flags in capitals, `|` and `_` up to the newline: nothing that could be another field. */
  #attributes(): boolean {
    const bytes = this.#bytes;
    let at = this.#at;
    while ((bytes[at] as number) > SPACE) at++;
    this.#at = at;
    return at < bytes.length;
  }

  #match(text: Literal): boolean {
    const at = this.#at;
    if (!text.stands(this.#view, at)) return false;
    this.#at = at + text.length;
    return true;
  }

  #spaces(): void {
    const bytes = this.#bytes;
    const limit = this.#at + LONGEST;
    let at = this.#at;
    while (at < limit && bytes[at] === SPACE) at++;
    this.#at = at;
  }

  /** One to nine decimal digits, no leading 0x; −1 otherwise. */
  #number(): number {
    const bytes = this.#bytes;
    const from = this.#at;
    const limit = from + 10;
    let at = from;
    let value = 0;
    while (at < limit) {
      const digit = (bytes[at] as number) - 0x30;
      if (!(digit >= 0 && digit <= 9)) break;
      value = (Math.imul(value, 10) + digit) | 0;
      at++;
    }
    this.#at = at;
    return at === from || at === limit ? NOT_HERE : value;
  }

  /** One to sixteen hexadecimal digits; NaN otherwise. */
  #hex(): number {
    const from = this.#at;
    let at = from;
    let high = 0;
    let low = 0;
    const view = this.#view;
    let pair = hexPair(view, at);
    while (pair >= 0 && at < from + 16) {
      high = (high << 8) | (low >>> 24);
      low = (low << 8) | pair;
      at += 2;
      pair = hexPair(view, at);
    }
    const last = HEX_VALUE[this.#bytes[at] as number] as number;
    if (last <= 15) {
      high = (high << 4) | (low >>> 28);
      low = (low << 4) | last;
      at++;
    }
    this.#at = at;
    return at === from || at > from + 16 ? Number.NaN : unsigned(high, low);
  }
}

/** By the third character of the flags; UNKNOWN for those that the general reader deals with. */
function contextOf(flag: number): Context {
  if (flag === DOT) return CONTEXT.TASK;
  if (flag === 0x68 || flag === 0x48) return CONTEXT.HARD_IRQ;
  return flag === 0x73 ? CONTEXT.SOFT_IRQ : CONTEXT.UNKNOWN;
}

function unsigned(high: number, low: number): number {
  return (high >>> 0) * TWO_32 + (low >>> 0);
}

function hexPair(view: DataView, at: number): number {
  return HEX_PAIR[view.getUint16(at, true)] as number;
}

/** Eight hexadecimal digits; NaN otherwise. */
function hex8(view: DataView, at: number): number {
  const first = hexPair(view, at);
  const second = hexPair(view, at + 2);
  const third = hexPair(view, at + 4);
  const fourth = hexPair(view, at + 6);
  const value = (first << 24) | (second << 16) | (third << 8) | fourth;
  return (first | second | third | fourth) < 0 ? Number.NaN : value >>> 0;
}

/** Sixteen hexadecimal digits; NaN otherwise. */
function hex16(view: DataView, at: number): number {
  return hex8(view, at) * TWO_32 + hex8(view, at + 8);
}

function endFits(iova: number, size: number, end: number): boolean {
  return iova + size === end || iova + size - TWO_64 === end;
}
