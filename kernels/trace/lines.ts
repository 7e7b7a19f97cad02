// Lines: a head that is known, flags, time, and the body of a map, an unmap, or a dma map or unmap of one run.
import {
  CPU, DEVICE, DIRECTION, KIND, LEFT, LENGTH, LINES, NUMBERS, PID, TASK, WORDS,
} from './layout';
import { decimalOf, decimals, digitsOf, hexadecimalOf, hexadecimals } from './numbers';
import { headAt, nameAt, startAt } from './remembered';

const SPACE: u8 = 0x20;
const NEWLINE: u8 = 0x0a;
const RETURN: u8 = 0x0d;
const MAP: u32 = 1;
const UNMAP: u32 = 2;
const DMA_MAP: u32 = 3;
/** More digits than this are left to the general reader: a double might not hold the number. */
const MOST_DIGITS: u32 = 15;
const TWO_64: f64 = 18446744073709551616.0;
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

/** Behind the newline that must stand here, a carriage return before it or not; 0 otherwise. */
@inline
function behindNewline(at: usize): usize {
  if (load<u8>(at) == RETURN) at++;
  return load<u8>(at) == NEWLINE ? at + 1 : 0;
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
  at = behindSpaces(at);
  if ((load<u8>(at) - 0x30) as u8 <= 9) {
    store<u32>(words, NO_CONTEXT << 8);
    return at;
  }
  const ends = i8x16.bitmask(i8x16.le_u(v128.load(at), i8x16.splat(SPACE))) as u32;
  const length = ctz<u32>(ends | 0x10000);
  if (length < 3 || length > 8 || load<u8>(at + (length as usize)) != SPACE) return 0;
  store<u32>(words, contextOf(load<u8>(at, 2)) << 8);
  return behindSpaces(at + (length as usize));
}

/** Seconds, a point, six or nine decimals, a colon and spaces. Leaves the time; behind them, or 0. */
@inline
function behindTime(at: usize, numbers: usize): usize {
  const whole = decimals(at);
  const digits = digitsOf(whole);
  at += digits as usize;
  if (digits - 1 >= MOST_DIGITS || load<u8>(at) != 0x2e) return 0;
  const part = decimals(at + 1);
  const places = digitsOf(part);
  at += 1 + (places as usize);
  if ((places != 6 && places != 9) || load<u16>(at) != 0x203a) return 0;
  const unit: f64 = places == 6 ? 1000.0 : 1.0;
  store<f64>(numbers, decimalOf(whole, digits) * 1000000000.0 + decimalOf(part, places) * unit);
  return behindSpaces(at + 2);
}

@inline
function endFits(iova: f64, size: f64, end: f64): bool {
  return iova + size == end || iova + size - TWO_64 == end;
}

/** ` - 0x`, behind the sixteen digits of an address. */
@inline
function hasEnd(at: usize): bool {
  return load<u32>(at) == 0x30202d20 && load<u8>(at, 4) == 0x78;
}

/** `IOMMU: iova=0x`. */
@inline
function isIommu(at: usize): bool {
  return load<u64>(at) == 0x69203a554d4d4f49 && load<u64>(at, 6) == 0x78303d61766f6920;
}

/** ` paddr=0x`. */
@inline
function isPaddr(at: usize): bool {
  return load<u64>(at) == 0x303d726464617020 && load<u8>(at, 8) == 0x78;
}

/** ` size=`. */
@inline
function isSize(at: usize): bool {
  return load<u32>(at) == 0x7a697320 && load<u32>(at, 2) == 0x3d657a69;
}

/** ` unmapped_size=`. */
@inline
function isUnmapped(at: usize): bool {
  return load<u64>(at) == 0x657070616d6e7520 && load<u64>(at, 7) == 0x3d657a69735f6465;
}

/** ` phys_addr=`. */
@inline
function isPhysical(at: usize): bool {
  return load<u64>(at) == 0x64615f7379687020 && load<u32>(at, 7) == 0x3d726464;
}

/** ` attrs=`. */
@inline
function isAttributes(at: usize): bool {
  return load<u32>(at) == 0x74746120 && load<u32>(at, 3) == 0x3d737274;
}

/** `IOMMU: iova=0x… - 0x… paddr=0x… size=4096`. */
@inline
function behindMap(at: usize, numbers: usize): usize {
  if (!isIommu(at) || !hasEnd(at + 30) || !isPaddr(at + 51) || !isSize(at + 76)) return 0;
  const iovas = hexadecimals(at + 14);
  const ends = hexadecimals(at + 35);
  const pas = hexadecimals(at + 60);
  const sizes = decimals(at + 82);
  const digits = digitsOf(sizes);
  if (v128.any_true(i8x16.gt_u(v128.or(v128.or(iovas, ends), pas), i8x16.splat(15)))) return 0;
  if (digits - 1 >= MOST_DIGITS) return 0;
  const iova = hexadecimalOf(iovas, 16);
  const size = decimalOf(sizes, digits);
  if (!endFits(iova, size, hexadecimalOf(ends, 16))) return 0;
  store<f64>(numbers, iova, 8);
  store<f64>(numbers, hexadecimalOf(pas, 16), 16);
  store<f64>(numbers, size, 24);
  store<f64>(numbers, 0, 32);
  return behindNewline(at + 82 + (digits as usize));
}

