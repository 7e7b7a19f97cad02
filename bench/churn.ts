// Churn: allocations of input addresses by the billion, in bounded memory. `node build/bench/bench/churn.js [count]`; exits with 1 where
// memory grows after the first tenth.
import { IovaAllocator } from '../src/dma/index.ts';

const COUNT = Number(process.argv[2] ?? 1e9);
const CPUS = 4;
const LIVE = 4096;
const LIMIT = 2 ** 36 - 1;
const STEPS = 10;
/** Bytes by which the heap may differ between readings: what the collector has not yet taken. */
const SLACK = 8 * 2 ** 20;

/** Sizes in pages, mostly of the caches, some of the tree. */
const SIZES = [1, 1, 1, 1, 2, 4, 8, 16, 32, 64];

const iova = new IovaAllocator({ granule: 4096, cpus: CPUS });
const pfns = new Float64Array(LIVE);
const sizes = new Int32Array(LIVE);
let seed = 1;

/** A whole number from 0 to below `limit` (xorshift32). */
function below(limit: number): number {
  seed ^= seed << 13;
  seed ^= seed >>> 17;
  seed ^= seed << 5;
  return (seed >>> 0) % limit;
}

/** Frees what a place holds and allocates another range for it; time passes, so that depots are trimmed. */
function turn(i: number): void {
  const place = below(LIVE);
  const cpu = below(CPUS);
  if (sizes[place] !== 0) iova.freeFast(cpu, pfns[place] as number, sizes[place] as number);
  const size = SIZES[below(SIZES.length)] as number;
  pfns[place] = iova.allocFast(cpu, size, LIMIT, true);
  sizes[place] = size;
  if (i % 65536 === 0) iova.advance(i * 100);
}

/** Bytes of the heap and of array buffers. */
function used(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

let bound = 0;
const start = performance.now();
for (let step = 1; step <= STEPS; step++) {
  const from = (COUNT / STEPS) * (step - 1);
  const to = (COUNT / STEPS) * step;
  for (let i = from; i < to; i++) turn(i);
  const ns = ((performance.now() - start) * 1e6) / to;
  const bytes = used();
  console.log(
    `${to} allocations: ${iova.ranges} ranges, ${(bytes / 2 ** 20).toFixed(1)} MiB, ${ns.toFixed(0)} ns each`,
  );
  if (step === 1) bound = bytes + SLACK;
  else if (bytes > bound) {
    console.error(`memory grew beyond ${(bound / 2 ** 20).toFixed(1)} MiB`);
    process.exitCode = 1;
  }
}
