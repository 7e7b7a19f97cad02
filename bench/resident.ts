// Run in a process of its own: prints the resident bytes that mapping 1G of scattered pages takes beyond its tables.
import { growBeforehand, layOut } from '../src/bench/index.ts';
import { Domain } from '../src/core/index.ts';
import { armSmmu } from '../src/drivers/index.ts';
import { PROT } from '../src/formats/index.ts';
import { TableMemory } from '../src/memory/index.ts';

const PAGE = 4096;
const ACCESS = PROT.READ | PROT.WRITE;

function mapIn(memory: TableMemory, bytes: number): number {
  const { list, iova } = layOut(memory, 'scattered', bytes, PAGE, 48, 1);
  const live = memory.liveBytes;
  const domain = new Domain({ granule: PAGE, path: 'one-walk', memory, driver: armSmmu() });
  const before = process.memoryUsage.rss();
  domain.mapSg(iova, list, ACCESS);
  const peak = process.resourceUsage().maxRSS * 1024 - before;
  const tableBytes = memory.liveBytes - live;
  console.log(JSON.stringify({ bytes, peak, tableBytes, beyond: Math.max(0, peak - tableBytes) }));
  return tableBytes;
}

const small = new TableMemory();
for (let i = 0; i < 20; i++) {
  const { list, iova } = layOut(small, 'scattered', 2 ** 25, PAGE, 48, 1);
  const domain = new Domain({ granule: PAGE, path: 'one-walk', memory: small, driver: armSmmu() });
  domain.mapSg(iova, list, ACCESS);
  domain.free();
  small.freeList(list);
}
const memory = new TableMemory();
growBeforehand(memory, 2 ** 24);
mapIn(memory, 2 ** 30);
