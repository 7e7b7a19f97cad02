/** A short campaign over every unit: `npm run test:long` is the same at length. */
import { describe, expect, it } from 'vitest';
import { FORMATS } from '../../src/formats/index.ts';
import { replayLine, runBatch } from './campaign.ts';
import { allUnits } from './units.ts';

// A refusal is looked at by its code alone, and traces of many thousands take long
Error.stackTraceLimit = 0;

const SEED = 20;
const LIMIT = 300_000;
const units = allUnits();

describe.each(FORMATS.map(({ id }) => id))('%s', (format) => {
  it(
    'every path, dispatch and driver does what the models do, byte for byte, and leaves nothing',
    () => {
      let operations = 0;
      for (const [i, unit] of units.entries()) {
        if (!unit.name.startsWith(`${format}/`)) continue;
        const { operations: done, difference, calls } = runBatch(unit, SEED + i, { numRuns: 1 });
        operations += done;
        expect(difference, [unit.name, ...calls, replayLine(unit, SEED + i)].join('\n')).toBeUndefined();
      }
      expect(operations).toBeGreaterThan(0);
    },
    LIMIT,
  );
});
