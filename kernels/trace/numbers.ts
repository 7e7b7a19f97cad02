// Digits, sixteen at once.

/** Values of decimal digits from `at` on; above 127 for all other bytes. */
@inline
export function decimals(at: usize): v128 {
  const values = i8x16.sub(v128.load(at), i8x16.splat(0x30));
  return v128.or(values, i8x16.gt_u(values, i8x16.splat(9)));
}

/** Values of hexadecimal digits of either case from `at` on; 255 for all other bytes. */
@inline
export function hexadecimals(at: usize): v128 {
  const bytes = v128.load(at);
  const digits = i8x16.sub(bytes, i8x16.splat(0x30));
  const letters = i8x16.sub(v128.or(bytes, i8x16.splat(0x20)), i8x16.splat(0x61));
  const isDigit = i8x16.le_u(digits, i8x16.splat(9));
  const isLetter = i8x16.le_u(letters, i8x16.splat(5));
  const values = v128.bitselect(digits, i8x16.add(letters, i8x16.splat(10)), isDigit);
  return v128.or(values, v128.not(v128.or(isDigit, isLetter)));
}

/** How many digits stand in front: 0 to 16. */
@inline
export function digitsOf(values: v128): u32 {
  return ctz<u32>((i8x16.bitmask(values) as u32) | 0x10000);
}

/** The first `count` values, the last one first, and zeros behind them. */
@inline
function backwards(values: v128, count: u32): v128 {
  const places = i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  return i8x16.swizzle(values, i8x16.sub(i8x16.splat((count - 1) as i8), places));
}

/** The number of the first `count` decimal digits, 15 at most. */
@inline
export function decimalOf(values: v128, count: u32): f64 {
  const digits = backwards(values, count);
  const ones = v128.and(digits, i16x8.splat(0xff));
  const pairs = i16x8.add(ones, i16x8.mul(i16x8.shr_u(digits, 8), i16x8.splat(10)));
  const fours = i32x4.dot_i16x8_s(pairs, i16x8(1, 100, 1, 100, 1, 100, 1, 100));
  const words = i16x8.narrow_i32x4_u(fours, fours);
  const eights = i32x4.dot_i16x8_s(words, i16x8(1, 10000, 1, 10000, 1, 10000, 1, 10000));
  return (i32x4.extract_lane(eights, 0) as f64) + (i32x4.extract_lane(eights, 1) as f64) * 100000000.0;
}

/** The number of the first `count` hexadecimal digits, rounded where a double cannot hold it. */
@inline
export function hexadecimalOf(values: v128, count: u32): f64 {
  const digits = backwards(values, count);
  const bytes = v128.and(v128.or(digits, i16x8.shr_u(digits, 4)), i16x8.splat(0xff));
  return i64x2.extract_lane(i8x16.narrow_i16x8_u(bytes, bytes), 0) as u64 as f64;
}
