// Stretches of bytes that many lines have in common: where they end, and what is known of them.
import { ENTRY_BYTES, HEADS, HEAD_SETS, LENGTH, LONGEST, NAMES, NAME_SETS, STARTS, START_SETS } from './layout';

/** The shortest head, start of a dma body, and name of an event. */
const SHORTEST_HEAD: usize = 12;
const SHORTEST_START: usize = 40;
const SHORTEST_NAME: usize = 4;

@inline
function mixed(a: u32, b: u32, c: u32, d: u32): u32 {
  return (a * 0x9e3779b1 + b * 0x85ebca6b + c * 0xc2b2ae35 + d * 0x27d4eb2f) >> 20;
}

/** Whether the bytes of an entry stand at `at`. */
@inline
function stands(entry: usize, at: usize, length: usize): bool {
  let offset: usize = 0;
  for (; offset + 16 <= length; offset += 16) {
    if (v128.any_true(v128.xor(v128.load(entry + offset), v128.load(at + offset)))) return false;
  }
  const same = i8x16.bitmask(i8x16.eq(v128.load(entry + offset), v128.load(at + offset))) as u32;
  return (~same & (((1 as u32) << ((length & 15) as u32)) - 1)) == 0;
}

/** The entry of a set whose bytes are those of [at, end), or 0. */
@inline
function entryOf(set: usize, at: usize, end: usize): usize {
  const length = end - at;
  if (load<u32>(set, LENGTH) == (length as u32) && stands(set, at, length)) return set;
  const other = set + ENTRY_BYTES;
  return load<u32>(other, LENGTH) == (length as u32) && stands(other, at, length) ? other : 0;
}

@inline
function setOf(table: usize, hash: u32, sets: u32): usize {
  return table + ((hash & (sets - 1)) as usize) * 2 * ENTRY_BYTES;
}

/** Behind the first `byte` from `at + skip` on, or 0 where there is none near. */
@inline
function endBehind(at: usize, skip: usize, byte: u8): usize {
  for (let offset = skip; offset < LONGEST; offset += 16) {
    const found = i8x16.bitmask(i8x16.eq(v128.load(at + offset), i8x16.splat(byte))) as u32;
    if (found != 0) return at + offset + (ctz<u32>(found) as usize) + 1;
  }
  return 0;
}

/** The head that stands at `at`: up to the bracket behind the processor. `last`: the entry found last, looked at first. */
@inline
export function headAt(at: usize, last: usize): usize {
  if (last != 0 && stands(last, at, load<u32>(last, LENGTH) as usize)) return last;
  const end = endBehind(at, SHORTEST_HEAD - 1, 0x5d);
  if (end == 0) return 0;
  const first = max<usize>(at, end - 16);
  const hash = mixed(load<u32>(first), load<u32>(end - 12), load<u32>(end - 8), load<u32>(end - 4));
  return entryOf(setOf(HEADS, hash, HEAD_SETS), at, end);
}

@inline
function equalsAt(at: usize): u64 {
  return i8x16.bitmask(i8x16.eq(v128.load(at), i8x16.splat(0x3d))) as u32 as u64;
}

/** Behind the second equals sign from `at` on, or 0 where there is none near. */
@inline
function startEnd(at: usize): usize {
  const near = equalsAt(at) | (equalsAt(at + 16) << 16) | (equalsAt(at + 32) << 32) | (equalsAt(at + 48) << 48);
  const second = near & (near - 1);
  if (second != 0) return at + (ctz<u64>(second) as usize) + 1;
  const first = endBehind(at, 0, 0x3d);
  return first == 0 ? first : endBehind(first, 0, 0x3d);
}

/** The start of a dma body that stands at `at`: up to its second equals sign, behind the name, device and direction. */
@inline
export function startAt(at: usize): usize {
  const end = startEnd(at);
  if (end < at + SHORTEST_START) return 0;
  const first = load<u32>(at, 8) ^ load<u32>(end - 40);
  const second = load<u32>(end - 36) ^ load<u32>(end - 24);
  const third = load<u32>(end - 32) ^ load<u32>(end - 20);
  const hash = mixed(first, second, third, load<u32>(end - 28));
  return entryOf(setOf(STARTS, hash, START_SETS), at, end);
}

/** The name of an event that is not used, with the space behind it. */
@inline
export function nameAt(at: usize): usize {
  const end = endBehind(at, 0, 0x20);
  if (end < at + SHORTEST_NAME) return 0;
  const hash = mixed(load<u32>(at), load<u32>(end - 4), (end - at) as u32, 0);
  return entryOf(setOf(NAMES, hash, NAME_SETS), at, end);
}
