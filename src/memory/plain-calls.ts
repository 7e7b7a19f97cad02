/**
 * The kernels of whole calls in plain TypeScript; see `plain-kernels.ts`.
 * @module
 */
import { highHalf, lowHalf } from '../address.ts';
import { type Kernels, STATE_OFFSET, WALK } from './kernel-contract.ts';
import { addressIn, indexIn, writeLeaves } from './plain-walk.ts';

const TREE = WALK.tree / 4;
const CALLS = WALK.calls / 4;
const LEVELS = WALK.levels / 4;
const SEVERAL = TREE + 10;
const OFFSET = -1024;

/** The walks that a call begins with. */
type Walks = Pick<Kernels, 'follow' | 'firstSet8' | 'firstClear8' | 'firstWith8'>;

/** What a call found: the table of the last depth and its entries, or undefined where they do not lie in one. */
interface Found {
  readonly table: number;
  readonly index: number;
  readonly count: number;
}

/** The word of `calls` at an index as a double. */
function limit(words: Uint32Array, index: number): number {
  return new Float64Array(words.buffer, WALK.calls, 3)[index] as number;
}

function lastDepth(words: Uint32Array): number {
  return words[CALLS + 7] as number;
}

/** Where output addresses end, and bytes of a smallest page. */
export function rangeOfPages(words: Uint32Array): readonly [end: number, page: number] {
  return [limit(words, 1), limit(words, 2) / 2 ** 52];
}

/** Bytes that an entry of a depth spans. */
function spanAt(words: Uint32Array, depth: number): number {
  return 2 ** (words[LEVELS + 4 * depth] as number);
}

function arePages(at: number, bytes: number, end: number, page: number): boolean {
  return at >= 0 && at + bytes <= end && at % page === 0;
}

/** Walks to the entries of a range of whole pages of a depth. */
function find(walks: Walks, words: Uint32Array, depth: number, iova: number, bytes: number): Found | undefined {
  const page = spanAt(words, depth);
  if (!(bytes > 0 && bytes % page === 0 && arePages(iova, bytes, limit(words, 0), page))) return undefined;
  const found = walks.follow(words[CALLS + 6] as number, iova, depth, 0);
  const index = indexIn(words, depth, lowHalf(iova), highHalf(iova));
  const count = bytes / page;
  const entries = (words[LEVELS + 4 * depth + 1] as number) + 1;
  return (found & 15) === depth && index + count <= entries
    ? { table: (found & OFFSET) >>> 0, index, count }
    : undefined;
}

/** As the kernel `mapCall8`. */
export function mapCall(
  walks: Walks,
  words: Uint32Array,
  depth: number,
  iova: number,
  pa: number,
  bytes: number,
  bitsLo: number,
  bitsHi: number,
): number {
  const page = spanAt(words, depth);
  if (!arePages(pa, bytes, limit(words, 1), page)) return 0;
  const found = find(walks, words, depth, iova, bytes);
  if (found === undefined) return 0;
  const { table, index, count } = found;
  if (walks.firstSet8(table, index, index + count) < index + count) return 0;
  writeLeaves(words, (table >>> 2) + 2 * index, count, pa, page, bitsLo, bitsHi);
  return table;
}

/** A stretch of a list in the memory: where its addresses and lengths lie, and elements. */
export interface ListStretch {
  readonly addresses: number;
  readonly lengths: number;
  readonly index: number;
  readonly end: number;
}

/** A physically contiguous run: its first address and bytes, and the element behind it. */
interface Run {
  readonly start: number;
  readonly bytes: number;
  readonly next: number;
}

function runAt(doubles: Float64Array, { addresses, lengths, end }: ListStretch, index: number): Run {
  const start = doubles[addresses / 8 + index] as number;
  let bytes = doubles[lengths / 8 + index] as number;
  let next = index + 1;
  for (; next < end; next++) {
    const length = doubles[lengths / 8 + next] as number;
    if (length !== 0 && doubles[addresses / 8 + next] !== start + bytes) break;
    bytes += length;
  }
  return { start, bytes, next };
}

/** As the kernel `mapRuns8`. */
export function mapRuns(
  walks: Walks,
  words: Uint32Array,
  doubles: Float64Array,
  list: ListStretch,
  iova: number,
  below: number,
  bitsLo: number,
  bitsHi: number,
): number {
  const depth = lastDepth(words);
  const page = spanAt(words, depth);
  const found = walks.follow(words[CALLS + 6] as number, iova, depth, 0);
  const table = (found & OFFSET) >>> 0;
  const entries = (found & 15) === depth ? (words[LEVELS + 4 * depth + 1] as number) + 1 : 0;
  const first = indexIn(words, depth, lowHalf(iova), highHalf(iova));
  let { index } = list;
  let runs = 0;
  let pages = 0;
  while (index < list.end && first + pages < entries) {
    const { start, bytes, next } = runAt(doubles, list, index);
    const at = first + pages;
    const end = at + bytes / page;
    if ((bytes !== page && bytes >= below) || end > entries || walks.firstSet8(table, at, end) < end) break;
    writeLeaves(words, (table >>> 2) + 2 * at, end - at, start, page, bitsLo, bitsHi);
    index = next;
    pages += end - at;
    if (bytes > 0) runs++;
  }
  doubles.set([index, runs, pages], STATE_OFFSET / 8);
  return pages === 0 ? 0 : table;
}

/** As the kernel `unmapCall8`. */
export function unmapCall(walks: Walks, words: Uint32Array, iova: number, bytes: number): number {
  const found = find(walks, words, lastDepth(words), iova, bytes);
  if (found === undefined) return 0;
  const { table, index, count } = found;
  const end = index + count;
  if (walks.firstClear8(table, index, end) < end) return 0;
  const [low, high] = [words[SEVERAL] as number, words[SEVERAL + 1] as number];
  if ((low | high) !== 0 && walks.firstWith8(table, index, end, low, high) < end) return 0;
  words.fill(0, (table >>> 2) + 2 * index, (table >>> 2) + 2 * end);
  return table;
}

/** As the kernel `tablesCall8`. */
export function tablesCall(walks: Walks, words: Uint32Array, iova: number, bytes: number, dest: number): number {
  const depth = lastDepth(words) - 1;
  const found = find(walks, words, depth, iova, bytes);
  if (found === undefined) return 0;
  const first = found.table / 4 + 2 * found.index;
  const level = LEVELS + 4 * depth;
  for (let i = 0; i < found.count; i++) {
    const [lo, hi] = [words[first + 2 * i] as number, words[first + 2 * i + 1] as number];
    if ((lo & (words[level + 2] as number)) !== ((words[level + 3] as number) | 0)) return 0;
    words[dest / 4 + i] = addressIn(words, lo, hi) - (words[TREE] as number);
  }
  return 4 * first;
}

/** Whether the kernel `translateCall8` answers for an address. */
export function answersCall(words: Uint32Array, iova: number): boolean {
  const end = (words[CALLS + 10] as number) + (words[CALLS + 11] as number) * 2 ** 32;
  return iova >= 0 && iova < end && Number.isInteger(iova);
}
