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
import { FLOOR_ENTRIES, Floor } from './floor.ts';
import { growBeforehand, type Layout, layOut, type Work } from './layouts.ts';
import { PlainTables } from './same-tables.ts';
import { type Spread, spreadOf } from './statistics.ts';
import { type Clock, measureTimer, nanoseconds, type Timer } from './timer.ts';
import { type BenchOp, countLife, type Subject, sampleLife, type Times, type Variant } from './variants.ts';

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
  /** What is mapped; all cases of a group are sampled in turn. */
  readonly groups: readonly (readonly BenchCase[])[];
  /** Paths. */
  readonly paths: readonly Path[];
  /** Dispatches. */
  readonly dispatches: readonly Dispatch[];
  /** Operations. */
  readonly ops: readonly BenchOp[];
  /** Samples a row, at least 3. */
  readonly runs: number;
  /** Seed of the scattered lists; default 1. */
  readonly seed?: number;
  /** Hears how many groups of rows are done. */
  readonly progress?: (done: number, total: number) => void;
}

/** One row: times of this engine on this machine, and counts. */
export interface BenchRow extends Variant {
  readonly op: BenchOp;
  readonly format: string;
  readonly granule: number;
  readonly layout: Layout;
  readonly bytes: number;
  readonly pages: number;
  readonly medianNs: number;
  readonly madNs: number;
  readonly p99Ns: number;
  readonly nsPerPage: number;
  /** Its median over that of `per-page` with the same dispatch, sampled in turn. */
  readonly ratioToPerPage: number;
  /** Nanoseconds a page over the floor's an entry, sampled in turn. */
  readonly ratioToFloor: number;
  /** Domains a sample: each does the operation once. */
  readonly batch: number;
  /** Counts of one operation, by layer. */
  readonly counts: Counts;
}

/** The floor, over all groups. */
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
  readonly timer: Timer;
  readonly floor: FloorResult;
  readonly rows: readonly BenchRow[];
  /** What makes rows less reliable, and where tables differed. */
  readonly warnings: readonly string[];
}

/** A sample lasts this long at least, and this many steps of the clock. */
const LEAST_SAMPLE_NS = 10_000;
const LEAST_STEPS = 50;
const MOST_BATCH = 64;
/** Memory that is grown before the first sample: enough for the tables of a whole batch. */
const BEFOREHAND = 2 ** 25;
/** Each lane warms up for so long, and the very first one longer, until compilers have settled. */
const WARM_LIVES = 4;
const WARM_NS = 30e6;
const FIRST_WARM_NS = 400e6;

/** One case by one path and dispatch, while it is sampled. */
interface Lane {
  readonly work: Work;
  readonly variant: Variant;
  readonly batch: number;
  readonly samples: Times[];
}

function variantsOf(options: BenchOptions): Variant[] {
  const paths = options.paths.includes('per-page') ? options.paths : (['per-page', ...options.paths] as Path[]);
  return options.dispatches.flatMap((dispatch) => paths.map((path) => ({ path, dispatch })));
}

/** The lane of `per-page` with the same work and dispatch. */
function plainOf(lane: Lane, lanes: readonly Lane[]): Lane {
  const same = ({ work, variant }: Lane): boolean =>
    work === lane.work && variant.path === 'per-page' && variant.dispatch === lane.variant.dispatch;
  return lanes.find(same) ?? lane;
}

/** Measures; everything about one group of rows is done before the next begins. */
class Bench {
  readonly warnings: string[] = [];
  readonly rows: BenchRow[] = [];
  readonly #options: BenchOptions;
  readonly #timer: Timer;
  readonly #memory = new TableMemory();
  readonly #floor = new Floor(this.#memory);
  readonly #floors: number[] = [];
  readonly #oas: number;
  #warmNs = FIRST_WARM_NS;

