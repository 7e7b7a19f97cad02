/**
 * A folder on disk as the tree of files that a recording reads and writes.
 * @module
 */
import { accessSync, constants, existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../../errors.ts';
import type { Tree } from '../../record/tree.ts';

function attempt<T>(path: string, what: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    throw new InputError(
      'UNREADABLE',
      path,
      `cannot ${what}: ${cause instanceof Error ? cause.message : String(cause)}`,
    );
  }
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function names(path: string): string[] {
  try {
    return readdirSync(path).sort();
  } catch {
    return [];
  }
}

function linkOf(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

/** The tree below a folder. */
export function folderTree(root: string): Tree {
  const at = (path: string): string => join(root, path);
  return {
    root,
    exists: (path) => existsSync(at(path)),
    writable: (path) => isWritable(at(path)),
    list: (path) => names(at(path)),
    link: (path) => linkOf(at(path)),
    read: (path) => attempt(at(path), 'read', () => readFileSync(at(path), 'utf8')),
    write: (path, text) => attempt(at(path), `write '${text.trim()}'`, () => writeFileSync(at(path), text)),
  };
}
