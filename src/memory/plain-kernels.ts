/**
 * The kernels in plain TypeScript: the tests' oracle, and the fallback where there is no WebAssembly SIMD.
 * @module
 */
import { highHalf, lowHalf, offsetIn } from '../address.ts';
import { type Kernels, STATE_OFFSET, WALK } from './kernel-contract.ts';
import { answersCall, mapCall, mapRuns, rangeOfPages, tablesCall, unmapCall } from './plain-calls.ts';
import { addressIn, entryBehind, indexIn, sharedDepth, writeLeaves } from './plain-walk.ts';

const TWO_32 = 0x100000000;
const TWO_52 = 2 ** 52;
const TREE = WALK.tree / 4;
const MARKS = TREE + 4;
const LEAF = TREE + 6;
const SEVERAL = TREE + 10;
const WALKED = WALK.walked / 4;
const PATH = WALK.path / 4;
const UNMARKED = WALK.unmarked / 4;
const CALLS = WALK.calls / 4;
const LEVELS = WALK.levels / 4;

/** Plain kernels over a WebAssembly memory. */
export class PlainKernels implements Kernels {
  readonly #memory: WebAssembly.Memory;
  #words: Uint32Array;
  #doubles: Float64Array;

  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory;
    this.#words = new Uint32Array(memory.buffer);
    this.#doubles = new Float64Array(memory.buffer);
  }

  fill8(dest: number, count: number, lo: number, hi: number, strideLo: number, strideHi: number): void {
    const words = this.#view();
    let word = dest >>> 2;
    let low = lo >>> 0;
    let high = hi | 0;
    for (let i = 0; i < count; i++) {
      words[word++] = low;
      words[word++] = high;
      low += strideLo >>> 0;
      high = (high + strideHi + (low >= TWO_32 ? 1 : 0)) | 0;
      if (low >= TWO_32) low -= TWO_32;
    }
  }

  fill4(dest: number, count: number, value: number, stride: number): void {
    const words = this.#view();
    for (let i = 0; i < count; i++) words[(dest >>> 2) + i] = value + i * stride;
  }

  firstSet8(table: number, from: number, to: number): number {
    const words = this.#view();
    for (let i = from; i < to; i++) if (!isClear8(words, table, i)) return i;
    return to;
  }

  firstClear8(table: number, from: number, to: number): number {
    const words = this.#view();
    for (let i = from; i < to; i++) if (isClear8(words, table, i)) return i;
    return to;
  }

  firstWith8(table: number, from: number, to: number, maskLo: number, maskHi: number): number {
    const words = this.#view();
    for (let i = from; i < to; i++) {
      const word = (table >>> 2) + 2 * i;
      const missing = (~(words[word] as number) & maskLo) | (~(words[word + 1] as number) & maskHi);
      if (missing === 0) return i;
    }
    return to;
  }

  dirty8(
    from: number,
    count: number,
    bits: number,
    maskLo: number,
    maskHi: number,
    valueLo: number,
    valueHi: number,
    flip: number,
  ): number {
    const words = this.#view();
    words.fill(0, bits >>> 2, (bits >>> 2) + Math.ceil(count / 32));
    let dirty = 0;
    for (let i = 0; i < count; i++) {
      const word = (from >>> 2) + 2 * i;
      const lo = words[word] as number;
      const clean = ((lo & maskLo) ^ valueLo) | (((words[word + 1] as number) & maskHi) ^ valueHi);
      if (clean !== 0) continue;
      words[word] = lo ^ flip;
      const at = (bits >>> 2) + (i >>> 5);
      words[at] = (words[at] as number) | (1 << (i & 31));
      dirty++;
    }
    return dirty;
  }

  firstSet4(table: number, from: number, to: number): number {
    const words = this.#view();
    for (let i = from; i < to; i++) if (words[(table >>> 2) + i] !== 0) return i;
    return to;
  }

  firstClear4(table: number, from: number, to: number): number {
    const words = this.#view();
    for (let i = from; i < to; i++) if (words[(table >>> 2) + i] === 0) return i;
    return to;
  }

  checkList(addresses: number, lengths: number, count: number, allowedLo: number, allowedHi: number): number {
    this.#view();
    const allowed = (allowedLo >>> 0) + (allowedHi >>> 0) * TWO_32;
    let total = 0;
    let end = 0;
    let well = 1;
    for (let i = 0; i < count; i++) {
      const address = this.#double(addresses, i);
      const length = this.#double(lengths, i);
      if (!(isAllowed(address, allowed) && isAllowed(length, allowed))) well = 0;
      total += length;
      end = Math.max(end, address + length);
    }
    this.#answer(total, end);
    return well;
  }

  checkPages(
    addresses: number,
    lengths: number,
    count: number,
    page: number,
    allowedLo: number,
    allowedHi: number,
  ): number {
    this.#view();
    const allowed = (allowedLo >>> 0) + (allowedHi >>> 0) * TWO_32;
    for (let i = 0; i < count; i++) {
      if (this.#double(lengths, i) !== page || !isAllowed(this.#double(addresses, i), allowed)) return 0;
    }
    return 1;
  }

  gatherPages8(
    addresses: number,
    index: number,
    dest: number,
    count: number,
    shift: number,
    maskLo: number,
    maskHi: number,
    bitsLo: number,
    bitsHi: number,
  ): void {
    const words = this.#view();
    for (let page = 0; page < count; page++) {
      const field = this.#double(addresses, index + page) / 2 ** shift;
      words[(dest >>> 2) + 2 * page] = (field & maskLo) | bitsLo;
      words[(dest >>> 2) + 2 * page + 1] = (Math.floor(field / TWO_32) & maskHi) | bitsHi;
    }
  }

  takePages8(addresses: number, lengths: number, dest: number, count: number, bitsLo: number, bitsHi: number): number {
    const words = this.#view();
    const [end, page] = rangeOfPages(words);
    const shift = words[LEAF + 2] as number;
    const [lo, hi] = [words[LEAF] as number, words[LEAF + 1] as number];
    this.gatherPages8(addresses, 0, dest, count, shift, lo, hi, bitsLo, bitsHi);
    return this.checkPages(addresses, lengths, count, page, lowHalf(end - page), highHalf(end - page));
  }

  gather8(
    addresses: number,
    lengths: number,
    index: number,
    offset: number,
    dest: number,
    count: number,
    pageShift: number,
    shift: number,
    maskLo: number,
    maskHi: number,
    bitsLo: number,
    bitsHi: number,
  ): void {
    const words = this.#view();
    this.#gather(addresses, lengths, index, offset, count, 2 ** pageShift, (page, pa) => {
      const field = pa / 2 ** shift;
      words[(dest >>> 2) + 2 * page] = (field & maskLo) | bitsLo;
      words[(dest >>> 2) + 2 * page + 1] = (Math.floor(field / TWO_32) & maskHi) | bitsHi;
    });
  }

  gather4(
    addresses: number,
    lengths: number,
    index: number,
    offset: number,
    dest: number,
    count: number,
    pageShift: number,
    mask: number,
    bits: number,
  ): void {
    const words = this.#view();
    this.#gather(addresses, lengths, index, offset, count, 2 ** pageShift, (page, pa) => {
      words[(dest >>> 2) + page] = (pa & mask) | bits;
    });
  }

  smallPages(
    addresses: number,
    lengths: number,
    index: number,
    offset: number,
    count: number,
    limit: number,
    pageShift: number,
    next: number,
    phase: number,
    _single: number,
  ): number {
    this.#view();
    const page = 2 ** pageShift;
    let element = index;
    let into = offset;
    for (let done = 0; done < count; done++) {
      while (into === this.#double(lengths, element)) {
        element++;
        into = 0;
      }
      const pa = this.#double(addresses, element) + into;
      const lines = (phase + done) % next === 0 && pa % (next * page) === 0;
      if (done > 0 && lines && done + next <= limit && this.#goesOn(addresses, lengths, element, into, next * page)) {
        return done;
      }
      into += page;
    }
    return count;
  }

  /** Whether an element holds `bytes` more bytes, or the element after it goes on where it ends. */
  #goesOn(addresses: number, lengths: number, element: number, into: number, bytes: number): boolean {
    const length = this.#double(lengths, element);
    if (length - into >= bytes) return true;
    let after = element + 1;
    while (this.#double(lengths, after) === 0) after++;
    return this.#double(addresses, after) === this.#double(addresses, element) + length;
  }

  follow(root: number, iova: number, target: number, keep: number): number {
    const words = this.#view();
    const low = lowHalf(iova);
    const high = highHalf(iova);
    const top = root & 15;
    let depth = sharedDepth(words, low, high, top, target);
    const from = keep === 0 ? top : depth;
    if (depth === top) words[UNMARKED + top] = 0;
    let table = depth === top ? root - top : (words[PATH + depth] as number);
    for (; depth < target; depth++) {
      const [lo, hi] = entryBehind(words, depth, table, low, high);
      const level = LEVELS + 4 * depth;
      if ((lo & (words[level + 2] as number)) !== ((words[level + 3] as number) | 0)) break;
      const marked = ((lo & (words[MARKS] as number)) | (hi & (words[MARKS + 1] as number))) !== 0;
      table = (addressIn(words, lo, hi) - (words[TREE] as number)) >>> 0;
      words[PATH + depth + 1] = table;
      words[UNMARKED + depth + 1] = (words[UNMARKED + depth] as number) + (marked ? 0 : 1);
    }
    words.set([low, high, depth, (words[UNMARKED + depth] as number) - (words[UNMARKED + from] as number)], WALKED);
    return table | depth | (from << 4);
  }

  translate8(root: number, iova: number, last: number): number {
    const found = this.follow(root, iova, last, 0);
    const words = this.#words;
    const depth = found & 15;
    const [lo, hi] = entryBehind(words, depth, (found & -1024) >>> 0, lowHalf(iova), highHalf(iova));
    if ((lo | hi) === 0) return -1;
    const [low, high] = [words[SEVERAL] as number, words[SEVERAL + 1] as number];
    if ((low | high) !== 0 && ((~lo & low) | (~hi & high)) === 0) return Number.NaN;
    const shift = words[LEAF + 2] as number;
    const field = ((lo & (words[LEAF] as number)) >>> 0) + ((hi & (words[LEAF + 1] as number)) >>> 0) * TWO_32;
    const size = 2 ** (words[LEVELS + 4 * depth] as number);
    return Number(BigInt(field * 2 ** shift) | BigInt(offsetIn(iova, size)));
  }

  mapPages8(
    root: number,
    iova: number,
    pa: number,
    count: number,
    depth: number,
    keep: number,
    bitsLo: number,
    bitsHi: number,
  ): number {
    const found = this.follow(root, iova, depth, keep);
    const words = this.#words;
    if ((found & 15) !== depth) return found;
    const table = (found & -1024) >>> 0;
    const index = indexIn(words, depth, lowHalf(iova), highHalf(iova));
    if (this.firstSet8(table, index, index + count) < index + count) return found;
    const page = 2 ** (words[LEVELS + 4 * depth] as number);
    writeLeaves(words, (table >>> 2) + 2 * index, count, pa, page, bitsLo, bitsHi);
    return found | 256;
  }

  mapCall8(depth: number, iova: number, pa: number, bytes: number, bitsLo: number, bitsHi: number): number {
    return mapCall(this, this.#view(), depth, iova, pa, bytes, bitsLo, bitsHi);
  }

  mapRuns8(
    addresses: number,
    lengths: number,
    index: number,
    end: number,
    iova: number,
    below: number,
    bitsLo: number,
    bitsHi: number,
  ): number {
    const words = this.#view();
    return mapRuns(this, words, this.#doubles, { addresses, lengths, index, end }, iova, below, bitsLo, bitsHi);
  }

  unmapCall8(iova: number, bytes: number): number {
    return unmapCall(this, this.#view(), iova, bytes);
  }

  tablesCall8(iova: number, bytes: number, dest: number): number {
    return tablesCall(this, this.#view(), iova, bytes, dest);
  }

  translateCall8(iova: number): number {
    const words = this.#view();
    if (!answersCall(words, iova)) return Number.NaN;
    return this.translate8(words[CALLS + 6] as number, iova, words[CALLS + 7] as number);
  }

  clear(at: number, bytes: number): void {
    this.#view().fill(0, at >>> 2, (at + bytes) >>> 2);
  }

  decode8(from: number, count: number, dest: number, shift: number, maskLo: number, maskHi: number): void {
    const words = this.#view();
    for (let i = 0; i < count; i++) {
      const lo = words[(from >>> 2) + 2 * i] as number;
      const hi = words[(from >>> 2) + 2 * i + 1] as number;
      const field = ((lo & maskLo) >>> 0) + ((hi & maskHi) >>> 0) * TWO_32;
      this.#doubles[dest / 8 + i] = (lo | hi) === 0 ? -1 : field * 2 ** shift;
    }
  }

  #gather(
    addresses: number,
    lengths: number,
    first: number,
    start: number,
    count: number,
    size: number,
    write: (page: number, pa: number) => void,
  ): void {
    let index = first;
    let offset = start;
    for (let page = 0; page < count; ) {
      if (offset === this.#double(lengths, index)) {
        index++;
        offset = 0;
      } else {
        write(page++, this.#double(addresses, index) + offset);
        offset += size;
      }
    }
    const ended = offset === this.#double(lengths, index);
    this.#answer(ended ? index + 1 : index, ended ? 0 : offset);
  }

  #double(at: number, index: number): number {
    return this.#doubles[at / 8 + index] as number;
  }

  #answer(first: number, second: number): void {
    this.#doubles[STATE_OFFSET / 8] = first;
    this.#doubles[STATE_OFFSET / 8 + 1] = second;
  }

  #view(): Uint32Array {
    if (this.#words.buffer !== this.#memory.buffer) {
      this.#words = new Uint32Array(this.#memory.buffer);
      this.#doubles = new Float64Array(this.#memory.buffer);
    }
    return this.#words;
  }
}

function isClear8(words: Uint32Array, table: number, index: number): boolean {
  const word = (table >>> 2) + 2 * index;
  return ((words[word] as number) | (words[word + 1] as number)) === 0;
}

/** Whole, at least 0, below 2^52, and with no bit outside `allowed`, a run of bits. */
function isAllowed(value: number, allowed: number): boolean {
  if (!(Number.isInteger(value) && value >= 0 && value < TWO_52)) return false;
  return value <= allowed && value % lowestBit(allowed) === 0;
}

function lowestBit(value: number): number {
  const low = value >>> 0;
  if (low !== 0) return (low & -low) >>> 0;
  const high = Math.floor(value / TWO_32);
  return ((high & -high) >>> 0) * TWO_32;
}
