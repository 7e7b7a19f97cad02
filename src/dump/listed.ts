/**
 * How much an answer lists.
 * @module
 */

/** Ranges, leaves or other rows that an answer lists unless asked for more. */
export const LISTED: number = 100_000;
