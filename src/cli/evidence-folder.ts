/**
 * Folders as inputs: the files in them stand for the options that name files one by one.
 * @module
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { emptyFiles, InputError } from '../errors.ts';
import { type Evidence, evidenceIn, logIn, onlyOne } from '../machine/evidence.ts';
import { unreadable } from './system-errors.ts';

/** True if a path leads to a regular file; false where its links lead nowhere or in a circle. */
function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** True if a path names a folder. */
function isFolder(path: string): boolean {
  return path !== '-' && statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/**
 * Names of the regular files in a folder, and of links to such; a pipe or a device would be waited for.
 * @throws InputError `UNREADABLE`.
 */
export function filesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isFile() || (entry.isSymbolicLink() && isFile(join(folder, entry.name))))
      .map(({ name }) => name);
  } catch (cause) {
    throw unreadable(folder, cause);
  }
}

/**
 * What a folder holds; null for a path that is none.
 * @throws InputError `NOT_RECOGNISED` where all its files are empty.
 */
function evidenceAt(path: string): Evidence | null {
  if (!isFolder(path)) return null;
  const files = filesIn(path);
  if (files.length > 0 && files.every((name) => isEmpty(join(path, name)))) {
    throw emptyFiles(path, files.length);
  }
  return evidenceIn(files);
}

function isEmpty(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.size === 0;
}

/** Options that name files. */
export interface FileFlags {
  readonly regs?: string | undefined;
  readonly pci?: string | undefined;
  readonly groups?: string | undefined;
  readonly iomem?: string | undefined;
}

function filled(path: string, flags: FileFlags, found: FileFlags): FileFlags {
  const names = ['regs', 'pci', 'groups', 'iomem'] as const;
  return Object.fromEntries(
    names.flatMap((name) => {
      const inFolder = found[name];
      const value = flags[name] ?? (inFolder === undefined ? undefined : join(path, inFolder));
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/**
 * A dump given as a folder: its dump, and the options for registers and the machine's files that were not given.
 * @throws InputError `NOT_RECOGNISED` for a folder without a dump, or with several.
 */
export function dumpInFolder(path: string, flags: FileFlags): { readonly path: string; readonly flags: FileFlags } {
  const evidence = evidenceAt(path);
  if (evidence === null) return { path, flags };
  const { dumps, pci, groups, iomem } = evidence;
  const dump = onlyOne(
    path,
    'dump (tables-*.jsonl, *.jsonl with its registers, *.snapshot, vmcore)',
    dumps.map((each) => each.dump),
  );
  const regs = dumps[0]?.regs ?? undefined;
  const found = { regs, pci: pci ?? undefined, groups: groups ?? undefined, iomem: iomem ?? undefined };
  return { path: join(path, dump), flags: filled(path, flags, found) };
}

/** A log given as a folder, with the dump and the traces beside it. */
export interface LogInFolder {
  readonly log: string;
  readonly dump: string | undefined;
  readonly traces: readonly string[];
}

/** The log of a folder, its dump if there is one, and its traces; null for a path that is none. */
export function logInFolder(path: string): LogInFolder | null {
  const evidence = evidenceAt(path);
  if (evidence === null) return null;
  return {
    log: join(path, logIn(path, evidence)),
    dump: evidence.dumps.length === 1 ? path : undefined,
    traces: evidence.traces.map((name) => join(path, name)),
  };
}

/**
 * Files of a trace, each folder among them replaced by the traces in it, in their order.
 * @throws InputError `NOT_RECOGNISED` for a folder without a trace.
 */
export function tracesOf(paths: readonly string[]): readonly string[] {
  return paths.flatMap((path) => {
    const evidence = evidenceAt(path);
    if (evidence === null) return [path];
    if (evidence.traces.length > 0) return evidence.traces.map((name) => join(path, name));
    throw new InputError('NOT_RECOGNISED', path, 'is a folder: expected traces in it (trace*.txt), got none');
  });
}
