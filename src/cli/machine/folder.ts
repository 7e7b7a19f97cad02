/**
 * A folder on disk, or the running system, as the files that the doctor reads. Nothing is written, and no link is followed
 * out of a saved tree.
 * @module
 */
import { closeSync, constants, fstatSync, openSync, readdirSync, readlinkSync, readSync, realpathSync } from 'node:fs';
import { join, sep } from 'node:path';
import type { FileRead, MachineFiles } from '../../machine/files/files.ts';

/** Bytes of a file that are read at most. */
const MOST = 1 << 26;
/** Room for one piece; files are read one after the other. */
const PIECE = new Uint8Array(1 << 16);

function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : '';
}

function refusal(cause: unknown): FileRead {
  const code = codeOf(cause);
  if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENODEV') return { state: 'missing' };
  if (code === 'EACCES' || code === 'EPERM') return { state: 'refused', why: 'no right to read it; root has it' };
  if (code === 'ELOOP') return { state: 'refused', why: 'its links lead in a circle' };
  return { state: 'refused', why: cause instanceof Error ? cause.message : String(cause) };
}

/** The kernel says of its files that they are empty, or of a page: they are read until nothing comes. */
function readOpen(file: number): FileRead {
  if (!fstatSync(file).isFile()) return { state: 'missing' };
  const parts: Uint8Array[] = [];
  for (let total = 0; ; ) {
    const length = readSync(file, PIECE);
    if (length === 0) return { state: 'read', bytes: parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts) };
    parts.push(PIECE.slice(0, length));
    total += length;
    if (total > MOST) return { state: 'refused', why: `longer than ${MOST} bytes` };
  }
}

/** Opened without waiting: a tree may hold pipes. */
function readPath(path: string): FileRead {
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      return readOpen(file);
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    return refusal(cause);
  }
}

/** Where a path of a saved tree leads, all links followed; null where that is outside. */
function inside(root: string, path: string): string | null {
  const real = realpathSync.native(path);
  return real === root || real.startsWith(root.endsWith(sep) ? root : root + sep) ? real : null;
}

/** The files below a folder; `live` for the running system, whose links are its own. */
export function folderFiles(root: string, live: boolean): MachineFiles {
  const top = live ? root : realpathSync.native(root);
  const at = (path: string): string => join(top, path);
  const guarded = (path: string): FileRead => {
    try {
      const real = inside(top, at(path));
      return real === null
        ? { state: 'refused', why: 'a link that leads out of the tree is not followed' }
        : readPath(real);
    } catch (cause) {
      return refusal(cause);
    }
  };
  return {
    root,
    live,
    list: (folder) => {
      try {
        return !live && inside(top, at(folder)) === null ? [] : readdirSync(at(folder)).sort();
      } catch {
        return [];
      }
    },
    link: (path) => {
      try {
        return readlinkSync(at(path));
      } catch {
        return null;
      }
    },
    read: live ? (path) => readPath(at(path)) : guarded,
  };
}
