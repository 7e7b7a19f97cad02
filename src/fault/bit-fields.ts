/**
 * Registers bit by bit into fields.
 * @module
 */
import { hex } from '../address.ts';
import type { Field } from '../hardware/bits.ts';
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
      const place = { at: field.at, bits: width };
      decoded.push({ name: field.name, value: hex(bits), meaning: meaningOf(field, bits), place });
    }
  }
  if (rest !== 0n) decoded.push({ name: 'reserved', value: hex(rest), meaning: 'bits that the architecture reserves' });
  return decoded;
}

/** A field of a record, with the place that the record's layout gives it; without one where the layout has no such name. */
export function inRecord(field: FaultField, layout: readonly Field[], name: string = field.name): FaultField {
  const found = layout.find((one) => one.name === name);
  if (found === undefined) return field;
  const { at, bits, shift } = found;
  return { ...field, place: { at, bits, inRecord: true, ...(shift === undefined ? {} : { shift }) } };
}

/** True if the flag of that name is set. */
export function hasFlag(value: bigint, fields: readonly BitField[], name: string): boolean {
  const field = fields.find((candidate) => candidate.name === name);
  return field !== undefined && ((value >> BigInt(field.at)) & 1n) === 1n;
}
