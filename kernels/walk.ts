// Walks from a root to a table, and what is done where they end.
import { join, LEVELS, PATH, TREE, UNMARKED, WALKED, wide } from './common';
import { fill8 } from './entries';

/** Low half of a table address that lies `shift` bits further up in an 8-byte entry. */
function narrowed(entry: usize, field: u32, shift: u32): u32 {
  return ((load<u32>(entry) & field) >> shift) | (load<u32>(entry, 4) << (32 - shift));
}

/** Byte offset of the table that an entry leads to: its field, shifted, less the physical address of byte 0. */
@inline
export function tableBehind(entry: usize, field: u32, shift: i32, base: u32): u32 {
  return (shift >= 0 ? (load<u32>(entry) & field) << shift : narrowed(entry, field, -shift)) - base;
}

/** Depth of the deepest table of the last walk that leads to an address too, from `top` to `target`. */
@inline
function sharedDepth(at: u64, top: u32, target: u32): u32 {
  const differs = at ^ load<u64>(WALKED);
  let depth = max<u32>(top, min<u32>(load<u32>(WALKED, 8), target));
  while (depth > top && differs >> (load<u32>(LEVELS + ((depth - 1) << 4)) as u64) != 0) depth--;
  return depth;
}

/**
 * Follows table entries from a root towards the table at depth `target`. It begins at the deepest table of the last walk that
 * also leads to `iova`; what it answers and counts is, without `keep`, that of a walk from the root.
 * @param root byte offset of the root, with its depth in bits 3:0
 * @returns byte offset of the table reached, with the depth reached in bits 3:0 and the depth begun at in bits 7:4
 */
export function follow(root: u32, iova: f64, target: u32, keep: bool): u32 {
  const at = wide(iova);
  const top = root & 15;
  let depth = sharedDepth(at, top, target);
  let table = root - top;
  let unmarked: u32 = 0;
  if (depth > top) {
    table = load<u32>(PATH + (depth << 2));
    unmarked = load<u32>(UNMARKED + (depth << 2));
  } else store<u32>(UNMARKED + (top << 2), 0);
  const from = keep ? depth : top;
  const before = keep ? unmarked : 0;
  const base = load<u32>(TREE);
  const field = load<u32>(TREE, 4);
  const fieldShift = load<i32>(TREE, 8);
  const entryShift = load<u32>(TREE, 12);
  const marks = load<u64>(TREE, 16);
  for (; depth < target; depth++) {
    const level = LEVELS + (depth << 4);
    const index = ((at >> (load<u32>(level) as u64)) as u32) & load<u32>(level, 4);
    const entry = (table as usize) + ((index as usize) << entryShift);
    const lo = load<u32>(entry);
    if ((lo & load<u32>(level, 8)) != load<u32>(level, 12)) break;
    if (entryShift == 2 || (load<u64>(entry) & marks) == 0) unmarked++;
    table = tableBehind(entry, field, fieldShift, base);
    store<u32>(PATH + (depth << 2), table, 4);
    store<u32>(UNMARKED + (depth << 2), unmarked, 4);
  }
  store<u64>(WALKED, at);
  store<u32>(WALKED, depth, 8);
  store<u32>(WALKED, unmarked - before, 12);
  return table | depth | (from << 4);
}

/**
 * Output address behind `iova`, in a tree of 8-byte entries whose leaves hold it as a field: -1 where nothing is mapped, NaN where
 * the leaf is one of several entries. The depth reached is left as `follow` leaves it.
 */
export function translate8(root: u32, iova: f64, last: u32): f64 {
  return outputAt(follow(root, iova, last, false), wide(iova));
}

/** What `translate8` answers, where a walk for an address ended. */
@inline
export function outputAt(found: u32, at: u64): f64 {
  const level = LEVELS + ((found & 15) << 4);
  const shift = load<u32>(level) as u64;
  const index = ((at >> shift) as u32) & load<u32>(level, 4);
  const entry = load<u64>(((found & ~1023) as usize) + ((index as usize) << 3));
  if (entry == 0) return -1;
  const several = load<u64>(TREE, 40);
  if (several != 0 && (entry & several) == several) return NaN;
  const base = (entry & load<u64>(TREE, 24)) << (load<u32>(TREE, 32) as u64);
  return (base | (at & (((1 as u64) << shift) - 1))) as i64 as f64;
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
 * Writes `count` neighbouring leaves of one 8-byte entry each, for one output range from `pa` on, where their entries are all zero.
 * @returns whether they were
 */
@inline
export function writeLeaves8(entry: usize, count: u32, pa: u64, pageShift: u64, bitsLo: u32, bitsHi: u32): bool {
  const shift = load<u32>(TREE, 32) as u64;
  const value = ((pa >> shift) & load<u64>(TREE, 24)) | join(bitsLo, bitsHi);
  if (count == 1) {
    if (load<u64>(entry) != 0) return false;
    store<u64>(entry, value);
    return true;
  }
  if (!areClear8(entry, count)) return false;
  const stride = (1 as u64) << (pageShift - shift);
  fill8(entry, count, value as u32, (value >> 32) as u32, stride as u32, (stride >> 32) as u32);
  return true;
}

/**
 * Walks as `follow` does to the table at depth `depth`, and writes `count` neighbouring 8-byte leaves of one entry each, for one
 * output range from `pa` on, where their entries are all zero. They lie in one table.
 * @returns as `follow`, with bit 8 set where the leaves were written
 */
export function mapPages8(
  root: u32, iova: f64, pa: f64, count: u32, depth: u32, keep: bool, bitsLo: u32, bitsHi: u32,
): u32 {
  const found = follow(root, iova, depth, keep);
  if ((found & 15) != depth) return found;
  const level = LEVELS + (depth << 4);
  const pageShift = load<u32>(level) as u64;
  const index = ((wide(iova) >> pageShift) as u32) & load<u32>(level, 4);
  const entry = ((found & ~1023) as usize) + ((index as usize) << 3);
  return writeLeaves8(entry, count, wide(pa), pageShift, bitsLo, bitsHi) ? found | 256 : found;
}
