/**
 * How a campaign says that two sides differ.
 * @module
 */

/** Two sides that should agree do not. */
export class Difference extends Error {
  override readonly name = 'Difference';
}

/** Compares two plain values; `what` is asked for only where they differ. @throws Difference */
export function same(what: () => string, got: unknown, wanted: unknown): void {
  if (Object.is(got, wanted)) return;
  throw new Difference(`${what()}: expected ${shown(wanted)}, got ${shown(got)}`);
}

function shown(value: unknown): string {
  const whole = typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
  return whole || typeof value === 'bigint' ? `0x${value.toString(16)}` : String(value);
}
