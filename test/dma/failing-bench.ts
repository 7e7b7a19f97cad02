/**
 * A DMA device over a live unit, of which every source of memory, every callback and every register access can be made to fail.
 * @module
 */
import { Domain } from '../../src/core/index.ts';
import { LiveSmmuV3, LiveVtd } from '../../src/device/index.ts';
import {
  BouncePool,
  DmaDevice,
  type DmaDeviceOptions,
  DmaSpace,
  type DmaSpaceOptions,
  type PageSource,
} from '../../src/dma/index.ts';
import { armSmmuV3, type DriverFactory, intelVtd } from '../../src/drivers/index.ts';
import { TableMemory } from '../../src/memory/index.ts';
import { type Answers, DEVICE } from '../support/device-view.ts';
import { type FaultPoints, withFaults } from '../support/fault-points.ts';
import { FaultyPort } from '../support/faulty-port.ts';

/** Bytes of a page. */
export const K4 = 4096;

/** A pool, a source of pages and an observer each of whose calls is a point. */
class Pool extends BouncePool {
  points: FaultPoints | undefined;

  override take(bytes: number, alignment: number): number {
    return passes(this.points, 'bounce buffer') ? super.take(bytes, alignment) : -1;
  }
}

/** Whether a call may succeed that answers a failure rather than to throw it. */
function passes(points: FaultPoints | undefined, name: string): boolean {
  try {
    points?.pass(name);
    return true;
  } catch {
    return false;
  }
}

class Pages implements PageSource {
  readonly pageBytes: number = K4;
  /** Asked before each allocation, which then finds nothing; or throws. */
  empty: FaultPoints | undefined;
  throwing: FaultPoints | undefined;
  out = 0;
  #next = 2 ** 34;

  allocate(order: number): number {
    this.throwing?.pass('page source');
    if (order > 1 || !passes(this.empty, 'pages')) return -1;
    this.out += 2 ** order;
    this.#next += 4 * K4;
    return this.#next;
  }

  free(_pa: number, order: number): void {
    this.out -= 2 ** order;
  }
}

/** Drivers with their live units. */
const DRIVERS = {
  'arm-smmu-v3': { format: 'arm-64-lpae-s1', unit: LiveSmmuV3, driver: armSmmuV3, ids: 'streams' },
  'intel-vtd': { format: 'vtd-ss', unit: LiveVtd, driver: intelVtd, ids: 'sources' },
} as const;
/** Name of one of them. */
export type Name = 'arm-smmu-v3' | 'intel-vtd';

/** What fails. */
export interface Sources {
  readonly callbacks?: readonly ['before' | 'after', FaultPoints];
  readonly registers?: readonly ['before' | 'after', FaultPoints];
  readonly observer?: FaultPoints;
}

/** A device of a domain whose unit is live, and where its memory comes from. */
export interface Bench {
  readonly domain: Domain;
  readonly unit: Answers;
  readonly space: DmaSpace;
  readonly device: DmaDevice;
  readonly pool: Pool;
  readonly pages: Pages;
  readonly lazy: boolean;
}

/** How they are made. */
export interface Setup {
  readonly space?: Partial<DmaSpaceOptions>;
  readonly untrusted?: boolean;
  readonly device?: DmaDeviceOptions;
}

/** Makes them, with what fails. */
export function bench(name: Name, { space = {}, untrusted = false, device = {} }: Setup, sources: Sources): Bench {
  const { format, unit: Unit, driver: make, ids } = DRIVERS[name];
  const memory = new TableMemory();
  const unit = new Unit(memory);
  const port =
    sources.registers === undefined ? unit : new FaultyPort(unit, sources.registers[1], sources.registers[0]);
  const plain: DriverFactory = make({ port, [ids]: [DEVICE] });
  const driver =
    sources.callbacks === undefined ? plain : withFaults(plain, sources.callbacks[1], sources.callbacks[0]);
  const domain = new Domain({ format, memory, path: 'one-walk', driver });
  const observer = { exposed: () => sources.observer?.pass('observer') };
  const pool = new Pool(2 ** 30, 2 ** 20);
  const made = new DmaSpace({ domain, observer, ...space });
  return {
    domain,
    unit,
    space: made,
    device: new DmaDevice(made, { ...device, ...(untrusted ? { untrusted: pool } : {}) }),
    pool,
    pages: new Pages(),
    lazy: space.policy === 'lazy',
  };
}
