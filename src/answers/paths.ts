/**
 * What each path is in the history of Linux, in a few words, for verdicts and tables.
 * @module
 */
import type { Path } from '../core/paths.ts';

/** Whose path it is. */
export const PATH_WORDS: Readonly<Record<Path, string>> = {
  'per-page': 'Linux up to 5.14',
  'map-pages': 'Linux since 5.15',
  'map-sg': 'the 2021 series, not merged',
  'one-walk': 'this project, in no kernel',
};

/** `map-pages (Linux since 5.15)`. */
export function pathTitle(path: Path): string {
  return `${path} (${PATH_WORDS[path]})`;
}
