/**
 * `npm run test:long`: random histories at length.
 *   OPERATIONS=1000000 how many calls on domains under test (default 1000000); SEED=1 the seed of the first batch;
 *   UNIT=text only units whose name begins with it; JOBS=1 how many threads (default: one a processor). A difference prints the
 *   line that replays it, and the status is 1. Which batches are run does not depend on the threads, but for the last few.
 * @module
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { replayLine } from './campaign.ts';
import { allUnits } from './units.ts';
import type { Order, Report } from './worker.ts';

/** Operations between two lines about the progress where nobody watches. */
const LINE_EVERY = 500_000;

function fail(text: string): never {
  process.stderr.write(`${text}\n`);
  process.exit(2);
}

function whole(name: string, usual: number): number {
  const text = process.env[name] ?? String(usual);
  return /^\d{1,10}$/.test(text) ? Number(text) : fail(`${name}: expected a whole number, got '${text}'`);
}

function unitsNamed(prefix: string): string[] {
  const names = allUnits().map(({ name }) => name);
  const found = names.filter((name) => name.startsWith(prefix));
  if (found.length > 0) return found;
  return fail(`UNIT: expected the beginning of one of these, got '${prefix}'\n  ${names.join('\n  ')}`);
}

const wanted = whole('OPERATIONS', 1_000_000);
const firstSeed = whole('SEED', 1);
const jobs = Math.max(1, Math.min(whole('JOBS', availableParallelism()), 64));
const units = unitsNamed(process.env['UNIT'] ?? '');
let batches = 0;
let operations = 0;
let differences = 0;
let stopped = false;
process.once('SIGINT', () => {
  stopped = true;
});

function progress(done: number): void {
  const text = `${operations} of ${wanted} operations, ${differences} differences`;
  if (process.stderr.isTTY) process.stderr.write(`\r${text}\u001b[K`);
  else if (Math.floor(operations / LINE_EVERY) > Math.floor((operations - done) / LINE_EVERY)) {
    process.stderr.write(`${text}\n`);
  }
}

/** The next batch; undefined where there were enough. */
function next(): Order | undefined {
  const unit = units[batches % units.length];
  if (unit === undefined || stopped || operations >= wanted) return undefined;
  return { unit, seed: (firstSeed + batches++) % 2 ** 31 };
}

function take({ unit, seed, operations: done, difference, calls }: Report): void {
  operations += done;
  if (difference !== undefined) {
    differences++;
    const text = calls.map((call) => `  ${call}\n`).join('');
    process.stdout.write(`${unit}: ${difference}\n${text}  ${replayLine(unit, seed)}\n`);
  }
  progress(done);
}

/** Runs batches in a thread until there were enough. */
function runThread(): Promise<void> {
  const worker = new Worker(new URL('./worker.js', import.meta.url));
  return new Promise((resolve, reject) => {
    const order = (): void => {
      const batch = next();
      if (batch === undefined) worker.terminate().then(() => resolve(), reject);
      else worker.postMessage(batch);
    };
    worker.on('message', (report: Report) => {
      take(report);
      order();
    });
    worker.on('error', reject);
    order();
  });
}

await Promise.all(Array.from({ length: jobs }, runThread));
if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
process.stdout.write(`${operations} operations, ${differences} differences\n`);
process.exitCode = differences > 0 ? 1 : 0;
