/**
 * Words for a shell, so that it takes them as they are.
 * @module
 */

/** A word in single quotes: a POSIX shell evaluates nothing within them. */
export function shellQuote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
