/**
 * Attaching and freeing a domain with every allocation and every register access failing in turn: what was made is given back
 * or, where the unit cannot be turned off, stays; the unit never reads memory that is free; other domains of the unit translate
 * as before; and the call succeeds when it is made again.
 */
import { describe, expect, it } from 'vitest';
import { Domain } from '../../src/core/index.ts';
import { IommuError } from '../../src/errors.ts';
import { TableMemory } from '../../src/memory/index.ts';
import { type Answers, DEVICE } from '../support/device-view.ts';
import { FaultPoints, Planted } from '../support/fault-points.ts';
import { FaultyPort } from '../support/faulty-port.ts';
import { type DriverOf, UNIT_KINDS, type UnitKind } from '../support/shared-units.ts';

const K4 = 4096;
const OUT = 0x4000_0000;
const NEIGHBOUR = 0x11;
const TAG = 7;
const MOST_POINTS = 500;
const WAYS = [
  ['before', false],
  ['after', false],
  ['before', true],
] as const;

interface Bench {
  readonly memory: TableMemory;
  readonly unit: Answers;
  readonly points: FaultPoints;
  readonly driver: DriverOf;
  readonly format: string;
  free(): void;
}

function bench(kind: UnitKind, phase: 'before' | 'after', isShared: boolean): Bench | undefined {
  const memory = new TableMemory();
  const unit = kind.live(memory, {});
  const points = new FaultPoints();
  const port = new FaultyPort(unit, points, phase);
  const common = { memory, unit, points, format: kind.format };
  if (!isShared) return { ...common, driver: kind.own(port), free: () => undefined };
  const shared = kind.shared?.(memory, port);
  return shared === undefined ? undefined : { ...common, driver: shared.driver, free: () => shared.free() };
}

function domainOf({ memory, format, driver }: Bench, device: number, tag?: number): Domain {
  return new Domain({ format, memory, path: 'map-pages', driver: driver([device], tag) });
}

/** Guest tables of AMD have a domain id a device, which is not asked for. */
function tagOf({ name }: UnitKind): number | undefined {
  return name.startsWith('amd-vi') && name.endsWith('x86-64') ? undefined : TAG;
}

/** What an access becomes: the output address, or why there is none. */
function seen({ unit }: Bench, device: number): string {
  const { result } = unit.translate(device, BigInt(K4));
  return result.ok ? `0x${result.pa.toString(16)}` : result.reason;
}

const held = ({ memory }: Bench): number[] => [memory.liveTables, memory.liveBytes, memory.deviceTables];

/** Calls with ever later points failing until it succeeds; `after` looks at what each failure left. */
function failEach<T>(points: FaultPoints, sticky: boolean, call: () => T, after: (where: string) => void): [T, number] {
  for (let n = 0; n < MOST_POINTS; n++) {
    points.arm(n, sticky);
    try {
      const result = call();
      if (points.failed !== undefined) throw new Error(`${points.failed} was not passed on`);
      points.arm(-1);
      return [result, n];
    } catch (error) {
      if (!(error instanceof Planted && error.message === points.failed)) throw error;
      const where = `access ${n}, ${points.failed}`;
      points.arm(-1);
      after(where);
    }
  }
  throw new Error(`more than ${MOST_POINTS} accesses`);
}

/** A new bench for each failure: a unit of its own is made anew, and one that stays on keeps its memory. */
function ownUnit(kind: UnitKind, phase: 'before' | 'after', sticky: boolean): number {
  for (let n = 0; n < MOST_POINTS; n++) {
    const one = bench(kind, phase, false);
    if (one === undefined) return 0;
    one.points.arm(n, sticky);
    try {
      const domain = domainOf(one, DEVICE, tagOf(kind));
      if (one.points.failed !== undefined) throw new Error(`${one.points.failed} was not passed on`);
      one.points.arm(-1);
      domain.map(K4, OUT, K4, 3);
      expect(seen(one, DEVICE)).toBe(`0x${OUT.toString(16)}`);
      domain.free();
      expect(held(one)).toEqual([0, 0, 0]);
      expect(seen(one, DEVICE)).not.toBe('table-outside-memory');
      expect(seen(one, DEVICE)).not.toBe(`0x${OUT.toString(16)}`);
      return n;
    } catch (error) {
      if (!(error instanceof Planted)) throw error;
      const where = `access ${n}, ${one.points.failed}`;
      one.points.arm(-1);
      expect(seen(one, DEVICE), where).not.toBe('table-outside-memory');
      if (!sticky) expect(held(one), where).toEqual([0, 0, 0]);
    }
  }
  throw new Error(`more than ${MOST_POINTS} accesses`);
}

