// Mapping, unmapping, translating: the rows about a domain, each a call that `iommu bench` measures too.
import {
  type BenchOp,
  effortFor,
  growBeforehand,
  jobOf,
  type Layout,
  layOut,
  type Subject,
  type Tables,
  useEverything,
  type Variant,
  type Work,
} from '../src/bench/index.ts';
import { PlainTables } from '../src/bench/same-tables.ts';
import { Domain, type Path } from '../src/core/index.ts';
import { armSmmu } from '../src/drivers/index.ts';
import { PROT } from '../src/formats/index.ts';
import { TableMemory } from '../src/memory/index.ts';
import { type About, type Goal, type Linux, type Row, rowOf } from './row.ts';
import { once, run, SAMPLES } from './sampler.ts';

const PAGE = 4096;
const MIB = 2 ** 20;
const SEED = 1;
const OAS = 48;
/** Any byte offset. */
const TABLE = 0x10000;
const ACCESS = PROT.READ | PROT.WRITE;
const CHECKED = 'checks, merging, tables allocated, metering, TLB and cleans counted; arm-smmu, safe';

/** A call, as the options of `iommu bench` name it. */
export interface Asked {
  readonly op: BenchOp;
  readonly layout: Layout;
  readonly bytes: number;
  readonly path: Path;
  readonly tables?: Tables;
  /** An Arm one behind arm-smmu, or this one without a device. */
  readonly format?: string;
  readonly mixed?: true;
}

/** Something to map, and where. */
export interface Setup {
  readonly memory: TableMemory;
  readonly work: Work;
  readonly subject: Subject;
  readonly variant: Variant;
}

/** @throws Error where a figure is not what it must be. */
export function must(got: number, wanted: number): void {
  if (got !== wanted) throw new Error(`got ${got}, expected ${wanted}`);
}

/** Lays out the work of a call in a memory of its own. */
export function setUp({ layout, bytes, path, format }: Pick<Asked, 'layout' | 'bytes' | 'path' | 'format'>): Setup {
  const memory = new TableMemory();
  growBeforehand(memory, 2 ** 25);
  const work = layOut(memory, layout, bytes, PAGE, OAS, SEED);
  const subject: Subject =
    format === undefined ? { format: 'arm-64-lpae-s1', granule: PAGE, driver: armSmmu() } : { format, granule: PAGE };
  return { memory, work, subject, variant: { path, dispatch: 'indirect' } };
}

function optionsOf({ op, layout, bytes, path, tables = 'new', mixed }: Asked): readonly string[] {
  const size = bytes >= MIB ? `${bytes / MIB}M` : `${bytes / 1024}K`;
  const what = ['--sizes', size, '--layouts', layout, '--ops', op, '--paths', path, '--dispatch', 'indirect'];
  return [...what, '--tables', tables, ...(mixed === true ? ['--mixed'] : [])];
}

/** Compares all tables with those of the plain path, once, after the timing. */
function checkTables({ layout, bytes }: Asked, { subject, variant }: Setup): void {
  const difference = new PlainTables(subject, { layout, bytes, oas: OAS, seed: SEED }).difference(variant);
  if (difference !== undefined) throw new Error(`the tables differ from those of per-page: ${difference}`);
}

/** Measures a call; a page counts, or the call. */
export function callRow(asked: Asked, per: 'page' | 'call', about: Omit<About, 'inside'> & { inside?: string }): Row {
  if (asked.mixed === true) useEverything();
  const { memory, work, subject, variant } = setUp(asked);
  const job = jobOf({ op: asked.op, variant, tables: asked.tables ?? 'new' }, subject, work, memory);
  const measured = run(job, memory, effortFor(1, SAMPLES));
  checkTables(asked, { memory, work, subject, variant });
  const cli = asked.format === undefined ? { cli: optionsOf(asked) } : {};
  const pages = asked.op === 'translate' || per === 'page' ? work.pages : 1;
  const ofCold = asked.op === 'translate' ? 1 : pages;
  const row = { inside: CHECKED, ...about, ...cli };
  return rowOf(row, per === 'page' || pages > 1 ? 'ns a page' : 'ns', measured, pages, ofCold);
}

/** A scattered list that lies in arrays of the caller's. */
function ownArraysRow(about: About): Row {
  const { memory, work } = setUp({ layout: 'scattered', bytes: 32 * MIB, path: 'one-walk' });
  const own = { addresses: work.list.addresses.slice(), lengths: work.list.lengths.slice() };
  let domain: Domain | undefined;
  const before = (): void => {
    domain = new Domain({ granule: PAGE, path: 'one-walk', memory, driver: armSmmu() });
  };
  let bytes = 0;
  const map = (): void => {
    bytes = domain?.mapSg(work.iova, own, ACCESS).bytes ?? 0;
  };
  const after = (): void => {
    must(bytes, work.bytes);
    domain?.free();
  };
  return rowOf(about, 'ns a page', run(once(map, before, after), memory), work.pages);
}

/** A call of a kernel that has nothing to do: what the engine's other calls cannot be cheaper than, above all cold. */
function crossingRow(): Row {
  const memory = new TableMemory();
  const { kernels } = memory;
  let found = 0;
  const work = (times: number): void => {
    for (let i = 0; i < times; i++) found += kernels.firstSet8(TABLE, 0, 0);
  };
  const job = { most: 10_000, prepare: () => undefined, work, finish: () => must(found, 0), end: () => undefined };
  const about = {
    work: 'a call into WebAssembly that finds nothing to do',
    inside: 'the call: the least that a call of this engine can cost, cold above all',
  };
  return rowOf(about, 'ns', run(job, memory));
}

