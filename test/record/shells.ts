/**
 * The printed script in the shells that are here, on a tree of files that stands for tracefs.
 * @module
 */
import { type ChildProcess, type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recordScript } from '../../src/record/script.ts';
import { restoring } from '../../src/record/settings.ts';
import { AT_REST, filesIn, HARDWARE, makeFolder, removeFolder } from './tracefs.ts';

/** True if a program is here. */
export function isHere([program = '', ...args]: readonly string[]): boolean {
  return spawnSync(program, [...args, '-c', 'true']).error === undefined;
}

/** True if `sh` is one of the others under another name. */
function isKnown(): boolean {
  const { stdout } = spawnSync('sh', ['-c', 'readlink -f "$(command -v sh)"'], { encoding: 'utf8' });
  return /\/(dash|bash)$/.test(stdout.trim());
}

const ALL: readonly (readonly [name: string, words: readonly string[]])[] = [
  ['dash', ['dash']],
  ['bash', ['bash']],
  ['busybox sh', ['busybox', 'sh']],
  ...(isKnown() ? [] : [['sh', ['sh']] as const]),
];

/** Name and words of each shell that is here; those that are missing are skipped by name. */
export const SHELLS: readonly (readonly [name: string, words: readonly string[]])[] = ALL.filter(([, words]) =>
  isHere(words),
);

/** The shells that are not here. */
export const MISSING: readonly string[] = ALL.filter(([, words]) => !isHere(words)).map(([name]) => name);

/** One place where scripts are run: a tracefs, a machine, a folder for recordings. */
export class Bench {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'iommu script '));
  readonly tracefs: string;
  readonly sysroot: string;
  readonly out: string;

  constructor(tracefs = 'tracing') {
    this.tracefs = join(this.folder, tracefs);
    this.sysroot = makeFolder(HARDWARE);
    this.out = join(this.folder, 'out');
    this.fill();
  }

  /** Writes the tracefs anew. */
  fill(): void {
    removeFolder(this.tracefs);
    makeFolderAt(this.tracefs);
  }

  /** Removes all of it. */
  remove(): void {
    removeFolder(this.folder);
    removeFolder(this.sysroot);
  }

  /** The script that records a command here. */
  script(command: readonly string[], graph = false): string {
    const { out: folder, tracefs, sysroot } = this;
    const path = join(this.folder, 'record.sh');
    writeFileSync(path, recordScript(command, { folder, tracefs, sysroot }, { graph, bufferKb: 4096, force: false }));
    return path;
  }

  /** Runs a command's script to its end. */
  run([program = '', ...args]: readonly string[], command: readonly string[], input = ''): SpawnSyncReturns<string> {
    return spawnSync(program, [...args, this.script(command)], { encoding: 'utf8', input, cwd: this.folder });
  }

  /** Starts a command's script in a process group of its own. */
  start([program = '', ...args]: readonly string[], command: readonly string[]): ChildProcess {
    return spawn(program, [...args, this.script(command)], { stdio: 'ignore', detached: true, cwd: this.folder });
  }

  /** What the settings mean, without the files that a recording fills. */
  settings(): Record<string, string> {
    const entries = Object.entries(filesIn(this.tracefs)).filter(([path]) => !/^trace(_marker)?$/.test(path));
    return Object.fromEntries(entries.map(([path, text]) => [path, restoring(path, text)]));
  }

  /** The text of a file of the recording. */
  saved(name: string): string {
    return readFileSync(join(this.out, name), 'utf8');
  }
}

function makeFolderAt(folder: string): void {
  const made = makeFolder(AT_REST);
  spawnSync('cp', ['-r', '--', made, folder]);
  removeFolder(made);
}
