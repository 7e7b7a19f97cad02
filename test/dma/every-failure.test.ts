/**
 * Every allocation and every callback of the DMA layer fails in turn: tables, addresses, pages, bounce buffers, the driver's calls,
 * the unit's registers, the observer. Mappings, addresses, bounce buffers, pages and the flush queue are as they were, the unit
 * translates what is mapped and, where unmaps are strict, nothing else, and the call succeeds when it is made again.
 */
import { describe, expect, it } from 'vitest';
import { Domain } from '../../src/core/index.ts';
import { LiveSmmuV3 } from '../../src/device/index.ts';
import { DmaSpace } from '../../src/dma/index.ts';
import { armSmmuV3 } from '../../src/drivers/index.ts';
import { IommuError } from '../../src/errors.ts';
import { WRITE } from '../../src/hardware/index.ts';
import { TableMemory } from '../../src/memory/index.ts';
import { DEVICE } from '../support/device-view.ts';
import { FaultPoints, Planted, withFaults } from '../support/fault-points.ts';
import { type Bench, bench, K4, type Name } from './failing-bench.ts';
import { LAZY, LIST, ODD, SCENARIOS, type Step, unmapped } from './failing-calls.ts';
import { stateOf } from './helpers.ts';

const MS = 1e6;
const MOST_POINTS = 400;

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

describe.each<Name>(['arm-smmu-v3', 'intel-vtd'])('%s', (name) => {
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
