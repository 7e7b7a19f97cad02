/**
 * The common lines (map, unmap, dma map and unmap of one run or of a list) from their first byte to their newline, into columns of
 * events: the plain twin of kernels/trace. A line that is in any way unusual is left to the general reader.
 * @module
 */
import { HAS_LIST, LIST_HEAD, NUMBERS, WORDS } from '../columns.ts';
import { ascii, Cursor } from '../cursor.ts';
import { CONTEXT, KIND, type Kind } from '../events.ts';
import { contextOf, isDigit } from '../line-head.ts';
import { ENTRY, LEFT_AT, LISTS_AT, type LineKernel, NUMBERS_AT, WORDS_AT } from './layout.ts';
import { Remembered } from './remembered.ts';

const TWO_53 = 2 ** 53;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
const SPACE = 0x20;
const DOT = 0x2e;
const COLON = 0x3a;
const COMMA = 0x2c;
const BRACE_CLOSE = 0x7d;
const CONTEXT_SHIFT = 8;
const KIND_BITS = 0xff;
const MOST_ELEMENTS = 4096;

const SYSTEM = ascii('iommu:');
const MAP = ascii('map: ');
const UNMAP = ascii('unmap: ');
const IOVA = ascii('IOMMU: iova=0x');
const END = ascii(' - 0x');
const PADDR = ascii(' paddr=0x');
const SIZE = ascii(' size=');
const UNMAPPED = ascii(' unmapped_size=');
const PHYS_ADDR = ascii(' phys_addr=');
const ATTRS = ascii(' attrs=');
const NENTS = ascii('nents=');
const ENTS = ascii(' ents=');
const DMA_ADDRS = ascii(' dma_addrs=');
const SIZES = ascii(' sizes=');
const PHYS_ADDRS = ascii(' phys_addrs=');
const OPEN = ascii('{0x');
const NEXT = ascii(',0x');

/** Reads common lines where WebAssembly or its SIMD is missing, and in tests. */
export class PlainLines implements LineKernel {
  readonly #cursor = new Cursor();
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #numbers: Float64Array;
  readonly #words: Int32Array;
  readonly #lists: Float64Array;
  readonly #left: Int32Array;
  readonly #remembered: Remembered;
  /** Where the event's numbers, words and list go, in their columns. */
  #number = 0;
  #word = 0;
  #list = 0;

  /** The memory is laid out as ./layout.ts says. */
  constructor(memory: ArrayBuffer) {
    this.#bytes = new Uint8Array(memory);
    this.#view = new DataView(memory);
    this.#numbers = new Float64Array(memory, NUMBERS_AT);
    this.#words = new Int32Array(memory, WORDS_AT);
    this.#lists = new Float64Array(memory, LISTS_AT);
    this.#left = new Int32Array(memory, LEFT_AT, 4);
    this.#remembered = new Remembered(memory);
  }

