// Runs tests of a compiled tree: all tests of a file with what each of them reaches, or a plan until one fails.
import { Session } from 'node:inspector/promises';
import { pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import { randomFor } from '../fuzz/random.mjs';
import { runTest, testsOf } from './stand-in.mjs';

const { tree, plain, state, task } = workerData;
const progress = new Int32Array(state);

/** Without compiled kernels every memory takes their plain twins, which can be mutated; decompressors stay compiled. */
async function turnOffKernels() {
  const { KERNELS_BASE64 } = await import(pathToFileURL(`${tree}src/memory/kernels.generated.js`).href);
  const size = Buffer.from(KERNELS_BASE64, 'base64').length;
  WebAssembly.Module = class extends WebAssembly.Module {
    constructor(bytes) {
      if (bytes.byteLength === size) throw new Error('compiled kernels are turned off');
      super(bytes);
    }
  };
}

/** Tells the main thread that something begins that may take so many milliseconds of processor time. */
function begin(milliseconds) {
  Atomics.store(progress, 1, milliseconds);
  Atomics.add(progress, 0, 1);
}

const load = (file) => testsOf(pathToFileURL(tree + file).href);

async function outcomeOf(run) {
  try {
    await run();
    return undefined;
  } catch (error) {
    return String(error?.message ?? error).split('\n')[0] || 'failed';
  }
}

const loaded = new Map();

/** The tests of a file by name, or the failure of loading it. */
async function testsIn(file, allowance) {
  begin(allowance);
  if (!loaded.has(file)) {
    const failure = await outcomeOf(async () => loaded.set(file, await load(file)));
    if (failure !== undefined) return { failed: { killer: `${file} (loading)`, why: failure } };
  }
  return { tests: loaded.get(file) };
}

async function failureOf(file, name, test, allowance) {
  begin(allowance);
  const failure = test === undefined ? undefined : await outcomeOf(() => runTest(test));
  return failure === undefined ? undefined : { killer: `${file} > ${name}`, why: failure };
}

/** Runs tests of a file that the survey had no time for, under the heads of those that reach the mutant, as long as there is time. */
async function huntOthers({ file, heads, known, limit, allowance }) {
  const { failed, tests } = await testsIn(file, allowance);
  if (failed !== undefined) return failed;
  const skipped = new Set(known);
  const others = [...tests].filter(([name]) => !skipped.has(name) && heads.includes(name.split(' > ')[0]));
  const end = usedMs() + limit;
  for (const [name, test] of shuffled(others)) {
    if (usedMs() > end) return undefined;
    const failure = await failureOf(file, name, test, allowance);
    if (failure !== undefined) return failure;
  }
  return undefined;
}

/** Runs the tests of a plan in their order. Gives the first that fails, with the reason. */
async function hunt({ tests, others, loadAllowance }) {
  for (const { file, name, allowance } of tests) {
    const { failed, tests: found } = await testsIn(file, loadAllowance);
    const failure = failed ?? (await failureOf(file, name, found.get(name), allowance));
    if (failure !== undefined) return failure;
  }
  for (const each of others) {
    const failure = await huntOthers(each);
    if (failure !== undefined) return failure;
  }
  return undefined;
}

/** The smallest range around a place decides how often it ran. Gives the mutants of a file that ran. */
function reached(functions, mutants) {
  const ranges = functions.flatMap((each) => each.ranges);
  const smallest = ({ reach }) => {
    let best;
    for (const range of ranges) {
      if (range.startOffset > reach || range.endOffset <= reach) continue;
      if (best === undefined || range.endOffset - range.startOffset <= best.endOffset - best.startOffset) best = range;
    }
    return best;
  };
  return mutants.filter((mutant) => (smallest(mutant)?.count ?? 0) > 0).map(({ id }) => id);
}

async function taken(session, places) {
  const { result } = await session.post('Profiler.takePreciseCoverage');
  return result.flatMap(({ url, functions }) => {
    const mutants = places.get(url);
    return mutants === undefined ? [] : reached(functions, mutants);
  });
}

function usedMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function shuffled(list) {
  const { below } = randomFor(1, 0);
  const left = [...list];
  return list.map(() => left.splice(below(left.length), 1)[0]);
}

/**
 * Runs the tests of a file in an order by chance, as long as there is time: what each takes, whether it passes here, and the
 * mutants that it reaches.
 */
async function survey({ file, places: listed, allowance, limit }) {
  const places = new Map(listed.map(([source, mutants]) => [pathToFileURL(tree + source).href, mutants]));
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  begin(allowance);
  const tests = await load(file);
  const atLoad = await taken(session, places);
  const rows = [];
  const end = usedMs() + limit;
  for (const [name, test] of shuffled([...tests])) {
    if (usedMs() > end) break;
    begin(allowance);
    const started = usedMs();
    const failure = await outcomeOf(() => runTest(test));
    const time = usedMs() - started;
    rows.push({ name, time, failure, reached: await taken(session, places) });
  }
  return { file, atLoad, rows, tests: tests.size };
}

if (plain) await turnOffKernels();
parentPort.postMessage({ done: await (task.kind === 'survey' ? survey(task) : hunt(task)) });
