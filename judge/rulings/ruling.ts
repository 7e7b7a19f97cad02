/**
 * What a ruling on a kind of difference is.
 * @module
 */

/**
 * Who is right: `reader` is this project; `either` where the specification allows both; `undecided` where the text at hand
 * does not settle it.
 */
type Right = 'reader' | 'either' | 'undecided';

/** A kind of difference. */
export interface Ruling {
  readonly name: string;
  readonly right: Right;
  /** Where the specification says so, or why it is open. */
  readonly source: string;
  /** What must match: the unit, what was flipped, the reader's and the emulator's answers. */
  readonly unit: RegExp;
  readonly flip: RegExp;
  readonly ours: RegExp;
  /** Of the reader's fault; any unless given. */
  readonly reason?: RegExp;
  readonly theirs: RegExp;
}

/** Matches any text. */
export const ANY: RegExp = /^/;
/** The access came out somewhere, or left no record. */
export const PASSED: RegExp = /reaches|refused/;
