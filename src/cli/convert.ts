/**
 * `iommu convert`: any dump, with its registers, as one snapshot.
 * @module
 */
import { closeSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import type { Command } from 'commander';
import { formatSize } from '../address.ts';
import { dumpPages, type SnapshotPage, writeSnapshot } from '../dump/snapshot-writer.ts';
import { InputError } from '../errors.ts';
import { addDumpOptions, type DumpOptions, openDumpFile } from './dump-file.ts';
import { Progress, printJson, say } from './io.ts';

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
    progress.update(++count);
    yield page;
  }
  progress.done();
}

function onFile<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    throw new InputError('UNREADABLE', path, cause instanceof Error ? cause.message : String(cause));
  }
}

/** Whether the path is free or a plain file: devices and pipes are written to, never replaced. */
function isReplaceable(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? true;
}

/** Writes beside the target first: a conversion that fails leaves what was there. */
function writeFile(path: string, pieces: Iterable<Uint8Array>): number {
  const replaces = isReplaceable(path);
  const beside = replaces ? `${path}.part` : path;
  const file = onFile(beside, () => openSync(beside, 'w'));
  let bytes = 0;
  let whole = false;
  try {
    for (const piece of pieces) {
      for (let at = 0; at < piece.length; ) at += onFile(beside, () => writeSync(file, piece, at));
      bytes += piece.length;
    }
    whole = true;
  } finally {
    closeSync(file);
    if (!whole && replaces) rmSync(beside, { force: true });
  }
  if (replaces) onFile(path, () => renameSync(beside, path));
  return bytes;
}

async function convert(path: string, options: ConvertOptions): Promise<void> {
  const dump = await openDumpFile(path, options);
  let pages = 0;
  const all = function* (): Generator<SnapshotPage> {
    for (const page of withProgress(dumpPages(dump))) {
      pages++;
      yield page;
    }
  };
  const { registers, geometry } = dump;
  const bytes = writeFile(options.output, writeSnapshot({ pages: all(), registers, geometry }));
  const has = `${pages} pages (${formatSize(pages * 4096)}), ${registers === undefined ? 'no registers' : `registers of ${registers.iommu}`}`;
  if (options.json === true) {
    printJson({ schema: 'iommu.convert', version: 1, from: dump.kind, output: options.output, pages, bytes });
  } else {
    say(`${options.output}: ${has}, ${bytes} bytes`);
  }
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
