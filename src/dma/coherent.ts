/**
 * Coherent allocations (`dma_alloc_coherent` over an IOMMU): pages of the largest sizes that memory gives, in one range of
 * addresses.
 * @module
 */
import { alignUp, hex } from '../address.ts';
import { IommuError } from '../errors.ts';
import { attempt } from './attempt.ts';
import type { DmaDevice } from './dma-device.ts';

/** Largest allocation of the page allocator, as a power of two of pages (`MAX_PAGE_ORDER`). */
const MAX_ORDER = 10;

/** Gives memory out in powers of two of pages. */
export interface PageSource {
  /** Bytes of a page. */
  readonly pageBytes: number;
  /** Physical address of 2^order pages, or −1. */
  allocate(order: number): number;
  /** Takes them back. */
  free(pa: number, order: number): void;
}

/** 2^order neighbouring pages. */
interface Pages {
  readonly pa: number;
  readonly order: number;
}

/** Memory that a device and the CPUs share. */
export interface CoherentMemory {
  /** DMA address. */
  readonly address: number;
  /** Bytes, whole pages. */
  readonly bytes: number;
  /** What it consists of. */
  readonly pages: readonly Pages[];
}

/** Orders that are tried: those of page sizes that the domain has, or the smallest only. */
function ordersOf(device: DmaDevice, pageBytes: number): number {
  const { pageSizes } = device.space.domain.geometry;
  let orders = 0;
  for (let order = 0; order <= MAX_ORDER; order++) {
    if (Math.floor(pageSizes / (pageBytes * 2 ** order)) % 2 === 1) orders |= 1 << order;
  }
  return orders === 0 ? 1 : orders;
}

/** Gives pages back, all of them also where that of some fails; what failed first is thrown. */
function freeAll(source: PageSource, pages: readonly Pages[]): void {
  const failures: unknown[] = [];
  for (const { pa, order } of pages) {
    try {
      source.free(pa, order);
    } catch (reason) {
      failures.push(reason);
    }
  }
  if (failures.length > 0) throw failures[0];
}

function gather(source: PageSource, orders: number, pages: number): Pages[] | undefined {
  const taken: Pages[] = [];
  try {
    if (gatherInto(taken, source, orders, pages)) return taken;
  } catch (error) {
    attempt(() => freeAll(source, taken));
    throw error;
  }
  freeAll(source, taken);
  return undefined;
}

/** Takes pages of the largest orders that there are; whether there were enough. */
function gatherInto(taken: Pages[], source: PageSource, orders: number, pages: number): boolean {
  let left = pages;
  let allowed = orders;
  while (left > 0) {
    const highest = 31 - Math.clz32(Math.min(left, 2 ** MAX_ORDER));
    allowed &= 2 ** (highest + 1) - 1;
    const order = 31 - Math.clz32(allowed || 1);
    const pa = source.allocate(order);
    if (pa >= 0) {
      taken.push({ pa, order });
      left -= 2 ** order;
    } else if (order > 0) allowed &= ~(1 << order);
    else return false;
  }
  return true;
}

/** One piece of memory (`DMA_ATTR_FORCE_CONTIGUOUS`, or an allocation that may not sleep). */
function onePiece(source: PageSource, pages: number): Pages[] | undefined {
  const order = Math.ceil(Math.log2(pages));
  const pa = order > MAX_ORDER ? -1 : source.allocate(order);
  return pa < 0 ? undefined : [{ pa, order }];
}

/** How coherent memory is allocated. */
export interface CoherentOptions {
  /** In one piece of memory, not only of addresses; default false. */
  readonly contiguous?: boolean;
  /** For privileged accesses only; default false. */
  readonly privileged?: boolean;
}

/**
 * Allocates `bytes` that the device sees in one piece.
 * @throws IommuError `NO_MEMORY` where pages, addresses or tables are out; nothing stays allocated then. `EMPTY`.
 */
export function allocCoherent(
  device: DmaDevice,
  source: PageSource,
  bytes: number,
  options: CoherentOptions = {},
): CoherentMemory {
  const { space } = device;
  const unit = Math.max(space.granule, source.pageBytes);
  if (!(Number.isSafeInteger(bytes) && bytes > 0)) {
    throw new IommuError('EMPTY', 'bytes', `expected at least one byte, got ${String(bytes)}`);
  }
  const { contiguous = false, privileged = false } = options;
  const length = alignUp(bytes, unit);
  const count = length / source.pageBytes;
  const pages =
    length > device.coherentLast ? undefined : contiguous ? onePiece(source, count) : gatherFor(device, source, count);
  if (pages === undefined)
    throw new IommuError('NO_MEMORY', 'pages', `expected memory for ${hex(length)} bytes, got none`);
  let iova = 0;
  try {
    iova = device.allocate(length, device.coherentLast);
    const list = pages.map(({ pa, order }) => ({
      address: pa,
      length: Math.min(length, source.pageBytes * 2 ** order),
    }));
    space.domain.mapSg(iova, list, device.protection('bidirectional', { privileged }));
    space.keep(iova, 'coherent memory');
    return { address: iova, bytes: length, pages };
  } catch (error) {
    if (iova !== 0) attempt(() => space.abandon(iova, length));
    attempt(() => freeAll(source, pages));
    throw error;
  }
}

function gatherFor(device: DmaDevice, source: PageSource, pages: number): Pages[] | undefined {
  return gather(source, ordersOf(device, source.pageBytes), pages);
}

/**
 * Gives such memory back, to the addresses strictly or lazily as the domain's policy is.
 * @throws IommuError `BAD_FREE`, `NOT_MAPPED`; nothing was changed then.
 */
export function freeCoherent(device: DmaDevice, source: PageSource, memory: CoherentMemory): void {
  const { space } = device;
  space.releaseKept(memory.address, memory.bytes, 'coherent memory');
  freeAll(source, memory.pages);
}