const ONE: Asked = { op: 'map-run', layout: 'aligned', bytes: PAGE, path: 'one-walk', tables: 'present' };
const TRANSLATE: Asked = { op: 'translate', layout: 'scattered', bytes: 32 * MIB, path: 'one-walk' };
const BLOCKS: Asked = { op: 'map', layout: 'aligned', bytes: 32 * MIB, path: 'one-walk', tables: 'present' };
const UNMAP: Asked = { op: 'unmap', layout: 'scattered', bytes: 32 * MIB, path: 'one-walk', tables: 'present' };
const SCATTERED: Asked = { op: 'map', layout: 'scattered', bytes: 32 * MIB, path: 'one-walk' };

const COLD_NS = 3000;
const WALK = 'checks, walk, metering';

/** A goal of a call: floors hot, and 3 µs cold. */
function within(floors: number): Goal {
  return { text: `≤ ${floors.toLocaleString('en-US')} × floor`, floors, coldText: 'cold ≤ 3 µs', coldCallNs: COLD_NS };
}

function floorsOnly(floors: number): Goal {
  return { text: `≤ ${floors} × floor`, floors };
}

const LINUX_SCATTERED: Linux = { floors: '62' };

/** The rows of the README's table. */
export const CALL_ROWS: readonly (() => Row)[] = [
  () =>
    callRow(ONE, 'call', {
      work: 'map one 4K page, tables present, `one-walk`',
      goal: within(100),
      linux: { ns: '24 ns', floors: '64' },
    }),
  () => callRow({ ...ONE, path: 'map-pages' }, 'call', { work: 'the same, `map-pages`', goal: within(100) }),
  () =>
    callRow(TRANSLATE, 'page', {
      work: 'translate 8,192 neighbours, a call each',
      inside: WALK,
      goal: within(45),
      linux: { ns: '9 ns', floors: '24' },
    }),
  () =>
    callRow(BLOCKS, 'call', {
      work: 'map 32M in 2M blocks, tables present, `one-walk`',
      goal: within(800),
      linux: { ns: '128 ns', floors: '350' },
    }),
  () =>
    callRow(UNMAP, 'call', {
      work: 'unmap 32M (tables freed whole), `one-walk`',
      goal: within(1200),
      linux: { ns: '370–500 ns', floors: '1,000–1,350' },
    }),
  () =>
    callRow({ ...UNMAP, bytes: MIB }, 'page', {
      work: 'unmap 1M of 4K pages, `one-walk`',
      goal: within(1.6),
      linux: { floors: '5.4' },
    }),
  () =>
    callRow({ ...SCATTERED, path: 'map-pages' }, 'page', {
      work: 'map 32M scattered, `map-pages`',
      goal: floorsOnly(90),
      linux: LINUX_SCATTERED,
    }),
  () =>
    callRow({ ...SCATTERED, path: 'per-page' }, 'page', {
      work: 'map 32M scattered, `per-page`',
      goal: floorsOnly(120),
    }),
  () =>
    callRow(SCATTERED, 'page', {
      work: 'map 32M scattered, `one-walk`, list in the engine’s memory',
      goal: floorsOnly(2.5),
      linux: LINUX_SCATTERED,
    }),
  crossingRow,
];

const MIXED = 'every format, path, dispatch and kind of list used before; then as above';

/** The same calls where no call site has seen one format, path or kind of list only. */
export const MIXED_ROWS: readonly (() => Row)[] = [
  () => callRow({ ...ONE, mixed: true }, 'call', { work: 'mixed use: map one 4K page', inside: MIXED }),
  () => callRow({ ...TRANSLATE, mixed: true }, 'page', { work: 'mixed use: translate, a call each', inside: MIXED }),
  () => callRow({ ...BLOCKS, mixed: true }, 'call', { work: 'mixed use: map 32M in 2M blocks', inside: MIXED }),
  () => callRow({ ...UNMAP, mixed: true }, 'call', { work: 'mixed use: unmap 32M', inside: MIXED }),
];

/** Further calls. */
export const OTHER_ROWS: readonly (() => Row)[] = [
  () => ownArraysRow({ work: 'map 32M scattered, `one-walk`, from a caller’s own arrays', inside: CHECKED }),
  () =>
    callRow({ ...SCATTERED, layout: 'contiguous' }, 'page', {
      work: 'map 32M contiguous, 4K pages, one element, `one-walk`',
      goal: floorsOnly(1.5),
    }),
  () =>
    callRow({ ...SCATTERED, layout: 'contiguous-elements' }, 'page', {
      work: 'the same, an element a page',
      goal: floorsOnly(4),
    }),
  () =>
    callRow({ ...BLOCKS, tables: 'new' }, 'call', {
      work: 'map 32M in 2M blocks, `one-walk`, in a new domain: two tables are zeroed',
    }),
  () =>
    callRow({ ...TRANSLATE, op: 'translate-range' }, 'page', {
      work: 'translate 8,192 neighbours in one call',
      inside: `${WALK}, an output array of the caller`,
      goal: { text: '≤ 3 ns a page', limit: 3 },
    }),
];
