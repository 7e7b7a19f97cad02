/**
 * Every allocation and every callback of the DMA layer fails in turn: tables, addresses, pages, bounce buffers, the driver's calls,
 * the unit's registers, the observer. Mappings, addresses, bounce buffers, pages and the flush queue are as they were, the unit
 * translates what is mapped and, where unmaps are strict, nothing else, and the call succeeds when it is made again.
 */
import { describe, expect, it } from 'vitest';
import { Domain } from '../../src/core/index.ts';
import { LiveSmmuV3, LiveVtd } from '../../src/device/index.ts';
import {
  allocCoherent,
  BouncePool,
  DmaDevice,
  type DmaDeviceOptions,
  DmaSpace,
  type DmaSpaceOptions,
  freeCoherent,
  LinkedRange,
  type PageSource,
} from '../../src/dma/index.ts';
import { armSmmuV3, type DriverFactory, intelVtd } from '../../src/drivers/index.ts';
import { IommuError } from '../../src/errors.ts';
import { WRITE } from '../../src/hardware/index.ts';
import { TableMemory } from '../../src/memory/index.ts';
import { type Answers, DEVICE } from '../support/device-view.ts';
import { FaultPoints, Planted, withFaults } from '../support/fault-points.ts';
import { FaultyPort } from '../support/faulty-port.ts';
import { stateOf } from './helpers.ts';

const K4 = 4096;
const MS = 1e6;
const MOST_POINTS = 400;

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
  readonly pageBytes = K4;
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

const DRIVERS = {
  'arm-smmu-v3': { format: 'arm-64-lpae-s1', unit: LiveSmmuV3, driver: armSmmuV3, ids: 'streams' },
  'intel-vtd': { format: 'vtd-ss', unit: LiveVtd, driver: intelVtd, ids: 'sources' },
} as const;
type Name = keyof typeof DRIVERS;

/** What fails. */
interface Sources {
  readonly callbacks?: readonly ['before' | 'after', FaultPoints];
  readonly registers?: readonly ['before' | 'after', FaultPoints];
  readonly observer?: FaultPoints;
}

interface Bench {
  readonly domain: Domain;
  readonly unit: Answers;
  readonly space: DmaSpace;
  readonly device: DmaDevice;
  readonly pool: Pool;
  readonly pages: Pages;
  readonly lazy: boolean;
}

interface Setup {
  readonly space?: Partial<DmaSpaceOptions>;
  readonly untrusted?: boolean;
  readonly device?: DmaDeviceOptions;
}

