/**
 * Callbacks that throw in turn: every call that a domain makes of its driver passes here, and one of them fails, or all from
 * one on.
 * @module
 */
import type { Driver, DriverFactory, DriverHooks, PowerControl } from '../../src/drivers/contract.ts';
import type { TlbOps } from '../../src/pagetable/tlb-ops.ts';

/** What a planted fault throws: of no class of the library, as a user's callback would. */
export class Planted extends Error {}

/** Before the callback did its work, or after. */
export type Phase = 'before' | 'after';

/** Counts calls, and lets one fail. */
export class FaultPoints {
  /** Calls seen since it was armed. */
  seen = 0;
  /** Name of the call that failed first. */
  failed: string | undefined;
  #at = -1;
  #sticky = false;

  /** The call with this number fails, and with `sticky` all after it; −1: none. */
  arm(at: number, sticky = false): void {
    this.seen = 0;
    this.failed = undefined;
    this.#at = at;
    this.#sticky = sticky;
  }

  /** A call comes by. */
  pass(name: string): void {
    const number = this.seen++;
    if (this.#at < 0 || (this.#sticky ? number < this.#at : number !== this.#at)) return;
    this.failed ??= name;
    throw new Planted(name);
  }
}

type AnyFunction = (...given: unknown[]) => unknown;

function around(points: FaultPoints, phase: Phase, name: string, work: AnyFunction): AnyFunction {
  return (...given) => {
    if (phase === 'before') points.pass(name);
    const result = work(...given);
    if (phase === 'after') points.pass(name);
    return result;
  };
}

/** The calls of an object that are named, where it has them, each a point. */
function wrapped<T extends object>(of: T, names: readonly string[], points: FaultPoints, phase: Phase): T {
  const made: Record<string, unknown> = {};
  for (const name of names) {
    const work: unknown = Reflect.get(of, name);
    if (typeof work === 'function') made[name] = around(points, phase, name, work.bind(of) as AnyFunction);
    else if (work !== undefined) made[name] = work;
  }
  return made as T;
}

const TLB: readonly (keyof TlbOps)[] = [
  'flushWalk',
  'addPages',
  'removeTable',
  'split',
  'flushAll',
  'clean',
  'changeTop',
  'syncGather',
];
const HOOKS: readonly (keyof DriverHooks)[] = [
  'mapSg',
  'unmapRange',
  'strict',
  'syncMap',
  'translate',
  'mapped',
  'unmapped',
];

/** A reference that was not got need not be put, and one that was put is put: get fails before, put after. */
function power(of: PowerControl, points: FaultPoints): PowerControl {
  return {
    get: around(points, 'before', 'power get', () => of.get()),
    put: around(points, 'after', 'power put', () => of.put()),
  };
}

/** A driver each of whose calls is a point. */
export function withFaults(make: DriverFactory, points: FaultPoints, phase: Phase): DriverFactory {
  return (context) => {
    const driver = make(context);
    const calls = wrapped<Driver>(driver, ['attach', 'sync', 'detach', 'release'], points, phase);
    return {
      ...calls,
      name: driver.name,
      tlb: wrapped<TlbOps>(driver.tlb, TLB, points, phase),
      hooks: wrapped<DriverHooks>(driver.hooks, HOOKS, points, phase),
      ...(driver.power === undefined ? {} : { power: power(driver.power, points) }),
    };
  };
}
