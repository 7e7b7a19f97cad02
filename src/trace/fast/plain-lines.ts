/**
 * The common lines (map, unmap, dma map and unmap of one run) from their first byte to their newline, into columns of events: the
 * plain twin of kernels/trace. A line that is in any way unusual is left to the general reader.
 * @module
 */
import { NUMBERS, WORDS } from '../columns.ts';
import { HEX_PAIR, HEX_VALUE } from '../digits.ts';
import { CONTEXT, type Context, KIND, type Kind } from '../events.ts';
import { ENTRY, LEFT_AT, type LineKernel, NUMBERS_AT, WORDS_AT } from './layout.ts';
import { type Literal, literal } from './literal.ts';
import { Remembered } from './remembered.ts';

const TWO_32 = 4294967296;
const TWO_64 = 2 ** 64;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
const SPACE = 0x20;
const DOT = 0x2e;
const COLON = 0x3a;
/** More digits than this are left to the general reader: a number might not hold them. */
const MOST_DIGITS = 15;
const CONTEXT_SHIFT = 8;
const KIND_BITS = 0xff;
const NOT_USED = 0;
const NOT_HERE = -1;

const SYSTEM = literal('iommu:');
const MAP = literal('map: ');
const UNMAP = literal('unmap: ');
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

/** Reads common lines where WebAssembly or its SIMD is missing, and in tests. */
export class PlainLines implements LineKernel {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #numbers: Float64Array;
  readonly #words: Int32Array;
  readonly #left: Int32Array;
  readonly #remembered: Remembered;
  #at = 0;
  #end = 0;
  /** Where the event's numbers and words go, in their columns. */
  #number = 0;
  #word = 0;

  /** The memory is laid out as ./layout.ts says. */
  constructor(memory: ArrayBuffer) {
    this.#bytes = new Uint8Array(memory);
    this.#view = new DataView(memory);
    this.#numbers = new Float64Array(memory, NUMBERS_AT);
    this.#words = new Int32Array(memory, WORDS_AT);
    this.#left = new Int32Array(memory, LEFT_AT, 3);
    this.#remembered = new Remembered(memory);
  }

