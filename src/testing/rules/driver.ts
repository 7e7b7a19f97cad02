/**
 * Rules of a driver: what calls do is what they do without a device, every allocation may fail, nothing leaks, and what it does not
 * know is refused by name.
 * @module
 */
import fc from 'fast-check';
import { Domain } from '../../core/domain.ts';
import type { DomainOptions } from '../../core/options.ts';
import { DISPATCHES, PATHS, type Path } from '../../core/paths.ts';
import { bareDriver } from '../../drivers/bare.ts';
import type { DriverKind } from '../../drivers/kind.ts';
import { IommuError } from '../../errors.ts';
import type { Format } from '../../formats/contract.ts';
import { TableMemory } from '../../memory/table-memory.ts';
import { expect } from '../expect.ts';
import { type Call, CallMaker, type Draw, draws } from '../histories.ts';
import { IntervalMap } from '../interval-map.ts';
import { group, type Rule, rule } from '../rule.ts';
import { RW, refusal } from '../setup.ts';
import { perform } from './histories.ts';

/** A driver on one format, with one set of options. */
export interface DriverCase {
  readonly name: string;
  readonly kind: DriverKind;
  readonly format: Format;
  readonly options: object;
}

function pathsOf({ kind, format, options }: DriverCase): readonly Path[] {
  const domain = new Domain({ format, driver: kind.make(options) });
  const { hooks } = domain.driver;
  domain.free();
  return PATHS.filter((path) =>
    path === 'map-sg' ? hooks.mapSg : path !== 'one-walk' || (hooks.mapSg && hooks.unmapRange),
  );
}

/** What each call of a history came to: bytes, or the code of its refusal. */
function outcomes(domain: Domain, calls: readonly Call[]): (number | string)[] {
  return calls.map((call) => {
    try {
      return perform(domain, call).bytes;
    } catch (error) {
      if (error instanceof IommuError) return error.code;
      throw error;
    }
  });
}

function callsOf(options: DomainOptions, history: readonly Draw[]): Call[] {
  const maker = new CallMaker(new Domain(options).geometry);
  const oracle = new IntervalMap();
  return history.flatMap((draw) => maker.make(draw, oracle) ?? []);
}

function doesAsWithoutDevice({ kind, format, options }: DriverCase, path: Path, history: readonly Draw[]): void {
  const calls = callsOf({ format }, history);
  for (const dispatch of DISPATCHES) {
    const bare = new Domain({ format, path, driver: bareDriver() });
    const expected = outcomes(bare, calls);
    const domain = new Domain({ format, path, dispatch, driver: kind.make(options) });
    expect(outcomes(domain, calls), `${path} ${dispatch}`).toEqual(expected);
    expect(domain.leaves(), `leaves, ${path} ${dispatch}`).toEqual(bare.leaves());
    domain.free();
    expect([domain.memory.liveTables, domain.memory.liveBytes], 'what is left').toEqual([0, 0]);
  }
}

function holdsHistories(each: DriverCase): void {
  const paths = pathsOf(each);
  fc.assert(
    fc.property(draws, (history) => {
      for (const path of paths) doesAsWithoutDevice(each, path, history);
    }),
    { numRuns: 5 },
  );
}

/** Allocations that making a domain takes. */
function allocations({ kind, format, options }: DriverCase): number {
  for (let granted = 0; ; granted++) {
    const memory = new TableMemory();
    memory.failAfter(granted);
    try {
      new Domain({ format, memory, driver: kind.make(options) });
      return granted;
    } catch (error) {
      if (!(error instanceof IommuError) || error.code !== 'NO_MEMORY') throw error;
    }
  }
}

function keepsNothingOfAFailure(each: DriverCase): void {
  const { kind, format, options } = each;
  const needed = allocations(each);
  expect(needed, 'allocations').toBeGreaterThan(0);
  for (let granted = 0; granted < needed; granted++) {
    const memory = new TableMemory();
    memory.failAfter(granted);
    expect(refusal(() => new Domain({ format, memory, driver: kind.make(options) })).code).toBe('NO_MEMORY');
    expect([memory.liveTables, memory.liveBytes], `what is left of ${granted} allocations`).toEqual([0, 0]);
  }
}

