/**
 * The kernel's files as `iommu record` sees them: a tree below a root that can be any folder.
 * @module
 */
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../../errors.ts';

/** Files below a root; paths are relative to it. */
export interface Tree {
  /** Where the root is, for messages. */
  readonly root: string;
  exists(path: string): boolean;
  writable(path: string): boolean;
  /** Names in a folder, sorted; none if there is no such folder. */
  list(path: string): string[];
  /** The text of a file. @throws InputError `UNREADABLE` */
  read(path: string): string;
  /** Writes a file as the shell's `>` does. @throws InputError `UNREADABLE` */
  write(path: string, text: string): void;
  /** Copies a file of any length out of the tree. @throws InputError `UNREADABLE` */
  copy(path: string, target: string): void;
}

const PIECE = 1 << 20;

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

/** Piece by piece: the kernel says that its files are empty, and a trace may be larger than memory. */
function copyFile(from: string, to: string): void {
  const source = openSync(from, 'r');
  const target = openSync(to, 'w');
  try {
    const piece = new Uint8Array(PIECE);
    for (let length = readSync(source, piece); length > 0; length = readSync(source, piece)) {
      writeSync(target, piece, 0, length);
    }
  } finally {
    closeSync(source);
    closeSync(target);
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

/** The tree below a folder. */
export function folderTree(root: string): Tree {
  const at = (path: string): string => join(root, path);
  return {
    root,
    exists: (path) => existsSync(at(path)),
    writable: (path) => isWritable(at(path)),
    list: (path) => names(at(path)),
    read: (path) => attempt(at(path), 'read', () => readFileSync(at(path), 'utf8')),
    write: (path, text) => attempt(at(path), `write '${text.trim()}'`, () => writeFileSync(at(path), text)),
    copy: (path, target) => attempt(at(path), `copy to ${target}`, () => copyFile(at(path), target)),
  };
}

/** The text of a file, trimmed; null if there is none or it cannot be read. */
export function readIfAny(tree: Tree, path: string): string | null {
  try {
    return tree.exists(path) ? tree.read(path).replace(/\0+$/, '').trim() : null;
  } catch {
    return null;
  }
}
