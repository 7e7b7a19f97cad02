/**
 * The 2021 series' table, live: sizes × layouts × paths × dispatches × operations, with the floor of the same moment.
 * Times are times of this engine on the machine that runs it; counts are facts.
 * @module
 */
import { formatSize } from '../address.ts';
import type { Dispatch, Path } from '../core/paths.ts';
import { formatById } from '../formats/registry.ts';
import { TableMemory } from '../memory/table-memory.ts';
import type { Counts } from '../meter/meter.ts';
import { jobOf, type Tables } from './calls.ts';
import { FLOOR_ENTRIES } from './floor.ts';
import { type Effort, Harness, type Measured } from './harness.ts';
import { growBeforehand, type Layout, layOut, type Work } from './layouts.ts';
import { useEverything } from './mixed.ts';
import { OTHER_WORK_MS } from './other-work.ts';
import { PlainTables } from './same-tables.ts';
import { spreadOf } from './statistics.ts';
import { type Clock, measureTimer, type Timer } from './timer.ts';
import { type BenchOp, countOnce, isPossible, makeDomain, type Subject, type Variant } from './variants.ts';

/** Sizes of the 2021 series. */
export const SERIES_BYTES: readonly number[] = [1, 16, 256, 512, 3072, 6144, 8192].map((pages) => pages * 4096);

/** One size in one layout. */
export interface BenchCase {
  readonly layout: Layout;
  /** A multiple of the granule. */
  readonly bytes: number;
}

/** What is measured. */
export interface BenchOptions extends Subject {
  /** Milliseconds since any moment, with fractions. */
  readonly clock: Clock;
  /** What is mapped, by group. */
  readonly groups: readonly (readonly BenchCase[])[];
  /** Paths. */
  readonly paths: readonly Path[];
  /** Dispatches. */
  readonly dispatches: readonly Dispatch[];
  /** Operations. */
  readonly ops: readonly BenchOp[];
  /** Samples a row, at least 3. */
  readonly runs: number;
  /** Whether a call finds its tables; default `new`. */
  readonly tables?: Tables;
  /** Whether every format, path and kind of list is used first; default not. */
  readonly mixed?: boolean;
  /** What is not as {@link effortFor} says. */
  readonly effort?: Partial<Effort>;
  /** Seed of the scattered lists; default 1. */
  readonly seed?: number;
  /** Hears how many cases are done. */
  readonly progress?: (done: number, total: number) => void;
}

/** Times of a row, of this engine on this machine. Hot, unless named cold. */
export interface BenchTimes {
  /** Of the whole operation: for `translate`, a call a page. */
  readonly medianNs: number;
  readonly madNs: number;
  readonly p99Ns: number;
  readonly nsPerPage: number;
  /** Of one call: `medianNs`, or for `translate` `nsPerPage`. */
  readonly hotNs: number;
  /** Of one call, the first after 5 ms of other work, in compiled code; null where none was timed. */
  readonly coldNs: number | null;
  readonly coldMadNs: number | null;
  /** Its median over that of `per-page` with the same dispatch; null where `per-page` was not measured. */
  readonly ratioToPerPage: number | null;
  /** Nanoseconds a page over the floor's an entry, sampled in turn. */
  readonly ratioToFloor: number;
  /** How often the operation was done in a hot sample. */
  readonly batch: number;
  /** Hot samples. */
  readonly samples: number;
  /** Cold samples. */
  readonly coldSamples: number;
}

/** One row: times, and counts. */
export interface BenchRow extends Variant, BenchTimes {
  readonly op: BenchOp;
  readonly format: string;
  readonly granule: number;
  readonly tables: Tables;
  readonly layout: Layout;
  readonly bytes: number;
  readonly pages: number;
  /** Counts of one operation, by layer. */
  readonly counts: Counts;
}

/** The floor, over all rows. */
export interface FloorResult {
  /** Median nanoseconds an entry. */
  readonly nsPerEntry: number;
  readonly madNs: number;
  readonly p99Ns: number;
  /** Entries of a pass. */
  readonly entries: number;
}

/** All of it. */
export interface BenchResult {
  readonly runs: number;
  /** How long each row was measured. */
  readonly effort: Effort;
  readonly timer: Timer;
  readonly floor: FloorResult;
  readonly rows: readonly BenchRow[];
  /** What makes rows less reliable, and where tables differed. */
  readonly warnings: readonly string[];
}

/** All rows of a run share so long to warm up, and so long for other work before cold calls; each has these bounds. */
const WARM_BUDGET_MS = 30_000;
const WARM_MS: readonly [number, number] = [40, 1000];
const COLD_BUDGET_MS = 30_000;
const COLD_SAMPLES: readonly [number, number] = [5, 41];
/** A row whose sample is fewer steps of the clock than 1 / this is reported. */
const COARSE = 0.02;
/** Memory that is grown before the first sample: enough for the tables of a whole batch. */
const BEFOREHAND = 2 ** 25;

function within([least, most]: readonly [number, number], value: number): number {
  return Math.min(Math.max(value, least), most);
}

/** How long each of `rows` rows is measured: alone, a second of warming up and 41 cold calls; among many, less. */
export function effortFor(rows: number, samples: number): Effort {
  const cold = Math.round(COLD_BUDGET_MS / (rows * OTHER_WORK_MS));
  return {
    samples,
    warmMs: within(WARM_MS, Math.round(WARM_BUDGET_MS / rows)),
    coldSamples: Math.min(samples, within(COLD_SAMPLES, cold)),
  };
}

function variantsOf({ dispatches, paths }: BenchOptions): Variant[] {
  return dispatches.flatMap((dispatch) => paths.map((path) => ({ path, dispatch })));
}

