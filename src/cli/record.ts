/**
 * `iommu record`: makes the trace that the other verbs read.
 * @module
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { parseNamedSize } from '../address.ts';
import { type MachineKind, machineFacts } from '../record/machine.ts';
import { machineFiles } from '../record/machine-files.ts';
import { metadataOf, type Recording, summaryOf } from '../record/metadata.ts';
import { recordScript } from '../record/script.ts';
import { checkTracing, type RecordOptions, TRACEFS, Tracing } from '../record/tracing.ts';
import type { Tree } from '../record/tree.ts';
import { answer } from '../report/json.ts';
import { UsageError } from './exit.ts';
import { printJson, printScript, say } from './io.ts';
import { writeFile } from './print.ts';
import { runCommand } from './record/command.ts';
import { copyOut } from './record/save.ts';
import { Signals, statusOf } from './record/signals.ts';
import { folderTree } from './record/tree.ts';

interface Options {
  readonly output: string;
  readonly graph?: boolean;
  readonly bufferSize: string;
  readonly tracefs?: string;
  readonly sysroot: string;
  readonly machine?: MachineKind;
  readonly print?: boolean;
  readonly force?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

const EXAMPLES = `Examples:
  sudo iommu record -o run1 -- fio --name=a --filename=/dev/nvme0n1 --rw=randread --direct=1 --size=64M
  iommu replay run1/trace.txt
  sudo iommu record --graph -o run2 -- dd if=/dev/nvme0n1 of=/dev/null bs=1M count=8 iflag=direct
  iommu explain run2/trace_fgraph.txt
  iommu record --print -- sleep 10 > record.sh    the same as a shell script, for another machine
`;

const AFTER = `
The command's exit status is passed on (128 + n if signal n ended it, as a shell does), and stands in metadata.json.
This program's own refusals are 2 (wrong usage, command not found) and 3 (no tracefs, no rights, no events), said on
standard error; then the command did not run.`;

const LEAST_BUFFER = 4096;
const MOST_LOG = 64 << 20;

function tracefsOf(options: Options): Tree {
  if (options.tracefs !== undefined) return folderTree(options.tracefs);
  const trees = TRACEFS.map((path) => folderTree(join(options.sysroot, path)));
  return trees.find((tree) => tree.exists('tracing_on')) ?? folderTree(join(options.sysroot, TRACEFS[0]));
}

function recordOptions(options: Options): RecordOptions {
  const bytes = parseNamedSize('--buffer-size', options.bufferSize);
  if (bytes < LEAST_BUFFER) throw new UsageError(`--buffer-size: expected at least 4K, got ${options.bufferSize}`);
  return { graph: options.graph === true, bufferKb: Math.floor(bytes / 1024), force: options.force === true };
}

function folderFor(options: Options): string {
  const folder = options.output;
  const taken = folderTree(folder)
    .list('.')
    .filter((name) => ['trace.txt', 'trace_fgraph.txt', 'metadata.json'].includes(name));
  if (taken.length > 0 && options.force !== true) {
    throw new UsageError(
      `--output: expected a folder without a recording, got ${folder} with ${taken.join(' and ')}: choose another folder, or add --force`,
    );
  }
  try {
    mkdirSync(folder, { recursive: true });
  } catch (cause) {
    throw new UsageError(
      `--output: expected a folder that can be made, got an error: ${cause instanceof Error ? cause.message : String(cause)}`,
    );
  }
  return folder;
}

/** The kernel's log; null for a machine that is not this one, or without the right to read it. */
function kernelLog(sysroot: string): string | null {
  if (sysroot !== '/') return null;
  const { status, stdout } = spawnSync('dmesg', { encoding: 'utf8', maxBuffer: MOST_LOG });
  return status === 0 && stdout !== '' ? stdout : null;
}

/** Runs the command with tracing prepared; null if a signal cut the saving short. */
async function recordWith(
  tracing: Tracing,
  signals: Signals,
  tree: Tree,
  folder: string,
  command: readonly string[],
  options: Options,
): Promise<Recording | null> {
  const facts = tracing.prepare(recordOptions(options));
  const startedAt = new Date().toISOString();
  const begin = performance.now();
  tracing.start();
  const ending = await runCommand(command, options.json === true, signals);
  tracing.stop();
  const seconds = (performance.now() - begin) / 1000;
  const trace = facts.tracer === 'nop' ? 'trace.txt' : 'trace_fgraph.txt';
  if (!(await copyOut(join(tree.root, 'trace'), join(folder, trace), signals))) return null;
  writeFile(join(folder, 'event_formats.txt'), tracing.formats(facts));
  if (facts.functions.length > 0) writeFile(join(folder, 'fgraph_functions.txt'), `${facts.functions.join('\n')}\n`);
  const log = kernelLog(options.sysroot);
  return { command, facts, losses: tracing.losses(), ending, trace, startedAt, seconds, log };
}

