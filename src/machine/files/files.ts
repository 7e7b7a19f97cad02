/**
 * The files of a machine as the doctor reads them: names to bytes, from a running system, a folder or an archive. Nothing
 * here writes, and nothing follows a link out of the tree.
 * @module
 */
import { InputError } from '../../errors.ts';

/** What came of reading one file. */
export type FileRead =
  | { readonly state: 'read'; readonly bytes: Uint8Array }
  | { readonly state: 'missing' }
  | { readonly state: 'refused'; readonly why: string };

/** Read-only files below a root; paths are relative to it, with `/` between names. */
export interface MachineFiles {
  /** Where they are, for messages. */
  readonly root: string;
  /** True for the running system. */
  readonly live: boolean;
  /** Names in a folder, sorted; none if there is no such folder, or it cannot be listed. */
  list(folder: string): readonly string[];
  /** Where a link leads, as it is written there; null if it is none. */
  link(path: string): string | null;
  read(path: string): FileRead;
}

/** A file or a link of a tree in memory. */
export type MemoryFile = { readonly bytes: Uint8Array } | { readonly link: string };

/** Longest path and link, as Linux allows (PATH_MAX). */
const LONGEST_PATH = 4096;
/** Folders of a tree in memory. */
const MOST_FOLDERS = 2 ** 19;
/** Links that one path may lead through, as Linux allows. */
const MOST_LINKS = 40;

/**
 * The names of a path, `.` left out.
 * @throws InputError `MALFORMED` for an absolute path, one that leads above the root, or one longer than Linux allows.
 */
export function checkedPath(path: string, source: string): string {
  if (path.length > LONGEST_PATH) {
    throw new InputError(
      'MALFORMED',
      source,
      `expected paths of at most ${LONGEST_PATH} characters, got ${path.length}`,
    );
  }
  const parts = path.split('/').filter((part, i) => part !== '.' && (part !== '' || i === 0));
  if (parts[0] === '' || parts.includes('..') || path.includes('\0')) {
    throw new InputError('MALFORMED', source, `expected paths below its root, got '${path.slice(0, 200)}'`);
  }
  return parts.join('/');
}

/** A tree in memory. Links are followed within it only. */
export class MemoryFiles implements MachineFiles {
  readonly root: string;
  readonly live = false;
  readonly #files: ReadonlyMap<string, MemoryFile>;
  readonly #refused: ReadonlyMap<string, string>;
  readonly #folders = new Map<string, Set<string>>();

  /**
   * @param files - by path below the root; {@link checkedPath} holds for each
   * @param refused - files that are there and cannot be read, each with the reason
   * @throws InputError `TOO_LARGE` for more than 524,288 folders
   */
  constructor(root: string, files: ReadonlyMap<string, MemoryFile>, refused: ReadonlyMap<string, string> = new Map()) {
    this.root = root;
    this.#files = files;
    this.#refused = refused;
    for (const path of [...files.keys(), ...refused.keys()]) this.#enter(path);
  }

  list(folder: string): readonly string[] {
    const resolved = this.#resolve(folder);
    return resolved === null ? [] : [...(this.#folders.get(resolved) ?? [])].sort();
  }

  link(path: string): string | null {
    const slash = path.lastIndexOf('/');
    const folder = slash < 0 ? '' : this.#resolve(path.slice(0, slash));
    if (folder === null) return null;
    const file = this.#files.get(folder === '' ? path.slice(slash + 1) : `${folder}/${path.slice(slash + 1)}`);
    return file !== undefined && 'link' in file ? file.link : null;
  }

  read(path: string): FileRead {
    const resolved = this.#resolve(path);
    if (resolved === null)
      return { state: 'refused', why: 'a link on its way leaves the tree, leads in a circle, or is too long' };
    const why = this.#refused.get(resolved);
    if (why !== undefined) return { state: 'refused', why };
    const file = this.#files.get(resolved);
    return file !== undefined && 'bytes' in file ? { state: 'read', bytes: file.bytes } : { state: 'missing' };
  }

  #enter(path: string): void {
    for (let end = path.length; end > 0; ) {
      const slash = path.lastIndexOf('/', end - 1);
      const folder = slash < 0 ? '' : path.slice(0, slash);
      const names = this.#folders.get(folder) ?? new Set();
      this.#folders.set(folder, names);
      if (this.#folders.size > MOST_FOLDERS) {
        throw new InputError('TOO_LARGE', this.root, `expected at most ${MOST_FOLDERS} folders, got more`, {
          limit: MOST_FOLDERS,
        });
      }
      if (names.has(path.slice(slash + 1, end))) return;
      names.add(path.slice(slash + 1, end));
      end = slash;
    }
  }

  /** The path without links; null where a link leaves the tree. */
  #resolve(path: string): string | null {
    let waiting = path.split('/').reverse();
    const done: string[] = [];
    let links = 0;
    for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
      if (name === '' || name === '.') continue;
      if (name === '..') {
        if (done.pop() === undefined) return null;
        continue;
      }
      const file = this.#files.get([...done, name].join('/'));
      if (file === undefined || !('link' in file)) {
        done.push(name);
        continue;
      }
      if (++links > MOST_LINKS || file.link.length > LONGEST_PATH || file.link.startsWith('/')) return null;
      waiting = [...waiting, ...file.link.split('/').reverse()];
    }
    return done.join('/');
  }
}

/** The same files without the folders above `prefix`. */
export function below(files: MachineFiles, prefix: string): MachineFiles {
  if (prefix === '') return files;
  const at = (path: string): string => (path === '' ? prefix : `${prefix}/${path}`);
  return {
    root: files.root,
    live: files.live,
    list: (folder) => files.list(at(folder)),
    link: (path) => files.link(at(path)),
    read: (path) => files.read(at(path)),
  };
}

/** Files with some more on top: what a command printed, for example. */
export function withFiles(files: MachineFiles, more: ReadonlyMap<string, FileRead>): MachineFiles {
  return {
    root: files.root,
    live: files.live,
    list: (folder) => files.list(folder),
    link: (path) => files.link(path),
    read: (path) => more.get(path) ?? files.read(path),
  };
}