function rowsOf(options: BenchOptions): number {
  const cases = options.groups.reduce((sum, group) => sum + group.length, 0);
  return Math.max(1, cases * options.paths.length * options.dispatches.length * options.ops.length);
}

/** One row, before it is compared with that of `per-page`. */
type Alone = Omit<BenchRow, 'ratioToPerPage'>;

/** Measures the rows one by one. */
class Bench {
  readonly warnings: string[] = [];
  readonly rows: BenchRow[] = [];
  readonly effort: Effort;
  readonly #options: BenchOptions;
  readonly #memory = new TableMemory();
  readonly #harness: Harness;
  readonly #floors: number[] = [];
  readonly #oas: number;

  constructor(options: BenchOptions, timer: Timer) {
    this.#options = options;
    const format = formatById(options.format);
    this.#oas = format.configure(format.request(options.granule, undefined, undefined)).oas;
    growBeforehand(this.#memory, BEFOREHAND);
    this.#harness = new Harness(options.clock, timer, this.#memory);
    this.effort = { ...effortFor(rowsOf(options), options.runs), ...options.effort };
  }

  get floor(): FloorResult {
    const { median, mad, p99 } = spreadOf(this.#floors);
    return { nsPerEntry: median, madNs: mad, p99Ns: p99, entries: FLOOR_ENTRIES };
  }

  /** Measures all rows of a case. */
  measure({ layout, bytes }: BenchCase): void {
    const { granule, seed = 1, ops } = this.#options;
    const work = layOut(this.#memory, layout, bytes, granule, this.#oas, seed);
    const rows = variantsOf(this.#options).flatMap((variant) =>
      ops.filter((op) => isPossible(op, work)).map((op) => this.#row(op, variant, work)),
    );
    this.#memory.freeList(work.list);
    for (const row of rows) this.rows.push({ ...row, ratioToPerPage: ratioToPerPage(row, rows) });
  }

  /** Compares the tables of every path with those of `per-page`: last, since it runs other code than was asked for. */
  compare({ layout, bytes }: BenchCase): void {
    const { seed = 1 } = this.#options;
    const plain = new PlainTables(this.#options, { layout, bytes, oas: this.#oas, seed });
    for (const variant of variantsOf(this.#options)) {
      const difference = plain.difference(variant);
      if (difference === undefined) continue;
      const name = `${variant.path} ${variant.dispatch}, ${layout} ${formatSize(bytes)}`;
      this.warnings.push(`${name}: its tables differ from those of per-page, ${difference}`);
    }
  }

  #row(op: BenchOp, variant: Variant, work: Work): Alone {
    const { format, granule, tables = 'new' } = this.#options;
    const job = jobOf({ op, variant, tables }, this.#options, work, this.#memory);
    const measured = this.#harness.measure(job, this.effort);
    job.end();
    this.#floors.push(...measured.floors);
    if (measured.coarseness > COARSE) this.#tooCoarse(op, variant, work, measured.coarseness);
    const what = { op, ...variant, format: formatById(format).id, granule, tables };
    const size = { layout: work.layout, bytes: work.bytes, pages: work.pages };
    const counted = countOnce(op, makeDomain(this.#options, variant, work, this.#memory), work, tables === 'present');
    return { ...what, ...size, ...timesOf(op, work.pages, measured), counts: counted };
  }

  #tooCoarse(op: BenchOp, { path, dispatch }: Variant, { layout, bytes }: Work, coarseness: number): void {
    const what = `${op} ${path} ${dispatch}, ${layout} ${formatSize(bytes)}`;
    const share = Math.round(100 * coarseness);
    this.warnings.push(`${what}: the clock is too coarse; one of its steps is ${share} % of the shortest sample`);
  }
}

/** Times of a row; those of a call are a page's where each page is translated by a call of its own. */
function timesOf(op: BenchOp, pages: number, measured: Measured): Omit<BenchTimes, 'ratioToPerPage'> {
  const { hot, cold, batch, samples, coldSamples, floors } = measured;
  const nsPerPage = hot.median / pages;
  return {
    medianNs: hot.median,
    madNs: hot.mad,
    p99Ns: hot.p99,
    nsPerPage,
    hotNs: op === 'translate' ? nsPerPage : hot.median,
    coldNs: cold?.median ?? null,
    coldMadNs: cold?.mad ?? null,
    ratioToFloor: nsPerPage / spreadOf(floors).median,
    batch,
    samples,
    coldSamples,
  };
}

/** A row's median over that of `per-page` with the same work and dispatch; null where that was not asked for. */
function ratioToPerPage(row: Alone, rows: readonly Alone[]): number | null {
  const plain = rows.find(
    ({ op, path, dispatch }) => op === row.op && path === 'per-page' && dispatch === row.dispatch,
  );
  return plain === undefined ? null : row.medianNs / plain.medianNs;
}

/**
 * Runs the benchmark: only what was asked for, one row after the other.
 * @throws IommuError for a format, granule or size that cannot be mapped.
 */
export function runBench(options: BenchOptions): BenchResult {
  if (options.mixed === true) useEverything();
  const timer = measureTimer(options.clock);
  const bench = new Bench(options, timer);
  const cases = options.groups.flat();
  for (const [i, one] of cases.entries()) {
    options.progress?.(i, cases.length);
    bench.measure(one);
  }
  for (const one of cases) bench.compare(one);
  options.progress?.(cases.length, cases.length);
  const { effort, floor, rows, warnings } = bench;
  return { runs: options.runs, effort, timer, floor, rows, warnings };
}
