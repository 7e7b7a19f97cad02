/**
 * `npm run test:long`: random histories at length.
 *   OPERATIONS=1000000 how many calls on domains under test (default 1000000); SEED=1 the seed of the first batch;
 *   UNIT=text only units whose name begins with it. A difference prints the line that replays it, and the status is 1.
 * @module
 */
import { replayLine, runBatch } from './campaign.ts';
import { allUnits, type CampaignUnit } from './units.ts';

function fail(text: string): never {
  process.stderr.write(`${text}\n`);
  process.exit(2);
}

function whole(name: string, usual: number): number {
  const text = process.env[name] ?? String(usual);
  return /^\d{1,10}$/.test(text) ? Number(text) : fail(`${name}: expected a whole number, got '${text}'`);
}

function unitsNamed(prefix: string): CampaignUnit[] {
  const units = allUnits();
  const found = units.filter(({ name }) => name.startsWith(prefix));
  if (found.length > 0) return found;
  const names = units.map(({ name }) => name).join('\n  ');
  return fail(`UNIT: expected the beginning of one of these, got '${prefix}'\n  ${names}`);
}

// A refusal is looked at by its code alone, and traces of many thousands take long
Error.stackTraceLimit = 0;

const wanted = whole('OPERATIONS', 1_000_000);
const firstSeed = whole('SEED', 1);
const units = unitsNamed(process.env['UNIT'] ?? '');
let operations = 0;
let differences = 0;
let stopped = false;
process.once('SIGINT', () => {
  stopped = true;
});

function progress(at: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${operations} of ${wanted} operations, ${at}\u001b[K`);
}

/** Lets a signal in between two batches. */
const pause = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function runOne(unit: CampaignUnit, seed: number): void {
  const { operations: done, difference, calls } = runBatch(unit, seed);
  operations += done;
  if (difference === undefined) return;
  differences++;
  const text = calls.map((call) => `  ${call}\n`).join('');
  process.stdout.write(`${unit.name}: ${difference}\n${text}  ${replayLine(unit, seed)}\n`);
}

for (let i = 0; operations < wanted && !stopped; i++) {
  const unit = units[i % units.length];
  if (unit === undefined) break;
  progress(unit.name);
  runOne(unit, (firstSeed + i) % 2 ** 31);
  await pause();
}
if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
process.stdout.write(`${operations} operations, ${differences} differences\n`);
process.exitCode = differences > 0 ? 1 : 0;
