/**
 * Digits by a table.
 * @module
 */

/** Value of each hexadecimal digit, 255 for all other bytes. */
export const HEX_VALUE: Uint8Array = makeHexValues();

function makeHexValues(): Uint8Array {
  const values = new Uint8Array(256).fill(255);
  for (let digit = 0; digit < 10; digit++) values[0x30 + digit] = digit;
  for (let digit = 10; digit < 16; digit++) {
    values[0x61 + digit - 10] = digit;
    values[0x41 + digit - 10] = digit;
  }
  return values;
}
