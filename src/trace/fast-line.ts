/**
 * The common lines (map, unmap, dma map and unmap of a page) in one pass from their first byte to their newline. A line
 * that is in any way unusual is left to the general reader; the tests hold the two against each other.
 * @module
 */
import { DECIMAL_PAIR, HEX_PAIR, HEX_VALUE } from './digits.ts';
import { CONTEXT, type Context, clearBody, DIRECTIONS, KIND, type Kind, type TraceEvent } from './events.ts';
import { Literal, literal } from './literal.ts';

/** No line that is read here is longer; nearer to the end of a chunk the general reader takes over. */
const ROOM = 512;
/** Heads and devices are no longer than this, and as many spaces are passed over: all of a line fits the room. */
const LONGEST = 64;
const REMEMBERED = 16;
const NOT_HERE = -1;
const TWO_32 = 4294967296;
const TWO_64 = 2 ** 64;
const NEWLINE = 0x0a;
const SPACE = 0x20;
const DOT = 0x2e;
const COLON = 0x3a;

const MAP = literal('map: ');
const UNMAP = literal('unmap: ');
const DMA_MAP = [literal('dma_map_page: '), literal('dma_map_phys: ')] as const;
const DMA_UNMAP = [literal('dma_unmap_page: '), literal('dma_unmap_phys: ')] as const;
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

/** Bytes met before, with what they mean. */
interface Remembered {
  readonly bytes: Literal;
  readonly pid: number;
  readonly task: number;
  readonly cpu: number;
  readonly device: number;
  readonly direction: number;
}

const NOTHING = { pid: 0, task: 0, cpu: 0, device: -1, direction: -1 };

/** A few stretches of bytes: the one met last is looked at first, the one not met for longest is forgotten. */
class Memory {
  readonly #entries: Remembered[] = [];

  /** The entry whose bytes stand at `at`. */
  find(view: DataView, at: number): Remembered | undefined {
    const entries = this.#entries;
    for (let index = 0; index < entries.length; index++) {
      const entry = entries[index] as Remembered;
      if (!entry.bytes.stands(view, at)) continue;
      if (index > 0) this.#moveToFront(entry, index);
      return entry;
    }
    return undefined;
  }

  /** Whether bytes that mean this device and direction are here. */
  has(device: number, direction: number): boolean {
    return this.#entries.some((entry) => entry.device === device && entry.direction === direction);
  }

  /** Adds bytes that are not yet here and have a length that can be compared. */
  add(bytes: Uint8Array, meaning: Omit<Remembered, 'bytes'>): void {
    if (bytes.length < 4 || bytes.length > LONGEST) return;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (this.find(view, 0) !== undefined) return;
    this.#entries.unshift({ bytes: new Literal(bytes), ...meaning });
    this.#entries.length = Math.min(this.#entries.length, REMEMBERED);
  }

  #moveToFront(entry: Remembered, index: number): void {
    const entries = this.#entries;
    for (let at = index; at > 0; at--) entries[at] = entries[at - 1] as Remembered;
    entries[0] = entry;
  }
}

/** Reads common lines into an event. */
export class FastLines {
  readonly #event: TraceEvent;
  readonly #deliver: (kind: Kind) => void;
  readonly #heads = new Memory();
  readonly #devices = new Memory();
  #bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(this.#bytes.buffer);
  #at = 0;
  /** Negative once a pair of bytes was no hexadecimal digits. */
  #digits = 0;

  /** `deliver` is called for each event that was read in full. */
  constructor(event: TraceEvent, deliver: (kind: Kind) => void) {
    this.#event = event;
    this.#deliver = deliver;
  }

