/**
 * `iommu fault`: what fault lines mean, and why they happened.
 * @module
 */
import type { Command } from 'commander';
import { hex } from '../address.ts';
import type { Dump } from '../dump/types.ts';
import { type ExplainedFault, explainFault, faultJson } from '../fault/explain.ts';
import { FaultHistory } from '../fault/history.ts';
import type { Incident } from '../fault/incident.ts';
import { FaultLog } from '../fault/log.ts';
import { FaultTables } from '../fault/tables.ts';
import type { Step } from '../hardware/walk/types.ts';
import { ClockLine } from '../record/clock.ts';
import type { Table } from '../report/index.ts';
import { createNames } from '../trace/events.ts';
import { openDumpFile } from './dump-file.ts';
import { noteDump } from './dump-notes.ts';
import { logInFolder } from './evidence-folder.ts';
import { EXIT, UsageError } from './exit.ts';
import { readChunks } from './io.ts';
import { addOutputOptions, emit, note, type OutputFormat, outputOf } from './output.ts';
import { clockOffset } from './trace-clock.ts';
import { readTraceFiles } from './trace-files.ts';

const EXAMPLES = `Examples:
  dmesg | iommu fault                                              what the lines say
  iommu fault dmesg.txt --dump tables.jsonl.gz --regs regs.json    and the walk of each address
  iommu fault dmesg.txt --trace trace_boot.txt trace.txt           and its history
`;

const FORMATS: readonly OutputFormat[] = ['table', 'json', 'ndjson', 'csv'];

type Flags = Parameters<typeof outputOf>[0];

interface Options extends Flags {
  readonly dump?: string;
  readonly regs?: string;
  readonly base?: string;
  readonly trace?: string[];
}

async function readLog(path: string): Promise<{ log: FaultLog; clock: ClockLine }> {
  const log = new FaultLog();
  const clock = new ClockLine();
  for await (const chunk of readChunks(path)) {
    log.push(chunk);
    clock.push(chunk);
  }
  log.end();
  return { log, clock };
}

async function readHistory(
  paths: readonly string[],
  faults: Incident[],
  offsetNs: number,
  quiet: boolean,
): Promise<FaultHistory> {
  const names = createNames();
  const history = new FaultHistory(faults, names, offsetNs);
  await readTraceFiles(paths, history.sink, names, () => false, quiet);
  history.finish();
  return history;
}

function stepLine({ stage, level, index, entryAddress, entry, kind, fields }: Step): string {
  const place = `stage ${stage} level ${level} [${index}] ${hex(entryAddress)} = ${hex(entry, 16)}`;
  const named = Object.entries(fields).map(([name, value]) => `${name}=${value}`);
  return `    ${place} ${kind}  ${named.join(' ')}`.trimEnd();
}

/** Faults that differ in nothing but the address within a page, one after the other: one for people. */
function isRepeat(a: Incident, b: Incident): boolean {
  const page = (fault: Incident): bigint | undefined => fault.iova && fault.iova >> 12n;
  return (
    a.iommu === b.iommu && a.name === b.name && a.stream === b.stream && a.access === b.access && page(a) === page(b)
  );
}

function faultLines({ record, words, cause, tables, history }: ExplainedFault, repeats: number): string[] {
  const time = record.seconds === undefined ? '' : `, ${record.seconds.toFixed(6)}`;
  const again = repeats === 0 ? '' : `, and ${repeats} more like it`;
  const fields = record.fields.map(({ name, value, meaning }) => `    ${name} = ${value}  ${meaning}`.trimEnd());
  const calls = (history?.entries ?? []).map(
    ({ seconds, kind, iova, bytes, task }) =>
      `    ${seconds.toFixed(6)} ${kind} ${hex(iova)} + ${hex(bytes)} by ${task}`,
  );
  const steps = (tables?.walk?.steps ?? []).map(stepLine);
  return [
    `line ${record.line}${time}: ${record.iommu} ${record.unit ?? ''}${again}`,
    `  ${words}`,
    ...fields,
    ...(record.complete ? [] : ['  lines of this record are missing in the log']),
    ...(steps.length === 0 ? [] : ['  walk in the dump', ...steps]),
    ...(calls.length === 0 ? [] : ['  history in the trace', ...calls]),
    `  cause: ${cause.text}`,
    ...cause.evidence.map((evidence) => `    ${evidence}`),
    ...cause.alternatives.map(({ name, why }) => `  not excluded: ${name} (${why})`),
    '',
  ];
}

