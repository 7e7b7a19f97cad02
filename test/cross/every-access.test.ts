/**
 * Every access of a driver to its unit's registers fails in turn, before the unit heard of it, after, and from one on: a full
 * queue, a doorbell that is lost, a synchronisation that never ends. Under `safe` the tables are as they were, the unit, its
 * caches full of what was, translates as before, and the call succeeds when it is made again.
 */
import { describe, expect, it } from 'vitest';
import { Domain, type Path } from '../../src/core/index.ts';
import { TableMemory } from '../../src/memory/index.ts';
import { iovaOf } from '../../src/testing/setup.ts';
import { snapshot } from '../../src/testing/snapshot.ts';
import { expectedViews, HIGH, probesOf, viewOf } from '../support/device-view.ts';
import { FaultPoints, Planted } from '../support/fault-points.ts';
import { FaultyPort } from '../support/faulty-port.ts';
import { type Scenario, scenariosFor } from '../support/scenarios.ts';
import { amd, live, type Make, riscv, smmu, smmuV2, virtio, vtd } from './live.ts';

const CACHING = 0x81d2_008c_222f_0606n | (1n << 7n);
/** Of many accesses in a row, which invalidate page after page, every so many fail; the first and the last all do. */
const STRIDE = 101;
const ENDS = 10;

const CASES: readonly [name: string, format: string, make: Make, out?: number][] = [
  ['arm-smmu', 'arm-64-lpae-s1', smmuV2({})],
  ['arm-smmu, second stage', 'arm-64-lpae-s2', smmuV2({})],
  ['arm-smmu, short descriptors', 'arm-v7s', smmuV2({}), 0x1000_0000],
  ['arm-smmu-v3 6.1', 'arm-64-lpae-s1', smmu({ kernel: '6.1', rangeInvalidation: false })],
  ['arm-smmu-v3 6.12, MSI', 'arm-64-lpae-s1', smmu({ kernel: '6.12', msi: true, queueBits: 7 })],
  ['arm-smmu-v3 7.3, second stage', 'arm-64-lpae-s2', smmu({ kernel: '7.3' })],
  ['intel-vtd 6.12', 'vtd-ss', vtd({ kernel: '6.12' })],
  ['intel-vtd 7.3, first stage', 'x86-64', vtd({ kernel: '7.3' })],
  ['intel-vtd, caching mode', 'vtd-ss', vtd({ cachingMode: true }, { cap: CACHING })],
  ['amd-vi 6.12', 'amd-v1', amd({ kernel: '6.12' })],
  ['amd-vi 7.3, guest tables', 'x86-64', amd({ kernel: '7.3' })],
  ['riscv-iommu 7.3', 'riscv-sv48', riscv({ kernel: '7.3' })],
  ['virtio-iommu', 'x86-64', virtio({})],
];

/** Ways that an access fails. */
const WAYS = [
  { phase: 'before', sticky: false },
  { phase: 'after', sticky: false },
  { phase: 'before', sticky: true },
  { phase: 'after', sticky: true },
] as const;

interface Bench {
  readonly domain: Domain;
  readonly points: FaultPoints;
  readonly scenario: Scenario;
  readonly sticky: boolean;
  /** What the unit sees of the scenario's addresses. */
  readonly look: () => number[];
  readonly probes: readonly number[];
  readonly before: number[];
  readonly after: number[];
}

/** What is wrong after one failure. */
function wrongAfter({ domain, look, before }: Bench, tables: string): string[] {
  const wrong = JSON.stringify(tablesOf(domain)) === tables ? [] : ['other tables'];
  const seen = look();
  for (const [i, pa] of seen.entries()) {
    if (pa !== before[i]) wrong.push(`probe ${i}: 0x${pa.toString(16)}, not 0x${before[i]?.toString(16)}`);
  }
  return wrong;
}

function tablesOf(domain: Domain): Record<string, string | number> {
  const { live: _, ...tables } = snapshot(domain);
  return tables;
}

/** A device that hears of mappings, and has no tables, keeps to what it heard of an unmap. */
function keepsWhatWasHeard({ domain, scenario }: Bench): boolean {
  return domain.driver.hooks.unmapped !== undefined && scenario.kind === 'unmap';
}

/** Where the unit and the domain differ once the unit hears again. */
function apartFromDomain({ domain, look, probes }: Bench): string[] {
  domain.flushAll();
  const wanted = probes.map((at) => domain.translate(iovaOf(domain, at)) ?? -1);
  return look().join() === wanted.join() ? [] : ['the unit and the domain differ'];
}

/** Lets accesses fail, `count` in all; returns what went wrong. */
function failEach(bench: Bench, count: number): string[] {
  const { domain, points, scenario, sticky, look, after } = bench;
  const wrong: string[] = [];
  look();
  const tables = JSON.stringify(tablesOf(domain));
  for (let n = 0; n < count && wrong.length < 3; n += n < ENDS || n >= count - ENDS ? 1 : STRIDE) {
    points.arm(n, sticky);
    const thrown = thrownBy(() => scenario.call(domain));
    const { failed } = points;
    points.arm(-1);
    // What waits in a queue since an earlier failure may be taken with fewer accesses
    if (failed === undefined && thrown === undefined) break;
    const where = `access ${n}, ${failed}: `;
    if (!(thrown instanceof Planted && thrown.message === failed)) wrong.push(`${where}${thrown} was thrown`);
    if (keepsWhatWasHeard(bench)) return [...wrong, ...apartFromDomain(bench)];
    wrong.push(...wrongAfter(bench, tables).map((what) => where + what));
  }
  if (wrong.length > 0) return wrong;
  if (look().join() !== after.join()) scenario.call(domain);
  expect(look()).toEqual(after);
  return wrong;
}

/** Accesses of a call that nothing goes wrong with. */
function accessesOf({ domain, points, scenario, look }: Bench): number {
  look();
  points.arm(-1);
  scenario.call(domain);
  return points.seen;
}

function thrownBy(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  return undefined;
}

function bench(format: string, make: Make, path: Path, scenario: Scenario, way: (typeof WAYS)[number]): Bench {
  const points = new FaultPoints();
  const memory = new TableMemory();
  const { domain, unit } = live({ format, path, memory }, make, (port) => new FaultyPort(port, points, way.phase));
  const probes = probesOf(scenario, 2 ** domain.geometry.pageShift);
  const [before, after] = expectedViews(format, path, scenario, probes);
  scenario.prepare(domain);
  return {
    domain,
    points,
    scenario,
    sticky: way.sticky,
    look: () => viewOf(unit, domain, probes),
    probes,
    before,
    after,
  };
}

describe.each(CASES)('%s', (name, format, make, out = HIGH) => {
  const path = name.startsWith('virtio') ? 'map-pages' : 'one-walk';
  const scenarios = scenariosFor(new Domain({ format }).geometry, out);

  it.each(scenarios)(
    '$name: the unit translates as before where an access fails',
    (scenario) => {
      for (const way of WAYS) {
        const count = accessesOf(bench(format, make, path, scenario, way));
        const made = bench(format, make, path, scenario, way);
        expect(failEach(made, count)).toEqual([]);
        made.domain.free();
        expect([made.domain.memory.liveTables, made.domain.memory.liveBytes]).toEqual([0, 0]);
      }
    },
    120_000,
  );
});
