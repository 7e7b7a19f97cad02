// Where kernels find what they know and leave answers, and numbers as bits.

/** Answers of more than one value lie here, as doubles. */
export const STATE: usize = 64;

/** Vectors that stay the same in a loop lie here meanwhile, 16 bytes each: see `kept`. */
export const KEPT: usize = 128;

/**
 * What `follow` knows of a tree of tables, as 32-bit words: physical address of byte 0 (low half), field and shift of a
 * table address in an entry, log2 of an entry's bytes, (64 bits) those that mark a cleaned entry, (64 bits) the field of an
 * output address in a leaf, its shift, and (64 bits, from word 10 on) those of which all are set in a leaf of several entries.
 */
export const TREE: usize = 256;
/**
 * What whole calls know besides: where input and output addresses end (doubles), 2^52 times the bytes of a page (a double), the
 * root, the last depth, the shift of the index above it, and (64 bits, from word 10 on) where input addresses below 2^52 end.
 */
export const CALLS: usize = 304;
/** For each depth: shift and mask of its index, mask and value that tell a table entry. */
export const LEVELS: usize = 352;
/** Where the last walk went: its address (64 bits), the depth reached (0: forgotten), entries counted that lack the mark. */
export const WALKED: usize = 448;
/** Byte offset of the table at each depth of the last walk. */
export const PATH: usize = 464;
/** For each depth of the last walk, entries above it that lack the mark. */
export const UNMARKED: usize = 496;

/** 2^52: added to a whole number below it, the low 52 bits of the sum are that number. */
export const TWO_52: f64 = 4503599627370496.0;
export const TWO_52_BITS: i64 = 0x4330000000000000;
export const MANTISSA: i64 = 0x000fffffffffffff;

/**
 * A vector that a loop uses in each turn. V8 moves what computes one into the loop, where it is done in each turn, and costs as much
 * as the work; a vector that was loaded it keeps in a register.
 */
@inline
export function kept(index: usize, value: v128): v128 {
  v128.store(KEPT + (index << 4), value);
  return v128.load(KEPT + (index << 4));
}

@inline
export function join(lo: u32, hi: u32): u64 {
  return ((hi as u64) << 32) | (lo as u64);
}

@inline
export function whole(value: f64): i64 {
  return reinterpret<i64>(value + TWO_52) & MANTISSA;
}

/** An address of up to 64 bits. */
@inline
export function wide(value: f64): u64 {
  return value < TWO_52 ? (whole(value) as u64) : (value as u64);
}
