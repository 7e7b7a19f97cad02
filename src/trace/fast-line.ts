/**
 * The common lines (map, unmap, dma map and unmap of a page) in one pass from their first byte to their newline. A line
 * that is in any way unusual is left to the general reader; the tests hold the two against each other.
 * @module
 */
import { ascii } from './cursor.ts';
import { CONTEXT, clearBody, DIRECTIONS, KIND, type Kind, type TraceEvent } from './events.ts';
import { HEX_VALUE } from './hex-value.ts';

/** No line that is read here is longer; nearer to the end of a chunk the general reader takes over. */
const ROOM = 512;
const REMEMBERED = 4;
const NOT_HERE = -1;
const TWO_32 = 4294967296;
const TWO_64 = 2 ** 64;
const NEWLINE = 0x0a;
const SPACE = 0x20;
const DOT = 0x2e;

const MAP = ascii('map: ');
const UNMAP = ascii('unmap: ');
const DMA_MAP = [ascii('dma_map_page: '), ascii('dma_map_phys: ')] as const;
const DMA_UNMAP = [ascii('dma_unmap_page: '), ascii('dma_unmap_phys: ')] as const;
const IOVA = ascii('IOMMU: iova=0x');
const TO = ascii(' - 0x');
const PADDR = ascii(' paddr=0x');
const SIZE = ascii(' size=');
const UNMAPPED = ascii(' unmapped_size=');
const DIR = ascii(' dir=');
const DMA_ADDR = ascii(' dma_addr=');
const PHYS_ADDR = ascii(' phys_addr=');
const ATTRS = ascii(' attrs=');
const DIRECTION_BYTES = DIRECTIONS.map(ascii);

/** Bytes met before, with what they mean. */
interface Remembered {
  readonly bytes: Uint8Array;
  readonly pid: number;
  readonly task: number;
  readonly cpu: number;
  readonly device: number;
}

/** A few stretches of bytes, the oldest forgotten first. */
class Memory {
  readonly #entries: Remembered[] = [];
  #next = 0;

  /** The entry whose bytes stand at `at`. Compared from the end, where they differ. */
  find(bytes: Uint8Array, at: number): Remembered | undefined {
    const entries = this.#entries;
    for (let index = 0; index < entries.length; index++) {
      const entry = entries[index] as Remembered;
      const known = entry.bytes;
      let left = known.length - 1;
      while (left >= 0 && known[left] === bytes[at + left]) left--;
      if (left < 0) return entry;
    }
    return undefined;
  }

  add(entry: Remembered): void {
    this.#entries[this.#next] = entry;
    this.#next = (this.#next + 1) % REMEMBERED;
  }
}

/** Reads common lines into an event. */
export class FastLines {
  readonly #event: TraceEvent;
  readonly #deliver: (kind: Kind) => void;
  readonly #heads = new Memory();
  readonly #devices = new Memory();
  #at = 0;

  /** `deliver` is called for each event that was read in full. */
  constructor(event: TraceEvent, deliver: (kind: Kind) => void) {
    this.#event = event;
    this.#deliver = deliver;
  }

  /** Remembers a line's head (up to the bracket after the processor) and device, as the general reader read them. */
  remember(line: Uint8Array, start: number, headEnd: number, device: Uint8Array | undefined): void {
    const { pid, task, cpu, device: id } = this.#event;
    if (headEnd > start && headEnd - start <= 64 && this.#heads.find(line, start) === undefined) {
      this.#heads.add({ bytes: line.slice(start, headEnd), pid, task, cpu, device: -1 });
    }
    if (device !== undefined && device.length <= 64 && this.#devices.find(device, 0) === undefined) {
      this.#devices.add({ bytes: device, pid: 0, task: 0, cpu: 0, device: id });
    }
  }