function rollsBackAMap({ kind, format, options }: DriverCase): void {
  const domain = new Domain({ format, driver: kind.make(options) });
  domain.memory.failAfter(0);
  const page = 2 ** domain.geometry.pageShift;
  const error = refusal(() => domain.map(0x40000000, page, page, RW));
  domain.memory.failAfter(-1);
  expect([error.code, domain.leaves()]).toEqual(['NO_MEMORY', []]);
  expect(domain.map(0x40000000, page, page, RW).bytes).toBe(page);
  domain.free();
  expect(domain.memory.liveTables).toBe(0);
}

function caseRules(each: DriverCase): Rule[] {
  return group(each.name, [
    rule('calls come to what they come to without a device, on every path, and nothing is left', () =>
      holdsHistories(each),
    ),
    rule('no memory at the nth allocation: nothing is kept where there is no domain', () =>
      keepsNothingOfAFailure(each),
    ),
    rule('no memory in a map: it is rolled back', () => rollsBackAMap(each)),
  ]);
}

function tellsItsNames(kind: DriverKind, format: Format): void {
  const domain = new Domain({ format, driver: kind.make() });
  expect(domain.driver.name).toBe(kind.id);
  expect(domain.meter.commands?.names ?? []).toEqual(kind.commands);
  if (kind.completion !== undefined) expect(kind.commands.includes(kind.completion), kind.completion).toBe(true);
  domain.free();
}

function refusesOtherFormats(kind: DriverKind, others: readonly Format[]): void {
  for (const format of others) {
    const memory = new TableMemory();
    const error = refusal(() => new Domain({ format, memory, driver: kind.make() }));
    expect(error.code).toBe('UNSUPPORTED');
    expect(error.message).toContain(`'${format.id}'`);
    expect(memory.liveTables).toBe(0);
  }
}

function refusesUnknownKernel(kind: DriverKind, format: Format): void {
  const error = refusal(() => new Domain({ format, driver: kind.make({ kernel: '2.4' }) }));
  expect(error.code).toBe('BAD_OPTION');
  expect(error.message).toContain(kind.kernels.join(', '));
}

function kindRules(kind: DriverKind, format: Format, others: readonly Format[]): Rule[] {
  const kernels =
    kind.kernels.length === 0
      ? []
      : [rule('a kernel that it does not know is refused by name', () => refusesUnknownKernel(kind, format))];
  return group(kind.id, [
    rule('its name and the names of its counts are those of the driver that it makes', () =>
      tellsItsNames(kind, format),
    ),
    rule('an option that it does not know is refused', () =>
      expect(refusal(() => kind.make({ colour: 'red' })).code).toBe('BAD_OPTION'),
    ),
    rule('a format that its device does not walk is refused by name', () => refusesOtherFormats(kind, others)),
    ...kernels,
  ]);
}

/** The formats that a driver names, in its own order; all where it names none. */
function drivenOf(kind: DriverKind, formats: readonly Format[]): readonly Format[] {
  return kind.formats?.flatMap((name) => formats.filter(({ id }) => id === name)) ?? formats;
}

/**
 * Rules of a driver: on each of `formats` that it drives, and with each of its kernels on the first; the others of `formats` must be
 * refused.
 */
export function driverRules(kind: DriverKind, formats: readonly Format[]): Rule[] {
  const driven = drivenOf(kind, formats);
  const [first] = driven;
  if (first === undefined) {
    throw new IommuError('BAD_OPTION', 'formats', `expected a format that ${kind.id} drives, got none`);
  }
  const plain = driven.map((format) => ({ name: `${kind.id}, ${format.id}`, kind, format, options: {} }));
  const kernels = kind.kernels.map((kernel) => {
    return { name: `${kind.id}, Linux ${kernel}`, kind, format: first, options: { kernel } };
  });
  const others = formats.filter((format) => !driven.includes(format));
  return [...[...plain, ...kernels].flatMap(caseRules), ...kindRules(kind, first, others)];
}