/** One recording, and every setting put back, however it ends. */
async function record(tree: Tree, folder: string, command: readonly string[], options: Options) {
  const tracing = new Tracing(tree);
  const signals = new Signals();
  const restore = (): void => {
    for (const failure of tracing.restore()) say(`iommu record: ${failure}`);
  };
  process.once('exit', restore);
  try {
    const recording = await recordWith(tracing, signals, tree, folder, command, options);
    if (recording === null) say(`iommu record: ${folder}: the trace was not saved to its end`);
    return recording ?? statusOf(signals.caught.at(-1) ?? null);
  } finally {
    process.off('exit', restore);
    restore();
    signals.release();
  }
}

/** Saves what the machine is, and tells the user. */
function finish(folder: string, recording: Recording, options: Options): void {
  const sys = folderTree(options.sysroot);
  const machine = machineFacts(sys);
  for (const [name, text] of machineFiles(sys)) writeFile(join(folder, name), text);
  if (recording.log !== null) writeFile(join(folder, 'dmesg.txt'), recording.log);
  const metadata = metadataOf(machine, recording, options.machine);
  writeFile(join(folder, 'metadata.json'), `${JSON.stringify(metadata, null, 2)}\n`);
  if (options.quiet !== true) for (const line of summaryOf(folder, machine, recording)) say(`iommu record: ${line}`);
  if (options.json !== true) return;
  const { ending, losses, trace, facts } = recording;
  const { status, signal } = ending;
  printJson(answer('iommu.record', 1, { folder, trace, status, signal, losses, events: facts.events }));
}

async function runRecord(command: readonly string[], options: Options): Promise<void> {
  const settings = recordOptions(options);
  if (command[0] === '') throw new UsageError('command: expected the name of a program, got an empty word');
  if (options.print === true) {
    const { output: folder, tracefs = null, sysroot } = options;
    printScript(recordScript(command, { folder, tracefs, sysroot }, settings));
    return;
  }
  if (command.length === 0)
    throw new UsageError('command: expected the command to record, got none: iommu record -o DIR -- COMMAND …');
  const tree = tracefsOf(options);
  checkTracing(tree, settings);
  const folder = folderFor(options);
  const ended = await record(tree, folder, command, options);
  if (typeof ended === 'number') process.exitCode = ended;
  else {
    finish(folder, ended, options);
    process.exitCode = ended.ending.status;
  }
}

/** Adds `iommu record`. */
export function addRecord(program: Command): void {
  program
    .command('record')
    .summary('record a trace of the IOMMU layers while a command runs')
    .description(
      'Turns on the events that the other verbs need, runs a command, saves trace and metadata, and puts every setting back.',
    )
    .argument('[command...]', 'the command and its arguments, after --')
    .option(
      '-o, --output <dir>',
      'folder for the trace, metadata.json, the kernel log and what the machine is',
      'iommu-record',
    )
    .option('--graph', 'function_graph below the mapping calls, for iommu explain (trace_fgraph.txt)')
    .option('--buffer-size <size>', 'buffer of each processor', '16M')
    .option('--tracefs <dir>', `where tracefs is (else ${TRACEFS.join(' or ')})`)
    .option('--sysroot <dir>', 'where /proc and /sys are looked for', '/')
    .addOption(
      new Option('--machine <kind>', 'what the machine is, if it cannot tell').choices(['hardware', 'kvm', 'emulated']),
    )
    .option('--print', 'print the shell commands instead of running them')
    .option('--force', 'record although tracing is in use; write over an earlier recording')
    .option('--quiet', 'no summary on standard error')
    .option('--json', "print a summary as JSON; the command's output goes to standard error")
    .passThroughOptions()
    .addHelpText('before', EXAMPLES)
    .addHelpText('after', AFTER)
    .action((command: string[], options: Options) => runRecord(command, options));
}
