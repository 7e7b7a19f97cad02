/**
 * A driver whose invalidations are counted as the page tables and the core ask for them, whatever commands it sends.
 * @module
 */
import type { Driver, DriverFactory } from '../drivers/contract.ts';
import type { InvalidationCounts } from './policy-result.ts';

type TlbOps = Driver['tlb'];

/** What the page tables ask for, counted on the way to the driver. */
function countedTlb(tlb: TlbOps, counts: InvalidationCounts): TlbOps {
  return {
    flushWalk: (iova, size, granule) => {
      counts.walks++;
      tlb.flushWalk(iova, size, granule);
    },
    addPages: (iova, granule, leaves) => {
      counts.leaves += leaves;
      tlb.addPages(iova, granule, leaves);
    },
    flushAll: () => {
      counts.all++;
      tlb.flushAll();
    },
    ...(tlb.removeTable === undefined
      ? {}
      : {
          removeTable: (iova, size, granule, queued) => {
            counts.walks++;
            return tlb.removeTable?.(iova, size, granule, queued) ?? false;
          },
        }),
    ...(tlb.split === undefined ? {} : { split: (iova, size) => tlb.split?.(iova, size) }),
    ...(tlb.clean === undefined ? {} : { clean: (physical, bytes) => tlb.clean?.(physical, bytes) }),
    ...(tlb.changeTop === undefined ? {} : { changeTop: (root, level) => tlb.changeTop?.(root, level) }),
    ...(tlb.syncGather === undefined ? {} : { syncGather: (gather) => tlb.syncGather?.(gather) }),
  };
}

/** Makes drivers by `make` that count into `counts`; `made` sees each. */
export function countedDriver(
  make: DriverFactory,
  counts: InvalidationCounts,
  made: (driver: Driver) => void,
): DriverFactory {
  return (context) => {
    const driver = make(context);
    made(driver);
    return {
      name: driver.name,
      ...(driver.power === undefined ? {} : { power: driver.power }),
      tlb: countedTlb(driver.tlb, counts),
      hooks: driver.hooks,
      attach: (registers) => driver.attach(registers),
      sync: () => {
        counts.syncs++;
        driver.sync();
      },
      detach: () => driver.detach(),
      ...(driver.release === undefined ? {} : { release: () => driver.release?.() }),
    };
  };
}
