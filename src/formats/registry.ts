/**
 * All formats, by id.
 * @module
 */
import { IommuError, shown } from '../errors.ts';
import { amdV1, amdV1Mock } from './amd-v1.ts';
import { appleDart, appleDart2 } from './apple-dart.ts';
import { arm32LpaeS1, arm32LpaeS2, arm64LpaeS1, arm64LpaeS2 } from './arm-lpae.ts';
import { armMaliLpae } from './arm-mali-lpae.ts';
import { armV7s } from './arm-v7s.ts';
import type { Format } from './contract.ts';
import { riscvSv39, riscvSv48, riscvSv57 } from './riscv-sv.ts';
import { SEMANTICS, type Semantics } from './rules.ts';
import { vtdSs } from './vtd-ss.ts';
import { x8664 } from './x86-64.ts';

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
  vtdSs,
  x8664,
  amdV1,
  riscvSv39,
  riscvSv48,
  riscvSv57,
];

/** Formats that no hardware has: written for tests of kernels. */
export const MOCK_FORMATS: readonly Format[] = [amdV1Mock];

/**
 * The format of this id; underscores are accepted for hyphens.
 * @throws IommuError `UNKNOWN_FORMAT`.
 */
export function formatById(id: string): Format {
  const wanted = (typeof id === 'string' ? id : '').toLowerCase().replaceAll('_', '-');
  const format = [...FORMATS, ...MOCK_FORMATS].find((candidate) => candidate.id === wanted);
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
