/**
 * What the system says of a file, in the form of every other refusal.
 * @module
 */
import { InputError } from '../errors.ts';

/** What there was instead of the file that was wanted, by the system's error (errno(3)). */
const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'none: no such file or directory',
  ENOTDIR: 'none: a file stands where a folder should',
  EISDIR: 'a folder',
  EACCES: 'one that this user has no right to: permission denied',
  EPERM: 'one that this user has no right to: operation not permitted',
  EROFS: 'one on a file system that is read-only',
  ENOSPC: 'a device without space left',
  ELOOP: 'links that lead in a circle',
  ENXIO: 'a pipe that nobody reads, or no device',
};

function wordsOf(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const message = cause instanceof Error ? cause.message : String(cause);
  return Object.hasOwn(WORDS, code) ? (WORDS[code] ?? message) : `an error: ${message}`;
}

/** The refusal of a file that cannot be read. */
export function unreadable(path: string, cause: unknown): InputError {
  return new InputError('UNREADABLE', path, `expected a file that can be read, got ${wordsOf(cause)}`);
}

/** The refusal of a file that cannot be written. */
export function unwritable(path: string, cause: unknown): InputError {
  return new InputError('UNWRITABLE', path, `expected a file that can be written, got ${wordsOf(cause)}`);
}