function faultText(faults: readonly ExplainedFault[]): string {
  const text: string[] = [];
  for (let i = 0; i < faults.length; ) {
    const first = faults[i] as ExplainedFault;
    let next = i + 1;
    while (next < faults.length && isRepeat(first.record, (faults[next] as ExplainedFault).record)) next++;
    text.push(...faultLines(first, next - i - 1));
    i = next;
  }
  return text.join('\n');
}

function csvTable(faults: readonly ExplainedFault[]): Table {
  const columns = ['line', 'seconds', 'iommu', 'unit', 'device', 'stream', 'iova', 'access', 'name', 'cause'];
  const rows = faults.map(({ record, cause }) => {
    const { line, seconds, iommu, unit, device, stream, iova, access, name } = record;
    const [id, address] = [stream, iova].map((value) => (value === undefined ? null : hex(value)));
    const time = seconds === undefined ? null : String(seconds);
    return [
      String(line),
      time,
      iommu,
      unit ?? null,
      device ?? null,
      id ?? null,
      address ?? null,
      access ?? null,
      name,
      cause.name,
    ];
  });
  return { columns: columns.map((title) => ({ title })), rows };
}

async function openNoted(path: string, options: Options): Promise<Dump> {
  const dump = await openDumpFile(path, options);
  noteDump(path, dump);
  return dump;
}

/** A folder as log stands for the log, the dump and the traces in it, where options do not name others. */
function withFolder(path: string, flags: Options): { path: string; options: Options } {
  const folder = logInFolder(path);
  if (folder === null) return { path, options: flags };
  const dump = flags.dump ?? folder.dump;
  const trace = flags.trace ?? (folder.traces.length === 0 ? undefined : [...folder.traces]);
  return { path: folder.log, options: { ...flags, ...(dump && { dump }), ...(trace && { trace }) } };
}

async function fault(given: string, flags: Options): Promise<void> {
  const output = outputOf(flags, FORMATS);
  const { path, options } = withFolder(given, flags);
  if (options.dump === undefined && options.regs !== undefined) throw new UsageError('--regs needs --dump');
  if (path === '-' && process.stdin.isTTY) throw new UsageError('no log given: name a file, or pipe one in');
  const { log, clock } = await readLog(path);
  const dump = options.dump === undefined ? undefined : new FaultTables(await openNoted(options.dump, options));
  if (dump?.usable === false) note(output, `${options.dump}: no registers (--regs) or geometry lead to its tables`);
  const offset = options.trace === undefined ? 0 : clockOffset(options.trace, clock.text, output.quiet);
  const trace = options.trace && (await readHistory(options.trace, log.incidents, offset, output.quiet));
  const faults = log.incidents.map((record) => explainFault(record, dump, trace));
  emit(output, {
    json: () => ({ schema: 'iommu.fault', version: 1, log: log.counts, faults: faults.map(faultJson) }),
    table: () => faultText(faults),
    rows: () => faults.map(faultJson),
    csv: () => csvTable(faults),
  });
  const dropped = log.counts.dropped === 0 ? '' : `, ${log.counts.dropped} more left out`;
  note(output, `${faults.length} faults in ${log.counts.lines} lines${dropped}`);
  process.exitCode = faults.length === 0 ? EXIT.ok : EXIT.findings;
}

/** Adds the verb. */
export function addFault(program: Command): void {
  const verb = program
    .command('fault')
    .description('Explain fault lines of arm-smmu, arm-smmu-v3, DMAR, AMD-Vi, RISC-V and virtio IOMMUs.')
    .argument('[log]', 'kernel log, or a folder with log, dump and traces; - or none for standard input', '-')
    .option('--dump <dump>', 'memory with the tables, as for decode')
    .option('--regs <file>', 'registers of the IOMMU, as JSON')
    .option('--base <pa>', 'the dump is a raw image that starts at this physical address')
    .option('--trace <file...>', 'trace of iommu and dma events, files in order')
    .addHelpText('before', EXAMPLES);
  addOutputOptions(verb, FORMATS).action((path: string, options: Options) => fault(path, options));
}
