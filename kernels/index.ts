// Inner loops over table entries, format-blind. Compiled by scripts/build-kernels.mjs; each has a plain twin in
// src/memory/plain-kernels.ts. No static data, no asserts: the memory is imported, and its first page is left alone but
// for the answers at STATE.

/** Answers of more than one value lie here, as doubles. */
const STATE: usize = 64;

/**
 * What `follow` knows of a tree of tables, as 32-bit words: physical address of byte 0 (low half), field and shift of a
 * table address in an entry, log2 of an entry's bytes, (64 bits) those that mark a cleaned entry, (64 bits) the field of an
 * output address in a leaf, and its shift.
 */
const TREE: usize = 256;
/** For each depth: shift and mask of its index, mask and value that tell a table entry. */
const LEVELS: usize = 304;
/** Where the last walk went: its address (64 bits), the depth reached, entries without the mark. */
const WALKED: usize = 400;
/** Byte offset of the table at each depth of the last walk. */
const PATH: usize = 416;

/** 2^52: added to a whole number below it, the low 52 bits of the sum are that number. */
const TWO_52: f64 = 4503599627370496.0;
const TWO_52_BITS: i64 = 0x4330000000000000;
const MANTISSA: i64 = 0x000fffffffffffff;

@inline
function join(lo: u32, hi: u32): u64 {
  return ((hi as u64) << 32) | (lo as u64);
}

@inline
function whole(value: f64): i64 {
  return reinterpret<i64>(value + TWO_52) & MANTISSA;
}

/** An address of up to 64 bits. */
@inline
function wide(value: f64): u64 {
  return value < TWO_52 ? (whole(value) as u64) : (value as u64);
}

/** Writes `count` 8-byte entries from `dest` on: a value, and each further one `stride` more. */
export function fill8(dest: usize, count: u32, lo: u32, hi: u32, strideLo: u32, strideHi: u32): void {
  const stride = join(strideLo, strideHi);
  let value = join(lo, hi);
  const end = dest + ((count as usize) << 3);
  const quads = dest + (((count & ~3) as usize) << 3);
  let first = i64x2.replace_lane(i64x2.splat(value as i64), 1, (value + stride) as i64);
  let second = i64x2.add(first, i64x2.splat((stride << 1) as i64));
  const step = i64x2.splat((stride << 2) as i64);
  for (; dest < quads; dest += 32) {
    v128.store(dest, first);
    v128.store(dest, second, 16);
    first = i64x2.add(first, step);
    second = i64x2.add(second, step);
  }
  value = i64x2.extract_lane(first, 0) as u64;
  for (; dest < end; dest += 8) {
    store<u64>(dest, value);
    value += stride;
  }
}

/** Writes `count` 4-byte entries from `dest` on. */
export function fill4(dest: usize, count: u32, value: u32, stride: u32): void {
  const end = dest + ((count as usize) << 2);
  for (; dest < end; dest += 4) {
    store<u32>(dest, value);
    value += stride;
  }
}

/** Index in [from, to) of the first 8-byte entry of `table` that is not zero, or `to`. */
export function firstSet8(table: usize, from: u32, to: u32): u32 {
  let i = from;
  for (; i + 8 <= to; i += 8) {
    const at = table + ((i as usize) << 3);
    const first = v128.or(v128.load(at), v128.load(at, 16));
    if (v128.any_true(v128.or(first, v128.or(v128.load(at, 32), v128.load(at, 48))))) break;
  }
  for (; i < to; i++) if (load<u64>(table + ((i as usize) << 3)) != 0) return i;
  return to;
}

/** Index in [from, to) of the first 8-byte entry that is zero, or `to`. */
export function firstClear8(table: usize, from: u32, to: u32): u32 {
  const zero = i64x2.splat(0);
  let i = from;
  for (; i + 8 <= to; i += 8) {
    const at = table + ((i as usize) << 3);
    const first = v128.or(i64x2.eq(v128.load(at), zero), i64x2.eq(v128.load(at, 16), zero));
    const second = v128.or(i64x2.eq(v128.load(at, 32), zero), i64x2.eq(v128.load(at, 48), zero));
    if (v128.any_true(v128.or(first, second))) break;
  }
  for (; i < to; i++) if (load<u64>(table + ((i as usize) << 3)) == 0) return i;
  return to;
}

