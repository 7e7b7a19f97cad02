/**
 * Comparisons that throw: the few that the rules need, so that they run without a test runner. Values are plain data: numbers,
 * bigints, texts, arrays, objects, sets and typed arrays.
 * @module
 */

/** A rule that does not hold: what was compared, what was found and what was expected. */
export class RuleError extends Error {
  override readonly name = 'RuleError';
}

const LONGEST = 400;

/** A value as text for a message: JSON with bigints as `12n`, cut where it is long. */
function text(value: unknown): string {
  const plain = JSON.stringify(value, (_key, each: unknown) => {
    if (typeof each === 'bigint') return `${each}n`;
    if (each instanceof Set) return [...each];
    return typeof each === 'number' && !Number.isFinite(each) ? String(each) : each;
  });
  const whole = plain ?? String(value);
  return whole.length <= LONGEST ? whole : `${whole.slice(0, LONGEST)}…`;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** Keys of an object whose value is not undefined: an absent field and an undefined one are the same. */
function keysOf(value: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(value).filter((key) => value[key] !== undefined);
}

/** Where two values differ, as a path with both values; undefined where they are equal. */
function difference(found: unknown, wanted: unknown, path: string): string | undefined {
  if (Object.is(found, wanted) || found === wanted) return undefined;
  if (!isObject(found) || !isObject(wanted)) return `${path}expected ${text(wanted)}, got ${text(found)}`;
  if (found instanceof Set && wanted instanceof Set) return difference([...found].sort(), [...wanted].sort(), path);
  const keys = new Set([...keysOf(wanted), ...keysOf(found)]);
  for (const key of keys) {
    const below = difference(found[key], wanted[key], `${path}${key}: `);
    if (below !== undefined) return below;
  }
  return Array.isArray(found) === Array.isArray(wanted)
    ? undefined
    : `${path}expected ${text(wanted)}, got ${text(found)}`;
}

/** Where an object lacks what a pattern asks for, deeply. */
function missing(found: unknown, pattern: unknown, path: string): string | undefined {
  if (!isObject(pattern) || !isObject(found)) return difference(found, pattern, path);
  for (const key of Object.keys(pattern)) {
    const below = missing(found[key], pattern[key], `${path}${key}: `);
    if (below !== undefined) return below;
  }
  return undefined;
}

/** The comparisons of one value. */
class Expectation {
  readonly #found: unknown;
  readonly #what: string;

  constructor(found: unknown, what: string | undefined) {
    this.#found = found;
    this.#what = what === undefined ? '' : `${what}: `;
  }

  #fail(message: string | undefined): void {
    if (message !== undefined) throw new RuleError(message);
  }

  #compare(holds: boolean, wanted: string): void {
    if (!holds) this.#fail(`${this.#what}expected ${wanted}, got ${text(this.#found)}`);
  }

  /** The same value. */
  toBe(wanted: unknown): void {
    this.#compare(Object.is(this.#found, wanted), text(wanted));
  }

  /** Equal, field by field. */
  toEqual(wanted: unknown): void {
    this.#fail(difference(this.#found, wanted, this.#what));
  }

  /** Not equal. */
  toDiffer(other: unknown): void {
    this.#compare(difference(this.#found, other, '') !== undefined, `anything but ${text(other)}`);
  }

  /** Has these fields with these values. */
  toMatchObject(pattern: object): void {
    this.#fail(missing(this.#found, pattern, this.#what));
  }

  /** Nothing. */
  toBeUndefined(): void {
    this.toBe(undefined);
  }

  /** Above a number. */
  toBeGreaterThan(limit: number): void {
    this.#compare((this.#found as number) > limit, `more than ${limit}`);
  }

  /** A number or above. */
  toBeGreaterThanOrEqual(limit: number): void {
    this.#compare((this.#found as number) >= limit, `at least ${limit}`);
  }

  /** A number or below. */
  toBeLessThanOrEqual(limit: number): void {
    this.#compare((this.#found as number) <= limit, `at most ${limit}`);
  }

  /** A text that holds another. */
  toContain(part: string): void {
    this.#compare(String(this.#found).includes(part), `a text with ${text(part)}`);
  }

  /** A text of a form. */
  toMatch(form: RegExp): void {
    this.#compare(form.test(String(this.#found)), `a text like ${form.source}`);
  }
}

/** Begins a comparison; `what` stands before the message where it does not hold. */
export function expect(found: unknown, what?: string): Expectation {
  return new Expectation(found, what);
}
