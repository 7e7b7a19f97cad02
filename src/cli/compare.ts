/**
 * `iommu compare`: two traces, kernels or settings side by side.
 * @module
 */
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { type CompareInput, compareAnswer } from '../answers/compare.ts';
import type { ReplayChoices } from '../answers/replay/choices.ts';
import { ReplayRun } from '../answers/replay.ts';
import { InputError } from '../errors.ts';
import { machineOf } from '../explain/machine.ts';
import { MeasuredLayers } from '../explain/measured.ts';
import { answerDocument } from '../report/answer-data.ts';
import { createNames } from '../trace/events.ts';
import { FunctionGraphReader } from '../trace/function-graph.ts';
import { recogniseTrace } from '../trace/readers.ts';
import { addFormOptions, type FormFlags, outputOf } from './forms.ts';
import { readChunks, readFile } from './io.ts';
import { printAnswer } from './print.ts';
import { readTraceFiles } from './trace-files.ts';
import { hardwareBeside } from './trace-hardware.ts';
import { addWhatIfOptions, whatIfChoices } from './what-if-options.ts';

const EXAMPLES = `Examples:
  iommu compare before.txt after.txt                 two traces
  iommu compare fgraph-a.txt fgraph-b.txt            latency by layer of two function_graph traces
  iommu replay t.txt --tlb lazy -o lazy.json         settings: save one answer each,
  iommu replay t.txt --tlb strict -o strict.json
  iommu compare strict.json lazy.json                then compare them
  iommu replay boot.txt trace.txt -o a.json          several files that are one trace: save the answer first
`;

interface CompareFlags extends FormFlags, ReplayChoices {}

const SNIFFED_BYTES = 1 << 16;
const BRACE = 0x7b;

async function startOf(file: string): Promise<Uint8Array> {
  const chunks = readChunks(file);
  let start = new Uint8Array(0);
  for await (const chunk of chunks) {
    const longer = new Uint8Array(start.length + chunk.length);
    longer.set(start);
    longer.set(chunk, start.length);
    start = longer;
    if (start.length >= SNIFFED_BYTES) break;
  }
  return start;
}

function isDocument(start: Uint8Array): boolean {
  const first = start.find((byte) => byte > 0x20);
  return first === BRACE;
}

function readDocument(file: string): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(readFile(file)));
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    throw new InputError(
      'MALFORMED',
      file,
      `expected the JSON answer of replay or explain, got other text: ${cause instanceof Error ? cause.message : ''}`,
    );
  }
}

function textIfAny(path: string): string | null {
  try {
    return new TextDecoder().decode(readFile(path));
  } catch {
    return null;
  }
}

async function explained(file: string): Promise<unknown> {
  const layers = new MeasuredLayers();
  const reader = new FunctionGraphReader(layers);
  for await (const chunk of readChunks(file)) reader.push(chunk);
  const beside = (name: string): string | null => textIfAny(join(dirname(file), name));
  const functions = beside('fgraph_functions.txt');
  const traced = functions === null ? null : new Set(functions.split(/\s+/).filter((name) => name !== ''));
  return layers.answer(file, reader.end(), machineOf(beside('metadata.json'), beside('qemu-args.json')), traced);
}

async function replayed(file: string, flags: CompareFlags): Promise<unknown> {
  const names = createNames();
  const run = new ReplayRun({
    ...whatIfChoices(flags),
    hardware: hardwareBeside([file]),
    names,
    clock: () => performance.now(),
  });
  const stats = await readTraceFiles(
    [file],
    (event) => run.event(event),
    names,
    () => false,
    flags.quiet === true,
  );
  const answer = run.answer(stats);
  if (answer.outcome === 'unusable') throw new InputError('NO_EVENTS', file, answer.verdict);
  return answerDocument(answer);
}

async function inputOf(file: string, flags: CompareFlags): Promise<CompareInput> {
  const start = await startOf(file);
  if (isDocument(start)) return { name: file, document: readDocument(file) };
  const graph = recogniseTrace(start, file) === 'function_graph';
  return { name: file, document: graph ? await explained(file) : await replayed(file, flags) };
}

/** Adds the verb. */
export function addCompare(program: Command): void {
  const verb = program
    .command('compare')
    .description('Compare two traces, or two saved JSON answers of replay or explain; what differs most first.')
    .argument('<a>', 'a trace, or a JSON answer')
    .argument('<b>', 'another one of the same kind')
    .addHelpText('before', EXAMPLES);
  addFormOptions(addWhatIfOptions(verb, 'map-pages', 'of traces: ')).action(
    async (a: string, b: string, flags: CompareFlags) => {
      const output = outputOf(flags);
      const inputs = [await inputOf(a, flags), await inputOf(b, flags)] as const;
      await printAnswer(compareAnswer(...inputs), output);
    },
  );
}
