/**
 * Checks of JSON values, for the schemas of vectors and packs: a check is a function, a record is checked by its own keys.
 * @module
 */

/** Whether a value is what its key may hold. */
export type Check = (value: unknown) => boolean;

const HEX = /^0x[0-9a-f]{1,16}$/i;

/** More entries or pages than any recorded run has; a longer one is refused before it is expanded. */
const MAX_RUN = 2 ** 20;

/** An object that is not a list. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An own key of an object; undefined where it has none, whatever its prototype has. */
export function own(value: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(value, key) ? value[key] : undefined;
}

/** `0x…` of at most 64 bits. */
export const isHex: Check = (value) => typeof value === 'string' && HEX.test(value);

/** A whole number that is exact. */
export const isNumber: Check = (value) => typeof value === 'number' && Number.isSafeInteger(value);

/** A length of a run. */
export const isCount: Check = (value) =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_RUN;

/** A text. */
export const isText: Check = (value) => typeof value === 'string';

/** True or false. */
export const isBoolean: Check = (value) => typeof value === 'boolean';

/** What either check takes. */
export function either(...checks: readonly Check[]): Check {
  return (value) => checks.some((check) => check(value));
}

/** Null, or what the check takes. */
export function orNull(check: Check): Check {
  return (value) => value === null || check(value);
}

/** A list of what the check takes. */
export function listOf(check: Check): Check {
  return (value) => Array.isArray(value) && value.every(check);
}

/** A list of fixed length. */
export function tuple(...checks: readonly Check[]): Check {
  return (value) =>
    Array.isArray(value) && value.length === checks.length && checks.every((check, i) => check(value[i]));
}

/** A record whose every value passes. */
export function recordOf(check: Check): Check {
  return (value) => isObject(value) && Object.values(value).every(check);
}

/** What a record must hold (`needs`), and may (`may`). */
export interface Shape {
  readonly needs: Readonly<Record<string, Check>>;
  readonly may?: Readonly<Record<string, Check>>;
}

/** The first key of a record that is missing or wrong, behind `prefix`; undefined where there is none. */
export function wrongIn(value: unknown, { needs, may = {} }: Shape, prefix = ''): string | undefined {
  if (!isObject(value)) return prefix === '' ? 'an object' : prefix;
  const dot = prefix === '' ? '' : `${prefix}.`;
  for (const [key, check] of Object.entries(needs)) if (!check(own(value, key))) return dot + key;
  for (const [key, check] of Object.entries(may)) {
    const held = own(value, key);
    if (held !== undefined && !check(held)) return dot + key;
  }
  return undefined;
}

/** An object of this shape. */
export function shaped(shape: Shape): Check {
  return (value) => wrongIn(value, shape) === undefined;
}
