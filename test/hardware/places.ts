/** A field of a structure, by bits of the whole structure. */
export interface Place {
  readonly name: string;
  readonly first: number;
  readonly last: number;
  /** Position of its lowest bit in the value that it is read as; undefined where the field is a plain number. */
  readonly shift: number | undefined;
}

const FIELD = /^(\S+) (\d+)(?::(\d+))?(?: <<(\d+))?$/;

/**
 * Fields as tables of specifications show them, `SSV 11, StreamID 63:32 | Address 63:12 <<12`: bits within a quadword, the
 * quadwords parted by `|`, and behind `<<` the position of an address field's lowest bit in the address.
 */
export function placesOf(text: string): Place[] {
  const quads = text.split('|').map((quad) => quad.split(',').map((field) => field.trim()));
  return quads.flatMap((fields, quad) =>
    fields
      .filter((field) => field !== '' && field !== '-')
      .map((field) => {
        const [, name = '', last = '', first = last, shift] = FIELD.exec(field) ?? [];
        if (name === '') throw new Error(`field: expected 'name last:first', got '${field}'`);
        const at = 64 * quad;
        return {
          name,
          first: at + Number(first),
          last: at + Number(last),
          shift: shift?.length ? Number(shift) : undefined,
        };
      }),
  );
}

/** The value of a field where only one bit of the structure is set. */
export function fieldWith({ first, last, shift = 0 }: Place, bit: number): bigint {
  return bit >= first && bit <= last ? 1n << BigInt(bit - first + shift) : 0n;
}

/** The words of a structure given as one number. */
export function wordsOf(value: bigint, words: number): Uint32Array {
  return Uint32Array.from({ length: words }, (_, i) => Number(BigInt.asUintN(32, value >> BigInt(32 * i))));
}