/** Index in [from, to) of the first 8-byte entry of `table` in which all bits of a mask are set, or `to`. */
export function firstWith8(table: usize, from: u32, to: u32, maskLo: u32, maskHi: u32): u32 {
  const mask = join(maskLo, maskHi);
  const masks = i64x2.splat(mask as i64);
  let i = from;
  for (; i + 4 <= to; i += 4) {
    const at = table + ((i as usize) << 3);
    const first = i64x2.eq(v128.and(v128.load(at), masks), masks);
    if (v128.any_true(v128.or(first, i64x2.eq(v128.and(v128.load(at, 16), masks), masks)))) break;
  }
  for (; i < to; i++) if ((load<u64>(table + ((i as usize) << 3)) & mask) == mask) return i;
  return to;
}

/**
 * Reads which of `count` 8-byte entries from `from` on are dirty: whose bits under the mask are the value. Writes a bit for each
 * entry, from bit 0 of the word at `bits` on, and zeros to the end of the last word; turns over the bits of `flip`, of the low
 * half, in the dirty ones.
 * @returns how many are dirty
 */
export function dirty8(
  from: usize, count: u32, bits: usize, maskLo: u32, maskHi: u32, valueLo: u32, valueHi: u32, flip: u32,
): u32 {
  const mask = join(maskLo, maskHi);
  const value = join(valueLo, valueHi);
  const masks = i64x2.splat(mask as i64);
  const values = i64x2.splat(value as i64);
  const flips = i64x2.splat(flip as i64);
  let dirty: u32 = 0;
  let at = from;
  for (let left = count; left > 0; bits += 4) {
    const n = min<u32>(left, 32);
    const end = at + ((n as usize) << 3);
    let word: u32 = 0;
    let bit: u32 = 0;
    for (; at + 16 <= end; at += 16, bit += 2) {
      const entries = v128.load(at);
      const found = i64x2.eq(v128.and(entries, masks), values);
      word |= (i64x2.bitmask(found) as u32) << bit;
      if (flip != 0) v128.store(at, v128.xor(entries, v128.and(found, flips)));
    }
    if (at < end) {
      const entry = load<u64>(at);
      if ((entry & mask) == value) {
        word |= (1 as u32) << bit;
        store<u64>(at, entry ^ (flip as u64));
      }
      at += 8;
    }
    store<u32>(bits, word);
    dirty += popcnt<u32>(word);
    left -= n;
  }
  return dirty;
}

/** Index in [from, to) of the first 4-byte entry that is not zero, or `to`. */
export function firstSet4(table: usize, from: u32, to: u32): u32 {
  let i = from;
  for (; i + 4 <= to; i += 4) if (v128.any_true(v128.load(table + ((i as usize) << 2)))) break;
  for (; i < to; i++) if (load<u32>(table + ((i as usize) << 2)) != 0) return i;
  return to;
}

/** Index in [from, to) of the first 4-byte entry that is zero, or `to`. */
export function firstClear4(table: usize, from: u32, to: u32): u32 {
  let i = from;
  for (; i + 4 <= to; i += 4) if (!i32x4.all_true(v128.load(table + ((i as usize) << 2)))) break;
  for (; i < to; i++) if (load<u32>(table + ((i as usize) << 2)) == 0) return i;
  return to;
}

/**
 * Checks a list: every address and length a whole multiple of the page, below 2^52 and inside `allowed` bits. Leaves
 * the sum of the lengths and the greatest end of an element at STATE.
 * @returns 1 where all is well
 */
