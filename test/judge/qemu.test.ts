import { expect, test } from 'vitest';
import { emulatorOf } from '../../judge/emulator.ts';
import { Judge } from '../../judge/judge.ts';
import { rulingOf } from '../../judge/rulings.ts';
import { UNITS } from '../../judge/units.ts';
import { seeded } from '../../src/bench/random.ts';

const PROBES = 500;
const MUTANTS = 150;
const LONG_MS = 600_000;
const required = process.env['IOMMU_REQUIRE_EMULATOR'] === '1';

/** The release that is required; units that it lacks are judged where a newer one is found. */
const REQUIRED_RELEASE = 7;
const judged = UNITS.filter((unit) => unit.since <= REQUIRED_RELEASE || typeof emulatorOf(unit) !== 'string');

test.each(judged.map((unit) => [unit.name, unit] as const))(
  'an emulated %s agrees with the reader on every address and record, or the difference is ruled on',
  { timeout: LONG_MS },
  async (_, unit, context?: { skip(note: string): void }) => {
    const emulator = emulatorOf(unit);
    if (typeof emulator === 'string') {
      if (required) throw new Error(`${unit.name}: ${emulator}`);
      context?.skip(emulator);
      return;
    }
    const judge = new Judge(unit, emulator, seeded(1));
    try {
      await judge.run(PROBES, MUTANTS);
    } finally {
      await judge.stop();
    }
    const { probes, mutants, agreed, differences } = judge.report;
    expect(differences.filter((one) => rulingOf(one) === undefined)).toEqual([]);
    expect(probes).toBeGreaterThanOrEqual(PROBES);
    expect(mutants).toBeGreaterThanOrEqual(MUTANTS);
    expect(agreed).toBeGreaterThan(PROBES / 2);
  },
);
