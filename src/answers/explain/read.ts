/**
 * An input of `explain`, told by its first bytes and read to its end: a latency table, a function_graph trace, or a timing text.
 * @module
 */
import type { Analysis } from '../../cost/analysis.ts';
import { looksLikeLatencyTable, MAX_TABLE_BYTES, readLatencyTable, selectRows } from '../../cost/csv.ts';
import { emptyInput, InputError, IommuError } from '../../errors.ts';
import { machineOf } from '../../explain/machine.ts';
import { type MeasuredAnswer, MeasuredLayers } from '../../explain/measured.ts';
import { explainTable, type TableAnswer } from '../../explain/table.ts';
import { explainTimings, looksLikeTimings, type TimingAnswer } from '../../explain/timing.ts';
import { FunctionGraphReader, type GraphSink } from '../../trace/function-graph.ts';
import { hasGraphCalls, recogniseTrace } from '../../trace/readers.ts';
import { readStart, startingWith } from './start.ts';

/** What one input says, by its kind. */
export type Explained =
  | {
      readonly kind: 'table';
      readonly answer: TableAnswer;
      readonly analyses: readonly Analysis[];
      /** True for a table that comes with the program. */
      readonly published: boolean;
    }
  | { readonly kind: 'graph'; readonly answer: MeasuredAnswer }
  | { readonly kind: 'timing'; readonly answer: TimingAnswer };

/** One input. */
export interface ExplainInput {
  /** Its name, as the answer says it. */
  readonly source: string;
  /** Its bytes, unpacked. */
  readonly chunks: AsyncGenerator<Uint8Array>;
  /** True for a table that comes with the program. */
  readonly published?: boolean;
  /** Columns and values that select rows of a latency table. */
  readonly where?: readonly (readonly [string, string])[];
  /** Text of a file beside a trace (`metadata.json`, `qemu-args.json`, `fgraph_functions.txt`); null if there is none. */
  readonly beside?: (name: string) => string | null;
  /** Is handed every call of a trace too. */
  readonly sink?: GraphSink;
}

/** Enough to tell a format by. */
const SNIFFED_BYTES = 1 << 16;

const EXPECTED =
  'a latency table, a function_graph trace, a histogram of funclatency or bpftrace, or the output of dma_map_benchmark';

const NO_DURATIONS = {
  text: (format: string): string =>
    `expected ${EXPECTED}, got ${format}, which holds events without durations (iommu replay reads it)`,
  dat: (): string =>
    'expected the output of `trace-cmd report`, got trace.dat, of which durations of function_graph are not read (iommu replay reads its events)',
} as const;

async function readTable(input: ExplainInput, start: Uint8Array): Promise<Explained> {
  const bytes = await readStart(startingWith(start, input.chunks), MAX_TABLE_BYTES + 1);
  const table = selectRows(readLatencyTable(new TextDecoder().decode(bytes), input.source), input.where ?? []);
  return { kind: 'table', ...explainTable(table), published: input.published === true };
}

function refuseWhere({ where = [], source }: ExplainInput, kind: string): void {
  if (where.length > 0) {
    throw new IommuError(
      'BAD_OPTION',
      'where',
      `expected a latency table, whose rows it selects, got ${source}, which is a ${kind}`,
    );
  }
}

async function readTimings(input: ExplainInput, start: Uint8Array): Promise<Explained> {
  refuseWhere(input, 'timing text');
  const bytes = await readStart(startingWith(start, input.chunks), MAX_TABLE_BYTES);
  const answer = explainTimings(new TextDecoder().decode(bytes), input.source);
  if (answer !== undefined) return { kind: 'timing', answer };
  throw new InputError('MISSING_VALUE', input.source, 'expected a whole histogram or run, got its beginning');
}

/** Hands every call to several sinks. */
function tee(sinks: readonly GraphSink[]): GraphSink {
  return {
    call: (call) => {
      for (const sink of sinks) sink.call(call);
    },
    root: (root) => {
      for (const sink of sinks) sink.root(root);
    },
  };
}

function namesIn(text: string | null): ReadonlySet<string> | null {
  return text === null ? null : new Set(text.split(/\s+/).filter((name) => name !== ''));
}

async function readGraph(input: ExplainInput, start: Uint8Array): Promise<Explained> {
  refuseWhere(input, 'trace');
  const { beside = () => null, sink, source } = input;
  const layers = new MeasuredLayers();
  const reader = new FunctionGraphReader(sink === undefined ? layers : tee([layers, sink]));
  for await (const chunk of startingWith(start, input.chunks)) reader.push(chunk);
  const machine = machineOf(beside('metadata.json'), beside('qemu-args.json'));
  const traced = namesIn(beside('fgraph_functions.txt'));
  return { kind: 'graph', answer: layers.answer(source, reader.end(), machine, traced) };
}

/**
 * Reads an input to its end.
 * @throws InputError of the readers, `UNSUPPORTED_INPUT` for a trace without durations; IommuError `BAD_OPTION` for `where`
 * with anything but a latency table.
 */
export async function readExplained(input: ExplainInput): Promise<Explained> {
  const start = await readStart(input.chunks, SNIFFED_BYTES);
  const head = new TextDecoder().decode(start.subarray(0, 4096));
  if (start.length === 0) throw emptyInput('NO_EVENTS', input.source, EXPECTED);
  if (looksLikeLatencyTable(head)) return await readTable(input, start);
  if (looksLikeTimings(new TextDecoder().decode(start))) return await readTimings(input, start);
  const format = recogniseTrace(start, input.source, EXPECTED);
  if (format === 'function_graph' || hasGraphCalls(start)) return await readGraph(input, start);
  throw new InputError(
    'UNSUPPORTED_INPUT',
    input.source,
    NO_DURATIONS[format === 'trace.dat' ? 'dat' : 'text'](format),
  );
}
