// Runs inputs: those given, or mutants [first, end) of samples and of what is kept. Each one that ends with anything but a
// named error is reported, and where coverage guides the run, each one that reaches new blocks.
import { parentPort, workerData } from 'node:worker_threads';
import { InputError, IommuError } from '../../dist/index.js';
import { CORPUS } from './corpus.mjs';
import { Coverage } from './coverage.mjs';
import { decodeInput, encodeInput, readKept } from './kept.mjs';
import { leastInputs } from './least.mjs';
import { mutate } from './mutate.mjs';
import { randomFor } from './random.mjs';
import { READERS } from './readers.mjs';

const { seed, first, end, guided, only, found, inputs, least } = workerData;
const MEGABYTE = 1 << 20;
const MEMORY = 300 * MEGABYTE;
/** Inputs that share one question for coverage. */
const BATCH = 24;

const names = Object.keys(READERS).filter((name) => name.includes(only));
const pool = new Map(names.map((name) => [name, [...CORPUS[name], ...readKept(name)]]));
for (const { reader, input } of found) pool.get(reader)?.push(decodeInput(reader, input));

function mutantOf(index) {
  const random = randomFor(seed, index);
  const reader = random.pick(names);
  const samples = pool.get(reader);
  const sample = random.pick(samples);
  return { index, reader, input: { ...sample, bytes: mutate(sample.bytes, random.pick(samples).bytes, random) } };
}

async function problemOf(reader, { bytes, side }) {
  const before = process.memoryUsage.rss();
  try {
    await READERS[reader](bytes, side);
  } catch (error) {
    const named = error instanceof InputError || error instanceof IommuError;
    if (!named || error.code === undefined) return String(error?.stack ?? error);
  }
  const taken = process.memoryUsage.rss() - before;
  if (taken <= MEMORY + 10 * bytes.length) return null;
  return `took ${Math.round(taken / MEGABYTE)} MB for an input of ${bytes.length} bytes`;
}

/** The main thread knows what runs, so that it can say what hung. */
async function run({ index, reader, input }) {
  const data = encodeInput(input);
  parentPort.postMessage({ running: { index, reader, input: data } });
  const problem = await problemOf(reader, input);
  if (problem !== null) parentPort.postMessage({ finding: { index, reader, input: data, problem } });
}

function keep(coverage, { reader, input }) {
  if (coverage.fresh(true) === 0) return;
  pool.get(reader).push(input);
  parentPort.postMessage({ kept: { reader, input: encodeInput(input) } });
}

async function runGuided(coverage) {
  for (const [reader, samples] of pool) for (const input of samples) await run({ index: -1, reader, input });
  coverage.fresh(true);
  for (let at = first; at < end; at += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, end - at) }, (_, i) => mutantOf(at + i));
    for (const mutant of batch) await run(mutant);
    if (coverage.fresh(false) === 0) continue;
    for (const mutant of batch) {
      await run(mutant);
      keep(coverage, mutant);
    }
  }
}

/** What was kept once runs again as it is, before the mutants. */
async function runPlain() {
  for (const [reader, samples] of pool)
    for (const input of samples.slice(CORPUS[reader].length)) await run({ index: -1, reader, input });
  for (let index = first; index < end; index++) await run(mutantOf(index));
}

async function runAll() {
  if (inputs !== undefined) {
    for (const { reader, input } of inputs) await run({ index: -1, reader, input: decodeInput(reader, input) });
  } else if (least) {
    const coverage = new Coverage();
    for (const [reader, samples] of pool)
      await leastInputs(coverage, reader, samples.slice(CORPUS[reader].length), run);
  } else if (guided) {
    const coverage = new Coverage();
    await runGuided(coverage);
    parentPort.postMessage({ blocks: coverage.blocks });
  } else await runPlain();
}

await runAll();
parentPort.postMessage({ done: true });
