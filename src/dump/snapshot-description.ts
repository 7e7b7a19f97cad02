/**
 * The JSON inside a snapshot: registers, geometry, and pages of which only a part is known.
 * @module
 */
import { hex } from '../address.ts';
import { InputError } from '../errors.ts';
import { registersFromJson, registersToJson } from './registers.ts';
import type { RegisterFile, SnapshotGeometry } from './types.ts';

/** Known parts of a page as [from, end) pairs. */
export type KnownParts = readonly (readonly [number, number])[];

/** What a snapshot says of itself. */
export interface Description {
  readonly registers: RegisterFile | undefined;
  readonly geometry: SnapshotGeometry | undefined;
  readonly partial: ReadonlyMap<number, KnownParts>;
}

type Json = Readonly<Record<string, unknown>>;

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function texts(value: unknown): string[] | undefined {
  return Array.isArray(value) && value.every((item) => typeof item === 'string') ? (value as string[]) : undefined;
}

function toGeometry(value: unknown, name: string): SnapshotGeometry | undefined {
  if (value === undefined) return undefined;
  const { format, granule, ias, oas, roots, quirks } = (value ?? {}) as Json;
  const addresses = texts(roots)?.map(Number);
  const names = texts(quirks);
  const numbers = isCount(granule) && isCount(ias) && isCount(oas);
  if (typeof format !== 'string' || !numbers || !addresses?.every(Number.isSafeInteger) || names === undefined) {
    throw new InputError(
      'MALFORMED',
      name,
      'expected format, granule, ias, oas, roots and quirks in its geometry, got one without a right value of each',
    );
  }
  return { format, granule, ias, oas, roots: addresses, quirks: names };
}

function isParts(value: unknown): value is KnownParts {
  return Array.isArray(value) && value.every((part) => Array.isArray(part) && part.length === 2 && part.every(isCount));
}

function toPartial(value: unknown, name: string): Map<number, KnownParts> {
  const partial = new Map<number, KnownParts>();
  for (const [address, parts] of Object.entries((value ?? {}) as Json)) {
    if (!isParts(parts))
      throw new InputError(
        'MALFORMED',
        name,
        `the known parts of page ${address}: expected [from, end) pairs, got something else`,
      );
    partial.set(Number(address), parts);
  }
  return partial;
}

/**
 * Reads the description.
 * @throws InputError `MALFORMED`.
 */
export function readDescription(text: string, name: string): Description {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new InputError('MALFORMED', name, 'the description: expected JSON, got something else');
  }
  const { registers, geometry, partial } = (typeof value === 'object' && value !== null ? value : {}) as Json;
  return {
    registers: registers === undefined ? undefined : registersFromJson(registers, name),
    geometry: toGeometry(geometry, name),
    partial: toPartial(partial, name),
  };
}

/** The text of a description. */
export function writeDescription(about: Description): string {
  const { registers, geometry, partial } = about;
  return JSON.stringify({
    ...(registers === undefined ? {} : { registers: registersToJson(registers) }),
    ...(geometry === undefined ? {} : { geometry: { ...geometry, roots: geometry.roots.map((root) => hex(root)) } }),
    ...(partial.size === 0 ? {} : { partial: Object.fromEntries([...partial].map(([at, parts]) => [hex(at), parts])) }),
  });
}
