/**
 * What the cases of a pack have in common: where the expected answer comes from, and the difference of an answer.
 * @module
 */
import { hex } from '../../address.ts';
import type { Difference } from '../compare.ts';
import type { VectorResult } from '../run.ts';
import { type Check, either, isHex, isText, listOf, recordOf, type Shape, shaped } from '../shape.ts';

/** Keys of every case. */
export interface CaseKeys {
  /** Unique in its pack. */
  readonly id: string;
  /** Id of the source of the expected answer, one of the header's `sources`. */
  readonly source: string;
  /** Ids of the other sources that give the same answer. */
  readonly agree: readonly string[];
  /** A mistake that this case catches, in words. */
  readonly bug?: string;
}

/**
 * What an access must come to: an address, or a fault; null where the fault's name is left open. `record`: fields of its record,
 * by their names in the architecture.
 */
export type Expected =
  | { readonly address: string }
  | { readonly fault: string | null; readonly record?: Readonly<Record<string, string>> };

/** Shape of {@link CaseKeys}. */
export const CASE_KEYS: Shape = {
  needs: { id: isText, source: isText, agree: listOf(isText) },
  may: { bug: isText },
};

const isNull: Check = (value) => value === null;

/** Whether a value is an {@link Expected}. */
export const isExpected: Check = either(
  shaped({ needs: { address: isHex } }),
  shaped({ needs: { fault: either(isText, isNull) }, may: { record: recordOf(isHex) } }),
);

/** An answer: the address reached, or the names under which a fault is known and the fields of its record. */
export type Answered =
  | { readonly address: bigint }
  | { readonly faults: readonly string[]; readonly record?: Readonly<Record<string, bigint>> };

function textOf(answer: Answered): string {
  return 'address' in answer ? hex(answer.address) : (answer.faults[0] ?? 'a fault');
}

/** Where an answer differs from what must be. */
export function differenceOf(expected: Expected, got: Answered): Difference | undefined {
  if ('address' in expected) {
    const same = 'address' in got && got.address === BigInt(expected.address);
    return same ? undefined : { field: 'address', expected: expected.address, got: textOf(got) };
  }
  const { fault, record = {} } = expected;
  if (!('faults' in got) || (fault !== null && !got.faults.includes(fault))) {
    return { field: 'fault', expected: fault ?? 'a fault', got: textOf(got) };
  }
  for (const [field, value] of Object.entries(record)) {
    const found = got.record !== undefined && Object.hasOwn(got.record, field) ? got.record[field] : undefined;
    if (found !== BigInt(value)) return { field, expected: value, got: found === undefined ? 'none' : hex(found) };
  }
  return undefined;
}

/** Runs one case to its difference; an error of a call is one. */
export function runCase(id: string, compare: () => Difference | undefined): VectorResult {
  try {
    const found = compare();
    return found === undefined ? 'passed' : { id, op: null, ...found };
  } catch (error) {
    const got = error instanceof Error ? error.message : String(error);
    return { id, op: null, field: 'call', expected: 'an answer', got };
  }
}