export function checkList(addresses: usize, lengths: usize, count: u32, allowedLo: u32, allowedHi: u32): u32 {
  const bias = f64x2.splat(TWO_52);
  const expected = i64x2.splat(TWO_52_BITS);
  const forbidden = i64x2.splat(~(join(allowedLo, allowedHi) as i64));
  let bad = i64x2.splat(0);
  let rounded = i64x2.splat(0);
  let sum = f64x2.splat(0);
  let greatest = f64x2.splat(0);
  const paired = (count & ~1) as usize;
  let at: usize = 0;
  for (; at < paired << 3; at += 16) {
    const address = v128.load(addresses + at);
    const length = v128.load(lengths + at);
    const a = f64x2.add(address, bias);
    const l = f64x2.add(length, bias);
    bad = v128.or(bad, v128.or(v128.xor(a, expected), v128.xor(l, expected)));
    rounded = v128.or(
      rounded,
      v128.or(v128.xor(f64x2.sub(a, bias), address), v128.xor(f64x2.sub(l, bias), length)),
    );
    sum = f64x2.add(sum, length);
    greatest = f64x2.pmax(greatest, f64x2.add(address, length));
  }
  let total = f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
  let end = max<f64>(f64x2.extract_lane(greatest, 0), f64x2.extract_lane(greatest, 1));
  let wrong = v128.any_true(v128.and(bad, forbidden)) || v128.any_true(rounded);
  if (count & 1) {
    const address = load<f64>(addresses + at);
    const length = load<f64>(lengths + at);
    const mask = ~(join(allowedLo, allowedHi) as i64);
    const a = reinterpret<i64>(address + TWO_52) ^ TWO_52_BITS;
    const l = reinterpret<i64>(length + TWO_52) ^ TWO_52_BITS;
    if (((a | l) & mask) != 0 || address + TWO_52 - TWO_52 != address || length + TWO_52 - TWO_52 != length) wrong = true;
    total += length;
    end = max<f64>(end, address + length);
  }
  store<f64>(STATE, total);
  store<f64>(STATE, end, 8);
  return wrong ? 0 : 1;
}

/**
 * As `checkList`, for the commonest list: every element is exactly one page.
 * @returns 1 where that is so and all is well
 */
export function checkPages(
  addresses: usize, lengths: usize, count: u32, page: f64, allowedLo: u32, allowedHi: u32,
): u32 {
  const bias = f64x2.splat(TWO_52);
  const expected = i64x2.splat(TWO_52_BITS);
  const forbidden = i64x2.splat(~(join(allowedLo, allowedHi) as i64));
  const pages = f64x2.splat(page);
  let bad = i64x2.splat(0);
  let wrong = i64x2.splat(0);
  const end = ((count & ~3) as usize) << 3;
  let at: usize = 0;
  for (; at < end; at += 32) {
    const first = v128.load(addresses + at);
    const second = v128.load(addresses + at, 16);
    const a = f64x2.add(first, bias);
    const b = f64x2.add(second, bias);
    bad = v128.or(bad, v128.or(v128.xor(a, expected), v128.xor(b, expected)));
    wrong = v128.or(wrong, v128.or(v128.xor(f64x2.sub(a, bias), first), v128.xor(f64x2.sub(b, bias), second)));
    wrong = v128.or(
      wrong,
      v128.or(v128.xor(v128.load(lengths + at), pages), v128.xor(v128.load(lengths + at, 16), pages)),
    );
  }
  if (v128.any_true(v128.and(bad, forbidden)) || v128.any_true(wrong)) return 0;
  const mask = ~(join(allowedLo, allowedHi) as i64);
  for (; at < ((count as usize) << 3); at += 8) {
    const address = load<f64>(addresses + at);
    if (((reinterpret<i64>(address + TWO_52) ^ TWO_52_BITS) & mask) != 0) return 0;
    if (address + TWO_52 - TWO_52 != address || load<f64>(lengths + at) != page) return 0;
  }
  return 1;
}

/** Gathers `count` elements of one page each, from `index` on, into 8-byte entries. */
export function gatherPages8(
  addresses: usize, index: u32, dest: usize, count: u32, shift: u32, maskLo: u32, maskHi: u32, bitsLo: u32, bitsHi: u32,
): void {
  const mask = join(maskLo, maskHi) as i64;
  const bits = join(bitsLo, bitsHi) as i64;
  const bias = f64x2.splat(TWO_52);
  const masks = i64x2.splat(mask & (MANTISSA >> (shift as i64)));
  const attributes = i64x2.splat(bits);
  let from = addresses + ((index as usize) << 3);
  const end = dest + ((count as usize) << 3);
  const paired = dest + (((count & ~3) as usize) << 3);
  for (; dest < paired; dest += 32, from += 32) {
    const a = i64x2.shr_u(f64x2.add(v128.load(from), bias), shift);
    const b = i64x2.shr_u(f64x2.add(v128.load(from, 16), bias), shift);
    v128.store(dest, v128.or(v128.and(a, masks), attributes));
    v128.store(dest, v128.or(v128.and(b, masks), attributes), 16);
  }
  for (; dest < end; dest += 8, from += 8) {
    store<i64>(dest, ((whole(load<f64>(from)) >> (shift as i64)) & mask) | bits);
  }
}