/** `IOMMU: iova=0x… - 0x… size=4096 unmapped_size=4096`. */
@inline
function behindUnmap(at: usize, numbers: usize): usize {
  if (!isIommu(at) || !hasEnd(at + 30) || !isSize(at + 51)) return 0;
  const iovas = hexadecimals(at + 14);
  const ends = hexadecimals(at + 35);
  const sizes = decimals(at + 57);
  const digits = digitsOf(sizes);
  if (v128.any_true(i8x16.gt_u(v128.or(iovas, ends), i8x16.splat(15)))) return 0;
  const behind = at + 57 + (digits as usize);
  if (digits - 1 >= MOST_DIGITS || !isUnmapped(behind)) return 0;
  const unmapped = decimals(behind + 15);
  const count = digitsOf(unmapped);
  const iova = hexadecimalOf(iovas, 16);
  const size = decimalOf(sizes, digits);
  if (count - 1 >= MOST_DIGITS || !endFits(iova, size, hexadecimalOf(ends, 16))) return 0;
  store<f64>(numbers, iova, 8);
  store<f64>(numbers, 0, 16);
  store<f64>(numbers, size, 24);
  store<f64>(numbers, decimalOf(unmapped, count), 32);
  return behindNewline(behind + 15 + (count as usize));
}

/** Flags without spaces up to the newline: nothing that could be another field. */
@inline
function behindAttributes(at: usize): usize {
  if (!isAttributes(at)) return 0;
  at += 7;
  while (load<u8>(at) > SPACE) at++;
  return behindNewline(at);
}

/** `dma_map_page: … dir=… dma_addr=… size=… [phys_addr=…] attrs=…`, the part up to the address known by `start`. */
@inline
function behindDma(at: usize, start: usize, numbers: usize, words: usize): usize {
  at += load<u32>(start, LENGTH) as usize;
  const kind = load<u32>(start, KIND);
  const iovas = hexadecimals(at);
  const iovaDigits = digitsOf(iovas);
  at += iovaDigits as usize;
  if (iovaDigits == 0 || !isSize(at)) return 0;
  const sizes = decimals(at + 6);
  const sizeDigits = digitsOf(sizes);
  at += 6 + (sizeDigits as usize);
  if (sizeDigits - 1 >= MOST_DIGITS) return 0;
  let pa: f64 = 0;
  if (kind == DMA_MAP) {
    if (!isPhysical(at)) return 0;
    const pas = hexadecimals(at + 11);
    const paDigits = digitsOf(pas);
    if (paDigits == 0) return 0;
    at += 11 + (paDigits as usize);
    pa = hexadecimalOf(pas, paDigits);
  }
  store<f64>(numbers, hexadecimalOf(iovas, iovaDigits), 8);
  store<f64>(numbers, pa, 16);
  store<f64>(numbers, decimalOf(sizes, sizeDigits), 24);
  store<f64>(numbers, 0, 32);
  store<u32>(words, load<u32>(words) | kind);
  store<u32>(words, load<u32>(start, DEVICE), 8);
  store<u32>(words, load<u32>(start, DIRECTION), 12);
  return behindAttributes(at);
}

/** The rest of a line whose event is not used, before `end`. */
@inline
function behindUnused(at: usize, end: usize): usize {
  const name = nameAt(at);
  if (name == 0) return 0;
  for (at += load<u32>(name, LENGTH) as usize; at < end; at += 16) {
    const found = i8x16.bitmask(i8x16.eq(v128.load(at), i8x16.splat(NEWLINE))) as u32;
    if (found == 0) continue;
    store<u32>(name, load<u32>(name, LINES) + 1, LINES);
    return at + (ctz<u32>(found) as usize) + 1;
  }
  return 0;
}

/** Name and body; the kind is left 0 where the event is not used. */
@inline
function behindBody(at: usize, end: usize, numbers: usize, words: usize): usize {
  store<i32>(words, -1, 8);
  store<i32>(words, -1, 12);
  const from = (load<u64>(at) & 0xffffffffffff) == 0x3a756d6d6f69 ? at + 6 : at;
  const name = load<u64>(from);
  if ((name & 0xffffffffff) == 0x203a70616d) {
    store<u32>(words, load<u32>(words) | MAP);
    return behindMap(behindSpaces(from + 5), numbers);
  }
  if ((name & 0xffffffffffffff) == 0x203a70616d6e75) {
    store<u32>(words, load<u32>(words) | UNMAP);
    return behindUnmap(behindSpaces(from + 7), numbers);
  }
  const start = startAt(at);
  return start != 0 ? behindDma(at, start, numbers, words) : behindUnused(at, end);
}

/** Reads the line at `at` into the columns at `numbers` and `words`. Behind it, or 0 where others must read it. */
@inline
function behindLine(at: usize, end: usize, numbers: usize, words: usize): usize {
  const head = headAt(at);
  if (head == 0) return 0;
  at = behindFlags(at + (load<u32>(head, LENGTH) as usize), words);
  if (at == 0) return 0;
  at = behindTime(at, numbers);
  if (at == 0) return 0;
  store<f64>(numbers, 0, 40);
  store<f64>(numbers, load<f64>(head, CPU), 48);
  store<f64>(numbers, load<f64>(head, PID), 56);
  store<u32>(words, load<u32>(head, TASK), 4);
  return behindBody(at, end, numbers, words);
}

/**
 * Reads lines from `at` on into columns, until one is not common, or not complete before `end`, or `limit` events are there.
 * Zeros stand behind `end`. LEFT says what was read.
 * @returns where the line begins that was not read
 */
export function readLines(at: usize, end: usize, limit: u32): usize {
  let count: u32 = 0;
  let passed: u32 = 0;
  while (count < limit) {
    const words = WORDS + ((count as usize) << 4);
    const next = behindLine(at, end, NUMBERS + ((count as usize) << 6), words);
    if (next == 0) break;
    const used: u32 = (load<u32>(words) & 0xff) != 0 ? 1 : 0;
    count += used;
    passed += 1 - used;
    at = next;
  }
  store<u32>(LEFT, count);
  store<u32>(LEFT, passed, 4);
  store<u32>(LEFT, headAt(at) != 0 ? 1 : 0, 8);
  return at;
}
