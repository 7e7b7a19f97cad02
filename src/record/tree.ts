/**
 * The kernel's files as a recording sees them: a tree below a root that can be any folder.
 * @module
 */

/** Files below a root; paths are relative to it. */
export interface Tree {
  /** Where the root is, for messages. */
  readonly root: string;
  exists(path: string): boolean;
  writable(path: string): boolean;
  /** Names in a folder, sorted; none if there is no such folder. */
  list(path: string): string[];
  /** Where a link leads, as it is written there; null if it is none. */
  link(path: string): string | null;
  /** The text of a file. @throws InputError `UNREADABLE` */
  read(path: string): string;
  /** Writes a file as the shell's `>` does. @throws InputError `UNREADABLE` */
  write(path: string, text: string): void;
}

/** The text of a file, trimmed; null if there is none or it cannot be read. */
export function readIfAny(tree: Tree, path: string): string | null {
  try {
    return tree.exists(path) ? tree.read(path).replace(/\0+$/, '').trim() : null;
  } catch {
    return null;
  }
}
