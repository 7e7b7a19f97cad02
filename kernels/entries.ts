// Runs of neighbouring entries: filled, cleared, searched, decoded.
import { join, kept, TWO_52 } from './common';

/** Writes `count` 8-byte entries from `dest` on: a value, and each further one `stride` more. */
export function fill8(dest: usize, count: u32, lo: u32, hi: u32, strideLo: u32, strideHi: u32): void {
  const stride = join(strideLo, strideHi);
  let value = join(lo, hi);
  const end = dest + ((count as usize) << 3);
  const quads = dest + (((count & ~3) as usize) << 3);
  let first = i64x2.replace_lane(i64x2.splat(value as i64), 1, (value + stride) as i64);
  let second = i64x2.add(first, i64x2.splat((stride << 1) as i64));
  const step = kept(0, i64x2.splat((stride << 2) as i64));
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
  const masks = kept(0, i64x2.splat(mask as i64));
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
  const masks = kept(0, i64x2.splat(mask as i64));
  const values = kept(1, i64x2.splat(value as i64));
  const flips = kept(2, i64x2.splat(flip as i64));
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
  const masks = kept(0, i64x2.splat(mask as i64));
  const units = kept(1, f64x2.splat(unit));
  const bias = kept(2, f64x2.splat(TWO_52));
  const none = kept(3, f64x2.splat(-1));
  const zero = i64x2.splat(0);
  const paired = from + (((count & ~1) as usize) << 3);
  for (; from < paired; from += 16, dest += 16) {
    const entries = v128.load(from);
    const field = v128.or(i64x2.shr_u(v128.and(entries, masks), low as i32), bias);
    const address = f64x2.mul(f64x2.sub(field, bias), units);
    v128.store(dest, v128.bitselect(none, address, i64x2.eq(entries, zero)));
  }
  if (count & 1) {
    const entry = load<u64>(from);
    store<f64>(dest, entry == 0 ? -1 : (((entry & mask) >> low) as f64) * unit);
  }
}