function bench(name: Name, { space = {}, untrusted = false, device = {} }: Setup, sources: Sources): Bench {
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

/** A call, and what takes it back. */
interface Step {
  readonly call: () => unknown;
  readonly undo: () => void;
}

interface Scenario extends Setup {
  readonly name: string;
  readonly step: (bench: Bench) => Step;
}

const LIST = [3, 9, 4, 1].map((page) => ({ address: page * K4, length: K4 }));
const ODD = [
  { address: 0x5010, length: 0x2100 },
  { address: 0x9ff0, length: 0x20 },
  { address: 0x2_0000, length: 0x1000 },
];
/** A table and more. */
const LONG = Array.from({ length: 600 }, (_, i) => ({ address: 2 ** 32 + 2 * i * K4, length: K4 }));
const LAZY = { policy: 'lazy' } as const;
const FULL = { policy: 'lazy', queue: { slots: 2 } } as const;

const mapped = ({ device }: Bench, list: typeof LIST): Step => ({
  call: () => device.mapSg(list, 'bidirectional'),
  undo: () => unmapList(device),
});

/** Unmaps the last list, as one range, or segment by segment where buffers were bounced. */
function unmapList(device: DmaDevice): void {
  const { dmaAddresses, dmaLengths, segments } = device.list;
  const first = dmaAddresses[0] as number;
  const last = segments - 1;
  const end = (dmaAddresses[last] as number) + (dmaLengths[last] as number);
  if (device.maxMapping === Number.MAX_SAFE_INTEGER) device.unmapSg(first, end - first, 'bidirectional');
  else
    for (let i = 0; i < segments; i++) {
      device.unmapPage(dmaAddresses[i] as number, dmaLengths[i] as number, 'bidirectional');
    }
}

const unmapped = (bench: Bench, list: typeof LIST): Step => {
  bench.device.mapSg(list, 'bidirectional');
  return { call: () => unmapList(bench.device), undo: () => undefined };
};

const nothing = (): void => undefined;

/** A linked range with two pieces and a hole. */
function linked({ device }: Bench): LinkedRange {
  const range = LinkedRange.tryAlloc(device, 0x7010, 8 * K4);
  if (range === undefined) throw new Error('no range');
  range.link(0x7010, 0, 2 * K4 - 16, 'bidirectional');
  range.link(0x2_0000, 2 * K4 - 16, 0x1800, 'bidirectional');
  range.link(0x3_0000, 5 * K4 - 16, K4, 'bidirectional');
  return range;
}

const SCENARIOS: readonly Scenario[] = [
  {
    name: 'map a page',
    step: ({ device }) => {
      let address = 0;
      return {
        call: () => {
          address = device.mapPage(0x5ff0, 0x20, 'bidirectional');
        },
        undo: () => device.unmapPage(address, 0x20, 'bidirectional'),
      };
    },
  },
  { name: 'map a list of pages', step: (one) => mapped(one, LIST) },
  { name: 'map a list of any shape', step: (one) => mapped(one, ODD), device: { boundary: 0x4000 } },
  { name: 'map a long list', step: (one) => mapped(one, LONG) },
  { name: 'unmap a list', step: (one) => unmapped(one, ODD) },
  { name: 'unmap a long list', step: (one) => unmapped(one, LONG) },
  { name: 'unmap a list lazily', step: (one) => unmapped(one, LIST), space: LAZY },
  { name: 'unmap a long list lazily', step: (one) => unmapped(one, LONG), space: LAZY },
  {
    name: 'unmap lazily into a full ring',
    space: FULL,
    step: (one) => {
      const first = one.device.mapPage(0x1000, K4, 'bidirectional');
      one.device.unmapPage(first, K4, 'bidirectional');
      return unmapped(one, LIST);
    },
  },
  {
    name: 'the timer of a flush queue',
    space: LAZY,
    step: (one) => {
      unmapped(one, LIST).call();
      unmapped(one, ODD).call();
      return { call: () => one.space.at(0, 20 * MS), undo: nothing };
    },
  },
  {
    name: 'the end of a flush queue',
    space: LAZY,
    step: (one) => {
      unmapped(one, LIST).call();
      return { call: () => one.space.drain(), undo: nothing };
    },
  },
  { name: 'a doorbell', step: ({ device }) => ({ call: () => device.doorbell(0xfee0_0010), undo: nothing }) },
  ...[false, true].flatMap((contiguous): Scenario[] => [
    {
      name: `allocate coherent memory${contiguous ? ' of one piece' : ''}`,
      step: ({ device, pages }) => {
        let memory: ReturnType<typeof allocCoherent> | undefined;
        return {
          call: () => {
            memory = allocCoherent(device, pages, contiguous ? 2 * K4 : 5 * K4, { contiguous });
          },
          undo: () => memory !== undefined && freeCoherent(device, pages, memory),
        };
      },
    },
    {
      name: `free coherent memory${contiguous ? ', lazily' : ''}`,
      ...(contiguous ? { space: LAZY } : {}),
      step: ({ device, pages }) => {
        const memory = allocCoherent(device, pages, 5 * K4);
        return { call: () => freeCoherent(device, pages, memory), undo: nothing };
      },
    },
  ]),
  {
    name: 'map a page through a bounce buffer',
    untrusted: true,
    step: ({ device }) => {
      let address = 0;
      return {
        call: () => {
          address = device.mapPage(0x5ff0, 0x20, 'bidirectional');
        },
        undo: () => device.unmapPage(address, 0x20, 'bidirectional'),
      };
    },
  },
  { name: 'map a list through bounce buffers', untrusted: true, step: (one) => mapped(one, ODD) },
  {
    name: 'unmap a page that was bounced',
    untrusted: true,
    step: ({ device }) => {
      const address = device.mapPage(0x5ff0, 0x20, 'bidirectional');
      return { call: () => device.unmapPage(address, 0x20, 'bidirectional'), undo: nothing };
    },
  },
  {
    name: 'link a piece with bounced ends',
    untrusted: true,
    step: (one) => {
      const range = LinkedRange.tryAlloc(one.device, 0x7010, 8 * K4);
      return {
        call: () => range?.link(0x7010, 0, 3 * K4, 'bidirectional'),
        undo: () => range?.destroy(),
      };
    },
  },
  {
    name: 'unlink two pieces at once',
    untrusted: true,
    step: (one) => {
      const range = linked(one);
      return { call: () => range.unlink(K4, 2 * K4), undo: () => range.destroy() };
    },
  },
  {
    name: 'destroy a linked range',
    step: (one) => {
      const range = linked(one);
      return { call: () => range.destroy(), undo: nothing };
    },
  },
];

/** Addresses that were mapped at some time, and what the unit makes of them beside what the domain says. */
class View {
  readonly #addresses = new Set<number>();

  problems({ domain, unit, lazy }: Bench): string[] {
    for (const { iova, size } of domain.leaves())
      for (const at of [0, size - K4]) this.#addresses.add(Number(iova) + at);
    const wrong: string[] = [];
    for (const address of this.#addresses) {
      const { result } = unit.translate(DEVICE, BigInt(address), WRITE);
      const wanted = domain.translate(address);
      const seen = result.ok ? result.pa : undefined;
      if (seen !== wanted && !(lazy && wanted === undefined))
        wrong.push(`0x${address.toString(16)} is ${seen}, not ${wanted}`);
      if (!result.ok && result.reason === 'table-outside-memory')
        wrong.push(`0x${address.toString(16)} leads to a free table`);
    }
    return wrong;
  }
}

const found = (one: Bench): string => `${stateOf(one.device, one.pool)} ${one.pages.out}`;

/** One source of failures: how a point is armed, and whether something failed. */
interface Fault {
  readonly arm: (at: number) => void;
  readonly failed: () => boolean;
}

/** Lets each point fail; returns how many there were. */
function failEach(one: Bench, { call, undo }: Step, fault: Fault, sticky: boolean): number {
  const view = new View();
  const before = found(one);
  const tables = one.domain.memory.liveTables;
  for (let n = 0; n < MOST_POINTS; n++) {
    fault.arm(n);
    let thrown: unknown;
    try {
      call();
    } catch (error) {
      thrown = error;
    }
    const failed = fault.failed();
    fault.arm(-1);
    if (thrown === undefined) {
      expect(view.problems(one)).toEqual([]);
      undo();
      one.space.drain();
      expect(view.problems(one)).toEqual([]);
      return n;
    }
    if (!(thrown instanceof Planted || (thrown instanceof IommuError && thrown.code === 'NO_MEMORY'))) throw thrown;
    expect(failed, `point ${n}`).toBe(true);
    expect([n, found(one)]).toEqual([n, before]);
    expect([n, ...view.problems(one)]).toEqual([n]);
    if (!sticky) expect([n, one.domain.memory.liveTables]).toEqual([n, tables]);
  }
  throw new Error(`more than ${MOST_POINTS} points`);
}

function finish({ domain }: Bench): void {
  domain.free();
  expect([domain.memory.liveTables, domain.memory.liveBytes]).toEqual([0, 0]);
}

const counted = (points: FaultPoints, sticky: boolean): Fault => ({
  arm: (at) => points.arm(at, sticky),
  failed: () => points.failed !== undefined,
});

const THROWN = [
  ['before', false],
  ['after', false],
  ['before', true],
] as const;

describe.each(Object.keys(DRIVERS) as Name[])('%s', (name) => {
  describe.each(SCENARIOS)('$name', (scenario) => {
    it.each(THROWN)('a call of the driver throws %s its work (and all later ones: %s)', (phase, sticky) => {
      const points = new FaultPoints();
      const one = bench(name, scenario, { callbacks: [phase, points] });
      failEach(one, scenario.step(one), counted(points, sticky), sticky);
      finish(one);
    });

    it.each(THROWN)('an access to a register throws %s it is made (and all later ones: %s)', (phase, sticky) => {
      const points = new FaultPoints();
      const one = bench(name, scenario, { registers: [phase, points] });
      failEach(one, scenario.step(one), counted(points, sticky), sticky);
      finish(one);
    });

    it('memory for tables, addresses, pages or bounce buffers is out', () => {
      const one = bench(name, scenario, {});
      const points = new FaultPoints();
      for (const memory of [one.domain.memory, one.space.iova]) {
        const armed = { at: -1 };
        const arm = (at: number): void => {
          armed.at = at;
          memory.failAfter(at);
        };
        failEach(one, scenario.step(one), { arm, failed: () => armed.at >= 0 }, false);
      }
      one.pool.points = points;
      failEach(one, scenario.step(one), counted(points, false), false);
      one.pool.points = undefined;
      for (const kind of ['empty', 'throwing'] as const) {
        one.pages[kind] = points;
        failEach(one, scenario.step(one), counted(points, true), false);
        one.pages[kind] = undefined;
      }
      finish(one);
    });
  });
});

it('what an observer throws is passed on, and the flush is done all the same', () => {
  const observer = new FaultPoints();
  const one = bench('arm-smmu-v3', { space: LAZY }, { observer });
  for (const list of [LIST, ODD, LIST]) unmapped(one, list).call();
  observer.arm(1);
  expect(() => one.space.at(0, 20 * MS)).toThrow(Planted);
  expect([observer.seen, one.space.counts.heldFrames, one.space.counts.flushes]).toEqual([3, 0, 1]);
  finish(one);
});

it('a domain is as before where a region of it cannot be mapped', () => {
  const points = new FaultPoints();
  const memory = new TableMemory();
  const unit = new LiveSmmuV3(memory);
  const driver = withFaults(armSmmuV3({ port: unit, streams: [DEVICE] }), points, 'before');
  const domain = new Domain({ memory, path: 'one-walk', driver });
  const regions = [0x10_0000, 0x4000_0000, 0x8000_0000].map(
    (start) => ({ start, bytes: 3 * K4, kind: 'direct' }) as const,
  );
  for (let granted = 0; granted < 9; granted++) {
    memory.failAfter(granted);
    const leaves = (): unknown => domain.leaves();
    try {
      expect(new DmaSpace({ domain, regions }).iova.ranges).toBe(3);
      expect(granted).toBeGreaterThan(3);
      break;
    } catch (error) {
      expect(error).toMatchObject({ code: 'NO_MEMORY' });
      memory.failAfter(-1);
      expect(leaves()).toEqual([]);
    }
  }
  memory.failAfter(-1);
  domain.free();
  expect(memory.liveTables).toBe(0);
});
