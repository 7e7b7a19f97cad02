/**
 * Random access to a file through Node's `fs`.
 * @module
 */
import { fstatSync, openSync, readSync } from 'node:fs';
import { unreadable } from './system-errors.ts';

function orUnreadable<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/**
 * A file for random access; nothing of it is kept.
 * @throws InputError `UNREADABLE`.
 */
export function fileSource(path: string): {
  readonly size: number;
  readonly read: (offset: number, length: number) => Uint8Array;
} {
  const file = orUnreadable(path, () => openSync(path, 'r'));
  const size = orUnreadable(path, () => fstatSync(file).size);
  return {
    size,
    read: (offset, length) => {
      const bytes = new Uint8Array(Math.max(0, Math.min(length, size - offset)));
      if (bytes.length === 0) return bytes;
      return bytes.subarray(
        0,
        orUnreadable(path, () => readSync(file, bytes, 0, bytes.length, offset)),
      );
    },
  };
}