  constructor(options: BenchOptions, timer: Timer) {
    this.#options = options;
    this.#timer = timer;
    const format = formatById(options.format);
    this.#oas = format.configure(format.request(options.granule, undefined, undefined)).oas;
    growBeforehand(this.#memory, BEFOREHAND);
    this.#floor.tune(options.clock, this.#leastNs);
  }

  get floor(): FloorResult {
    const { median, mad, p99 } = spreadOf(this.#floors);
    return { nsPerEntry: median, madNs: mad, p99Ns: p99, entries: FLOOR_ENTRIES };
  }

  get #leastNs(): number {
    return Math.max(LEAST_SAMPLE_NS, LEAST_STEPS * this.#timer.resolutionNs);
  }

  group(cases: readonly BenchCase[]): void {
    const { granule, seed = 1 } = this.#options;
    const variants = variantsOf(this.#options);
    const works = cases.map(({ layout, bytes }) => layOut(this.#memory, layout, bytes, granule, this.#oas, seed));
    for (const one of cases) this.#compare(one, variants);
    this.#sample(works.flatMap((work) => variants.map((variant) => this.#lane(work, variant))));
    for (const { list } of works) this.#memory.freeList(list);
  }

  #compare({ layout, bytes }: BenchCase, variants: readonly Variant[]): void {
    const { seed = 1 } = this.#options;
    const plain = new PlainTables(this.#options, { layout, bytes, oas: this.#oas, seed });
    for (const variant of variants) {
      const difference = plain.difference(variant);
      if (difference === undefined) continue;
      const name = `${variant.path} ${variant.dispatch}, ${layout} ${formatSize(bytes)}`;
      this.warnings.push(`${name}: its tables differ from those of per-page, ${difference}`);
    }
  }

  /** Runs until the code is compiled; chooses how many operations a sample needs. */
  #lane(work: Work, variant: Variant): Lane {
    let shortest = Number.POSITIVE_INFINITY;
    const end = nanoseconds(this.#options.clock) + this.#warmNs;
    this.#warmNs = WARM_NS;
    for (let lives = 0; lives < WARM_LIVES || nanoseconds(this.#options.clock) < end; lives++) {
      const times = this.#life({ work, variant, batch: 1 });
      for (const op of this.#options.ops) shortest = Math.min(shortest, times[op]);
    }
    const wanted = Math.ceil(this.#leastNs / Math.max(1, shortest));
    const batch = Math.min(Math.max(1, wanted), MOST_BATCH);
    if (batch * shortest < LEAST_STEPS * this.#timer.resolutionNs) this.#tooCoarse(work, variant, batch * shortest);
    return { work, variant, batch, samples: [] };
  }

  #tooCoarse(work: Work, { path, dispatch }: Variant, sampleNs: number): void {
    const what = `${path} ${dispatch}, ${work.layout} ${formatSize(work.bytes)}`;
    const share = Math.round((100 * this.#timer.resolutionNs) / sampleNs);
    this.warnings.push(`${what}: the clock is too coarse; one of its steps is ${share} % of the shortest sample`);
  }

  #life({ work, variant, batch }: Omit<Lane, 'samples'>): Times {
    return sampleLife(this.#options, variant, work, this.#memory, batch, this.#options.clock);
  }

  #sample(lanes: readonly Lane[]): void {
    const floors: number[] = [];
    for (let run = 0; run < this.#options.runs; run++) {
      for (const lane of lanes) {
        floors.push(this.#floor.sample(this.#options.clock));
        lane.samples.push(this.#life(lane));
      }
    }
    this.#floors.push(...floors);
    const floorNs = spreadOf(floors).median;
    for (const lane of lanes) {
      if (this.#options.paths.includes(lane.variant.path)) this.#addRows(lane, plainOf(lane, lanes), floorNs);
    }
  }

  #addRows(lane: Lane, plain: Lane, floorNs: number): void {
    const { work, variant, batch } = lane;
    const counts = countLife(this.#options, variant, work, this.#memory);
    for (const op of this.#options.ops) {
      const spread = spreadOf(lane.samples.map((times) => times[op]));
      const row = this.#row(op, work, variant, spread, counts[op]);
      const ratioToPerPage = spread.median / spreadOf(plain.samples.map((times) => times[op])).median;
      this.rows.push({ ...row, batch, ratioToPerPage, ratioToFloor: row.nsPerPage / floorNs });
    }
  }

  #row(
    op: BenchOp,
    work: Work,
    variant: Variant,
    spread: Spread,
    counts: Counts,
  ): Omit<BenchRow, 'batch' | 'ratioToPerPage' | 'ratioToFloor'> {
    const { format, granule } = this.#options;
    return {
      op,
      ...variant,
      format: formatById(format).id,
      granule,
      layout: work.layout,
      bytes: work.bytes,
      pages: work.pages,
      medianNs: spread.median,
      madNs: spread.mad,
      p99Ns: spread.p99,
      nsPerPage: spread.median / work.pages,
      counts,
    };
  }
}

/**
 * Runs the benchmark. All that is in one group, and the floor, is sampled in turn.
 * @throws IommuError for a format, granule or size that cannot be mapped.
 */
export function runBench(options: BenchOptions): BenchResult {
  const timer = measureTimer(options.clock);
  const bench = new Bench(options, timer);
  for (const [i, group] of options.groups.entries()) {
    options.progress?.(i, options.groups.length);
    bench.group(group);
  }
  options.progress?.(options.groups.length, options.groups.length);
  return { runs: options.runs, timer, floor: bench.floor, rows: bench.rows, warnings: bench.warnings };
}
