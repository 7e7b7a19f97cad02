// Lines: a head that is known, flags, time, and the body of a map, an unmap, or a dma map or unmap of one run.
import { isDma, isMap, isSg, isUnmap } from './bodies';
import { CPU, DEVICE, DIRECTION, KIND, LEFT, LENGTH, LINES, LISTS, NUMBERS, PID, TASK, WORDS } from './layout';
import { decimalOf, decimals, digitsOf, eightsOf } from './numbers';
import { headAt, nameAt, startAt } from './remembered';

const SPACE: u8 = 0x20;
const NEWLINE: u8 = 0x0a;
/** Lines of events that are used are longer. */
const SHORTEST_LINE: usize = 64;
const MAP: u32 = 1;
const UNMAP: u32 = 2;
const DMA_UNMAP: u32 = 4;
const HAS_LIST: u32 = 1 << 16;
const NO_CONTEXT: u32 = 3;

@inline
function behindSpaces(at: usize): usize {
  let others = i8x16.bitmask(i8x16.ne(v128.load(at), i8x16.splat(SPACE))) as u32;
  while (others == 0) {
    at += 16;
    others = i8x16.bitmask(i8x16.ne(v128.load(at), i8x16.splat(SPACE))) as u32;
  }
  return at + (ctz<u32>(others) as usize);
}

/** Behind the first newline from `at` on; 0 where there is none before `end`. */
@inline
function behindNewline(at: usize, end: usize): usize {
  for (; at < end; at += 16) {
    const found = i8x16.bitmask(i8x16.eq(v128.load(at), i8x16.splat(NEWLINE))) as u32;
    if (found != 0) return at + (ctz<u32>(found) as usize) + 1;
  }
  return 0;
}

/** By the third character of the flags. */
@inline
function contextOf(flag: u8): u32 {
  if (flag == 0x2e) return 0;
  if (flag == 0x73) return 1;
  return (flag | 0x20) == 0x68 || (flag | 0x20) == 0x7a ? 2 : NO_CONTEXT;
}

/** Spaces, and flags of three to eight characters where no digit stands. Leaves the context; behind them, or 0. */
@inline
function behindFlags(at: usize, words: usize): usize {
  if (load<u8>(at) != SPACE) return 0;
  at = load<u8>(at, 1) != SPACE ? at + 1 : behindSpaces(at);
  if (((load<u8>(at) - 0x30) as u8) <= 9) {
    store<u32>(words, NO_CONTEXT << 8);
    return at;
  }
  const bytes = v128.load(at);
  const length = digitsOf(i8x16.bitmask(i8x16.le_u(bytes, i8x16.splat(SPACE))) as u32);
  const spaces = i8x16.bitmask(i8x16.eq(bytes, i8x16.splat(SPACE))) as u32;
  if (length - 3 > 5 || ((spaces >> length) & 1) == 0) return 0;
  store<u32>(words, contextOf(load<u8>(at, 2)) << 8);
  const behind = ctz<u32>(~(spaces | ((1 << length) - 1)));
  return behind < 16 ? at + (behind as usize) : behindSpaces(at + (length as usize));
}

/** Seconds, a point, nine decimals, a colon and a space. Leaves the time; behind the colon, or 0. */
@inline
function behindNanoseconds(at: usize, whole: v128, digits: u32, numbers: usize): usize {
  const part = decimals(v128.load(at + (digits as usize) + 1));
  at += (digits as usize) + 10;
  if (digitsOf(i8x16.bitmask(part) as u32) != 9 || load<u16>(at) != 0x203a) return 0;
  store<f64>(numbers, (decimalOf(whole, digits) as f64) * 1000000000.0 + (decimalOf(part, 9) as f64));
  return at + 1;
}