/**
 * Gathers a list into 8-byte entries: from element `index`, `offset` bytes into it, `count` pages. An entry is the
 * address shifted right by `shift`, cut to the mask, with the attribute bits. Leaves the next element and offset at STATE.
 */
export function gather8(
  addresses: usize, lengths: usize, index: u32, offset: f64, dest: usize, count: u32, pageShift: u32, shift: u32,
  maskLo: u32, maskHi: u32, bitsLo: u32, bitsHi: u32,
): void {
  const page = (1 as u64) << (pageShift as u64);
  const mask = join(maskLo, maskHi) as i64;
  const bits = join(bitsLo, bitsHi) as i64;
  const stride = (page >> (shift as u64)) as i64;
  const sizes = f64x2.splat(page as f64);
  const bias = f64x2.splat(TWO_52);
  const masks = i64x2.splat(mask & (MANTISSA >> (shift as i64)));
  const attributes = i64x2.splat(bits);
  const end = dest + ((count as usize) << 3);
  while (dest < end) {
    if (offset == 0) {
      let at = (index as usize) << 3;
      const from = at;
      while (dest + 16 <= end && i64x2.all_true(f64x2.eq(v128.load(lengths + at), sizes))) {
        const address = f64x2.add(v128.load(addresses + at), bias);
        v128.store(dest, v128.or(v128.and(i64x2.shr_u(address, shift), masks), attributes));
        dest += 16;
        at += 16;
      }
      index += ((at - from) >> 3) as u32;
      if (dest >= end) break;
    }
    const length = load<f64>(lengths + ((index as usize) << 3));
    const pages = ((whole(length - offset) as u64) >> (pageShift as u64)) as usize;
    const taken = min<usize>(pages, (end - dest) >> 3);
    const address = whole(load<f64>(addresses + ((index as usize) << 3)) + offset);
    const entry = ((address >> (shift as i64)) & mask) | bits;
    fill8(dest, taken as u32, entry as u32, (entry >> 32) as u32, stride as u32, (stride >> 32) as u32);
    dest += taken << 3;
    if (taken == pages) {
      index++;
      offset = 0;
    } else offset += (((taken as u64) << (pageShift as u64)) as f64);
  }
  store<f64>(STATE, index as f64);
  store<f64>(STATE, offset, 8);
}

/**
 * As `smallPages`, where each element is one page: only the elements at boundaries, and those after them, are read. Pairs of
 * pages are compared two at a time.
 */
@inline
function smallSingles(from: usize, first: u32, stop: u32, page: f64, next: u32, mask: u64): u32 {
  let k = first;
  if (next == 2) {
    const pages = f64x2.splat(page);
    for (; k + 4 <= stop; k += 4) {
      const a = v128.load(from + ((k as usize) << 3));
      const b = v128.load(from + ((k as usize) << 3), 16);
      const firsts = v128.shuffle<u64>(a, b, 0, 2);
      const seconds = v128.shuffle<u64>(a, b, 1, 3);
      if (v128.any_true(f64x2.eq(f64x2.add(firsts, pages), seconds))) break;
    }
  }
  for (; k + next <= stop; k += next) {
    const at = from + ((k as usize) << 3);
    const pa = load<f64>(at);
    if (load<f64>(at, 8) == pa + page && ((whole(pa) as u64) & mask) == 0) return k;
  }
  return stop;
}

/**
 * Pages of a list, from element `index` and `offset` bytes into it, that come before a larger page of `next` smallest ones may
 * begin: where input and output address are multiples of it, and the list is physically contiguous for some way. The first page
 * is `phase` pages behind such an input address, and counts in any case; `limit` pages are left in the list.
 * @param single whether each element is one page
 * @returns pages, at most `count`
 */
