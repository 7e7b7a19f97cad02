/**
 * `iommu convert`: any dump, with its registers, as one snapshot.
 * @module
 */
import { randomUUID } from 'node:crypto';
import { closeSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import type { Command } from 'commander';
import { convertAnswer } from '../answers/convert.ts';
import { dumpPages, type SnapshotPage, writeSnapshot } from '../dump/snapshot-writer.ts';
import { openDumpFile } from './dump-file.ts';
import { addDumpOptions, type DumpOptions } from './dump-options.ts';
import { outputOf } from './forms.ts';
import { Progress } from './io.ts';
import { printAnswer } from './print.ts';
import { unwritable } from './system-errors.ts';

const EXAMPLES = `
Examples:
  iommu convert vmcore -o machine.snapshot
  iommu convert tables.jsonl.gz --regs regs.json -o machine.snapshot
  iommu convert memory.bin --base 0x40000000 -o machine.snapshot`;

interface ConvertOptions extends DumpOptions {
  readonly output: string;
  readonly json?: boolean;
}

function* withProgress(pages: Iterable<SnapshotPage>): Generator<SnapshotPage> {
  const progress = new Progress('convert', 'pages');
  let count = 0;
  for (const page of pages) {
    count += page.pages ?? 1;
    progress.update(count);
    yield page;
  }
  progress.done();
}

function onFile<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

/** Whether the path is free or a plain file: devices and pipes are written to, never replaced. */
function isReplaceable(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? true;
}

const SIGNALS = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const;

/** Runs an action with `cleanUp` before a signal ends the program. */
function withCleanUp<T>(cleanUp: () => void, action: () => T): T {
  const handlers = Object.entries(SIGNALS).map(([signal, number]) => {
    const stop = (): void => {
      cleanUp();
      process.exit(128 + number);
    };
    process.once(signal, stop);
    return () => process.off(signal, stop);
  });
  try {
    return action();
  } finally {
    for (const off of handlers) off();
  }
}

function writePieces(path: string, file: number, pieces: Iterable<Uint8Array>): number {
  let bytes = 0;
  for (const piece of pieces) {
    for (let at = 0; at < piece.length; ) at += onFile(path, () => writeSync(file, piece, at));
    bytes += piece.length;
  }
  return bytes;
}

/** Writes to a device or pipe, in place. */
function writeInPlace(path: string, pieces: Iterable<Uint8Array>): number {
  const file = onFile(path, () => openSync(path, 'w'));
  try {
    return writePieces(path, file, pieces);
  } finally {
    closeSync(file);
  }
}

/**
 * Writes beside the target first, to a file that is made anew under a name that nobody can foresee: a conversion that
 * fails or is interrupted leaves what was there.
 */
function writeFile(path: string, pieces: Iterable<Uint8Array>): number {
  if (!isReplaceable(path)) return writeInPlace(path, pieces);
  const beside = `${path}.${randomUUID()}.part`;
  const remove = (): void => rmSync(beside, { force: true });
  return withCleanUp(remove, () => {
    const file = onFile(path, () => openSync(beside, 'wx'));
    try {
      const bytes = writePieces(path, file, pieces);
      onFile(path, () => renameSync(beside, path));
      return bytes;
    } finally {
      closeSync(file);
      remove();
    }
  });
}

async function convert(path: string, options: ConvertOptions): Promise<void> {
  const dump = await openDumpFile(path, options);
  let pages = 0;
  const all = function* (): Generator<SnapshotPage> {
    for (const page of withProgress(dumpPages(dump))) {
      pages += page.pages ?? 1;
      yield page;
    }
  };
  const { registers, geometry } = dump;
  const bytes = writeFile(options.output, writeSnapshot({ pages: all(), registers, geometry }));
  const flags = options.json === true ? { json: true } : {};
  await printAnswer(convertAnswer({ dump, output: options.output, pages, bytes }), outputOf(flags));
}

/** Adds the verb. */
export function addConvert(program: Command): void {
  const verb = program
    .command('convert')
    .description('Write a dump of any kind, with its registers, as one snapshot.')
    .argument('<dump>', 'snapshot, sparse pages, raw image, ELF core, kdump, debugfs text; - for standard input')
    .requiredOption('-o, --output <file>', 'the snapshot to write')
    .option('--json', 'answer as JSON')
    .addHelpText('after', EXAMPLES);
  addDumpOptions(verb).action((path: string, options: ConvertOptions) => convert(path, options));
}