/** Seconds of at most eight digits, a point, six or nine decimals, a colon and spaces. Leaves the time; behind them, or 0. */
@inline
function behindTime(at: usize, numbers: usize): usize {
  const values = decimals(v128.load(at));
  const others = i8x16.bitmask(values) as u32;
  const digits = ctz<u32>(others | 0x10000);
  if (digits - 1 > 7 || load<u8>(at + (digits as usize)) != 0x2e) return 0;
  let colon = at + (digits as usize) + 7;
  if (((others >> (digits + 1)) & 0x7f) == 0x40) {
    if (load<u16>(colon) != 0x203a) return 0;
    // seconds to the first eight places, microseconds to the last six
    const places = i8x16(-8, -7, -6, -5, -4, -3, -2, -1, -128, -128, 1, 2, 3, 4, 5, 6);
    const eights = eightsOf(i8x16.swizzle(values, i8x16.add(places, i8x16.splat(digits as i8))));
    const seconds = i32x4.extract_lane(eights, 0) as f64;
    store<f64>(numbers, seconds * 1000000000.0 + (i32x4.extract_lane(eights, 1) as f64) * 1000.0);
    colon++;
  } else {
    colon = behindNanoseconds(at, values, digits, numbers);
    if (colon == 0) return 0;
  }
  return load<u8>(colon, 1) != SPACE ? colon + 1 : behindSpaces(colon);
}

/** A dma event whose body begins as `start`. */
@inline
function isBody(at: usize, next: usize, start: usize, list: usize, numbers: usize, words: usize): bool {
  const kind = load<u32>(start, KIND);
  const behind = at + (load<u32>(start, LENGTH) as usize);
  const context = load<u32>(words);
  store<u32>(words, context | kind);
  store<u32>(words, load<u32>(start, DEVICE), 8);
  store<u32>(words, load<u32>(start, DIRECTION), 12);
  if (kind <= DMA_UNMAP) return isDma(behind, next, kind, numbers);
  store<u32>(words, context | kind | HAS_LIST);
  return isSg(behind, next, kind, list, numbers);
}

/** The rest of a line whose event is not used, before `end`. */
@inline
function behindUnused(at: usize, end: usize): usize {
  const name = nameAt(at);
  if (name == 0) return 0;
  const next = behindNewline(at + (load<u32>(name, LENGTH) as usize), end);
  if (next != 0) store<u32>(name, load<u32>(name, LINES) + 1, LINES);
  return next;
}

/** Name and body of a line that ends before `next`. */
@inline
function readBody(at: usize, next: usize, list: usize, numbers: usize, words: usize): bool {
  store<i32>(words, -1, 8);
  store<i32>(words, -1, 12);
  const from = (load<u64>(at) & 0xffffffffffff) == 0x3a756d6d6f69 ? at + 6 : at;
  const name = load<u64>(from);
  if ((name & 0xffffffffff) == 0x203a70616d) {
    store<u32>(words, load<u32>(words) | MAP);
    return isMap(behindSpaces(from + 5), next, numbers);
  }
  if ((name & 0xffffffffffffff) == 0x203a70616d6e75) {
    store<u32>(words, load<u32>(words) | UNMAP);
    return isUnmap(behindSpaces(from + 7), next, numbers);
  }
  const start = startAt(at);
  return start != 0 && isBody(at, next, start, list, numbers, words);
}

/**
 * Reads lines from `at` on into columns, until one is not common, or not complete before `end`, or `limit` events are there.
 * Zeros stand behind `end`. LEFT says what was read.
 * @returns where the line begins that was not read
 */
export function readLines(at: usize, end: usize, limit: u32): usize {
  let count: u32 = 0;
  let passed: u32 = 0;
  let head: usize = 0;
  let list = LISTS;
  while (count < limit) {
    head = headAt(at, head);
    if (head == 0) break;
    const numbers = NUMBERS + ((count as usize) << 6);
    const words = WORDS + ((count as usize) << 4);
    const next = behindNewline(at + SHORTEST_LINE, end);
    const flags = behindFlags(at + (load<u32>(head, LENGTH) as usize), words);
    if (flags == 0) break;
    const body = behindTime(flags, numbers);
    if (body == 0) break;
    if (readBody(body, next, list, numbers, words)) {
      store<f64>(numbers, 0, 40);
      store<f64>(numbers, load<f64>(head, CPU), 48);
      store<f64>(numbers, load<f64>(head, PID), 56);
      store<u32>(words, load<u32>(head, TASK), 4);
      if ((load<u32>(words) & HAS_LIST) != 0) list = load<u32>(LEFT, 12) as usize;
      count++;
      at = next;
    } else {
      const other = behindUnused(body, end);
      if (other == 0) break;
      passed++;
      at = other;
    }
  }
  store<u32>(LEFT, count);
  store<u32>(LEFT, passed, 4);
  store<u32>(LEFT, headAt(at, 0) != 0 ? 1 : 0, 8);
  store<u32>(LEFT, list as u32, 12);
  return at;
}