export function smallPages(
  addresses: usize, lengths: usize, index: u32, offset: f64, count: u32, limit: u32, pageShift: u32, next: u32,
  phase: u32, single: bool,
): u32 {
  const page = ((1 as u64) << (pageShift as u64)) as f64;
  const mask = (((next as u64) << (pageShift as u64)) - 1) as u64;
  if (single) {
    const from = addresses + ((index as usize) << 3);
    const stop = min<u32>(limit, count + next - 1);
    return min<u32>(count, smallSingles(from, next - phase, stop, page, next, mask));
  }
  let done: u32 = 0;
  let behind = phase;
  while (done < count) {
    const length = load<f64>(lengths + ((index as usize) << 3)) - offset;
    const pages = ((whole(length) as u64) >> (pageShift as u64)) as u32;
    const pa = load<f64>(addresses + ((index as usize) << 3)) + offset;
    let k = (next - behind) & (next - 1);
    if (done + k == 0) k = next;
    const start = done + k;
    if (k < pages && start + next <= limit && ((whole(pa + (k as f64) * page) as u64) & mask) == 0) {
      if (pages - k >= next) return min<u32>(count, start);
      let after = index + 1;
      while (load<f64>(lengths + ((after as usize) << 3)) == 0) after++;
      if (load<f64>(addresses + ((after as usize) << 3)) == pa + length) return min<u32>(count, start);
    }
    done += pages;
    behind = (behind + pages) & (next - 1);
    index++;
    offset = 0;
  }
  return count;
}

/** As `gather8`, for 4-byte entries. */
export function gather4(
  addresses: usize, lengths: usize, index: u32, offset: f64, dest: usize, count: u32, pageShift: u32, mask: u32, bits: u32,
): void {
  const stride = (1 as u32) << pageShift;
  const end = dest + ((count as usize) << 2);
  while (dest < end) {
    const length = load<f64>(lengths + ((index as usize) << 3));
    const pages = ((whole(length - offset) as u64) >> (pageShift as u64)) as usize;
    const taken = min<usize>(pages, (end - dest) >> 2);
    const entry = ((whole(load<f64>(addresses + ((index as usize) << 3)) + offset) as u32) & mask) | bits;
    fill4(dest, taken as u32, entry, stride);
    dest += taken << 2;
    if (taken == pages) {
      index++;
      offset = 0;
    } else offset += (((taken as u64) << (pageShift as u64)) as f64);
  }
  store<f64>(STATE, index as f64);
  store<f64>(STATE, offset, 8);
}

/** Low half of a table address that lies `shift` bits further up in an 8-byte entry. */
function narrowed(entry: usize, field: u32, shift: u32): u32 {
  return ((load<u32>(entry) & field) >> shift) | (load<u32>(entry, 4) << (32 - shift));
}

/**
 * Follows table entries from a root towards the table at depth `target`. With `keep`, from the deepest table of the last
 * walk that also leads to `iova`.
 * @param root byte offset of the root, with its depth in bits 3:0
 * @returns byte offset of the table reached, with the depth reached in bits 3:0 and the depth begun at in bits 7:4
 */
export function follow(root: u32, iova: f64, target: u32, keep: bool): u32 {
  const at = wide(iova);
  const top = root & 15;
  let depth = top;
  if (keep) {
    const differs = at ^ load<u64>(WALKED);
    depth = min<u32>(load<u32>(WALKED, 8), target);
    while (depth > top && differs >> (load<u32>(LEVELS + ((depth - 1) << 4)) as u64) != 0) depth--;
  }
  const from = depth;
  let table = depth == top ? root - top : load<u32>(PATH + (depth << 2));
  const base = load<u32>(TREE);
  const field = load<u32>(TREE, 4);
  const fieldShift = load<i32>(TREE, 8);
  const entryShift = load<u32>(TREE, 12);
  const marks = load<u64>(TREE, 16);
  let unmarked: u32 = 0;
  for (; depth < target; depth++) {
    const level = LEVELS + (depth << 4);
    const index = ((at >> (load<u32>(level) as u64)) as u32) & load<u32>(level, 4);
    const entry = (table as usize) + ((index as usize) << entryShift);
    const lo = load<u32>(entry);
    if ((lo & load<u32>(level, 8)) != load<u32>(level, 12)) break;
    if (entryShift == 2 || (load<u64>(entry) & marks) == 0) unmarked++;
    table = fieldShift >= 0 ? ((lo & field) << fieldShift) - base : narrowed(entry, field, -fieldShift) - base;
    store<u32>(PATH + (depth << 2), table, 4);
  }
  store<u64>(WALKED, at);
  store<u32>(WALKED, depth, 8);
  store<u32>(WALKED, unmarked, 12);
  return table | depth | (from << 4);
}

