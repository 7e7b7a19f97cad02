/**
 * Mixed use: every format, path, dispatch and kind of list, before a call is measured. Engines of JavaScript compile a call site for what it has
 * seen; afterwards it has seen everything.
 * @module
 */
import { Domain } from '../core/domain.ts';
import { DISPATCHES, PATHS } from '../core/paths.ts';
import { PROT } from '../formats/protection.ts';
import { FORMATS } from '../formats/registry.ts';
import type { ListInput } from '../memory/scatter-list.ts';
import { TableMemory } from '../memory/table-memory.ts';

const ROUNDS = 40;
const PAGES = 8;
const ACCESS = PROT.READ | PROT.WRITE;

/** The kinds of list: in the engine's memory, two typed arrays, two plain arrays, two arrays of bigints, an array of elements. */
function listsOf(memory: TableMemory, page: number): readonly ListInput[] {
  const inMemory = memory.list(PAGES);
  inMemory.addresses.set(Array.from({ length: PAGES }, (_, i) => (2 * i + 1) * page));
  inMemory.lengths.fill(page);
  const [addresses, lengths] = [[...inMemory.addresses], [...inMemory.lengths]];
  return [
    inMemory,
    { addresses: Float64Array.from(addresses), lengths: Float64Array.from(lengths) },
    { addresses, lengths },
    { addresses: addresses.map(BigInt), lengths: lengths.map(BigInt) },
    addresses.map((address, i) => ({ address, length: lengths[i] ?? page })),
  ];
}

function use(domain: Domain, list: ListInput, page: number): void {
  const start = 2 ** 24;
  const bytes = PAGES * page;
  domain.mapSg(start, list, ACCESS);
  domain.map(start + bytes, bytes, bytes, ACCESS);
  for (let i = 0; i < PAGES; i++) domain.translate(start + i * page);
  domain.translateRange(start, PAGES);
  domain.unmap(start, 2 * bytes);
}

/** Uses every format with every path, dispatch and kind of list. @returns the number of different domains */
export function useEverything(rounds: number = ROUNDS): number {
  const memory = new TableMemory();
  let domains = 0;
  for (const { id, granules } of FORMATS) {
    const [granule = 4096] = granules;
    const lists = listsOf(memory, granule);
    for (const path of PATHS) {
      for (const dispatch of DISPATCHES) {
        const domain = new Domain({ format: id, granule, path, dispatch, memory });
        for (let i = 0; i < rounds; i++) for (const list of lists) use(domain, list, granule);
        domain.free();
        domains++;
      }
    }
  }
  return domains;
}