  readLines(at: number, end: number, limit: number): number {
    let count = 0;
    let passed = 0;
    this.#list = 0;
    while (count < limit) {
      this.#cursor.set(this.#bytes, at, end);
      this.#number = count * NUMBERS;
      this.#word = count * WORDS;
      const list = this.#list;
      if (!this.#line()) {
        this.#list = list;
        break;
      }
      at = this.#cursor.at;
      if (((this.#words[this.#word] as number) & KIND_BITS) === 0) passed++;
      else count++;
    }
    this.#left[0] = count;
    this.#left[1] = passed;
    this.#left[2] = this.#remembered.headAt(at) === 0 ? 0 : 1;
    this.#left[3] = LISTS_AT + this.#list * this.#lists.BYTES_PER_ELEMENT;
    return at;
  }

  /** One line into the columns. False where others must read it; then the columns hold nothing of use. */
  #line(): boolean {
    const head = this.#remembered.headAt(this.#cursor.at);
    if (head === 0) return false;
    const view = this.#view;
    this.#cursor.at += view.getInt32(head + ENTRY.length, true);
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
    const cursor = this.#cursor;
    if (cursor.peek() !== SPACE) return false;
    cursor.skipSpaces();
    const from = cursor.at;
    this.#words[this.#word] = CONTEXT.UNKNOWN << CONTEXT_SHIFT;
    if (isDigit(cursor.peek())) return true;
    while (cursor.peek() > SPACE && cursor.at < from + 9) cursor.at++;
    const length = cursor.at - from;
    if (length < 3 || length > 8 || cursor.peek() !== SPACE) return false;
    this.#words[this.#word] = contextOf(this.#bytes[from + 2] as number) << CONTEXT_SHIFT;
    cursor.skipSpaces();
    return true;
  }

  /** Seconds of at most eight digits, a point, six or nine decimals, a colon and spaces. */
  #time(): boolean {
    const cursor = this.#cursor;
    const start = cursor.at;
    const seconds = cursor.decimal();
    if (!(cursor.at <= start + 8) || cursor.peek() !== DOT) return false;
    const from = ++cursor.at;
    const fraction = cursor.decimal();
    const places = cursor.at - from;
    if ((places !== 6 && places !== 9) || cursor.peek() !== COLON) return false;
    this.#numbers[this.#number] = seconds * 1e9 + fraction * (places === 6 ? 1000 : 1);
    cursor.at++;
    if (cursor.peek() !== SPACE) return false;
    cursor.skipSpaces();
    return seconds >= 0;
  }

  /** Name and body; the kind is left 0 where the event is not used. */
  #body(): boolean {
    const cursor = this.#cursor;
    const from = cursor.at;
    this.#setWords(0, -1, -1);
    cursor.match(SYSTEM);
    if (cursor.match(MAP)) return this.#map();
    if (cursor.match(UNMAP)) return this.#unmap();
    cursor.at = from;
    const start = this.#remembered.startAt(from);
    return start !== 0 ? this.#dma(start) : this.#unused();
  }

