// The rows about formats beside Arm's: the same work in each, and dirty bits.
import { Domain } from '../src/core/index.ts';
import { PROT, type QuirkName } from '../src/formats/index.ts';
import { callRow, must, setUp } from './mapping.ts';
import { type Row, rowOf } from './row.ts';
import { once, run } from './sampler.ts';

const PAGE = 4096;
const ACCESS = PROT.READ | PROT.WRITE;
const FORMATS = ['vtd-ss', 'x86-64', 'amd-v1', 'riscv-sv39', 'riscv-sv48', 'riscv-sv57'];
/** Formats whose entries tell what was written, and the quirks by which they do. */
const TRACKING: readonly { format: string; quirks?: readonly QuirkName[] }[] = [
  { format: 'vtd-ss' },
  { format: 'amd-v1' },
  { format: 'arm-64-lpae-s1', quirks: ['ARM_HD'] },
];
const INSIDE = 'checks, merging, tables allocated, metering; without a device, safe';
const MAP = { op: 'map', bytes: 2 ** 25, path: 'one-walk' } as const;
const DOMAINS = 8;
const RANGES = 16;

/** Maps 256 contiguous 4K pages a call, where tables are: 16 ranges in each of some domains. */
function runRow(format: string): Row {
  const bytes = 256 * PAGE;
  const { memory } = setUp({ layout: 'contiguous', bytes, path: 'one-walk', format });
  const make = (): Domain => new Domain({ format, granule: PAGE, path: 'one-walk', memory, pageSizes: PAGE });
  const domains = Array.from({ length: DOMAINS }, make);
  const starts = Float64Array.from({ length: RANGES }, (_, i) => 2 ** 30 + i * bytes);
  let mapped = 0;
  const map = (): void => {
    for (const domain of domains) for (const iova of starts) mapped += domain.map(iova, iova, bytes, ACCESS).bytes;
  };
  const after = (): void => {
    must(mapped, DOMAINS * RANGES * bytes);
    mapped = 0;
    for (const domain of domains) for (const iova of starts) domain.unmap(iova, bytes);
  };
  const work = `\`${format}\`: map 256 contiguous 4K pages in one call, tables present`;
  const about = { work, inside: INSIDE, goal: { text: '≤ 1.2 × floor', floors: 1.2 } };
  return rowOf(about, 'ns a page', run(once(map, undefined, after), memory), 256 * DOMAINS * RANGES);
}

/** Reads and clears the dirty bits of 1G of 4K pages, every third of them written. */
function dirtyRow({ format, quirks }: (typeof TRACKING)[number]): Row {
  const { memory, work } = setUp({ layout: 'contiguous', bytes: 2 ** 30, path: 'one-walk', format });
  const made = { format, granule: PAGE, path: 'one-walk', memory, pageSizes: PAGE } as const;
  const domain = new Domain(quirks === undefined ? made : { ...made, quirks });
  domain.mapSg(work.iova, work.list, ACCESS);
  domain.readDirty(work.iova, work.bytes);
  const bitmap = new Uint8Array(work.pages / 8);
  const written: number[] = [];
  for (let page = 0; page < work.pages; page += 3) written.push(work.iova + page * PAGE);
  let leaves = 0;
  const write = (): void => {
    for (const iova of written) domain.setDirty(iova);
    bitmap.fill(0);
  };
  const read = (): void => {
    leaves = domain.readDirty(work.iova, work.bytes, { bitmap }).leaves;
  };
  const about = {
    work: `\`${format}\`: dirty bits of 1G of 4K pages, a third of them written, read and cleared`,
    inside: 'checks, every entry read, a bitmap of the caller, invalidation counted',
    goal: { text: '≤ 3 ms', limit: 3 },
  };
  const job = once(read, write, () => must(leaves, written.length));
  return rowOf(about, 'ms', run(job, memory, { samples: 51, coldSamples: 5, warmMs: 1000 }));
}

function rowsOf(format: string): (() => Row)[] {
  const scattered = {
    work: `\`${format}\`: map 32M scattered, \`one-walk\``,
    inside: INSIDE,
    goal: { text: '≤ 4 × floor', floors: 4 },
  };
  const contiguous = {
    work: `\`${format}\`: map 32M contiguous, 4K pages, one element, \`one-walk\``,
    inside: INSIDE,
    goal: { text: '≤ 1.5 × floor', floors: 1.5 },
  };
  const translated = {
    work: `\`${format}\`: translate 8,192 neighbours in one call`,
    inside: 'checks, walk, metering, an output array of the caller',
    goal: { text: '≤ 3 ns a page', limit: 3 },
  };
  return [
    () => callRow({ ...MAP, layout: 'scattered', format }, 'page', scattered),
    () => callRow({ ...MAP, layout: 'contiguous', format }, 'page', contiguous),
    () => runRow(format),
    () => callRow({ ...MAP, op: 'translate-range', layout: 'scattered', format }, 'page', translated),
  ];
}

/** All rows about formats, each to be measured by a call. */
export const FORMAT_ROWS: readonly (() => Row)[] = [
  ...FORMATS.flatMap(rowsOf),
  ...TRACKING.map((tracked) => () => dirtyRow(tracked)),
];
