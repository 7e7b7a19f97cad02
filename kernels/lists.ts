// Lists of pages: checked, searched for larger pages, gathered into entries.
import { CALLS, join, kept, MANTISSA, STATE, TREE, TWO_52, TWO_52_BITS, whole, wide } from './common';
import { fill4, fill8 } from './entries';

/**
 * Checks a list: every address and length a whole multiple of the page, below 2^52 and inside `allowed` bits. Leaves
 * the sum of the lengths and the greatest end of an element at STATE.
 * @returns 1 where all is well
 */
export function checkList(addresses: usize, lengths: usize, count: u32, allowedLo: u32, allowedHi: u32): u32 {
  const bias = kept(0, f64x2.splat(TWO_52));
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
    bad = v128.or(bad, v128.or(v128.xor(a, bias), v128.xor(l, bias)));
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
  const bias = kept(0, f64x2.splat(TWO_52));
  const forbidden = i64x2.splat(~(join(allowedLo, allowedHi) as i64));
  const pages = kept(1, f64x2.splat(page));
  let bad = i64x2.splat(0);
  let wrong = i64x2.splat(0);
  const end = ((count & ~3) as usize) << 3;
  let at: usize = 0;
  for (; at < end; at += 32) {
    const first = v128.load(addresses + at);
    const second = v128.load(addresses + at, 16);
    const a = f64x2.add(first, bias);
    const b = f64x2.add(second, bias);
    bad = v128.or(bad, v128.or(v128.xor(a, bias), v128.xor(b, bias)));
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

/** What, added to a multiple of 2^shift, makes the low 52 bits of the sum that number shifted right by `shift`. */
@inline
function shiftingBias(shift: u32): f64 {
  return TWO_52 * (((1 as u64) << (shift as u64)) as f64);
}

/** Gathers `count` elements of one page each, from `index` on, into 8-byte entries. */
export function gatherPages8(
  addresses: usize, index: u32, dest: usize, count: u32, shift: u32, maskLo: u32, maskHi: u32, bitsLo: u32, bitsHi: u32,
): void {
  const mask = join(maskLo, maskHi) as i64;
  const bits = join(bitsLo, bitsHi) as i64;
  const bias = kept(0, f64x2.splat(shiftingBias(shift)));
  const masks = kept(1, i64x2.splat(mask & (MANTISSA >> (shift as i64))));
  const attributes = kept(2, i64x2.splat(bits));
  let from = addresses + ((index as usize) << 3);
  const end = dest + ((count as usize) << 3);
  const paired = dest + (((count & ~3) as usize) << 3);
  for (; dest < paired; dest += 32, from += 32) {
    const a = f64x2.add(v128.load(from), bias);
    const b = f64x2.add(v128.load(from, 16), bias);
    v128.store(dest, v128.or(v128.and(a, masks), attributes));
    v128.store(dest, v128.or(v128.and(b, masks), attributes), 16);
  }
  for (; dest < end; dest += 8, from += 8) {
    store<i64>(dest, ((whole(load<f64>(from)) >> (shift as i64)) & mask) | bits);
  }
}

/** Bits in which an address differs from what its entry keeps of it. */
@inline
function lostBits(address: v128, field: v128, bias: v128): v128 {
  return v128.xor(f64x2.sub(v128.or(field, bias), bias), address);
}

/**
 * Gathers `count` elements into 8-byte entries, and checks meanwhile that each is one page in range of the output addresses.
 * @returns 1 where all are; else the entries mean nothing
 */
export function takePages8(addresses: usize, lengths: usize, dest: usize, count: u32, bitsLo: u32, bitsHi: u32): u32 {
  const shift = load<u32>(TREE, 32);
  const page = load<f64>(CALLS, 16) / TWO_52;
  const allowed = (wide(load<f64>(CALLS, 8) - page) as i64) & MANTISSA;
  const bias = kept(0, f64x2.splat(shiftingBias(shift)));
  const masks = kept(1, i64x2.splat((allowed >> (shift as i64)) & (load<u64>(TREE, 24) as i64)));
  const attributes = kept(2, i64x2.splat(join(bitsLo, bitsHi) as i64));
  const pages = kept(3, f64x2.splat(page));
  let wrong = i64x2.splat(0);
  const end = dest + ((count as usize) << 3);
  const paired = dest + (((count & ~1) as usize) << 3);
  for (; dest < paired; dest += 16, addresses += 16, lengths += 16) {
    const address = v128.load(addresses);
    const field = v128.and(f64x2.add(address, bias), masks);
    v128.store(dest, v128.or(field, attributes));
    wrong = v128.or(wrong, v128.or(lostBits(address, field, bias), v128.xor(v128.load(lengths), pages)));
  }
  if (dest < end) {
    const address = v128.load64_zero(addresses);
    const field = v128.and(f64x2.add(address, bias), masks);
    v128.store64_lane(dest, v128.or(field, attributes), 0);
    wrong = v128.or(wrong, lostBits(address, field, bias));
    if (load<f64>(lengths) != page) return 0;
  }
  return v128.any_true(wrong) ? 0 : 1;
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
  const bias = kept(0, f64x2.splat(shiftingBias(shift)));
  const masks = kept(1, i64x2.splat(mask & (MANTISSA >> (shift as i64))));
  const attributes = kept(2, i64x2.splat(bits));
  const sizes = kept(3, f64x2.splat(page as f64));
  const end = dest + ((count as usize) << 3);
  while (dest < end) {
    if (offset == 0) {
      let at = (index as usize) << 3;
      const from = at;
      while (dest + 16 <= end && i64x2.all_true(f64x2.eq(v128.load(lengths + at), sizes))) {
        const address = f64x2.add(v128.load(addresses + at), bias);
        v128.store(dest, v128.or(v128.and(address, masks), attributes));
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
    const pages = kept(0, f64x2.splat(page));
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