  /** `IOMMU: iova=0x… - 0x… paddr=0x… size=4096`. */
  #map(): boolean {
    const cursor = this.#cursor;
    cursor.skipSpaces();
    const iova = this.#hexBehind(IOVA);
    const end = this.#hexBehind(END);
    const pa = this.#hexBehind(PADDR);
    const size = cursor.match(SIZE) ? cursor.decimal() : Number.NaN;
    if (iova + size !== end) return false;
    this.#setWords(KIND.MAP, -1, -1);
    return this.#setRange(iova, pa, size, 0) && end < TWO_53 && this.#newline();
  }

  /** `IOMMU: iova=0x… - 0x… size=4096 unmapped_size=4096`. */
  #unmap(): boolean {
    const cursor = this.#cursor;
    cursor.skipSpaces();
    const iova = this.#hexBehind(IOVA);
    const end = this.#hexBehind(END);
    const size = cursor.match(SIZE) ? cursor.decimal() : Number.NaN;
    const unmapped = cursor.match(UNMAPPED) ? cursor.decimal() : Number.NaN;
    if (iova + size !== end) return false;
    this.#setWords(KIND.UNMAP, -1, -1);
    return this.#setRange(iova, 0, size, unmapped) && end < TWO_53 && this.#newline();
  }

  /** A dma event whose body begins as `start`. */
  #dma(start: number): boolean {
    const view = this.#view;
    this.#cursor.at += view.getInt32(start + ENTRY.length, true);
    const kind = view.getInt32(start + ENTRY.kind, true) as Kind;
    const device = view.getInt32(start + ENTRY.device, true);
    const direction = view.getInt32(start + ENTRY.direction, true);
    const hasList = kind === KIND.DMA_MAP_SG || kind === KIND.DMA_UNMAP_SG;
    this.#setWords(hasList ? kind | HAS_LIST : kind, device, direction);
    const isRead = hasList ? this.#sg(kind) : this.#run(kind);
    return isRead && this.#attributes();
  }

  /** `dma_map_page: … dir=… dma_addr=… size=… [phys_addr=…]`, behind the first equals sign of these. */
  #run(kind: Kind): boolean {
    const cursor = this.#cursor;
    const iova = cursor.hex();
    const size = cursor.match(SIZE) ? cursor.decimal() : Number.NaN;
    return this.#setRange(iova, kind === KIND.DMA_MAP ? this.#hexBehind(PHYS_ADDR) : 0, size, 0);
  }

  /** `dma_map_sg: … dir=… [nents=…/… ents=…/…] dma_addrs={…} sizes={…} phys_addrs={…}`, behind the first equals sign of these. */
  #sg(kind: Kind): boolean {
    const cursor = this.#cursor;
    const head = this.#list;
    this.#list += LIST_HEAD;
    let count = 0;
    if (kind === KIND.DMA_MAP_SG) {
      if (!this.#counts()) return false;
      count = this.#array();
      if (!cursor.match(SIZES) || this.#array() !== count || !cursor.match(PHYS_ADDRS)) return false;
    }
    const physicalCount = this.#array();
    if (count < 0 || physicalCount < 0) return false;
    this.#lists[head] = count;
    this.#lists[head + 1] = physicalCount;
    this.#lists[head + 2] = 0;
    return this.#setRange(0, 0, 0, 0);
  }

  /** Steps over `15/15 ents=1/1 dma_addrs=` where the numbers of elements are printed. */
  #counts(): boolean {
    const cursor = this.#cursor;
    cursor.at -= NENTS.length;
    if (!cursor.match(NENTS)) {
      cursor.at += NENTS.length;
      return true;
    }
    this.#skipWord();
    if (!cursor.match(ENTS)) return false;
    this.#skipWord();
    return cursor.match(DMA_ADDRS);
  }

  /** `{0x1000,0x2000}` to the end of the lists. @returns how many, or −1 */
  #array(): number {
    const cursor = this.#cursor;
    const first = this.#list;
    if (!cursor.match(OPEN)) return -1;
    do {
      const value = cursor.hex();
      if (!(value < TWO_53) || this.#list - first === MOST_ELEMENTS) return -1;
      this.#lists[this.#list++] = value;
    } while (cursor.peek() === COMMA && cursor.match(NEXT));
    return this.#bytes[cursor.at++] === BRACE_CLOSE ? this.#list - first : -1;
  }

  /** ` attrs=` and flags without spaces up to the newline: nothing that could be another field. */
  #attributes(): boolean {
    const cursor = this.#cursor;
    if (!cursor.match(ATTRS)) return false;
    this.#skipWord();
    return this.#newline();
  }

  /** Steps over bytes up to a space or the end of the line. */
  #skipWord(): void {
    const cursor = this.#cursor;
    while (cursor.peek() > SPACE) cursor.at++;
  }

  /** The rest of a line whose event is not used. */
  #unused(): boolean {
    const cursor = this.#cursor;
    const name = this.#remembered.nameAt(cursor.at);
    if (name === 0) return false;
    cursor.at = cursor.find(NEWLINE);
    if (!this.#newline()) return false;
    this.#view.setInt32(name + ENTRY.lines, this.#view.getInt32(name + ENTRY.lines, true) + 1, true);
    return true;
  }

  #hexBehind(text: Uint8Array): number {
    return this.#cursor.match(text) ? this.#cursor.hex() : Number.NaN;
  }

  /** Keeps the context. */
  #setWords(kind: number, device: number, direction: number): void {
    const words = this.#words;
    const at = this.#word;
    words[at] = (words[at] as number) | kind;
    words[at + 2] = device;
    words[at + 3] = direction;
  }

  /** False where a number is missing, or so large that it may have been rounded. */
  #setRange(iova: number, pa: number, size: number, unmapped: number): boolean {
    const numbers = this.#numbers;
    const at = this.#number;
    numbers[at + 1] = iova;
    numbers[at + 2] = pa;
    numbers[at + 3] = size;
    numbers[at + 4] = unmapped;
    return iova < TWO_53 && pa < TWO_53 && size < TWO_53 && unmapped < TWO_53;
  }

  /** Steps over the newline that must stand here, a carriage return before it or not. */
  #newline(): boolean {
    const cursor = this.#cursor;
    if (cursor.peek() === RETURN) cursor.at++;
    if (cursor.peek() !== NEWLINE) return false;
    cursor.at++;
    return true;
  }
}
