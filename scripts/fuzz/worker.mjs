// Runs mutants [first, end) and reports each one that ends with anything but a named error.
import { parentPort, workerData } from 'node:worker_threads';
import { InputError, IommuError } from '../../dist/index.js';
import { CORPUS } from './corpus.mjs';
import { mutate } from './mutate.mjs';
import { randomFor } from './random.mjs';
import { READERS } from './readers.mjs';

const { seed, first, end, state } = workerData;
const progress = new Int32Array(state);
const MEGABYTE = 1 << 20;
const MEMORY = 300 * MEGABYTE;

/** Reader and bytes of a mutant. */
function mutantOf(index) {
  const random = randomFor(seed, index);
  const reader = random.pick(Object.keys(READERS));
  const { bytes, side } = random.pick(CORPUS[reader]);
  return { reader, bytes: mutate(bytes, random.pick(CORPUS[reader]).bytes, random), side };
}

async function problemOf({ reader, bytes, side }) {
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

for (let index = first; index < end; index++) {
  const mutant = mutantOf(index);
  Atomics.store(progress, 0, index);
  Atomics.add(progress, 1, 1);
  const problem = await problemOf(mutant);
  if (problem !== null) parentPort.postMessage({ index, reader: mutant.reader, problem });
}
Atomics.store(progress, 0, end);
parentPort.postMessage({ done: true });