  readLines(at: number, end: number, limit: number): number {
    let count = 0;
    let passed = 0;
    this.#end = end;
    while (count < limit) {
      this.#at = at;
      this.#number = count * NUMBERS;
      this.#word = count * WORDS;
      if (!this.#line()) break;
      at = this.#at;
      if (((this.#words[this.#word] as number) & KIND_BITS) === NOT_USED) passed++;
      else count++;
    }
    this.#left[0] = count;
    this.#left[1] = passed;
    this.#left[2] = this.#remembered.headAt(at) === 0 ? 0 : 1;
    return at;
  }

  /** One line into the columns. False where others must read it; then the columns hold nothing of use. */
  #line(): boolean {
    const head = this.#remembered.headAt(this.#at);
    if (head === 0) return false;
    const view = this.#view;
    this.#at += view.getInt32(head + ENTRY.length, true);
    if (!this.#flags() || !this.#time()) return false;
    const numbers = this.#numbers;
    numbers[this.#number + 5] = 0;
    numbers[this.#number + 6] = view.getFloat64(head + ENTRY.cpu, true);
    numbers[this.#number + 7] = view.getFloat64(head + ENTRY.pid, true);
    this.#words[this.#word + 1] = view.getInt32(head + ENTRY.task, true);
    return this.#body();
  }

  /** Spaces, and flags of three to eight characters where no digit stands. */
  #flags(): boolean {
    const bytes = this.#bytes;
    if (bytes[this.#at] !== SPACE) return false;
    this.#spaces();
    const from = this.#at;
    this.#words[this.#word] = CONTEXT.UNKNOWN << CONTEXT_SHIFT;
    if ((HEX_VALUE[bytes[from] as number] as number) <= 9) return true;
    let at = from;
    while ((bytes[at] as number) > SPACE && at < from + 9) at++;
    if (at < from + 3 || at > from + 8 || bytes[at] !== SPACE) return false;
    this.#words[this.#word] = contextOf(bytes[from + 2] as number) << CONTEXT_SHIFT;
    this.#at = at;
    this.#spaces();
    return true;
  }

  /** Seconds, a point, six or nine decimals, a colon and spaces. */
  #time(): boolean {
    const bytes = this.#bytes;
    const seconds = this.#decimal();
    if (seconds < 0 || bytes[this.#at] !== DOT) return false;
    const from = ++this.#at;
    const fraction = this.#decimal();
    const at = this.#at;
    const places = at - from;
    if (fraction < 0 || (places !== 6 && places !== 9)) return false;
    if (bytes[at] !== COLON || bytes[at + 1] !== SPACE) return false;
    this.#numbers[this.#number] = seconds * 1e9 + fraction * (places === 6 ? 1000 : 1);
    this.#at = at + 2;
    this.#spaces();
    return true;
  }

  /** Name and body; the kind is left 0 where the event is not used. */
  #body(): boolean {
    const words = this.#words;
    words[this.#word + 2] = -1;
    words[this.#word + 3] = -1;
    const from = this.#at;
    this.#match(SYSTEM);
    if (this.#match(MAP)) return this.#known(KIND.MAP) && this.#map();
    if (this.#match(UNMAP)) return this.#known(KIND.UNMAP) && this.#unmap();
    this.#at = from;
    const start = this.#remembered.startAt(from);
    return start !== 0 ? this.#dma(start) : this.#unused();
  }

  #known(kind: Kind): boolean {
    this.#words[this.#word] = (this.#words[this.#word] as number) | kind;
    this.#spaces();
    return true;
  }

  /** `IOMMU: iova=0x… - 0x… paddr=0x… size=4096`. */
  #map(): boolean {
    const at = this.#at;
    const view = this.#view;
    if (!this.#match(MAPPED)) return false;
    const iova = hex16(view, at + IOVA_AT);
    const end = hex16(view, at + END_AT);
    const pa = hex16(view, at + PA_AT);
    const size = this.#decimal();
    if (size < 0 || !endFits(iova, size, end) || Number.isNaN(pa)) return false;
    this.#setRange(iova, pa, size, 0);
    return this.#newline();
  }

  /** `IOMMU: iova=0x… - 0x… size=4096 unmapped_size=4096`. */
  #unmap(): boolean {
    const at = this.#at;
    const view = this.#view;
    if (!this.#match(UNMAPPED)) return false;
    const iova = hex16(view, at + IOVA_AT);
    const end = hex16(view, at + END_AT);
    const size = this.#decimal();
    if (size < 0 || !this.#match(UNMAPPED_SIZE)) return false;
    const unmapped = this.#decimal();
    if (unmapped < 0 || !endFits(iova, size, end)) return false;
    this.#setRange(iova, 0, size, unmapped);
    return this.#newline();
  }

  /** `dma_map_page: … dir=… dma_addr=… size=… [phys_addr=…] attrs=…`, the part up to the address known by `start`. */
  #dma(start: number): boolean {
    const view = this.#view;
    this.#at += view.getInt32(start + ENTRY.length, true);
    const kind = view.getInt32(start + ENTRY.kind, true);
    const iova = this.#hex();
    if (!this.#match(SIZE)) return false;
    const size = this.#decimal();
    let pa = 0;
    if (kind === KIND.DMA_MAP) pa = this.#match(PHYS_ADDR) ? this.#hex() : Number.NaN;
    if (size < 0 || Number.isNaN(iova + pa)) return false;
    const words = this.#words;
    words[this.#word] = (words[this.#word] as number) | kind;
    words[this.#word + 2] = view.getInt32(start + ENTRY.device, true);
    words[this.#word + 3] = view.getInt32(start + ENTRY.direction, true);
    this.#setRange(iova, pa, size, 0);
    return this.#match(ATTRS) && this.#attributes();
  }

  /** Flags without spaces up to the newline: nothing that could be another field. */
  #attributes(): boolean {
    const bytes = this.#bytes;
    let at = this.#at;
    while ((bytes[at] as number) > SPACE) at++;
    this.#at = at;
    return this.#newline();
  }

  /** The rest of a line whose event is not used, before the end. */
  #unused(): boolean {
    const name = this.#remembered.nameAt(this.#at);
    if (name === 0) return false;
    const newline = this.#bytes.indexOf(NEWLINE, this.#at);
    if (newline < 0 || newline >= this.#end) return false;
    const view = this.#view;
    view.setInt32(name + ENTRY.lines, view.getInt32(name + ENTRY.lines, true) + 1, true);
    this.#at = newline + 1;
    return true;
  }

  #setRange(iova: number, pa: number, size: number, unmapped: number): void {
    const numbers = this.#numbers;
    const at = this.#number;
    numbers[at + 1] = iova;
    numbers[at + 2] = pa;
    numbers[at + 3] = size;
    numbers[at + 4] = unmapped;
  }

  /** Steps over the newline that must stand here, a carriage return before it or not. */
  #newline(): boolean {
    if (this.#bytes[this.#at] === RETURN) this.#at++;
    return this.#bytes[this.#at++] === NEWLINE;
  }

  #match(text: Literal): boolean {
    const at = this.#at;
    if (!text.stands(this.#view, at)) return false;
    this.#at = at + text.length;
    return true;
  }

  #spaces(): void {
    const bytes = this.#bytes;
    let at = this.#at;
    while (bytes[at] === SPACE) at++;
    this.#at = at;
  }

  /** One to fifteen decimal digits; −1 otherwise. */
  #decimal(): number {
    const bytes = this.#bytes;
    const from = this.#at;
    const limit = from + MOST_DIGITS + 1;
    let at = from;
    let value = 0;
    let digit = HEX_VALUE[bytes[at] as number] as number;
    while (digit <= 9 && at < limit) {
      value = value * 10 + digit;
      digit = HEX_VALUE[bytes[++at] as number] as number;
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

/** By the third character of the flags. */
function contextOf(flag: number): Context {
  if (flag === DOT) return CONTEXT.TASK;
  if (flag === 0x73) return CONTEXT.SOFT_IRQ;
  return flag === 0x68 || flag === 0x48 || flag === 0x7a || flag === 0x5a ? CONTEXT.HARD_IRQ : CONTEXT.UNKNOWN;
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