  /** Reads the line that starts at `start`. @returns where the next line starts, or −1 to leave it to others. */
  read(bytes: Uint8Array, start: number): number {
    if (start + ROOM > bytes.length) return NOT_HERE;
    const head = this.#heads.find(bytes, start);
    if (head === undefined) return NOT_HERE;
    this.#at = start + head.bytes.length;
    if (!this.#flags(bytes) || !this.#time(bytes)) return NOT_HERE;
    const event = this.#event;
    event.pid = head.pid;
    event.task = head.task;
    event.cpu = head.cpu;
    const kind = this.#body(bytes);
    if (kind < 0 || bytes[this.#at] !== NEWLINE) return NOT_HERE;
    event.kind = kind as Kind;
    const next = this.#at + 1;
    this.#deliver(kind as Kind);
    return next;
  }

  /** ` d.h.. `, four or five characters. */
  #flags(bytes: Uint8Array): boolean {
    const at = this.#at;
    const end = bytes[at + 6] === SPACE ? at + 6 : at + 5;
    const first = bytes[at + 1] as number;
    if (bytes[at] !== SPACE || bytes[end] !== SPACE) return false;
    for (let flag = at + 1; flag < end; flag++) if ((bytes[flag] as number) <= SPACE) return false;
    if (first >= 0x30 && first <= 0x39) return false;
    const flag = bytes[at + 3];
    if (flag === DOT) this.#event.context = CONTEXT.TASK;
    else if (flag === 0x68 || flag === 0x48) this.#event.context = CONTEXT.HARD_IRQ;
    else if (flag === 0x73) this.#event.context = CONTEXT.SOFT_IRQ;
    else return false;
    this.#at = end;
    return true;
  }

  /** Spaces, seconds, a point, six decimals, a colon and a space. */
  #time(bytes: Uint8Array): boolean {
    this.#spaces(bytes);
    const from = this.#at;
    const seconds = this.#decimal(bytes);
    if (this.#at === from || this.#at - from > 9 || bytes[this.#at] !== DOT) return false;
    const point = ++this.#at;
    const micro = this.#decimal(bytes);
    const at = this.#at;
    if (at - point !== 6 || bytes[at] !== 0x3a || bytes[at + 1] !== SPACE) return false;
    this.#event.time = seconds * 1e9 + micro * 1000;
    this.#at = at + 2;
    return true;
  }

  /** @returns the kind, or −1. */
  #body(bytes: Uint8Array): number {
    const first = bytes[this.#at];
    if (first === 0x6d) return this.#match(bytes, MAP) && this.#map(bytes) ? KIND.MAP : NOT_HERE;
    if (first === 0x75) return this.#match(bytes, UNMAP) && this.#unmap(bytes) ? KIND.UNMAP : NOT_HERE;
    if (first !== 0x64) return NOT_HERE;
    const isMap = this.#match(bytes, DMA_MAP[0]) || this.#match(bytes, DMA_MAP[1]);
    if (isMap) return this.#dma(bytes, true) ? KIND.DMA_MAP : NOT_HERE;
    const isUnmap = this.#match(bytes, DMA_UNMAP[0]) || this.#match(bytes, DMA_UNMAP[1]);
    return isUnmap && this.#dma(bytes, false) ? KIND.DMA_UNMAP : NOT_HERE;
  }

  #map(bytes: Uint8Array): boolean {
    this.#spaces(bytes);
    if (!this.#match(bytes, IOVA)) return false;
    const iova = this.#hex16(bytes);
    if (!this.#match(bytes, TO)) return false;
    const end = this.#hex16(bytes);
    if (!this.#match(bytes, PADDR)) return false;
    const pa = this.#hex16(bytes);
    if (!this.#match(bytes, SIZE)) return false;
    const size = this.#size(bytes);
    if (!(iova + size === end || iova + size - TWO_64 === end) || !(pa >= 0)) return false;
    clearBody(this.#event);
    this.#event.iova = iova;
    this.#event.pa = pa;
    this.#event.size = size;
    return true;
  }

  #unmap(bytes: Uint8Array): boolean {
    this.#spaces(bytes);
    if (!this.#match(bytes, IOVA)) return false;
    const iova = this.#hex16(bytes);
    if (!this.#match(bytes, TO)) return false;
    const end = this.#hex16(bytes);
    if (!this.#match(bytes, SIZE)) return false;
    const size = this.#size(bytes);
    if (!this.#match(bytes, UNMAPPED)) return false;
    const unmapped = this.#size(bytes);
    if (!(iova + size === end || iova + size - TWO_64 === end) || !(unmapped >= 0)) return false;
    clearBody(this.#event);
    this.#event.iova = iova;
    this.#event.size = size;
    this.#event.unmapped = unmapped;
    return true;
  }

  /** ` dir=… dma_addr=… size=… [phys_addr=…] attrs=…`, whose attributes reach to the newline. */
  #dma(bytes: Uint8Array, isMap: boolean): boolean {
    this.#spaces(bytes);
    const device = this.#devices.find(bytes, this.#at);
    if (device === undefined) return false;
    this.#at += device.bytes.length;
    const direction = this.#match(bytes, DIR) ? this.#direction(bytes) : NOT_HERE;
    if (direction < 0 || !this.#match(bytes, DMA_ADDR)) return false;
    const iova = this.#hex(bytes);
    if (!this.#match(bytes, SIZE)) return false;
    const size = this.#size(bytes);
    let pa = 0;
    if (isMap) pa = this.#match(bytes, PHYS_ADDR) ? this.#hex(bytes) : Number.NaN;
    if (Number.isNaN(iova + size + pa) || !this.#match(bytes, ATTRS) || !this.#attributes(bytes)) return false;
    const event = this.#event;
    clearBody(event);
    event.device = device.device;
    event.direction = direction;
    event.iova = iova;
    event.size = size;
    event.pa = pa;
    return true;
  }

  #direction(bytes: Uint8Array): number {
    for (let direction = 0; direction < DIRECTION_BYTES.length; direction++) {
      if (this.#match(bytes, DIRECTION_BYTES[direction] as Uint8Array)) return direction;
    }
    return NOT_HERE;
  }

  /** Flags in capitals, `|` and `_` up to the newline: nothing that could be another field. */
  #attributes(bytes: Uint8Array): boolean {
    const limit = bytes.length;
    let at = this.#at;
    while (at < limit && (bytes[at] as number) > SPACE) at++;
    this.#at = at;
    return at < limit;
  }

  #match(bytes: Uint8Array, literal: Uint8Array): boolean {
    const at = this.#at;
    const { length } = literal;
    for (let index = 0; index < length; index++) if (bytes[at + index] !== literal[index]) return false;
    this.#at = at + length;
    return true;
  }

  #spaces(bytes: Uint8Array): void {
    let at = this.#at;
    while (bytes[at] === SPACE) at++;
    this.#at = at;
  }

  /** Decimal digits as a 32-bit integer; more than nine are not for here, and the caller sees how many there were. */
  #decimal(bytes: Uint8Array): number {
    let at = this.#at;
    let value = 0;
    for (;;) {
      const digit = (bytes[at] as number) - 0x30;
      if (!(digit >= 0 && digit <= 9)) break;
      value = (Math.imul(value, 10) + digit) | 0;
      at++;
    }
    this.#at = at;
    return value;
  }

  /** One to nine decimal digits, no leading 0x; NaN otherwise. */
  #size(bytes: Uint8Array): number {
    const from = this.#at;
    const value = this.#decimal(bytes);
    const digits = this.#at - from;
    return digits >= 1 && digits <= 9 ? value : Number.NaN;
  }

  /** Sixteen hexadecimal digits; NaN if they are not. */
  #hex16(bytes: Uint8Array): number {
    const at = this.#at;
    let high = 0;
    let low = 0;
    let all = 0;
    for (let index = at; index < at + 8; index++) {
      const digit = HEX_VALUE[bytes[index] as number] as number;
      all |= digit;
      high = (high << 4) | digit;
    }
    for (let index = at + 8; index < at + 16; index++) {
      const digit = HEX_VALUE[bytes[index] as number] as number;
      all |= digit;
      low = (low << 4) | digit;
    }
    this.#at = at + 16;
    return all > 15 ? Number.NaN : (high >>> 0) * TWO_32 + (low >>> 0);
  }

  /** One to sixteen hexadecimal digits; NaN otherwise. */
  #hex(bytes: Uint8Array): number {
    const from = this.#at;
    let at = from;
    let high = 0;
    let low = 0;
    for (;;) {
      const digit = HEX_VALUE[bytes[at] as number] as number;
      if (!(digit <= 15)) break;
      high = (high << 4) | (low >>> 28);
      low = (low << 4) | digit;
      at++;
    }
    this.#at = at;
    return at === from || at - from > 16 ? Number.NaN : (high >>> 0) * TWO_32 + (low >>> 0);
  }
}
