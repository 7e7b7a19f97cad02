/**
 * Which engine a vector runs on.
 * @module
 */
import type { Format } from '../formats/contract.ts';
import { refusedOnPurpose } from '../formats/refusals.ts';
import { FORMATS, semanticsOf } from '../formats/registry.ts';
import { GenericSubject, isKnown } from './generic-subject.ts';
import { PgtableSubject, requestOf } from './pgtable-subject.ts';
import { isGeneric } from './schema.ts';
import type { Subject } from './subject.ts';
import type { GenericVector, Vector } from './vector.ts';

/** A vector that was not run, and what it asks for that is not supported here. */
export interface Skipped {
  readonly skipped: string;
}

/** Kernel that a vector was recorded from: as it says, else 7.3 where its id begins with `N-`. */
function kernelOf(vector: Vector): string {
  const kernel = vector.kernel ?? (vector.id.startsWith('N-') ? '7.3' : '6.1');
  return kernel.split('.').slice(0, 2).join('.');
}

function formatOf(vector: Vector): Format | undefined {
  return FORMATS.find((candidate) => candidate.id === vector.fmt.replaceAll('_', '-'));
}

function pgtableSubject(vector: Vector): Subject | Skipped {
  const format = formatOf(vector);
  if (format === undefined) return { skipped: `format ${vector.fmt}` };
  const wanted = `linux-${kernelOf(vector)}`;
  const semantics = semanticsOf(format).find((name) => name === wanted);
  return semantics === undefined ? { skipped: `semantics ${wanted}` } : new PgtableSubject(format, vector, semantics);
}

/**
 * The page tables that a vector runs on, or why it is skipped.
 * @throws IommuError where the engine refuses the configuration; `errno` says what the kernel would return.
 */
export function subjectOf(vector: Vector | GenericVector): Subject | Skipped {
  if (isGeneric(vector)) {
    return isKnown(vector.fmt) ? new GenericSubject(vector as GenericVector) : { skipped: `format ${vector.fmt}` };
  }
  return pgtableSubject(vector as Vector);
}

/** What of a vector's configuration is refused here on purpose; undefined where nothing is. */
export function purposeOf(vector: Vector | GenericVector): string | undefined {
  if (isGeneric(vector)) return undefined;
  const { cfg } = vector as Vector;
  const format = formatOf(vector as Vector);
  const asked = { request: requestOf(cfg), tableBase: Number(cfg.table_base) };
  const refusal = format === undefined ? undefined : refusedOnPurpose(format.id, asked);
  return refusal === undefined ? undefined : `${format?.id}: ${refusal.what}`;
}
