/**
 * The page's state in the address: `#panel=fault&…`, so that a bug report can be a link.
 * @module
 */

/** Keys and values of the address hash; each value is text of at most {@link LONGEST} characters. */
export type HashState = ReadonlyMap<string, string>;

/** Longest hash that is read or written: a link that a mail program still carries. */
export const LONGEST = 8192;

/** Reads the part behind `#`; what is not `key=value` is passed over. */
export function readHash(hash: string): Map<string, string> {
  const text = hash.replace(/^#/, '').slice(0, LONGEST);
  return new Map(new URLSearchParams(text));
}

/** The hash of a state; the empty text where it would be too long to be a link. */
export function writeHash(state: HashState): string {
  const text = new URLSearchParams([...state].filter(([, value]) => value !== '')).toString();
  return text.length > LONGEST ? '' : text;
}
