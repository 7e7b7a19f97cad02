/**
 * What tables need of a unit, against what the unit says in its identification registers. Linux compares them when a domain is
 * finalised or a device is attached; here both are one step, and a unit that cannot walk the tables is refused by name. A register
 * that reads 0 says nothing: no unit that translates has one.
 * @module
 */
import { formatSize, hex } from '../address.ts';
import { IommuError } from '../errors.ts';
import type { Geometry } from '../formats/contract.ts';

/** Something that the tables of a domain need, and whether the unit has it. */
export interface Need {
  /** The option of the domain or of the driver that asked for it. */
  readonly argument: 'format' | 'ias' | 'oas' | 'pageSizes' | 'quirks' | 'scalable';
  /** Whether the unit has it. */
  readonly met: boolean;
  /** What the unit has instead, with the field that says so. */
  readonly expected: string;
  /** What was asked for. */
  readonly got: string | number;
}

/** Refuses the first need that is not met. @throws IommuError `UNSUPPORTED`. */
export function checkNeeds(driver: string, needs: readonly Need[]): void {
  const unmet = needs.find(({ met }) => !met);
  if (unmet === undefined) return;
  const { argument, expected, got } = unmet;
  throw new IommuError('UNSUPPORTED', argument, `expected ${expected} on this ${driver} unit, got ${got}`, { got });
}

/** A format that the unit walks. */
export function needFormat({ format }: Geometry, met: boolean, expected: string): Need {
  return { argument: 'format', met, expected, got: `'${format}'` };
}

/** Input addresses of at most `most` bits. */
export function needInput({ ias }: Geometry, most: number, field: string): Need {
  return { argument: 'ias', met: ias <= most, expected: `at most ${most} input bits (${field})`, got: ias };
}

/** Output addresses of at most `most` bits. */
export function needOutput({ oas }: Geometry, most: number, field: string): Need {
  return { argument: 'oas', met: oas <= most, expected: `at most ${most} output bits (${field})`, got: oas };
}

/** No pages of a size, unless the unit has them. */
export function needPages({ pageSizes }: Geometry, size: number, has: boolean, field: string): Need {
  const asks = Math.floor(pageSizes / size) % 2 === 1;
  const name = formatSize(size);
  return { argument: 'pageSizes', met: has || !asks, expected: `sizes without ${name} (${field} is 0)`, got: name };
}

/** The granule, the size of the smallest page, to be one that the unit has. */
export function needGranule({ pageShift }: Geometry, shifts: readonly number[], field: string): Need {
  const names = shifts.map((shift) => formatSize(2 ** shift)).join(', ') || 'none';
  const got = formatSize(2 ** pageShift);
  return { argument: 'pageSizes', met: shifts.includes(pageShift), expected: `a granule of ${names} (${field})`, got };
}

/** A quirk only where the unit has what it is about. */
export function needQuirk({ quirks }: Geometry, quirk: number, has: boolean, field: string): Need {
  const asks = (quirks & quirk) !== 0;
  return {
    argument: 'quirks',
    met: has || !asks,
    expected: `quirks without ${hex(quirk)} (${field})`,
    got: hex(quirks),
  };
}
