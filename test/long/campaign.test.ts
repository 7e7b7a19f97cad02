/** 200,000 operations of random histories, over every format, configuration, semantics and driver. */
import { expect, test } from 'vitest';
import { replayLine, runBatch } from './campaign.ts';
import { allUnits } from './units.ts';

// A refusal is looked at by its code alone, and traces of many thousands take long
Error.stackTraceLimit = 0;

const OPERATIONS = 200_000;
const UNITS = allUnits();

test('every unit does in random histories what models, twin and devices do', { timeout: 600_000 }, () => {
  let operations = 0;
  const differences: string[] = [];
  for (let seed = 1; seed <= UNITS.length || operations < OPERATIONS; seed++) {
    const unit = UNITS[seed % UNITS.length];
    if (unit === undefined) break;
    const batch = runBatch(unit, seed, { numRuns: 1 });
    operations += batch.operations;
    if (batch.difference !== undefined) differences.push(`${batch.difference}\n${replayLine(unit.name, seed)}`);
  }
  process.stdout.write(`${UNITS.length} units, ${operations} operations, ${differences.length} differences\n`);
  expect(differences).toEqual([]);
  expect(operations).toBeGreaterThanOrEqual(OPERATIONS);
});
