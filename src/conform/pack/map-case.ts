/**
 * Cases of a pack that map: calls with their results, and the words that all tables hold at the end.
 * @module
 */
import { hex } from '../../address.ts';
import type { Difference } from '../compare.ts';
import { runVector, type VectorResult } from '../run.ts';
import { isObject, isText, type Shape } from '../shape.ts';
import type { Subject } from '../subject.ts';
import type { GenericVector, Vector } from '../vector.ts';
import { CASE_KEYS, type CaseKeys } from './case.ts';
import type { ImageMemory } from './image.ts';

/** Calls and what they leave; `cfg`, `init`, `ops`, `regs` and `tables` are those of docs/vectors.md. */
export interface MapCase extends CaseKeys {
  readonly kind: 'map';
  /** Format as `iommu formats` names it. */
  readonly format: string;
  /** Kernel whose rules the calls follow. */
  readonly kernel: string;
  /** The tables at the end; absent where the configuration is refused. */
  readonly image?: string;
  readonly vector: Vector | GenericVector;
}

/** Shape of a {@link MapCase}; its vector is checked by the schema of vectors. */
export const MAP_CASE: Shape = {
  needs: { ...CASE_KEYS.needs, format: isText, kernel: isText, vector: isObject },
  may: { ...CASE_KEYS.may, image: isText },
};

/** Words of the tables that are not zero, by address. */
function wordsOf(subject: Subject): Map<number, bigint> {
  const words = new Map<number, bigint>();
  subject.entries((table, _level, index, entry) => {
    const at = Number(table) + index * (subject.entryBits / 8);
    const word = at - (at % 8);
    words.set(word, (words.get(word) ?? 0n) | (entry << BigInt(8 * (at % 8))));
  });
  return words;
}

function compareWords(subject: Subject, image: ImageMemory): Difference | undefined {
  const words = wordsOf(subject);
  for (const at of new Set([...image.addresses(), ...words.keys()])) {
    const [expected, got] = [image.read64(at) ?? 0n, words.get(at) ?? 0n];
    if (expected !== got) return { field: `word ${hex(at)}`, expected: hex(expected), got: hex(got) };
  }
  return undefined;
}

/** Runs the calls through the engine, and compares the words of its tables at the end. */
export function runMapCase({ id, kernel, vector }: MapCase, image: ImageMemory | undefined): VectorResult {
  const compare = image === undefined ? undefined : (subject: Subject) => compareWords(subject, image);
  return runVector({ ...vector, id, kernel }, compare);
}