/** Whether `count` 8-byte entries from `entry` on are all zero. */
@inline
function areClear8(entry: usize, count: u32): bool {
  const end = entry + ((count as usize) << 3);
  let at = entry;
  for (; at + 128 <= end; at += 128) {
    const a = v128.or(v128.or(v128.load(at), v128.load(at, 16)), v128.or(v128.load(at, 32), v128.load(at, 48)));
    const b = v128.or(v128.or(v128.load(at, 64), v128.load(at, 80)), v128.or(v128.load(at, 96), v128.load(at, 112)));
    if (v128.any_true(v128.or(a, b))) return false;
  }
  for (; at < end; at += 8) if (load<u64>(at) != 0) return false;
  return true;
}

/**
 * Walks as `follow` does to the last table, at depth `last`, and writes `count` neighbouring 8-byte leaves, for one output range
 * from `pa` on, where their entries are all zero. They lie in one table.
 * @returns as `follow`, with bit 8 set where the leaves were written
 */
export function mapPages8(
  root: u32, iova: f64, pa: f64, count: u32, last: u32, keep: bool, bitsLo: u32, bitsHi: u32,
): u32 {
  const found = follow(root, iova, last, keep);
  if ((found & 15) != last) return found;
  const level = LEVELS + (last << 4);
  const pageShift = load<u32>(level) as u64;
  const index = ((wide(iova) >> pageShift) as u32) & load<u32>(level, 4);
  const entry = ((found & ~1023) as usize) + ((index as usize) << 3);
  if (count == 1 ? load<u64>(entry) != 0 : !areClear8(entry, count)) return found;
  const shift = load<u32>(TREE, 32) as u64;
  const value = ((wide(pa) >> shift) & load<u64>(TREE, 24)) | join(bitsLo, bitsHi);
  if (count == 1) store<u64>(entry, value);
  else {
    const stride = (1 as u64) << (pageShift - shift);
    fill8(entry, count, value as u32, (value >> 32) as u32, stride as u32, (stride >> 32) as u32);
  }
  return found | 256;
}

/** Zeroes `bytes` bytes from `at` on. */
export function clear(at: usize, bytes: usize): void {
  memory.fill(at, 0, bytes);
}

/**
 * Output addresses of `count` 8-byte leaf entries from `from` on, as doubles from `dest` on; -1 for an entry of zero. The
 * address is what the mask leaves of an entry, shifted left by `shift`; the field must span at most 52 bits.
 */
export function decode8(from: usize, count: u32, dest: usize, shift: u32, maskLo: u32, maskHi: u32): void {
  const mask = join(maskLo, maskHi);
  const low = ctz<u64>(mask);
  const unit = ((1 as u64) << (low + (shift as u64))) as f64;
  const masks = i64x2.splat(mask as i64);
  const units = f64x2.splat(unit);
  const bits = i64x2.splat(TWO_52_BITS);
  const bias = f64x2.splat(TWO_52);
  const none = f64x2.splat(-1);
  const zero = i64x2.splat(0);
  const paired = from + (((count & ~1) as usize) << 3);
  for (; from < paired; from += 16, dest += 16) {
    const entries = v128.load(from);
    const field = v128.or(i64x2.shr_u(v128.and(entries, masks), low as i32), bits);
    const address = f64x2.mul(f64x2.sub(field, bias), units);
    v128.store(dest, v128.bitselect(none, address, i64x2.eq(entries, zero)));
  }
  if (count & 1) {
    const entry = load<u64>(from);
    store<f64>(dest, entry == 0 ? -1 : (((entry & mask) >> low) as f64) * unit);
  }
}
