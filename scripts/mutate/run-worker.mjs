// One worker for one task, watched: it is ended when a step takes more processor time than it may.
import { Worker } from 'node:worker_threads';
import { treeOf } from './build.mjs';

const LOOK_MS = 50;
const HEAP_MB = 1024;
/** Time on the clock after which a step is given up on any machine. */
const STUCK_MS = 1_200_000;

function processorMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/**
 * Runs a task in the copy of `job`. Gives `{ done }`, or `{ ended }` with the reason for which the worker did not come to its end.
 * All jobs share the process, so a step may take `jobs` times its allowance.
 */
export function runWorker(task, { job, jobs, plain }) {
  const state = new SharedArrayBuffer(8);
  const progress = new Int32Array(state);
  const worker = new Worker(new URL('worker.mjs', import.meta.url), {
    workerData: { tree: treeOf(job), plain, state, task },
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
    stdout: true,
    stderr: true,
  });
  return new Promise((resolve) => {
    let [step, used, since] = [-1, 0, 0];
    const finish = (outcome) => {
      clearInterval(timer);
      worker.removeAllListeners();
      worker.on('error', () => {});
      worker.terminate().then(() => resolve(outcome));
    };
    const look = () => {
      const now = Atomics.load(progress, 0);
      if (now !== step) [step, used, since] = [now, processorMs(), performance.now()];
      const allowed = Atomics.load(progress, 1) * jobs;
      const over = now > 0 && processorMs() - used > allowed;
      if (over || performance.now() - since > STUCK_MS) finish({ ended: 'time' });
    };
    const timer = setInterval(look, LOOK_MS);
    worker.on('message', finish);
    worker.on('error', (error) => finish({ ended: error.message.split('\n')[0] }));
    worker.on('exit', () => finish({ ended: 'the worker ended' }));
  });
}
