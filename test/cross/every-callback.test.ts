/**
 * Every callback of a domain fails in turn, before its work and after: under `safe` the tables are byte for byte as they were,
 * no table is lost, what the callback threw is passed on, and the call succeeds when it is made again.
 */
import { describe, expect, it } from 'vitest';
import { Domain, type DomainOptions, PATHS } from '../../src/core/index.ts';
import { bareDriver, DRIVERS, type DriverFactory, type DriverHooks } from '../../src/drivers/index.ts';
import { IommuError } from '../../src/errors.ts';
import { FORMATS, formatById } from '../../src/formats/index.ts';
import { TableMemory } from '../../src/memory/index.ts';
import { COUNT_NAMES } from '../../src/meter/index.ts';
import { snapshot } from '../../src/testing/snapshot.ts';
import { FaultPoints, Planted, withFaults } from '../support/fault-points.ts';
import { type Scenario, scenariosFor } from '../support/scenarios.ts';

const MOST_POINTS = 2000;

interface Case {
  readonly name: string;
  readonly format: string;
  readonly driver: DriverFactory;
  readonly options: DomainOptions;
}

const silent = { flushWalk() {}, addPages() {}, flushAll() {}, sync() {} };
/** Drivers that use every callback there is, on tables that are cleaned. */
const OWN: readonly [string, DriverFactory][] = [
  ['callbacks, tables freed at once', bareDriver({ ...silent, clean() {}, split() {}, changeTop() {} })],
  [
    'callbacks, tables gathered',
    bareDriver({ ...silent, clean() {}, split() {}, changeTop() {}, removeTable: () => true }),
  ],
];

/** Walks that need cleans, where the format has them. */
function uncleaned(format: string): DomainOptions {
  return made({ format, coherent: false }) === undefined ? {} : { coherent: false };
}

const CASES: readonly Case[] = [
  ...DRIVERS.flatMap((kind) =>
    (kind.formats ?? ['x86-64']).map((format) => ({
      name: `${kind.id}, ${format}`,
      format,
      driver: kind.make(),
      options: {},
    })),
  ),
  ...FORMATS.flatMap(({ id }) =>
    OWN.map(([name, driver]) => ({ name: `${name}, ${id}`, format: id, driver, options: uncleaned(id) })),
  ),
];

/** A domain, unless the driver does not take the path or the format is not to be had so. */
function made(options: DomainOptions): Domain | undefined {
  try {
    return new Domain(options);
  } catch (error) {
    if (error instanceof IommuError && /^(?:UNSUPPORTED|BAD_GEOMETRY)/.test(error.code)) return undefined;
    throw error;
  }
}

/** Devices that hear of what is unmapped, and have no tables, keep to what they heard. */
function keepsWhatWasHeard({ hooks }: { hooks: DriverHooks }, { kind }: Scenario): boolean {
  return hooks.unmapped !== undefined && kind === 'unmap';
}

/** What a failed call must leave as it found it. */
interface Found {
  readonly tables: string;
  readonly live: number;
  readonly bytes: number;
  readonly power: number;
}

function look(domain: Domain): Found {
  const { live, ...tables } = snapshot(domain);
  const { powerGets, powerPuts } = domain.meter;
  return {
    tables: JSON.stringify(tables),
    live: Number(live),
    bytes: domain.leaves().reduce((sum, { size }) => sum + size, 0),
    power: powerGets - powerPuts,
  };
}

/** What is wrong after a call that failed. */
function problems(before: Found, domain: Domain, scenario: Scenario, sticky: boolean): string[] {
  const after = look(domain);
  if (keepsWhatWasHeard(domain.driver, scenario)) return after.bytes <= before.bytes ? [] : ['more is mapped'];
  const found = after.tables === before.tables && after.bytes === before.bytes ? [] : ['other tables'];
  if (sticky ? after.live < before.live : after.live !== before.live) found.push(`${after.live - before.live} tables`);
  if (!sticky && after.power !== before.power) found.push('power is not given back');
  return found;
}

/** Lets each point fail, alone or with all after it; returns what went wrong, and how many there were. */
function failEach(domain: Domain, points: FaultPoints, scenario: Scenario, sticky: boolean): [string[], number] {
  scenario.prepare(domain);
  const before = look(domain);
  const wrong: string[] = [];
  for (let n = 0; n < MOST_POINTS; n++) {
    const work = domain.meter.snapshot();
    points.arm(n, sticky);
    let thrown: unknown;
    try {
      scenario.call(domain);
    } catch (error) {
      thrown = error;
    }
    const { failed } = points;
    points.arm(-1);
    if (thrown === undefined)
      return failed === undefined ? [wrong, n] : [[...wrong, `${n} ${failed}: not passed on`], n];
    const where = `${domain.path} ${domain.dispatch}: point ${n}, ${failed}`;
    if (!(thrown instanceof Planted && thrown.message === failed)) wrong.push(`${where}: ${thrown}`);
    const now = domain.meter.snapshot();
    if (COUNT_NAMES.some((name) => now[name] < work[name])) wrong.push(`${where}: the meter went back`);
    wrong.push(...problems(before, domain, scenario, sticky).map((what) => `${where}: ${what}`));
    if (wrong.length > 3 || keepsWhatWasHeard(domain.driver, scenario)) return [wrong, n];
  }
  throw new Error(`more than ${MOST_POINTS} points`);
}

/** Ways that a scenario is run: each path and dispatch, before and after the work, and from one failure on. */
const WAYS = PATHS.flatMap((path) => [
  { path, dispatch: 'indirect', phase: 'before', sticky: false } as const,
  { path, dispatch: 'direct', phase: 'after', sticky: false } as const,
  { path, dispatch: 'indirect', phase: 'before', sticky: true } as const,
]);

describe.each(CASES)('$name', ({ format, driver, options }) => {
  const scenarios = scenariosFor(new Domain({ format, driver, ...options }).geometry);

  it.each(scenarios)('$name: nothing changes where a callback throws', (scenario) => {
    const memory = new TableMemory();
    let points = 0;
    for (const { path, dispatch, phase, sticky } of WAYS) {
      const faults = new FaultPoints();
      const domain = made({ format, path, dispatch, memory, driver: withFaults(driver, faults, phase), ...options });
      if (domain === undefined) continue;
      const [wrong, seen] = failEach(domain, faults, scenario, sticky);
      expect(wrong).toEqual([]);
      points += seen;
      domain.free();
      expect([memory.liveTables, memory.liveBytes]).toEqual([0, 0]);
    }
    expect(points).toBeGreaterThanOrEqual(0);
  });
});

it('every format is among them', () => {
  expect(new Set(CASES.map(({ format }) => format)).size).toBe(FORMATS.length);
  expect(formatById('amd-v1').id).toBe('amd-v1');
});
