/**
 * Reading a trace.dat: the processors' records merged by time, decoded and delivered as events.
 * @module
 */
import { InputError } from '../../errors.ts';
import { createEvent, createNames, type EventSink, type TraceEvent, type TraceNames } from '../events.ts';
import { createStats, EventCounter, type ReadStats, SkipCounter } from '../stats.ts';
import { type DatBuffer, type DatFile, openDat } from './container.ts';
import { CpuStream, UnpackBudget } from './cpu-stream.ts';
import { isUnused, RecordDecoder } from './decode.ts';
import type { ByteSource } from './source.ts';

/** Clocks that count something else than nanoseconds (tracefs `trace_clock`). */
const TICK_CLOCKS = new Set(['counter', 'x86-tsc', 'tsc2nsec', 'uptime', 'ppc-tb']);

/**
 * Reads a trace.dat (trace-cmd versions 6 and 7) and delivers its events in the order of time. Damage within the data
 * ends the reading of that processor and is counted; what was read before it counts.
 * @throws InputError where header, options or formats cannot be read: `NOT_RECOGNISED`, `UNSUPPORTED_INPUT`,
 * `TRUNCATED`, `MALFORMED`, `TOO_LARGE`.
 */
export async function readTraceDat(
  source: ByteSource,
  sink: EventSink,
  names: TraceNames = createNames(),
): Promise<ReadStats> {
  const file = await openDat(source);
  const stats = createStats(`trace.dat version ${file.version}`);
  stats.bytes = source.size;
  stats.system = file.system;
  for (const buffer of file.buffers) await new BufferReader(source, file, buffer, sink, names, stats).read();
  countOverruns(file, stats);
  return stats;
}

/** The recorder's own statistics, beyond what the pages say was lost. */
function countOverruns(file: DatFile, stats: ReadStats): void {
  const said = [...file.lost.values()].reduce((sum, lost) => sum + lost, 0);
  stats.lost.overwritten += Math.max(0, said - stats.lost.events);
}

/** Merges the processors of one buffer. */
class BufferReader {
  readonly #streams: CpuStream[];
  readonly #decoder: RecordDecoder;
  readonly #skip: SkipCounter;
  readonly #counter: EventCounter;
  readonly #sink: EventSink;
  readonly #names: TraceNames;
  readonly #stats: ReadStats;
  readonly #file: DatFile;
  readonly #event: TraceEvent = createEvent();
  readonly #taskIds = new Map<number, number>();

  constructor(
    source: ByteSource,
    file: DatFile,
    buffer: DatBuffer,
    sink: EventSink,
    names: TraceNames,
    stats: ReadStats,
  ) {
    const budget = new UnpackBudget(source);
    this.#streams = buffer.cpus.map((cpu) => new CpuStream(source, file, buffer, cpu, budget));
    this.#decoder = new RecordDecoder(file.formats, names, file.little);
    this.#skip = new SkipCounter(stats.skipped);
    this.#counter = new EventCounter(stats);
    this.#sink = sink;
    this.#names = names;
    this.#stats = stats;
    this.#file = file;
    if (TICK_CLOCKS.has(buffer.clock)) stats.ticks = true;
  }

  async read(): Promise<void> {
    const live: CpuStream[] = [];
    for (const stream of this.#streams) if (await this.#advance(stream)) live.push(stream);
    while (live.length > 0) {
      const stream = earliest(live);
      const until = secondEarliest(live, stream);
      let more = true;
      do {
        this.#deliver(stream);
        more = stream.next();
      } while (more && stream.walker.time < until);
      if (!more && !(await this.#advance(stream))) live.splice(live.indexOf(stream), 1);
    }
    for (const stream of this.#streams) this.#countLost(stream);
  }

  /** Goes to the next record, over pages that must be loaded. Damage ends the stream. */
  async #advance(stream: CpuStream): Promise<boolean> {
    try {
      while (!stream.next()) if (!(await stream.load())) return false;
      return true;
    } catch (cause) {
      if (!(cause instanceof InputError) || cause.code === 'TOO_LARGE') throw cause;
      this.#damage(
        `data of a processor could not be read on: ${cause.code}`,
        () => `cpu ${stream.cpu}: ${cause.message}`,
      );
      return false;
    }
  }

  #deliver(stream: CpuStream): void {
    const { walker } = stream;
    const event = this.#event;
    this.#stats.lines++;
    this.#decoder.open(stream.view);
    const problem = this.#decoder.read(walker.start, walker.length, event);
    if (problem !== '') {
      const place = { line: 0, understood: isUnused(problem) };
      this.#skip.add(problem, place, () => `cpu ${stream.cpu}, time ${walker.time}, ${walker.length} bytes`);
      return;
    }
    event.time = walker.time;
    event.cpu = stream.cpu;
    event.task = this.#task(event.pid);
    this.#counter.count(event);
    this.#sink(event);
  }

  /** Counts damage that is not of one record: as one, for how many it hides is not known. */
  #damage(reason: string, text: () => string): void {
    this.#stats.lines++;
    this.#skip.add(reason, { line: 0, understood: false }, text);
  }

  #task(pid: number): number {
    const known = this.#taskIds.get(pid);
    if (known !== undefined) return known;
    const id = this.#names.tasks.idOf(pid === 0 ? '<idle>' : (this.#file.tasks.get(pid) ?? '<...>'));
    if (this.#taskIds.size < 1 << 20) this.#taskIds.set(pid, id);
    return id;
  }

  #countLost(stream: CpuStream): void {
    this.#stats.lost.events += stream.missedEvents;
    this.#stats.lost.gaps += stream.missedGaps;
    if (stream.damagedPages > 0) {
      for (let page = 0; page < Math.min(stream.damagedPages, 1000); page++) {
        this.#damage('page whose records do not fit it', () => `cpu ${stream.cpu}`);
      }
    }
  }
}

function earliest(streams: readonly CpuStream[]): CpuStream {
  let best = streams[0] as CpuStream;
  for (const stream of streams) if (stream.walker.time < best.walker.time) best = stream;
  return best;
}

/** Time of the earliest stream but one: up to it, records of the first may be delivered without comparing. */
function secondEarliest(streams: readonly CpuStream[], first: CpuStream): number {
  let time = Number.POSITIVE_INFINITY;
  for (const stream of streams) if (stream !== first && stream.walker.time < time) time = stream.walker.time;
  return time;
}