  /** Remembers a line's head (up to the bracket after the processor) and device, as the general reader read them. */
  remember(line: Uint8Array, start: number, headEnd: number, device: string): void {
    const { pid, task, cpu, device: id, direction } = this.#event;
    this.#heads.add(line.subarray(start, headEnd), { ...NOTHING, pid, task, cpu });
    if (direction < 0 || this.#devices.has(id, direction)) return;
    const bytes = new TextEncoder().encode(`${device} dir=${DIRECTIONS[direction]} dma_addr=`);
    this.#devices.add(bytes, { ...NOTHING, device: id, direction });
  }

  /** Reads the line that starts at `start`. @returns where the next line starts, or −1 to leave it to others. */
  read(bytes: Uint8Array, start: number): number {
    if (start + ROOM > bytes.length) return NOT_HERE;
    if (bytes !== this.#bytes) this.#look(bytes);
    const head = this.#heads.find(this.#view, start);
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
    this.#deliver(kind as Kind);
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
    if (first !== 0x64) return NOT_HERE;
    const isMap = this.#match(DMA_MAP[0]) || this.#match(DMA_MAP[1]);
    if (isMap) return this.#dma(true) ? KIND.DMA_MAP : NOT_HERE;
    const isUnmap = this.#match(DMA_UNMAP[0]) || this.#match(DMA_UNMAP[1]);
    return isUnmap && this.#dma(false) ? KIND.DMA_UNMAP : NOT_HERE;
  }

  /** `IOMMU: iova=0x… - 0x… paddr=0x… size=4096`. */
  #map(): boolean {
    this.#spaces();
    const at = this.#at;
    if (!this.#match(MAPPED)) return false;
    this.#digits = 0;
    const iova = unsigned(this.#hex8(at + IOVA_AT), this.#hex8(at + IOVA_AT + 8));
    const end = unsigned(this.#hex8(at + END_AT), this.#hex8(at + END_AT + 8));
    const pa = unsigned(this.#hex8(at + PA_AT), this.#hex8(at + PA_AT + 8));
    const size = this.#number();
    if ((size | this.#digits) < 0 || !endFits(iova, size, end)) return false;
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
    if (!this.#match(UNMAPPED)) return false;
    this.#digits = 0;
    const iova = unsigned(this.#hex8(at + IOVA_AT), this.#hex8(at + IOVA_AT + 8));
    const end = unsigned(this.#hex8(at + END_AT), this.#hex8(at + END_AT + 8));
    const size = this.#number();
    if (!this.#match(UNMAPPED_SIZE)) return false;
    const unmapped = this.#number();
    if ((size | unmapped | this.#digits) < 0 || !endFits(iova, size, end)) return false;
    clearBody(this.#event);
    this.#event.iova = iova;
    this.#event.size = size;
    this.#event.unmapped = unmapped;
    return true;
  }

  /** ` dir=… dma_addr=… size=… [phys_addr=…] attrs=…`, whose attributes reach to the newline. */
  #dma(isMap: boolean): boolean {
    this.#spaces();
    const known = this.#devices.find(this.#view, this.#at);
    if (known === undefined) return false;
    this.#at += known.bytes.length;
    const iova = this.#hex();
    if (!this.#match(SIZE)) return false;
    const size = this.#number();
    let pa = 0;
    if (isMap) pa = this.#match(PHYS_ADDR) ? this.#hex() : Number.NaN;
    if (size < 0 || Number.isNaN(iova + pa) || !this.#match(ATTRS) || !this.#attributes()) return false;
    const event = this.#event;
    clearBody(event);
    event.device = known.device;
    event.direction = known.direction;
    event.iova = iova;
    event.size = size;
    event.pa = pa;
    return true;
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

  /** Eight hexadecimal digits as a 32-bit integer; other bytes are told by the sign of `#digits`. */
  #hex8(at: number): number {
    const view = this.#view;
    const first = HEX_PAIR[view.getUint16(at, true)] as number;
    const second = HEX_PAIR[view.getUint16(at + 2, true)] as number;
    const third = HEX_PAIR[view.getUint16(at + 4, true)] as number;
    const fourth = HEX_PAIR[view.getUint16(at + 6, true)] as number;
    this.#digits |= first | second | third | fourth;
    return (first << 24) | (second << 16) | (third << 8) | fourth;
  }

  /** One to sixteen hexadecimal digits; NaN otherwise. */
  #hex(): number {
    const bytes = this.#bytes;
    const from = this.#at;
    const limit = from + 17;
    let at = from;
    let high = 0;
    let low = 0;
    while (at < limit) {
      const digit = HEX_VALUE[bytes[at] as number] as number;
      if (!(digit <= 15)) break;
      high = (high << 4) | (low >>> 28);
      low = (low << 4) | digit;
      at++;
    }
    this.#at = at;
    return at === from || at === limit ? Number.NaN : unsigned(high, low);
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

function endFits(iova: number, size: number, end: number): boolean {
  return iova + size === end || iova + size - TWO_64 === end;
}
