/**
 * The elements of a scatter list, from the runs that `iommu:map` prints (neighbouring pages merged) and the physical
 * addresses that `dma_map_sg` prints (one an element, no lengths).
 * @module
 */
import { alignDown } from '../address.ts';
import { withRoom } from './arrays.ts';
import type { EventList } from './events.ts';
import type { Chain } from './regroup.ts';

const MAX_GRANULE = 65536;

/**
 * Cuts the runs of a list where its elements begin, if the event's addresses fit the runs exactly; else leaves them.
 */
export function refineElements(chain: Chain, list: EventList): void {
  if (list.physicalCount <= chain.count || list.truncated) return;
  const granule = granuleOf(chain);
  const pa = new Float64Array(list.physicalCount);
  const length = new Float64Array(list.physicalCount);
  let run = -1;
  let previous = 0;
  let runEnd = 0;
  for (let index = 0; index < pa.length; index++) {
    const start = alignDown(list.physical[index] as number, granule);
    const inside = start > previous && start < runEnd;
    if (index > 0) length[index - 1] = (inside ? start : runEnd) - previous;
    if (!inside) {
      run++;
      if (run >= chain.count || start !== chain.pa[run]) return;
      runEnd = start + (chain.length[run] as number);
    }
    pa[index] = start;
    previous = start;
  }
  if (run !== chain.count - 1) return;
  length[pa.length - 1] = runEnd - previous;
  chain.pa = withRoom(chain.pa, pa.length);
  chain.length = withRoom(chain.length, pa.length);
  chain.pa.set(pa);
  chain.length.set(length);
  chain.count = pa.length;
}

/** The largest power of two, 64 KiB at most, that all addresses and lengths of a list are multiples of. */
function granuleOf(chain: Chain): number {
  let granule = MAX_GRANULE;
  for (let run = 0; run < chain.count; run++) {
    const pa = chain.pa[run] as number;
    const length = chain.length[run] as number;
    while (pa % granule !== 0 || length % granule !== 0) granule /= 2;
  }
  return granule;
}
