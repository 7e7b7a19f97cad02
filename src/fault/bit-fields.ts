/**
 * Registers bit by bit into fields.
 * @module
 */
import { hex } from '../address.ts';
import type { FaultField } from './incident.ts';

/** A field of a register: a flag with one meaning, or several bits with one a value. */
export interface BitField {
  readonly name: string;
  readonly at: number;
  readonly bits?: number;
  /** Of a flag that is set; or by value. */
  readonly meaning: string | Readonly<Record<number, string>>;
  /** Listed when zero, too. */
  readonly always?: boolean;
}

function meaningOf(field: BitField, value: number): string {
  return typeof field.meaning === 'string' ? field.meaning : (field.meaning[value] ?? '');
}

/** The fields of a register that are not zero, or are always listed; bits outside all fields as `reserved`. */
export function decodeBits(value: bigint, fields: readonly BitField[]): FaultField[] {
  const decoded: FaultField[] = [];
  let rest = value;
  for (const field of fields) {
    const width = field.bits ?? 1;
    const bits = Number(BigInt.asUintN(width, value >> BigInt(field.at)));
    rest &= ~((2n ** BigInt(width) - 1n) << BigInt(field.at));
    if (bits !== 0 || field.always === true) {
      decoded.push({ name: field.name, value: hex(bits), meaning: meaningOf(field, bits) });
    }
  }
  if (rest !== 0n) decoded.push({ name: 'reserved', value: hex(rest), meaning: 'bits that the architecture reserves' });
  return decoded;
}

/** True if the flag of that name is set. */
export function hasFlag(value: bigint, fields: readonly BitField[], name: string): boolean {
  const field = fields.find((candidate) => candidate.name === name);
  return field !== undefined && ((value >> BigInt(field.at)) & 1n) === 1n;
}
