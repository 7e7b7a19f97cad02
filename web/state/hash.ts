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

/** The hash of a state; values that would make it too long to be a link are left out, the longest first. */
export function writeHash(state: HashState): string {
  const kept = [...state].filter(([, value]) => value !== '').sort(([, a], [, b]) => a.length - b.length);
  for (;;) {
    const text = new URLSearchParams(kept).toString();
    if (text.length <= LONGEST || kept.pop() === undefined) return text;
  }
}
