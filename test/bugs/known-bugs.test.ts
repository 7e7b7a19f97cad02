/** Each known bug both ways: the check of its rule passes on the sources as they are, and fails where the bug is put in. */
import { describe, expect, test } from 'vitest';
import * as core from '../../src/core/index.ts';
import * as drivers from '../../src/drivers/bare.ts';
import * as formats from '../../src/formats/index.ts';
import * as hardware from '../../src/hardware/index.ts';
import * as memory from '../../src/memory/index.ts';
import { KNOWN_BUGS } from './known-bugs.ts';
import { type Rooms, roomsWith } from './planted.ts';

const REAL: Rooms = { core, drivers, formats, hardware, memory };
const TIMEOUT = 180_000;

describe.each(KNOWN_BUGS)('$rule', ({ check, plants }) => {
  test('holds', () => check(REAL));

  test.each(plants)('is found broken by a change of $file: $by', { timeout: TIMEOUT }, async (plant) => {
    const rooms = { ...REAL, ...(await roomsWith(plant)) };
    expect(() => check(rooms)).toThrow();
  });
});
