/**
 * Values that no argument expects, and what a call must do with them.
 * @module
 */
import { runInNewContext } from 'node:vm';
import { expect } from 'vitest';
import { InputError, IommuError } from '../../src/errors.ts';

/** A property that cannot be read. */
export class Trap extends Error {}

function trap(): never {
  throw new Trap('a trap');
}

/** An object whose every property throws. */
export const TRAPPED: object = new Proxy({}, { get: trap, has: trap, ownKeys: trap, getPrototypeOf: trap });

/** Values by name, each of which is wrong for nearly every argument. */
export const BAD: Readonly<Record<string, unknown>> = {
  undefined: undefined,
  null: null,
  NaN: Number.NaN,
  '-0.5': -0.5,
  '-1': -1,
  '5e-324': Number.MIN_VALUE,
  '2^53': 2 ** 53,
  '2^64 + 4096': 2 ** 64 + 4096,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
  '-1n': -1n,
  '2n^64': 1n << 64n,
  true: true,
  'empty text': '',
  'text of a number': '4096',
  constructor: 'constructor',
  __proto__: '__proto__',
  symbol: Symbol('a symbol'),
  function: () => 4096,
  object: {},
  'object without prototype': Object.create(null),
  'frozen object': Object.freeze({ length: 1 }),
  array: [],
  'array of null': [null],
  'cross-realm array': runInNewContext('[1, 2]'),
  'typed array': new Float32Array([4096.5]),
  'huge length': { length: 2 ** 53 - 1 },
  date: new Date(Number.NaN),
  trapped: TRAPPED,
  'throwing getter': {
    get length(): number {
      return trap();
    },
  },
  'throwing valueOf': { valueOf: trap, toString: trap },
};

/** A call that is tried with each of its arguments, and each key of an option bag, replaced. */
export interface Tried {
  readonly name: string;
  /** Arguments that it accepts. */
  readonly args: readonly unknown[];
  readonly call: (...args: never[]) => unknown;
  /** What must be as before where the call is refused. */
  readonly state?: () => unknown;
}

function* replacements(args: readonly unknown[]): Generator<readonly [place: string, args: readonly unknown[]]> {
  for (const [i, arg] of args.entries()) {
    for (const [name, value] of Object.entries(BAD)) yield [`argument ${i}: ${name}`, args.with(i, value)];
    if (typeof arg !== 'object' || arg === null || Object.getPrototypeOf(arg) !== Object.prototype) continue;
    for (const key of Object.keys(arg)) {
      for (const [name, value] of Object.entries(BAD)) {
        yield [`argument ${i}.${key}: ${name}`, args.with(i, { ...arg, [key]: value })];
      }
    }
  }
}

function problemOf({ call, state }: Tried, args: readonly unknown[]): string | undefined {
  const before = state?.();
  try {
    call(...(args as never[]));
    return undefined;
  } catch (error) {
    if (!(error instanceof IommuError || error instanceof InputError)) return `throws ${String(error)}`;
    if (state !== undefined) expect(state()).toEqual(before);
    return undefined;
  }
}

/** Tries a call with every bad value in every place; gives what ended without a named error. */
export function problemsOf(tried: Tried): string[] {
  return [...replacements(tried.args)].flatMap(([place, args]) => {
    const problem = problemOf(tried, args);
    return problem === undefined ? [] : [`${tried.name}, ${place}: ${problem}`];
  });
}
