// `npm run fuzz`: seeded mutants of every kind of input through every reader, watched for hangs, unnamed errors and memory.
//   MUTANTS=200000 how many (default 20000); SEED=1 which; FIRST=0 the first one. One finding prints the command that
//   repeats it, and the status is 1.
import { Worker } from 'node:worker_threads';

/** Processor time that a mutant may take, and the time on the clock after which it is given up on any machine. */
const HANG_MS = 2000;
const STUCK_MS = 60_000;
const LOOK_MS = 100;
const LONGEST_PROBLEM = 2000;
const HEAP_MB = 512;

function whole(name, usual) {
  const text = process.env[name] ?? String(usual);
  if (/^\d{1,9}$/.test(text)) return Number(text);
  console.error(`${name}: expected a whole number, got '${text}'`);
  process.exit(2);
}

const seed = whole('SEED', 1);
const first = whole('FIRST', 0);
const end = first + whole('MUTANTS', 20_000);
const confirmed = [];

function report({ index, reader, problem }) {
  confirmed.push(index);
  console.log(`mutant ${index} (${reader}): ${problem.slice(0, LONGEST_PROBLEM)}`);
  console.log(`  again: SEED=${seed} FIRST=${index} MUTANTS=1 npm run fuzz`);
}

/** Milliseconds of processor time of this process: its worker does nearly all of the work. */
function processorMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Runs mutants until all are done or one hangs or ends the worker. Gives where to go on. */
function runFrom(start, stop, onProblem) {
  const state = new SharedArrayBuffer(8);
  const progress = new Int32Array(state);
  progress[0] = start;
  const worker = new Worker(new URL('worker.mjs', import.meta.url), {
    workerData: { seed, first: start, end: stop, state },
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
  });
  return new Promise((resolve) => {
    let seen = 0;
    let since = performance.now();
    let used = processorMs();
    let over = false;
    const finish = async (problem) => {
      if (over) return;
      over = true;
      clearInterval(timer);
      const index = Atomics.load(progress, 0);
      if (problem !== null) onProblem({ index, reader: 'any', problem });
      await worker.terminate();
      resolve(problem === null ? stop : index + 1);
    };
    const timer = setInterval(() => {
      const count = Atomics.load(progress, 1);
      if (count !== seen || count === 0) {
        seen = count;
        since = performance.now();
        used = processorMs();
      } else if (processorMs() - used > HANG_MS || performance.now() - since > STUCK_MS) {
        void finish(`hangs for more than ${HANG_MS} ms`);
      }
    }, LOOK_MS);
    worker.on('message', (message) => (message.done ? void finish(null) : onProblem(message)));
    worker.on('error', (error) => void finish(`ends the worker: ${error.stack ?? error}`));
  });
}

/** The first mutants of a worker pay for its start: a finding counts if it shows again, alone. */
async function confirm(finding) {
  let again = false;
  await runFrom(finding.index, finding.index + 1, () => {
    again = true;
  });
  if (again) report(finding);
}

const suspects = [];
for (let at = first; at < end; ) {
  at = await runFrom(at, end, (finding) => suspects.push(finding));
  for (const finding of suspects.splice(0)) await confirm(finding);
}
console.log(`${end - first} mutants of seed ${seed}: ${confirmed.length} findings`);
process.exitCode = confirmed.length > 0 ? 1 : 0;
