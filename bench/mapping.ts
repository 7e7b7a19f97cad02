// Mapping, unmapping, translating: the rows about a domain.
import { growBeforehand, type Layout, layOut, type Work } from '../src/bench/index.ts';
import { Domain, type DomainOptions, type Path } from '../src/core/index.ts';
import { armSmmu } from '../src/drivers/index.ts';
import { PROT } from '../src/formats/index.ts';
import { type ListInput, TableMemory } from '../src/memory/index.ts';
import type { Goal, Row } from './row.ts';
import { type Job, run, type Sampled, timed } from './sampler.ts';

const PAGE = 4096;
const MIB = 2 ** 20;
const SEED = 1;
const SAMPLES = 301;
const RANGES = 16;
const ACCESS = PROT.READ | PROT.WRITE;
const CHECKED = 'checks, merging, tables allocated, metering, TLB and cleans counted; arm-smmu, safe';

/** Something to map, and how. */
export interface Setup {
  readonly memory: TableMemory;
  readonly work: Work;
  readonly options: DomainOptions;
}

/** Something to map, and the domain that maps it: an Arm one behind arm-smmu, or one of `format` without a device. */
export function setUp(layout: Layout, bytes: number, path: Path, format?: string): Setup {
  const memory = new TableMemory();
  growBeforehand(memory, 2 ** 24);
  const work = layOut(memory, layout, bytes, PAGE, 48, SEED);
  const sizes = work.smallestOnly ? { pageSizes: PAGE } : {};
  const subject = format === undefined ? { driver: armSmmu() } : { format };
  return { memory, work, options: { granule: PAGE, path, memory, ...subject, ...sizes } };
}

/** @throws Error where a figure is not what it must be. */
export function must(got: number, wanted: number): void {
  if (got !== wanted) throw new Error(`got ${got}, expected ${wanted}`);
}

/** Compares all leaves with the list, once, outside the timing. */
function checkLeaves(setup: Setup, list: ListInput): void {
  const domain = new Domain(setup.options);
  const plain = new Domain({ ...setup.options, memory: new TableMemory(), path: 'per-page' });
  const copy = layOut(plain.memory, setup.work.layout, setup.work.bytes, PAGE, 48, SEED);
  domain.mapSg(setup.work.iova, list, ACCESS);
  plain.mapSg(copy.iova, { addresses: copy.list.addresses.slice(), lengths: copy.list.lengths.slice() }, ACCESS);
  const [mine, theirs] = [domain.leaves(), plain.leaves()];
  must(mine.length, theirs.length);
  for (const [i, leaf] of mine.entries()) {
    const other = theirs[i];
    if (leaf.iova !== other?.iova || leaf.pa !== other.pa || leaf.size !== other.size) {
      throw new Error(`leaf ${i} differs from the per-page path's`);
    }
  }
  domain.free();
}

function mapJob(setup: Setup, list: ListInput, batch: number, name: string): Job {
  const { work, options } = setup;
  const sample = (): number => {
    const domains = Array.from({ length: batch }, () => new Domain(options));
    let bytes = 0;
    const ms = timed(() => {
      for (const domain of domains) bytes += domain.mapSg(work.iova, list, ACCESS).bytes;
    });
    must(bytes, batch * work.bytes);
    for (const domain of domains) domain.free();
    return ms / batch;
  };
  return { name, samples: SAMPLES, sample };
}

/** `ranges` mappings of one domain, one behind the other, are made and unmapped one by one; one of both is timed. */
function rangesJob(setup: Setup, timedOp: 'map' | 'unmap', name: string): Job {
  const { work, options } = setup;
  const domain = new Domain(options);
  const iovas = Float64Array.from({ length: RANGES }, (_, i) => work.iova + i * work.bytes);
  let bytes = 0;
  const map = (): void => {
    for (const iova of iovas) bytes += domain.mapSg(iova, work.list, ACCESS).bytes;
  };
  const unmap = (): void => {
    for (const iova of iovas) bytes += domain.unmap(iova, work.bytes).bytes;
  };
  const sample = (): number => {
    bytes = 0;
    const ms = [timed(map), timed(unmap)] as const;
    must(bytes, 2 * RANGES * work.bytes);
    return (timedOp === 'map' ? ms[0] : ms[1]) / RANGES;
  };
  return { name, samples: SAMPLES, sample };
}

/** What a row says of itself. */
export interface About {
  readonly work: string;
  readonly inside?: string;
  readonly goal?: Goal;
  readonly linux?: string;
}

/** The row of some samples, whose values are divided by `divisor`. */
export function rowOf(about: About, sampled: Sampled, divisor: number): Row {
  const { spread, samples, floorNs } = sampled;
  return {
    inside: CHECKED,
    ...about,
    measure: divisor === 1 ? 'ns' : 'ns a page',
    value: spread.median / divisor,
    spread: { median: spread.median / divisor, mad: spread.mad / divisor, p99: spread.p99 / divisor },
    samples,
    ...(divisor === 1 ? {} : { floorNs }),
  };
}

/** Maps 32M in a new domain. */
export function mapRow(layout: Layout, path: Path, about: About, whole = false, format?: string): Row {
  const setup = setUp(layout, 32 * MIB, path, format);
  checkLeaves(setup, setup.work.list);
  const job = mapJob(setup, setup.work.list, whole ? 32 : 1, about.work);
  return rowOf(about, run(job, setup.memory), whole ? 1 : setup.work.pages);
}

function ownArraysRow(about: About): Row {
  const setup = setUp('scattered', 32 * MIB, 'one-walk');
  const { list, pages } = setup.work;
  const own = { addresses: list.addresses.slice(), lengths: list.lengths.slice() };
  checkLeaves(setup, own);
  return rowOf(about, run(mapJob(setup, own, 1, about.work), setup.memory), pages);
}

