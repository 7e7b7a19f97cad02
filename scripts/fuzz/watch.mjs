// A worker under watch: one that hangs or ends is a finding about the input that it ran.
import { Worker } from 'node:worker_threads';

/** Processor time that an input may take, and the time on the clock after which it is given up on any machine. */
const HANG_MS = 2000;
const STUCK_MS = 60_000;
const LOOK_MS = 100;
const HEAP_MB = 512;

/** Milliseconds of processor time of this process: its worker does nearly all of the work. */
function processorMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** What the worker ran last, and since when. */
class Progress {
  index = -1;
  running = undefined;
  #since = performance.now();
  #used = processorMs();

  begin(running) {
    this.running = running;
    if (running.index >= 0) this.index = running.index;
    this.#since = performance.now();
    this.#used = processorMs();
  }

  /** Whether it takes too long; its start, which reads and runs samples, may. */
  get hangs() {
    const spent = processorMs() - this.#used > HANG_MS;
    return (spent && this.running !== undefined) || performance.now() - this.#since > STUCK_MS;
  }
}

/**
 * Runs a plan until all is done or its worker hangs or ends.
 * @param on - what is done with `finding`, `kept`, `blocks` and `running`
 * @returns the index at which to go on
 */
export function watched(plan, on) {
  const worker = new Worker(new URL('worker.mjs', import.meta.url), {
    workerData: plan,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
  });
  const progress = new Progress();
  return new Promise((resolve) => {
    let over = false;
    const finish = async (problem) => {
      if (over) return;
      over = true;
      clearInterval(timer);
      if (problem !== null) on.finding({ ...progress.running, problem });
      await worker.terminate();
      resolve(problem === null ? plan.end : Math.max(progress.index, plan.first - 1) + 1);
    };
    const timer = setInterval(() => {
      if (progress.hangs) void finish(`hangs for more than ${HANG_MS} ms`);
    }, LOOK_MS);
    worker.on('message', (message) => {
      if (message.running !== undefined) progress.begin(message.running);
      if (message.done) void finish(null);
      for (const [name, value] of Object.entries(message)) on[name]?.(value);
    });
    worker.on('error', (error) => void finish(`ends the worker: ${error.stack ?? error}`));
  });
}
