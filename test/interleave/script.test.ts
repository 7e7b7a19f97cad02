import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const MAIN = fileURLToPath(new URL('../../scripts/interleave.mjs', import.meta.url));

function run(settings: Readonly<Record<string, string>>): { status: number | null; stdout: string; stderr: string } {
  const env: NodeJS.ProcessEnv = { PATH: process.env['PATH'], ...settings };
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN], { encoding: 'utf8', env });
  return { status, stdout, stderr };
}

/** The settings of the commands that a run printed. */
function commandsIn(stdout: string): Record<string, string>[] {
  return [...stdout.matchAll(/^ {2}again: (.*) npm run interleave$/gm)].map(([, settings = '']) =>
    Object.fromEntries(settings.split(' ').map((one) => one.split('=', 2))),
  );
}

describe('npm run interleave', () => {
  test('ends with the schedules and violations of a scenario', () => {
    const { status, stdout } = run({ SCENARIO: 'table-many', SCHEDULES: '5', SEED: '3' });
    expect(stdout).toMatch(/^table-many +5 random schedules from seed 3, \d+ steps\n5 schedules, 0 violations\n$/);
    expect(status).toBe(0);
  });

  test('prints of a defect the interleaving, and commands that repeat it', () => {
    const found = run({ BUG: 'split-loser-forgets-to-unmap' });
    expect(found.stdout).toMatch(/\n +\d+ {2}CPU 1 +compares, swaps {2}table 0\[0\] 0x1003 -> 0x1003\n/);
    expect(found.status).toBe(1);
    const commands = commandsIn(found.stdout);
    expect(commands).toHaveLength(2);
    for (const command of commands) {
      const again = run(command);
      expect(again.status).toBe(1);
      expect(commandsIn(again.stdout)).toEqual([command]);
    }
  });

  test.each([
    [{ SEED: 'x' }, "SEED: expected a whole number, got 'x'\n"],
    [{ SCENARIO: 'none' }, /^SCENARIO: expected one of queue-two, .*, got 'none'\n$/],
    [{ BUG: 'none' }, /^BUG: expected one of exclusive-unlock-clears-waiters, .*, all, got 'none'\n$/],
    [{ SCHEDULE: '1' }, 'SCENARIO: expected a name with SCHEDULE, got none\n'],
    [{ SCENARIO: 'numbers', SCHEDULE: '1;2' }, "SCHEDULE: expected numbers with commas between them, got '1;2'\n"],
    [
      { SCENARIO: 'numbers', SCHEDULE: '0,99' },
      /^schedule: expected a choice below \d+ at step 2, got 99 \(BAD_OPTION/,
    ],
    [{ SCENARIO: 'numbers', BUG: 'all' }, 'BUG: expected one defect with SCENARIO, got all\n'],
  ])('refuses %o', (settings, message) => {
    const { status, stdout, stderr } = run(settings as Record<string, string>);
    if (typeof message === 'string') expect(stderr).toBe(message);
    else expect(stderr).toMatch(message);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  });
});
