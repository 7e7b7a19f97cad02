// Growth: nanoseconds a page and table bytes from 4K to 4G, in memory touched before and in memory never touched.
import { growBeforehand, layOut, spreadOf } from '../src/bench/index.ts';
import { Domain } from '../src/core/index.ts';
import { armSmmu } from '../src/drivers/index.ts';
import { PROT } from '../src/formats/index.ts';
import { TableMemory } from '../src/memory/index.ts';
import type { Row } from './row.ts';
import { timed } from './sampler.ts';

const PAGE = 4096;
const SEED = 1;
const ACCESS = PROT.READ | PROT.WRITE;
const SIZES = [4096, 2 ** 16, 2 ** 20, 2 ** 21, 2 ** 25, 2 ** 28, 2 ** 30, 2 ** 32];
const WARM_PAGES = 2_000_000;
/** Calls after which the code is compiled. */
const COMPILING = 2000;

/** One size. */
export interface GrowthRow {
  readonly bytes: number;
  readonly pages: number;
  readonly warmNsPerPage: number;
  readonly coldNsPerPage: number;
  readonly tableBytes: number;
  readonly tables: number;
}

/** Maps a scattered list of `bytes` once in a new domain of `memory`; the memory is as it was afterwards. */
function mapOnce(memory: TableMemory, bytes: number): { ns: number; tableBytes: number; tables: number } {
  const { list, iova } = layOut(memory, 'scattered', bytes, PAGE, 48, SEED);
  const [tables, live] = [memory.liveTables, memory.liveBytes];
  const domain = new Domain({ granule: PAGE, path: 'one-walk', memory, driver: armSmmu() });
  const ns = timed(() => domain.mapSg(iova, list, ACCESS)) * 1e6;
  const made = { tableBytes: memory.liveBytes - live, tables: memory.liveTables - tables };
  const last = domain.translate(iova + bytes - PAGE);
  if (last !== list.addresses[list.length - 1]) throw new Error(`${bytes} bytes: the last page is not mapped`);
  domain.free();
  memory.freeList(list);
  return { ns, ...made };
}

/** Memory that is large enough, and of which no table was ever written. */
function untouched(): TableMemory {
  const memory = new TableMemory();
  growBeforehand(memory, 2 ** 24);
  return memory;
}

function sizeRow(memory: TableMemory, bytes: number): GrowthRow {
  const pages = bytes / PAGE;
  const samples = Math.min(201, Math.max(5, Math.floor(WARM_PAGES / pages)));
  const warm = Array.from({ length: samples }, () => mapOnce(memory, bytes));
  const cold = Array.from({ length: Math.min(15, samples) }, () => mapOnce(untouched(), bytes));
  return {
    bytes,
    pages,
    warmNsPerPage: spreadOf(warm.map(({ ns }) => ns)).median / pages,
    coldNsPerPage: spreadOf(cold.map(({ ns }) => ns)).median / pages,
    tableBytes: warm[0]?.tableBytes ?? 0,
    tables: warm[0]?.tables ?? 0,
  };
}

/** All sizes; the memory is touched by the largest beforehand. */
export function growth(): GrowthRow[] {
  const memory = new TableMemory();
  for (let i = 0; i < 2; i++) mapOnce(memory, SIZES.at(-1) ?? PAGE);
  for (let i = 0; i < COMPILING; i++) mapOnce(memory, 2 ** 21);
  return SIZES.map((bytes) => sizeRow(memory, bytes));
}

/** The README's row about growth. */
export function growthRow(rows: readonly GrowthRow[]): Row {
  const at = (bytes: number): number => rows.find((row) => row.bytes === bytes)?.warmNsPerPage ?? Number.NaN;
  return {
    work: 'growth: ns a page at 1G over 32M, scattered, warm, `one-walk`',
    inside: 'as mapping',
    measure: 'ratio',
    value: at(2 ** 30) / at(2 ** 25),
    samples: 5,
    goal: { text: '≤ 1.5 ×', limit: 1.5 },
  };
}

/** All sizes as a Markdown table. */
export function growthMarkdown(rows: readonly GrowthRow[]): string {
  const size = (bytes: number): string =>
    bytes >= 2 ** 30 ? `${bytes / 2 ** 30}G` : bytes >= 2 ** 20 ? `${bytes / 2 ** 20}M` : `${bytes / 1024}K`;
  return [
    '| mapped | pages | ns a page, memory touched before | ns a page, memory never touched | tables | table bytes |',
    '|---|---|---|---|---|---|',
    ...rows.map(
      (row) =>
        `| ${size(row.bytes)} | ${row.pages} | ${row.warmNsPerPage.toFixed(2)} | ${row.coldNsPerPage.toFixed(2)} | ${row.tables} | ${row.tableBytes} |`,
    ),
  ].join('\n');
}
