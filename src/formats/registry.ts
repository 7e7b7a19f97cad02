/**
 * All formats, by id.
 * @module
 */
import { IommuError, shown } from '../errors.ts';
import { appleDart, appleDart2 } from './apple-dart.ts';
import { arm32LpaeS1, arm32LpaeS2, arm64LpaeS1, arm64LpaeS2 } from './arm-lpae.ts';
import { armMaliLpae } from './arm-mali-lpae.ts';
import { armV7s } from './arm-v7s.ts';
import type { Format } from './contract.ts';
import { SEMANTICS, type Semantics } from './rules.ts';

/** Every format of this library. */
export const FORMATS: readonly Format[] = [
  arm64LpaeS1,
  arm64LpaeS2,
  arm32LpaeS1,
  arm32LpaeS2,
  armMaliLpae,
  armV7s,
  appleDart,
  appleDart2,
];

/**
 * The format of this id; underscores are accepted for hyphens.
 * @throws IommuError `UNKNOWN_FORMAT`.
 */
export function formatById(id: string): Format {
  const wanted = (typeof id === 'string' ? id : '').toLowerCase().replaceAll('_', '-');
  const format = FORMATS.find((candidate) => candidate.id === wanted);
  if (format !== undefined) return format;
  const known = FORMATS.map((candidate) => candidate.id).join(', ');
  throw new IommuError('UNKNOWN_FORMAT', 'format', `expected one of ${known}, got ${shown(id)}`);
}

/** The semantics that a format has: `safe`, and the kernels that write such tables. */
export function semanticsOf(format: Format): readonly Semantics[] {
  const [first] = format.configurations;
  const rules = first === undefined ? {} : format.configure(first.request).rules;
  return SEMANTICS.filter((each) => each === 'safe' || rules[each] !== undefined);
}
