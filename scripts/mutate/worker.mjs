// Runs tests of a compiled tree: all tests of a file with what each of them reaches, or a plan until one fails.
import { Session } from 'node:inspector/promises';
import { pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import { randomFor } from '../fuzz/random.mjs';
import { runTest, testsOf } from './stand-in.mjs';

const { tree, plain, state, task } = workerData;
const progress = new Int32Array(state);

/** Without compiled kernels every memory takes their plain twins, which can be mutated. */
if (plain) {
  WebAssembly.Module = class {
    constructor() {
      throw new Error('compiled kernels are turned off');
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

/** Runs the tests of a plan in their order. Gives the first that fails, with the reason. */
async function hunt({ tests, loadAllowance }) {
  const loaded = new Map();
  for (const { file, name, allowance } of tests) {
    begin(loadAllowance);
    if (!loaded.has(file)) {
      const failure = await outcomeOf(async () => loaded.set(file, await load(file)));
      if (failure !== undefined) return { by: `${file} (loading)`, why: failure };
    }
    const test = loaded.get(file).get(name);
    begin(allowance);
    const failure = test === undefined ? undefined : await outcomeOf(() => runTest(test));
    if (failure !== undefined) return { by: `${file} > ${name}`, why: failure };
  }
  return undefined;
}

/** The smallest range around a place decides how often it ran. Gives the mutants of a file that ran. */
function reached(functions, mutants) {
  const ranges = functions.flatMap((each) => each.ranges);
  const smallest = ({ start }) => {
    let best;
    for (const range of ranges) {
      if (range.startOffset > start || range.endOffset <= start) continue;
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

parentPort.postMessage({ done: await (task.kind === 'survey' ? survey(task) : hunt(task)) });
