// The rows about live units: an access that the TLB serves, a command executed.
import { LiveSmmuV3 } from '../src/device/index.ts';
import { TableMemory } from '../src/memory/index.ts';
import { type Row, rowOf } from './row.ts';
import { once, run } from './sampler.ts';

const PAGE = 4096;
const PAGES = 512;
const CALLS = 20_000;
/** log2 of the commands of the queue. */
const QUEUE = 12;
const COMMANDS = 2 ** QUEUE;
const STREAM = 3;

/** A unit with one stream, whose tables map 512 pages at 0. */
function smmu(): { readonly unit: LiveSmmuV3; readonly memory: TableMemory; readonly queue: number } {
  const memory = new TableMemory();
  const page = (bytes = PAGE): number => memory.base + memory.allocate(bytes);
  const [strtab, cd, queue] = [page(), page(), page(COMMANDS * 16)];
  const tables = [page(), page(), page(), page()];
  for (const level of [0, 1, 2]) memory.write64(tables[level] ?? 0, BigInt(tables[level + 1] ?? 0) | 3n);
  for (let i = 0; i < PAGES; i++) memory.write64((tables[3] ?? 0) + 8 * i, (BigInt(i + 0x1000) << 12n) | 0xf43n);
  const root = BigInt(tables[0] ?? 0);
  for (const [i, quad] of [(5n << 48n) | (0x6204n << 32n) | 0xc000_3510n, root, 0n, 0xff440cn].entries()) {
    memory.write64(cd + 8 * i, quad);
  }
  memory.write64(strtab + STREAM * 64, BigInt(cd) | 0xbn);
  const unit = new LiveSmmuV3(memory);
  unit.write64(0x80, BigInt(strtab));
  unit.write32(0x88, 6);
  unit.write64(0x90, BigInt(queue) | BigInt(QUEUE));
  unit.write32(0x20, 9);
  return { unit, memory, queue };
}

function hitRow(): Row {
  const { unit } = smmu();
  for (let i = 0; i < PAGES; i++) unit.touch(STREAM, i * PAGE);
  const access = (): void => {
    for (let i = 0; i < CALLS; i++) unit.touch(STREAM, ((i * 37) % PAGES) * PAGE + 8);
  };
  const about = {
    work: 'a live SMMUv3: an access that its TLB serves',
    inside: 'context, TLB of 1024 entries in sets of 8, permissions; 512 pages in turn',
    goal: { text: '≤ 100 ns', limit: 100 },
  };
  return rowOf(about, 'ns', run(once(access)), CALLS);
}

function commandRow(): Row {
  const { unit, memory, queue } = smmu();
  for (let i = 0; i < PAGES; i++) unit.touch(STREAM, i * PAGE);
  for (let i = 0; i < COMMANDS; i++) {
    const sync = i % 2 === 1;
    memory.write64(queue + 16 * i, sync ? 0x46n : (5n << 48n) | 0x12n);
    memory.write64(queue + 16 * i + 8, sync ? 0n : (BigInt(0x1000 + i) << 12n) | 1n);
  }
  let prod = 0;
  const execute = (): void => {
    prod = (prod + COMMANDS) % (2 * COMMANDS);
    unit.write32(0x98, prod);
  };
  const about = {
    work: 'a live SMMUv3: a command executed',
    inside: 'fetched from memory, decoded, 512 entries in the TLB; invalidations by address and syncs in turn',
    goal: { text: '≤ 200 ns', limit: 200 },
  };
  return rowOf(about, 'ns', run(once(execute)), COMMANDS);
}

/** What measures each row. */
export const DEVICE_ROWS: readonly (() => Row)[] = [hitRow, commandRow];
