/**
 * Checks of the options that drivers share.
 * @module
 */
import { hex } from '../address.ts';
import type { RegisterPort } from '../bus.ts';
import { checkOptions, IommuError, reading, shown } from '../errors.ts';
import type { Geometry } from '../formats/contract.ts';
import type { TableMemory } from '../memory/table-memory.ts';
import type { SharedPages } from './queue/shared-pages.ts';

/** Options of one driver, each read once. @throws IommuError `BAD_OPTION` for a name that the driver does not know. */
export function driverOptions<T extends object>(driver: string, known: readonly string[], given: T): T {
  checkOptions('options', given);
  const options = reading('options', () => ({ ...given }));
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return options;
  const message = `expected one of ${known.join(', ')} for ${driver}, got ${shown(unknown)}`;
  throw new IommuError('BAD_OPTION', 'options', message);
}

/** One of some names, or the default. */
export function oneOf<T extends string>(option: string, value: T | undefined, known: readonly T[], otherwise: T): T {
  if (value === undefined) return otherwise;
  if (known.includes(value)) return value;
  throw new IommuError('BAD_OPTION', option, `expected one of ${known.join(', ')}, got ${shown(value)}`);
}

/** Whether an option is set. */
export function flag(option: string, value: boolean | undefined, otherwise: boolean): boolean {
  if (value === undefined) return otherwise;
  if (typeof value === 'boolean') return value;
  throw new IommuError('BAD_OPTION', option, `expected true or false, got ${shown(value)}`);
}

/** A whole number from `least` to `most`, or the default. */
export function whole(
  option: string,
  value: number | undefined,
  least: number,
  most: number,
  otherwise: number,
): number {
  if (value === undefined) return otherwise;
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new IommuError('BAD_OPTION', option, `expected a whole number from ${least} to ${most}, got ${shown(value)}`);
}

const PORT_CALLS = ['read32', 'write32', 'read64', 'write64'] as const;

/** Registers of a device, or undefined. */
export function portOf(value: RegisterPort | undefined): RegisterPort | undefined {
  if (value === undefined) return undefined;
  const isPort = typeof value === 'object' && value !== null;
  if (isPort && reading('port', () => PORT_CALLS.every((name) => typeof value[name] === 'function'))) return value;
  throw new IommuError('BAD_OPTION', 'port', `expected an object with ${PORT_CALLS.join(', ')}, got ${shown(value)}`);
}

/** Ids of the devices behind a domain. */
export function deviceIds(option: string, value: readonly number[] | undefined, most: number): readonly number[] {
  if (value === undefined) return [0];
  if (!Array.isArray(value)) throw new IommuError('BAD_OPTION', option, `expected numbers, got ${shown(value)}`);
  return reading(option, () => value.map((id: number) => whole(option, id, 0, most, 0)));
}

/** Refuses by name what a device does not walk. @throws IommuError `UNSUPPORTED`. */
export function checkFormat(
  driver: string,
  formats: readonly string[],
  { format, quirks }: Geometry,
  driven: number,
): void {
  if (!formats.includes(format)) {
    const message = `expected one of ${formats.join(', ')} for the ${driver} driver, got '${format}'`;
    throw new IommuError('UNSUPPORTED', 'format', message, { got: format });
  }
  const beyond = quirks & ~driven;
  if (beyond === 0) return;
  const message = `expected quirks of '${format}' within ${hex(driven)} for the ${driver} driver, got ${hex(beyond)} beyond them`;
  throw new IommuError('UNSUPPORTED', 'quirks', message, { got: hex(beyond) });
}

/** A unit that domains share, or undefined. @throws IommuError `BAD_OPTION` for anything else. */
export function unitOf<T>(value: T | undefined, kind: new (...args: never[]) => T): T | undefined {
  if (value === undefined || value instanceof kind) return value;
  throw new IommuError('BAD_OPTION', 'unit', `expected a ${kind.name}, got ${shown(value)}`);
}

/** Refuses a unit whose memory a domain does not share: the device would find no tables. @throws IommuError `BAD_OPTION`. */
export function checkMemory(unit: SharedPages, memory: TableMemory): void {
  if (unit.memory === memory) return;
  throw new IommuError('BAD_OPTION', 'unit', 'expected a unit in the memory of the domain, got one in another memory');
}
