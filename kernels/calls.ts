// Whole calls on smallest pages of one table below a single root, of 8-byte entries: the numbers are checked, then comes the
// walk, the test of all entries, and the stores.
import { CALLS, LEVELS, MANTISSA, PATH, STATE, TREE, TWO_52, TWO_52_BITS, WALKED, whole, wide } from './common';
import { follow, outputAt, tableBehind, writeLeaves8 } from './walk';

/** Entries up to this number are cleared one by one. */
const FEW: u32 = 16;

/** Whether `bytes` bytes from `at` on are whole pages that end by `end`; `scale` is 2^52 times the bytes of a page. */
@inline
function arePages(at: f64, bytes: f64, end: f64, scale: f64): bool {
  return at >= 0 && at + bytes <= end && at + scale - scale == at;
}

/** Number of the page at a multiple of the page's bytes. */
@inline
function pageOf(at: f64, scale: f64): u64 {
  return reinterpret<u64>(at + scale) & MANTISSA;
}

/** 2^52 times the bytes that an entry of a depth spans. */
@inline
function scaleAt(depth: u32): f64 {
  return TWO_52 * (((1 as u64) << (load<u32>(LEVELS + (depth << 4)) as u64)) as f64);
}

/** Walks as `follow` does to the last depth. Where the last walk was in the same table, nothing is left to do. */
@inline
function followToLast(iova: f64, at: u64): u32 {
  const last = load<u32>(CALLS, 28);
  if (load<u32>(WALKED, 8) == last && (at ^ load<u64>(WALKED)) >> (load<u32>(CALLS, 32) as u64) == 0) {
    store<u64>(WALKED, at);
    return load<u32>(PATH + (last << 2)) | last;
  }
  return follow(load<u32>(CALLS, 24), iova, last, false);
}

/** Byte offset of the entry of page `page` in the table that a walk reached; 0 where the table is not of this depth, or ends within `count` pages. */
@inline
function entryOf(found: u32, depth: u32, page: u64, count: u64): usize {
  if ((found & 15) != depth) return 0;
  const mask = load<u32>(LEVELS + (depth << 4), 4);
  const index = (page as u32) & mask;
  return count > ((mask + 1 - index) as u64) ? 0 : ((found & ~1023) as usize) + ((index as usize) << 3);
}

/** Entries of a last-level table from that of page `page` on; 0 where the walk did not come to one. */
@inline
function entriesFrom(found: u32, level: usize, page: u32): u32 {
  const mask = load<u32>(level, 4);
  return (found & 15) == load<u32>(CALLS, 28) ? mask + 1 - (page & mask) : 0;
}

/** Whether an element continues a run that ends at `address`; one of no bytes does. */
@inline
function continues(addresses: usize, lengths: usize, index: u32, address: f64): bool {
  return load<f64>(addresses + ((index as usize) << 3)) == address || load<f64>(lengths + ((index as usize) << 3)) == 0;
}

/**
 * Maps `bytes` bytes from `iova` on to `pa` on, where these are whole pages of a depth in range, of one table that is there, and
 * their entries are all zero.
 * @returns byte offset of the table; 0 where nothing was done
 */
export function mapCall8(depth: u32, iova: f64, pa: f64, bytes: f64, bitsLo: u32, bitsHi: u32): u32 {
  const isLast = depth == load<u32>(CALLS, 28);
  const scale = isLast ? load<f64>(CALLS, 16) : scaleAt(depth);
  if (!(bytes > 0 && bytes + scale - scale == bytes)) return 0;
  if (!arePages(iova, bytes, load<f64>(CALLS), scale) || !arePages(pa, bytes, load<f64>(CALLS, 8), scale)) return 0;
  const pageShift = load<u32>(LEVELS + (depth << 4)) as u64;
  const page = pageOf(iova, scale);
  const count = pageOf(bytes, scale);
  const found = isLast ? followToLast(iova, page << pageShift) : follow(load<u32>(CALLS, 24), iova, depth, false);
  const entry = entryOf(found, depth, page, count);
  if (entry == 0) return 0;
  return writeLeaves8(entry, count as u32, pageOf(pa, scale) << pageShift, pageShift, bitsLo, bitsHi) ? found & ~1023 : 0;
}

/**
 * Maps the runs of a checked list one after the other, from element `index` on: each as `mapCall8` does where it is one page, or is
 * shorter than `below`. It ends at the end of the table, and at a run that is not so. Leaves at STATE the element behind the last run,
 * the runs, and the pages.
 * @returns byte offset of the table; 0 where nothing was done
 */