/** Beside a domain that is mapped, on a unit that both share. */
function sharedUnit(kind: UnitKind, phase: 'before' | 'after', sticky: boolean): number {
  const one = bench(kind, phase, true);
  if (one === undefined) return 0;
  const neighbour = domainOf(one, NEIGHBOUR);
  neighbour.map(K4, OUT, K4, 3);
  // Second-level tables that the unit keeps are there from now on
  domainOf(one, DEVICE).free();
  const before = held(one);
  const [domain, attached] = failEach(
    one.points,
    sticky,
    // Where nothing can be sent any more, the tag stays taken: the unit may still use it
    () => domainOf(one, DEVICE, sticky ? undefined : tagOf(kind)),
    (where) => {
      expect([seen(one, NEIGHBOUR), seen(one, DEVICE)], where).toEqual([`0x${OUT.toString(16)}`, expect.anything()]);
      expect(seen(one, DEVICE), where).not.toMatch(/^0x|outside-memory/);
      if (!sticky) expect(held(one), where).toEqual(before);
    },
  );
  return attached + freeEach(one, domain, sticky, neighbour);
}

/** Frees a domain with every access failing. */
function freeEach(one: Bench, domain: Domain, sticky: boolean, neighbour: Domain): number {
  domain.map(K4, 2 * OUT, K4, 3);
  const [, freed] = failEach(
    one.points,
    sticky,
    () => domain.free(),
    (where) => {
      expect(domain.translate(K4), where).toBe(2 * OUT);
      expect(seen(one, DEVICE), where).not.toBe('table-outside-memory');
      expect(seen(one, NEIGHBOUR), where).toBe(`0x${OUT.toString(16)}`);
    },
  );
  expect(seen(one, DEVICE)).not.toMatch(/^0x|outside-memory/);
  neighbour.free();
  one.free();
  return freed;
}

function isNoMemory(error: unknown): boolean {
  return error instanceof IommuError && error.code === 'NO_MEMORY';
}

/** Every allocation of attaching fails in turn; returns how many there were. */
function withoutMemory(one: Bench, make: () => Domain): number {
  const before = held(one);
  for (let n = 0; n < MOST_POINTS; n++) {
    one.memory.failAfter(n);
    try {
      const domain = make();
      one.memory.failAfter(-1);
      domain.free();
      return n;
    } catch (error) {
      one.memory.failAfter(-1);
      if (!isNoMemory(error)) throw error;
      expect([n, ...held(one)]).toEqual([n, ...before]);
    }
  }
  throw new Error('never enough memory');
}

describe.each(UNIT_KINDS)('$name', (kind) => {
  it.each(WAYS)(
    'a domain with a unit of its own, an access failing %s (and all later ones: %s)',
    (phase, sticky) => {
      expect(ownUnit(kind, phase, sticky)).toBeGreaterThan(5);
    },
    120_000,
  );

  it.each(WAYS)(
    'a domain that shares a unit is attached and freed, an access failing %s (and all later ones: %s)',
    (phase, sticky) => {
      expect(sharedUnit(kind, phase, sticky)).toBeGreaterThan(kind.shared === undefined ? -1 : 1);
    },
    120_000,
  );

  it('every allocation of attaching fails: nothing is kept', () => {
    const own = bench(kind, 'before', false);
    const shared = bench(kind, 'before', true);
    if (own !== undefined) expect(withoutMemory(own, () => domainOf(own, DEVICE, tagOf(kind)))).toBeGreaterThan(0);
    if (shared === undefined) return;
    domainOf(shared, DEVICE).free();
    expect(withoutMemory(shared, () => domainOf(shared, DEVICE, tagOf(kind)))).toBeGreaterThan(0);
  });

  it('domains come and go on a shared unit, and nothing is left', () => {
    const one = bench(kind, 'before', true);
    if (one === undefined) return;
    domainOf(one, DEVICE).free();
    const before = held(one);
    for (let i = 0; i < 20; i++) domainOf(one, DEVICE).free();
    expect(held(one)).toEqual(before);
    one.free();
    expect(held(one)).toEqual([0, 0, 0]);
  });
});
