/**
 * Digits by tables: one at a time, and two at a time as they stand in a little-endian number of 16 bits.
 * @module
 */

/** Value of each hexadecimal digit, 255 for all other bytes. */
export const HEX_VALUE: Uint8Array = makeHexValues();

/** Value of two hexadecimal digits, −1 for all other pairs of bytes. */
export const HEX_PAIR: Int16Array = makePairs();

function makeHexValues(): Uint8Array {
  const values = new Uint8Array(256).fill(255);
  for (let digit = 0; digit < 10; digit++) values[0x30 + digit] = digit;
  for (let digit = 10; digit < 16; digit++) {
    values[0x61 + digit - 10] = digit;
    values[0x41 + digit - 10] = digit;
  }
  return values;
}

function makePairs(): Int16Array {
  const pairs = new Int16Array(65536).fill(-1);
  const digits = [...HEX_VALUE.entries()].filter(([, value]) => value < 16);
  for (const [first, high] of digits) for (const [second, low] of digits) pairs[first + second * 256] = high * 16 + low;
  return pairs;
}
