/**
 * `iommu fault`: what fault lines mean, and why they happened.
 * @module
 */
import type { Command } from 'commander';
import { hex } from '../address.ts';
import { InputError } from '../errors.ts';
import { type ExplainedFault, explainFault, faultJson } from '../fault/explain.ts';
import { FaultHistory } from '../fault/history.ts';
import { FaultLog } from '../fault/log.ts';
import type { FaultRecord } from '../fault/record.ts';
import { FaultTables } from '../fault/tables.ts';
import type { Step } from '../hardware/walk/types.ts';
import { createNames } from '../trace/events.ts';
import { createTraceReader, isStreamFormat, recogniseTrace } from '../trace/readers.ts';
import { openDumpFile } from './dump-file.ts';
import { EXIT, UsageError } from './exit.ts';
import { print, printJson, readChunks, say } from './io.ts';

const EXAMPLES = `
Examples:
  dmesg | iommu fault
  iommu fault dmesg.txt --dump tables.jsonl.gz --regs regs.json
  iommu fault dmesg.txt --trace trace_boot.txt trace.txt
`;

interface Options {
  readonly dump?: string;
  readonly regs?: string;
  readonly base?: string;
  readonly trace?: string[];
  readonly json?: boolean;
}

async function readLog(path: string): Promise<FaultLog> {
  const log = new FaultLog();
  for await (const chunk of readChunks(path)) log.push(chunk);
  log.end();
  return log;
}

async function readTraces(paths: readonly string[], faults: readonly FaultRecord[]): Promise<FaultHistory> {
  const names = createNames();
  const history = new FaultHistory(faults, names);
  for (const path of paths) {
    let reader: ReturnType<typeof createTraceReader> | undefined;
    for await (const chunk of readChunks(path)) {
      if (reader === undefined) {
        const format = recogniseTrace(chunk, path);
        if (!isStreamFormat(format)) {
          throw new InputError(
            'UNSUPPORTED_INPUT',
            path,
            `${format} is not read here: pass what trace-cmd report prints`,
          );
        }
        reader = createTraceReader(format, history.sink, names);
      }
      reader.push(chunk);
    }
    reader?.end();
  }
  history.finish();
  return history;
}

function stepLine(step: Step): string {
  const fields = Object.entries(step.fields).map(([name, value]) => `${name}=${value}`);
  return `    stage ${step.stage} level ${step.level} [${step.index}] ${hex(step.entryAddress)} = ${hex(step.entry, 16)} ${step.kind}  ${fields.join(' ')}`;
}

/** Faults that differ in nothing but the address within a page, one after the other: one for people. */
function isRepeat(a: FaultRecord, b: FaultRecord): boolean {
  const page = (fault: FaultRecord): bigint | undefined => fault.iova && fault.iova >> 12n;
  return (
    a.iommu === b.iommu && a.name === b.name && a.stream === b.stream && a.access === b.access && page(a) === page(b)
  );
}

function printFault({ record, words, cause, tables, history }: ExplainedFault, repeats: number): void {
  const time = record.seconds === undefined ? '' : `, ${record.seconds.toFixed(6)}`;
  const again = repeats === 0 ? '' : `, and ${repeats} more like it`;
  print(`line ${record.line}${time}: ${record.iommu} ${record.unit ?? ''}${again}`.trimEnd());
  print(`  ${words}`);
  for (const { name, value, meaning } of record.fields)
    print(`    ${name} = ${value}${meaning === '' ? '' : `  ${meaning}`}`);
  if (!record.complete) print('  lines of this record are missing in the log');
  if (tables?.walk !== undefined) print(['  walk in the dump', ...tables.walk.steps.map(stepLine)].join('\n'));
  for (const entry of history?.entries ?? []) {
    print(`  ${entry.seconds.toFixed(6)} ${entry.kind} ${hex(entry.iova)} + ${hex(entry.bytes)} by ${entry.task}`);
  }
  print(`  cause: ${cause.text}`);
  for (const evidence of cause.evidence) print(`    ${evidence}`);
  for (const { name, why } of cause.alternatives) print(`  not excluded: ${name} (${why})`);
  print('');
}

function printFaults(faults: readonly ExplainedFault[]): void {
  for (let i = 0; i < faults.length; ) {
    const first = faults[i] as ExplainedFault;
    let next = i + 1;
    while (next < faults.length && isRepeat(first.record, (faults[next] as ExplainedFault).record)) next++;
    printFault(first, next - i - 1);
    i = next;
  }
}

async function fault(path: string, options: Options): Promise<void> {
  if (options.dump === undefined && options.regs !== undefined) throw new UsageError('--regs needs --dump');
  if (path === '-' && process.stdin.isTTY) throw new UsageError('no log given: name a file, or pipe one in');
  const log = await readLog(path);
  const dump = options.dump === undefined ? undefined : new FaultTables(await openDumpFile(options.dump, options));
  if (dump?.usable === false) say(`${options.dump}: neither registers (--regs) nor geometry lead to its tables`);
  const trace = options.trace === undefined ? undefined : await readTraces(options.trace, log.faults);
  const faults = log.faults.map((record) => explainFault(record, dump, trace));
  const { lines, used, tooLong, dropped } = log.counts;
  if (options.json === true) {
    printJson({
      schema: 'iommu.fault',
      version: 1,
      log: { lines, used, tooLong, dropped },
      faults: faults.map(faultJson),
    });
  } else {
    printFaults(faults);
    say(`${faults.length} faults in ${lines} lines${dropped === 0 ? '' : `, ${dropped} more left out`}`);
  }
  process.exitCode = faults.length === 0 ? EXIT.ok : EXIT.findings;
}

/** Adds the verb. */
export function addFault(program: Command): void {
  program
    .command('fault')
    .description('Explain fault lines of arm-smmu, arm-smmu-v3, DMAR, AMD-Vi, RISC-V and virtio IOMMUs.')
    .argument('[log]', 'kernel log; - or none for standard input', '-')
    .option('--dump <dump>', 'memory with the tables, as for decode')
    .option('--regs <file>', 'registers of the IOMMU, as JSON')
    .option('--base <pa>', 'the dump is a raw image that starts at this physical address')
    .option('--trace <file...>', 'trace of iommu and dma events, files in order')
    .option('--json', 'JSON on standard output')
    .addHelpText('before', EXAMPLES)
    .action((path: string, options: Options) => fault(path, options));
}
