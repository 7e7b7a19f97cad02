/**
 * `iommu fault`: what fault lines mean, why they happened, and what to do.
 * @module
 */
import type { Command } from 'commander';
import { faultAnswer } from '../answers/fault.ts';
import { FaultLog } from '../fault/log.ts';
import { ClockLine } from '../record/clock.ts';
import { addDumpOptions } from './dump-options.ts';
import { logInFolder } from './evidence-folder.ts';
import { UsageError } from './exit.ts';
import type { ReadLog } from './fault-evidence.ts';
import { addFormOptions, type FormFlags, outputOf } from './forms.ts';
import { readChunks } from './io.ts';
import { addLimitOption, limitOf } from './limit.ts';
import { printAnswer } from './print.ts';

const EXAMPLES = `Examples:
  dmesg | iommu fault                                              what the lines say
  iommu fault dmesg.txt --dump tables.jsonl.gz --regs regs.json    and the walk of each address
  iommu fault dmesg.txt --trace trace_boot.txt trace.txt           and its history
`;

interface Options extends FormFlags {
  readonly dump?: string;
  readonly regs?: string;
  readonly base?: string;
  readonly trace?: string[];
  readonly limit?: string;
}

async function readLog(path: string): Promise<ReadLog> {
  const log = new FaultLog();
  const clock = new ClockLine();
  for await (const chunk of readChunks(path)) {
    log.push(chunk);
    clock.push(chunk);
  }
  log.end();
  return { log, clock };
}

/** A folder as log stands for the log, the dump and the traces in it, where options do not name others. */
function withFolder(path: string, flags: Options): { path: string; options: Options } {
  const folder = logInFolder(path);
  if (folder === null) return { path, options: flags };
  const dump = flags.dump ?? folder.dump;
  const trace = flags.trace ?? (folder.traces.length === 0 ? undefined : [...folder.traces]);
  return { path: folder.log, options: { ...flags, ...(dump && { dump }), ...(trace && { trace }) } };
}

/** Readers of dumps and traces are loaded only where a dump or a trace is given. */
function evidence(): Promise<typeof import('./fault-evidence.ts')> {
  return import('./fault-evidence.ts');
}

async function fault(given: string, flags: Options): Promise<void> {
  const { path, options } = withFolder(given, flags);
  const output = outputOf(options);
  const limit = limitOf(options.limit);
  if (options.dump === undefined && options.regs !== undefined)
    throw new UsageError('--regs: expected --dump beside it');
  if (path === '-' && process.stdin.isTTY)
    throw new UsageError('log: expected a file, or a log that is piped in, got neither');
  const read = await readLog(path);
  const tables = options.dump === undefined ? undefined : await (await evidence()).readTables(options.dump, options);
  const found = options.trace && (await (await evidence()).readHistory(options.trace, read, output.quiet));
  const beside = { tables, history: found?.history, trace: found?.stats };
  await printAnswer(faultAnswer({ log: read.log, source: path, ...beside, limit }), output);
}

/** Adds the verb. */
export function addFault(program: Command): void {
  const verb = program
    .command('fault')
    .description('Explain the fault lines of a log: of IOMMUs, of the MMUs of devices, of DMA checks.')
    .argument(
      '[log]',
      'log of a kernel, hypervisor or journal, or a folder with log, dump and traces; - or none for standard input',
      '-',
    )
    .option('--dump <dump>', 'memory with the tables, as for decode')
    .option('--trace <file...>', 'trace of iommu and dma events, files in order')
    .addHelpText('before', EXAMPLES);
  addDumpOptions(verb);
  addLimitOption(verb);
  addFormOptions(verb).action((path: string, options: Options) => fault(path, options));
}