/** Maps or unmaps ranges of `bytes`, one behind the other, where tables are. */
export function rangesRow(
  layout: Layout,
  bytes: number,
  timedOp: 'map' | 'unmap',
  about: About,
  whole: boolean,
  format?: string,
): Row {
  const setup = setUp(layout, bytes, 'one-walk', format);
  return rowOf(about, run(rangesJob(setup, timedOp, about.work), setup.memory), whole ? 1 : setup.work.pages);
}

/** A thousand pages that lie in leaf tables which exist already: the first entry of each is taken. */
function pagesInPresentTables(domain: Domain, count: number): Float64Array {
  const start = 2 ** 30;
  const iovas = new Float64Array(count);
  for (let i = 0, at = start; i < count; at += PAGE) {
    if (at % (2 * MIB) === 0) domain.map(at, 2 ** 34, PAGE, ACCESS);
    else iovas[i++] = at;
  }
  return iovas;
}

function onePageRow(path: Path, about: About): Row {
  const { memory, options } = setUp('scattered', PAGE, path);
  const domain = new Domain(options);
  const iovas = pagesInPresentTables(domain, 1000);
  const sample = (): number => {
    let bytes = 0;
    const ms = timed(() => {
      for (const iova of iovas) bytes += domain.map(iova, iova * 2, PAGE, ACCESS).bytes;
    });
    must(bytes, iovas.length * PAGE);
    for (const iova of iovas) domain.unmap(iova, PAGE);
    return ms / iovas.length;
  };
  return rowOf(about, run({ name: about.work, samples: SAMPLES, sample }, memory), 1);
}

/** Translates all pages, in one call or in a call each. */
export function translateRow(about: About, inOneCall: boolean, format?: string): Row {
  const { memory, work, options } = setUp('scattered', 32 * MIB, 'one-walk', format);
  const domain = new Domain(options);
  domain.mapSg(work.iova, work.list, ACCESS);
  const out = new Float64Array(work.pages);
  const each = (): void => {
    for (let i = 0; i < out.length; i++) out[i] = domain.translate(work.iova + i * PAGE) ?? -1;
  };
  const once = (): void => void domain.translateRange(work.iova, out.length, out);
  const sample = (): number => {
    out.fill(0);
    const ms = timed(inOneCall ? once : each);
    must(
      out.reduce((sum, pa) => sum + pa, 0),
      work.physicalSum,
    );
    return ms;
  };
  return rowOf(about, run({ name: about.work, samples: SAMPLES, sample }, memory), work.pages);
}

const ALIGNED = { goal: { text: '≤ 500 ns in all', limit: 500 }, linux: '270–310 / 570 ns' };
const ONE_PAGE = { goal: { text: '≤ 120 ns', limit: 120 }, linux: '85 / 85 ns' };
const WALK = { inside: 'checks, walk, metering, an output array of the caller', linux: '13–18 ns' };

/** All rows about mapping, unmapping and translating, each to be measured by a call. */
export const MAPPING_ROWS: readonly (() => Row)[] = [
  () =>
    mapRow('scattered', 'one-walk', {
      work: 'map 32M scattered, `one-walk`, list in the engine’s memory',
      goal: { text: '≤ 4 × floor and ≤ 2.2 ns a page', limit: 2.2, floors: 4 },
      linux: '35–44 / 29–35 ns',
    }),
  () => ownArraysRow({ work: 'the same from a caller’s own arrays', linux: '35–44 / 29–35 ns' }),
  () =>
    mapRow('contiguous', 'one-walk', {
      work: 'map 32M contiguous, 4K pages, one element, `one-walk`',
      goal: { text: '≤ 1.5 × floor', floors: 1.5 },
      linux: '2.2 / 24–29 ns',
    }),
  () =>
    mapRow('contiguous-elements', 'one-walk', {
      work: 'the same, an element a page',
      goal: { text: '≤ 4 × floor', floors: 4 },
      linux: '5 / 28 ns',
    }),
  () => {
    const work = 'map 32M aligned (2M blocks), `one-walk`, in a new domain: two tables are zeroed';
    return mapRow('aligned', 'one-walk', { work, ...ALIGNED }, true);
  },
  () => rangesRow('aligned', 32 * MIB, 'map', { work: 'the same, tables present', ...ALIGNED }, true),
  () => onePageRow('map-pages', { work: 'map one 4K page, tables present, 1,000 a sample, `map-pages`', ...ONE_PAGE }),
  () => onePageRow('one-walk', { work: 'the same, `one-walk`', ...ONE_PAGE }),
  () =>
    rangesRow(
      'scattered',
      MIB,
      'unmap',
      {
        work: 'unmap 1M of 4K pages, `one-walk`',
        goal: { text: '≤ 2 × floor', floors: 2 },
        linux: '4 / 22 ns',
      },
      false,
    ),
  () =>
    rangesRow(
      'scattered',
      32 * MIB,
      'unmap',
      {
        work: 'unmap 32M (tables freed whole), `one-walk`',
        goal: { text: '≤ 1 µs in all', limit: 1000 },
        linux: '250–450 / 600–900 ns',
      },
      true,
    ),
  () => {
    const goal = { text: '≤ 3 ns a page', limit: 3 };
    return translateRow({ work: 'translate 8,192 neighbours in one call', ...WALK, goal }, true);
  },
  () => translateRow({ work: 'the same, a call each', ...WALK }, false),
  () =>
    mapRow('scattered', 'per-page', {
      work: '`per-page`, `indirect`, 32M scattered: the baseline',
      goal: { text: '≤ 70 ns a page', limit: 70 },
      linux: '29–35 ns',
    }),
];
