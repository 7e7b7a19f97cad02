// Digits, sixteen at once.

/** Values of decimal digits; above 127 for all other bytes. */
@inline
export function decimals(bytes: v128): v128 {
  const values = i8x16.sub(bytes, i8x16.splat(0x30));
  return v128.or(values, i8x16.gt_u(values, i8x16.splat(9)));
}

/** Values of hexadecimal digits in lower case; above 15 for all other bytes. */
@inline
export function hexadecimals(bytes: v128): v128 {
  const letters = i8x16.gt_s(bytes, i8x16.splat(0x39));
  const values = i8x16.sub(i8x16.sub(bytes, i8x16.splat(0x30)), v128.and(letters, i8x16.splat(39)));
  // a letter below `a` has a value below 10
  return v128.or(values, v128.xor(letters, i8x16.gt_s(values, i8x16.splat(9))));
}

/** Those of values that are above 15, in whole or in part: zero where all are digits. */
@inline
export function othersOf(values: v128): v128 {
  return v128.and(values, i8x16.splat(-16));
}

/** How many digits stand in front, 0 to 16, by a mask of the bytes that are none. */
@inline
export function digitsOf(others: u32): u32 {
  return ctz<u32>(others | 0x10000);
}

/** Moves the first `count` values to the end, zeros before them. */
@inline
function aligned(values: v128, count: u32): v128 {
  const places = i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  return i8x16.swizzle(values, i8x16.add(places, i8x16.splat((count - 16) as i8)));
}

/** Two numbers of eight decimal digits each, as the first two words. */
@inline
export function eightsOf(digits: v128): v128 {
  const tens = i16x8.mul(v128.and(digits, i16x8.splat(0xff)), i16x8.splat(10));
  const pairs = i16x8.add(tens, i16x8.shr_u(digits, 8));
  const fours = i32x4.dot_i16x8_s(pairs, i16x8(100, 1, 100, 1, 100, 1, 100, 1));
  const words = i16x8.narrow_i32x4_u(fours, fours);
  return i32x4.dot_i16x8_s(words, i16x8(10000, 1, 10000, 1, 10000, 1, 10000, 1));
}

/** The number of the first `count` decimal digits, 15 at most. */
@inline
export function decimalOf(values: v128, count: u32): i64 {
  const eights = eightsOf(aligned(values, count));
  return (i32x4.extract_lane(eights, 0) as i64) * 100000000 + (i32x4.extract_lane(eights, 1) as i64);
}

/** The number of sixteen hexadecimal digits, as eight bytes of each half of 16 bits. */
@inline
function bytesOf(values: v128): v128 {
  const digits = v128.shuffle<u8>(values, values, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  return v128.and(v128.or(digits, i16x8.shr_u(digits, 4)), i16x8.splat(0xff));
}

/** Two numbers of sixteen hexadecimal digits each. */
@inline
export function hexadecimalsOf(first: v128, second: v128): v128 {
  return i8x16.narrow_i16x8_u(bytesOf(first), bytesOf(second));
}

/** The number of the first `count` hexadecimal digits. */
@inline
export function hexadecimalOf(values: v128, count: u32): i64 {
  const bytes = bytesOf(aligned(values, count));
  return i64x2.extract_lane(i8x16.narrow_i16x8_u(bytes, bytes), 0);
}