export function mapRuns8(
  addresses: usize, lengths: usize, index: u32, end: u32, iova: f64, below: f64, bitsLo: u32, bitsHi: u32,
): u32 {
  const level = LEVELS + (load<u32>(CALLS, 28) << 4);
  const pageShift = load<u32>(level) as u64;
  const page = ((1 as u64) << pageShift) as f64;
  const at = wide(iova);
  const found = followToLast(iova, at);
  let left = entriesFrom(found, level, (at >> pageShift) as u32);
  let entry = ((found & ~1023) as usize) + (((load<u32>(level, 4) + 1 - left) as usize) << 3);
  let runs: u32 = 0;
  let pages: u32 = 0;
  let next = index;
  while (left > 0 && next < end) {
    const start = load<f64>(addresses + ((next as usize) << 3));
    let bytes = load<f64>(lengths + ((next as usize) << 3));
    next++;
    while (next < end && continues(addresses, lengths, next, start + bytes)) {
      bytes += load<f64>(lengths + ((next as usize) << 3));
      next++;
    }
    if (bytes != page && !(bytes < below)) break;
    const count = ((whole(bytes) as u64) >> pageShift) as u32;
    if (count > left || !writeLeaves8(entry, count, whole(start), pageShift, bitsLo, bitsHi)) break;
    index = next;
    entry += (count as usize) << 3;
    left -= count;
    pages += count;
    if (count > 0) runs++;
  }
  store<f64>(STATE, index as f64);
  store<f64>(STATE, runs as f64, 8);
  store<f64>(STATE, pages as f64, 16);
  return pages == 0 ? 0 : found & ~1023;
}

/**
 * Whether it can be told of the 8-byte entries in [entry, end), four by four, from what all and what any of them have, that they are
 * leaves of one entry each: there is a bit that all have, and one of `several` that none has.
 */
@inline
function seemSingle8(entry: usize, end: usize, several: u64): bool {
  let all = i64x2.splat(-1);
  let any = i64x2.splat(0);
  for (; entry < end; entry += 32) {
    const first = v128.load(entry);
    const second = v128.load(entry, 16);
    all = v128.and(all, v128.and(first, second));
    any = v128.or(any, v128.or(first, second));
  }
  const masks = i64x2.splat(several as i64);
  return i64x2.all_true(all) && (several == 0 || !v128.any_true(i64x2.eq(v128.and(any, masks), masks)));
}

/** Whether `count` 8-byte entries from `entry` on are leaves of one entry each; `several` are the bits that tell others. */
@inline
function areSingle8(entry: usize, count: u32, several: u64): bool {
  const end = entry + ((count as usize) << 3);
  const quads = entry + (((count & ~3) as usize) << 3);
  if (count > 3 && seemSingle8(entry, quads, several)) entry = quads;
  for (; entry < end; entry += 8) {
    const leaf = load<u64>(entry);
    if (leaf == 0 || (several != 0 && (leaf & several) == several)) return false;
  }
  return true;
}

/**
 * Unmaps `bytes` bytes from `iova` on, where these are whole pages in range, of one table, and each is mapped by an entry of its own.
 * @returns byte offset of the table; 0 where nothing was done
 */
export function unmapCall8(iova: f64, bytes: f64): u32 {
  const scale = load<f64>(CALLS, 16);
  if (!(bytes > 0 && bytes + scale - scale == bytes) || !arePages(iova, bytes, load<f64>(CALLS), scale)) return 0;
  const page = pageOf(iova, scale);
  const count = pageOf(bytes, scale);
  const found = followToLast(iova, page << (load<u32>(LEVELS + (load<u32>(CALLS, 28) << 4)) as u64));
  const entry = entryOf(found, load<u32>(CALLS, 28), page, count);
  if (entry == 0 || !areSingle8(entry, count as u32, load<u64>(TREE, 40))) return 0;
  const end = entry + ((count as usize) << 3);
  if (count > (FEW as u64)) memory.fill(entry, 0, end - entry);
  else for (let at = entry; at < end; at += 8) store<u64>(at, 0);
  return found & ~1023;
}

/**
 * Finds the last-level tables behind `bytes` bytes from `iova` on, where these are whole tables in range, their entries lie in one
 * table that is there, and each of them leads to a table. Leaves their byte offsets as 32-bit words from `dest` on.
 * @returns byte offset of the first of the entries; 0 where one is something else
 */
export function tablesCall8(iova: f64, bytes: f64, dest: usize): u32 {
  const depth = load<u32>(CALLS, 28) - 1;
  const level = LEVELS + (depth << 4);
  const scale = scaleAt(depth);
  if (!(bytes > 0 && bytes + scale - scale == bytes) || !arePages(iova, bytes, load<f64>(CALLS), scale)) return 0;
  const found = follow(load<u32>(CALLS, 24), iova, depth, false);
  const count = pageOf(bytes, scale);
  const first = entryOf(found, depth, pageOf(iova, scale), count);
  if (first == 0) return 0;
  const mask = load<u32>(level, 8);
  const value = load<u32>(level, 12);
  const base = load<u32>(TREE);
  const field = load<u32>(TREE, 4);
  const fieldShift = load<i32>(TREE, 8);
  const end = first + ((count as usize) << 3);
  for (let entry = first; entry < end; entry += 8, dest += 4) {
    if ((load<u32>(entry) & mask) != value) return 0;
    store<u32>(dest, tableBehind(entry, field, fieldShift, base));
  }
  return first as u32;
}

/** As `translate8`, from the root; NaN too where the address is not a whole number in range. */
export function translateCall8(iova: f64): f64 {
  const biased = iova + TWO_52;
  // Negative numbers and those from 2^52 on have other exponents: as unsigned numbers they lie above every limit
  const at = reinterpret<u64>(biased) - (TWO_52_BITS as u64);
  if (at >= load<u64>(CALLS, 40) || biased - TWO_52 != iova) return NaN;
  return outputAt(followToLast(iova, at), at);
}
