/**
 * Options that take words: one, several with commas between, or `all`.
 * @module
 */
import { IommuError } from '../errors.ts';

/** @throws IommuError `BAD_OPTION`: the option, what it takes, and what it got. */
export function refuseWord(option: string, known: readonly string[], word: string): never {
  throw new IommuError('BAD_OPTION', option, `expected ${known.join(', ')} or all, got '${word}'`);
}

/**
 * The words of an option, each once.
 * @throws IommuError `BAD_OPTION` for a word that is not among `known`.
 */
export function wordsOf<T extends string>(option: string, text: string, known: readonly T[]): T[] {
  if (text === 'all') return [...known];
  const words = text.split(',').map((word) => word.trim());
  return [...new Set(words.map((word) => known.find((one) => one === word) ?? refuseWord(option, known, word)))];
}
