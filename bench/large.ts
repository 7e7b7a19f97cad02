// Prints how this engine grows: nanoseconds a page up to 64 GiB of mappings, tables up to 4 GiB and the refusal beyond, 10,000 domains in one
// memory, 1,000 memories, and 100,000 lives of a domain. It needs 6 GiB of memory; with the option --small 2 GiB, and half of the sizes.
import { freemem } from 'node:os';
import { layOut } from '../src/bench/index.ts';
import { Domain } from '../src/core/index.ts';
import { IommuError } from '../src/errors.ts';
import { PROT } from '../src/formats/index.ts';
import { TableMemory } from '../src/memory/index.ts';
import { table } from './print.ts';
import { timed } from './sampler.ts';

const PAGE = 4096;
const ACCESS = PROT.READ | PROT.WRITE;
const MIB = 2 ** 20;
const GIB = 2 ** 30;
const SMALL = process.argv.includes('--small');
const LARGEST = SMALL ? 8 * GIB : 64 * GIB;
const LIMIT = SMALL ? 2 ** 30 : 2 ** 32;
const DOMAINS = 10_000;
const MEMORIES = 1000;
const LIVES = 100_000;
const REPORTS = 5;

function resident(): string {
  return `${(process.memoryUsage().rss / MIB).toFixed(0)} MiB`;
}

function size(bytes: number): string {
  return bytes >= GIB ? `${bytes / GIB}G` : bytes >= MIB ? `${bytes / MIB}M` : `${bytes / 1024}K`;
}

/** The shortest time of three maps and unmaps of a scattered list, and of a contiguous run in 4K pages, after one that touches the memory. */
function sizeRow(memory: TableMemory, bytes: number): string[] {
  const { list, iova } = layOut(memory, 'scattered', bytes, PAGE, 48, 1);
  const domain = new Domain({ memory, path: 'one-walk', pageSizes: PAGE });
  const times = { list: Number.POSITIVE_INFINITY, run: Number.POSITIVE_INFINITY, unmap: Number.POSITIVE_INFINITY };
  let tables = 0;
  const least = (what: keyof typeof times, work: () => void): void => {
    times[what] = Math.min(times[what], (timed(work) * 1e6 * PAGE) / bytes);
  };
  for (let i = 0; i < (bytes <= MIB ? 2000 : 4); i++) {
    least('list', () => domain.mapSg(iova, list, ACCESS));
    tables = memory.liveTables;
    least('unmap', () => domain.unmap(iova, bytes));
    least('run', () => domain.map(iova, 2 ** 36, bytes, ACCESS));
    domain.unmap(iova, bytes);
  }
  domain.free();
  memory.freeList(list);
  const ns = [times.list, times.run, times.unmap].map((value) => value.toFixed(2));
  return [size(bytes), String(bytes / PAGE), ...ns, String(tables)];
}

function sizes(): void {
  const memory = new TableMemory();
  const all: number[] = [];
  for (let bytes = PAGE; bytes <= LARGEST; bytes *= 16) all.push(bytes);
  if (all.at(-1) !== LARGEST) all.push(LARGEST);
  const header = ['mapped', 'pages', 'list, ns a page', 'run, ns a page', 'unmap, ns a page', 'tables'];
  console.log(
    table(
      header,
      all.map((bytes) => sizeRow(memory, bytes)),
    ),
  );
}

/** Maps a GiB a call until memory is used up. */
function limit(): void {
  const memory = new TableMemory({ limit: LIMIT });
  const domain = new Domain({ memory, path: 'one-walk', pageSizes: PAGE });
  let mapped = 0;
  try {
    for (;;) {
      domain.map(mapped, mapped, GIB, ACCESS);
      mapped += GIB;
    }
  } catch (error) {
    if (!(error instanceof IommuError)) throw error;
    console.log(
      `${size(mapped)} in 4K pages, ${memory.byteLength / MIB} MiB of memory: ${error.code}: ${error.message}`,
    );
  }
  for (let at = 0; at < mapped; at += GIB) {
    if (domain.translate(at + GIB - 1) !== at + GIB - 1) throw new Error(`${at} is lost`);
  }
  domain.free();
  console.log(`everything still mapped where it was, and after it was freed ${memory.liveBytes} bytes are live`);
}

function domains(): void {
  const memory = new TableMemory();
  const made: Domain[] = [];
  for (let step = 0; step < REPORTS; step++) {
    const ms = timed(() => {
      for (let i = 0; i < DOMAINS / REPORTS; i++) {
        const domain = new Domain({ memory, path: 'one-walk' });
        domain.map(GIB, made.length * PAGE, PAGE, ACCESS);
        made.push(domain);
      }
    });
    const each = ((ms * 1000 * REPORTS) / DOMAINS).toFixed(1);
    console.log(
      `${made.length} domains in one memory: ${each} µs each to make and map one page, resident ${resident()}`,
    );
  }
  for (const domain of made) domain.free();
  console.log(`all freed: ${memory.liveTables} tables are live`);
}

function memories(): void {
  const made: Domain[] = [];
  const ms = timed(() => {
    for (let i = 0; i < MEMORIES; i++) {
      const domain = new Domain({ path: 'one-walk' });
      domain.map(GIB, i * PAGE, PAGE, ACCESS);
      made.push(domain);
    }
  });
  if (made.some((domain, i) => domain.translate(GIB) !== i * PAGE))
    throw new Error('a memory holds another one’s page');
  console.log(`${made.length} memories: ${((ms * 1000) / MEMORIES).toFixed(0)} µs each, resident ${resident()}`);
}

function lives(what: string, memory: () => TableMemory): void {
  for (let step = 1; step <= REPORTS; step++) {
    let live = 0;
    const ms = timed(() => {
      for (let i = 0; i < LIVES / REPORTS; i++) {
        const domain = new Domain({ memory: memory(), path: 'one-walk' });
        domain.map(GIB, i * PAGE, PAGE, ACCESS);
        domain.free();
        live += domain.memory.liveTables;
      }
    });
    const each = ((ms * 1000 * REPORTS) / LIVES).toFixed(1);
    console.log(
      `${(step * LIVES) / REPORTS} lives in ${what}: ${each} µs each, ${live} tables live, resident ${resident()}`,
    );
  }
}

console.log(`${(freemem() / GIB).toFixed(1)} GiB of memory free${SMALL ? '; small sizes' : ''}`);
sizes();
limit();
domains();
memories();
const shared = new TableMemory();
lives('one memory', () => shared);
lives('a memory each', () => new TableMemory());
