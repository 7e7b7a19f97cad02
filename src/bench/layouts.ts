/**
 * What is mapped: how the physical memory behind one range lies.
 * @module
 */
import type { ScatterList } from '../memory/scatter-list.ts';
import type { TableMemory } from '../memory/table-memory.ts';
import { seeded, shuffle } from './random.ts';

/** How physical memory lies. */
export type Layout = 'scattered' | 'contiguous' | 'contiguous-elements' | 'aligned';

/** All layouts. */
export const LAYOUTS: readonly Layout[] = ['scattered', 'contiguous', 'contiguous-elements', 'aligned'];

/** What each layout is, in words. */
export const LAYOUT_TEXT: Readonly<Record<Layout, string>> = {
  scattered: 'an element a page, no two neighbours physically contiguous, shuffled by a seed',
  contiguous: 'one element, mapped with the smallest page alone',
  'contiguous-elements': 'the same memory, an element a page, mapped with the smallest page alone',
  aligned: 'one element, aligned to its own size, mapped with every page size',
};

/** Lowest input address of every benchmark: aligned for every block size up to 1G. */
const IOVA = 2 ** 30;
const PHYSICAL = 2 ** 34;
const PHYSICAL_32 = 2 ** 31;

/** One thing to map. */
export interface Work {
  /** Layout. */
  readonly layout: Layout;
  /** Bytes. */
  readonly bytes: number;
  /** Smallest pages in it. */
  readonly pages: number;
  /** Input address. */
  readonly iova: number;
  /** Output address of the first byte, but for scattered work. */
  readonly physical: number;
  /** The elements, in the engine's memory. */
  readonly list: ScatterList;
  /** Whether only the smallest page may be used. */
  readonly smallestOnly: boolean;
  /** Sum of the output addresses of all pages: what translating must add up to. */
  readonly physicalSum: number;
}

function aligned(start: number, bytes: number): number {
  return Math.max(start, 2 ** Math.ceil(Math.log2(bytes)));
}

/**
 * Fills a list with every second page from `start` on, in shuffled order: no two pages touch, whatever the order.
 */
export function scatter(addresses: Float64Array, start: number, page: number, seed: number): void {
  for (let i = 0; i < addresses.length; i++) addresses[i] = start + 2 * i * page;
  shuffle(addresses, seeded(seed));
}

function sumOfPages(list: ScatterList, page: number): number {
  let sum = 0;
  const { addresses, lengths } = list;
  for (let i = 0; i < list.length; i++) {
    const pages = (lengths[i] as number) / page;
    sum += pages * (addresses[i] as number) + (page * pages * (pages - 1)) / 2;
  }
  return sum;
}

/** Lets a memory grow to more than `bytes` before anything is timed in it; nothing is written. */
export function growBeforehand(memory: TableMemory, bytes: number): void {
  const piece = 2 ** Math.ceil(Math.log2(bytes));
  const offset = memory.allocate(piece, undefined, false);
  if (offset !== -1) memory.free(offset, piece);
}

/**
 * Lays out `bytes` bytes. The list is the caller's to free.
 * @param oas output bits of the format
 * @throws IommuError `MEMORY_LIMIT`.
 */
export function layOut(
  memory: TableMemory,
  layout: Layout,
  bytes: number,
  page: number,
  oas: number,
  seed: number,
): Work {
  const pages = bytes / page;
  const single = layout === 'contiguous' || layout === 'aligned';
  const list = memory.list(single ? 1 : pages);
  const start = aligned(oas > 35 ? PHYSICAL : PHYSICAL_32, bytes);
  if (layout === 'scattered') scatter(list.addresses, start, page, seed);
  else for (let i = 0; i < list.length; i++) list.addresses[i] = start + i * page;
  list.lengths.fill(single ? bytes : page);
  return {
    layout,
    bytes,
    pages,
    iova: aligned(IOVA, bytes),
    physical: start,
    list,
    smallestOnly: layout === 'contiguous' || layout === 'contiguous-elements',
    physicalSum: sumOfPages(list, page),
  };
}
