/**
 * `iommu record`: makes the trace that the other verbs read.
 * @module
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { parseSize } from '../address.ts';
import { answer } from '../report/json.ts';
import { UsageError } from './exit.ts';
import { print, printJson, say } from './io.ts';
import { writeFile } from './output.ts';
import { type Ending, runCommand } from './record/command.ts';
import { type MachineFacts, type MachineKind, machineFacts } from './record/machine.ts';
import { recordScript } from './record/script.ts';
import { checkTracing, type Losses, type RecordOptions, Tracing, type TracingFacts } from './record/tracing.ts';
import { folderTree, type Tree } from './record/tree.ts';

interface Options {
  readonly o: string;
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

const TRACEFS = ['/sys/kernel/tracing', '/sys/kernel/debug/tracing'] as const;
const LEAST_BUFFER = 4096;

function tracefsOf(options: Options): Tree {
  if (options.tracefs !== undefined) return folderTree(options.tracefs);
  const trees = TRACEFS.map((path) => folderTree(join(options.sysroot, path)));
  return trees.find((tree) => tree.exists('tracing_on')) ?? folderTree(join(options.sysroot, TRACEFS[0]));
}

function recordOptions(options: Options): RecordOptions {
  const bytes = parseSize(options.bufferSize);
  if (bytes < LEAST_BUFFER) throw new UsageError(`--buffer-size: ${options.bufferSize} is less than 4K`);
  return { graph: options.graph === true, bufferKb: Math.floor(bytes / 1024), force: options.force === true };
}

function folderFor(options: Options): string {
  const folder = options.o;
  const taken = folderTree(folder)
    .list('.')
    .filter((name) => ['trace.txt', 'trace_fgraph.txt', 'metadata.json'].includes(name));
  if (taken.length > 0 && options.force !== true) {
    throw new UsageError(`${folder} already holds ${taken.join(' and ')}: choose another folder, or add --force`);
  }
  try {
    mkdirSync(folder, { recursive: true });
  } catch (cause) {
    throw new UsageError(`cannot make ${folder}: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  return folder;
}

interface Recording {
  readonly facts: TracingFacts;
  readonly losses: Losses;
  readonly ending: Ending;
  readonly trace: string;
  readonly startedAt: string;
  readonly seconds: number;
}

async function record(tree: Tree, folder: string, command: readonly string[], options: Options): Promise<Recording> {
  const tracing = new Tracing(tree);
  const restore = (): void => {
    for (const failure of tracing.restore()) say(`iommu record: ${failure}`);
  };
  process.once('exit', restore);
  try {
    const facts = tracing.prepare(recordOptions(options));
    const startedAt = new Date().toISOString();
    const begin = performance.now();
    tracing.start();
    const ending = await runCommand(command, options.json === true);
    tracing.stop();
    const seconds = (performance.now() - begin) / 1000;
    const { trace, formats } = tracing.save(folder, facts);
    writeFile(join(folder, 'event_formats.txt'), formats);
    if (facts.functions.length > 0) writeFile(join(folder, 'fgraph_functions.txt'), `${facts.functions.join('\n')}\n`);
    return { facts, losses: tracing.losses(), ending, trace, startedAt, seconds };
  } finally {
    process.off('exit', restore);
    restore();
  }
}

function metadataOf(
  machine: MachineFacts,
  command: readonly string[],
  recording: Recording,
  given: MachineKind | undefined,
): object {
  const { facts, losses, ending, trace, startedAt, seconds } = recording;
  const override = given === undefined ? {} : { machine: given, machineEvidence: 'given with --machine' };
  return answer('iommu.metadata', 1, {
    ...machine,
    ...override,
    recorded: { command, status: ending.status, signal: ending.signal, startedAt, seconds, trace },
    tracing: facts,
    losses,
  });
}

function summarise(folder: string, machine: MachineFacts, { losses, ending, trace, facts }: Recording): void {
  const lost = losses.overrun + losses.dropped;
  say(
    `iommu record: ${join(folder, trace)}, ${facts.events.length} events enabled, command ended with ${ending.status}`,
  );
  if (lost > 0) say(`iommu record: ${lost} events were lost: the buffers were too small, see --buffer-size`);
  if (machine.iommu.units.length === 0) say('iommu record: /sys/class/iommu is empty: this machine uses no IOMMU');
  if (!facts.events.some((name) => name.startsWith('dma:'))) {
    say('iommu record: this kernel has no dma events (Linux 6.12 has): devices and lists will have to be guessed');
  }
}

async function runRecord(command: readonly string[], options: Options): Promise<void> {
  const settings = recordOptions(options);
  if (options.print === true) {
    print(recordScript(command, options.o, options.tracefs ?? TRACEFS[0], settings));
    return;
  }
  if (command.length === 0) throw new UsageError('which command is to be recorded? iommu record -o DIR -- COMMAND …');
  const tree = tracefsOf(options);
  checkTracing(tree, settings);
  const folder = folderFor(options);
  const recording = await record(tree, folder, command, options);
  const machine = machineFacts(folderTree(options.sysroot));
  const metadata = metadataOf(machine, command, recording, options.machine);
  writeFile(join(folder, 'metadata.json'), `${JSON.stringify(metadata, null, 2)}\n`);
  if (options.quiet !== true) summarise(folder, machine, recording);
  if (options.json === true) {
    const { ending, losses, trace, facts } = recording;
    printJson(
      answer('iommu.record', 1, {
        folder,
        trace,
        status: ending.status,
        signal: ending.signal,
        losses,
        events: facts.events,
      }),
    );
  }
  process.exitCode = recording.ending.status;
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
    .option('-o <dir>', 'folder for trace.txt, metadata.json and event_formats.txt', 'iommu-record')
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
