/**
 * The elements of a scatter list, from the runs that `iommu:map` prints (neighbouring pages merged) and the physical
 * addresses that `dma_map_sg` prints (one an element, no lengths).
 * @module
 */
import { lowHalf } from '../address.ts';
import { copyInto, withRoom } from './arrays.ts';
import type { EventList } from './events.ts';
import type { Chain } from './regroup.ts';

const MAX_GRANULE = 65536;

/** Elements as they are cut. */
let starts: Float64Array = new Float64Array(16);
let lengths: Float64Array = new Float64Array(16);

/**
 * Cuts the runs of a list where its elements begin, if the event's addresses fit the runs exactly; else leaves them.
 */
export function refineElements(chain: Chain, list: EventList): void {
  const count = list.physicalCount;
  if (count <= chain.count || list.truncated) return;
  starts = withRoom(starts, count);
  lengths = withRoom(lengths, count);
  if (!fits(chain, list)) return;
  chain.pa = withRoom(chain.pa, count);
  chain.length = withRoom(chain.length, count);
  copyInto(starts, 0, count, chain.pa);
  copyInto(lengths, 0, count, chain.length);
  chain.count = count;
}

/** Whether elements that begin at the event's addresses are the runs of a list; how they are cut. */
function fits(chain: Chain, list: EventList): boolean {
  const granule = granuleOf(chain);
  let run = -1;
  let previous = 0;
  let runEnd = 0;
  for (let index = 0; index < list.physicalCount; index++) {
    const start = Math.floor((list.physical[index] as number) / granule) * granule;
    const inside = start > previous && start < runEnd;
    if (index > 0) lengths[index - 1] = (inside ? start : runEnd) - previous;
    if (!inside) {
      run++;
      if (run >= chain.count || start !== chain.pa[run]) return false;
      runEnd = start + (chain.length[run] as number);
    }
    starts[index] = start;
    previous = start;
  }
  lengths[list.physicalCount - 1] = runEnd - previous;
  return run === chain.count - 1;
}

/** The largest power of two, 64 KiB at most, that all addresses and lengths of a list are multiples of. */
function granuleOf({ count, pa, length }: Chain): number {
  let bits = MAX_GRANULE;
  for (let run = 0; run < count; run++) bits |= lowHalf(pa[run] as number) | lowHalf(length[run] as number);
  return bits & -bits;
}
