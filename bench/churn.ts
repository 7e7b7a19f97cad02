// Allocates and frees input addresses 10^9 times, as a lazy domain of four CPUs does, and prints what memory that takes; then lets
// a driver forget to unmap, and compares when the addresses run out with what was forecast. Seeds are fixed.
import { addressUse, Trend } from '../src/dma/address-use.ts';
import { FlushQueue, IovaAllocator } from '../src/dma/index.ts';

const GRANULE = 4096;
const CPUS = 4;
const SLOTS = 8192;
const LIMIT = 2 ** 32 / GRANULE - 1;
/** Frames that are asked for, each as often as it stands here: mostly one, some as large as the caches hold, some larger. */
const SIZES = [1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3, 4, 8, 17, 33, 256];
const LARGEST = Math.max(...SIZES);
const NS_PER_CALL = 30_000;
/** Every so many calls nothing happens for a quarter of a second, and depots are trimmed. */
const PAUSE_EVERY = 1 << 20;
const PAUSE_NS = 250e6;
const REPORTS = 10;

class Random {
  #state = 0x2545f491;

  next(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return x >>> 0;
  }
}

/** An address space with a flush queue, and what is live in it. */
class Churn {
  readonly iova: IovaAllocator;
  time = 0;
  live = 0;
  readonly #queue: FlushQueue;
  readonly #random = new Random();
  readonly #pfns: Float64Array;
  readonly #sizes: Int32Array;
  readonly #limit: number;

  constructor(slots: number, limit: number) {
    this.iova = new IovaAllocator({ granule: GRANULE, cpus: CPUS });
    this.#limit = limit;
    this.#pfns = new Float64Array(slots);
    this.#sizes = new Int32Array(slots);
    this.#queue = new FlushQueue(
      { cpus: CPUS },
      { flush: () => undefined, release: (cpu, pfn, pages) => this.iova.freeFast(cpu, pfn, pages) },
    );
  }

  /** Frees what is in a slot, and allocates anew. @returns whether there was an address; one in `forgets` is never freed */
  call(forgets = 0): boolean {
    const random = this.#random.next();
    const cpu = random % CPUS;
    const slot = (random >>> 2) % this.#pfns.length;
    this.time += NS_PER_CALL;
    this.#queue.advance(this.time);
    this.iova.advance(this.time);
    const kept = forgets > 0 && random % forgets === 0;
    if (!kept) this.#free(cpu, slot);
    const size = SIZES[(random >>> 16) % SIZES.length] as number;
    const pfn = this.iova.allocFast(cpu, size, this.#limit, true);
    if (pfn === 0) return false;
    this.live += size;
    this.#pfns[slot] = pfn;
    this.#sizes[slot] = size;
    return true;
  }

  pause(): void {
    this.time += PAUSE_NS;
  }

  /** Frees everything. @returns frames that are in no cache afterwards, which must be none */
  end(): number {
    for (const slot of this.#pfns.keys()) this.#free(0, slot);
    this.#queue.drain(this.time, 0);
    let lost = 0;
    this.iova.forEachRange((lo, hi, cached) => {
      if (!cached) lost += hi - lo + 1;
    });
    return lost;
  }

  #free(cpu: number, slot: number): void {
    const pfn = this.#pfns[slot] as number;
    if (pfn === 0) return;
    const size = this.#sizes[slot] as number;
    this.live -= size;
    this.#pfns[slot] = 0;
    this.#queue.add(cpu, this.time, pfn, size);
  }
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

function memory(): string {
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
  return `resident ${mebibytes(rss)}, heap ${mebibytes(heapUsed)}, arrays ${mebibytes(arrayBuffers)}`;
}

function churn(allocations: number): void {
  const run = new Churn(SLOTS, LIMIT);
  const step = Math.ceil(allocations / REPORTS);
  console.log(`at the start: ${memory()}`);
  let cpu = process.cpuUsage();
  for (let done = 1; done <= allocations; done++) {
    if (!run.call()) throw new Error(`no address after ${done} allocations`);
    if (done % PAUSE_EVERY === 0) run.pause();
    if (done % step !== 0 && done !== allocations) continue;
    const { user, system } = process.cpuUsage(cpu);
    cpu = process.cpuUsage();
    const ns = ((user + system) * 1000) / step;
    console.log(`${done} allocations: ${run.iova.ranges} ranges, ${memory()}, ${ns.toFixed(0)} ns each`);
  }
  const lost = run.end();
  if (lost > 0) throw new Error(`${lost} frames were lost`);
  console.log(`all freed after ${(run.time / 3600e9).toFixed(1)} hours of simulated time; no frame is lost`);
}

const SHARES = [0.1, 0.25, 0.5, 0.75];
const READING_CALLS = 4096;

/** One call in 500 forgets an address below 4 GiB: when it is forecast to be full, at several fillings, and when it was. */
function leak(): void {
  const run = new Churn(SLOTS, LIMIT);
  const trend = new Trend();
  let told = 0;
  for (let calls = 0; run.call(500); calls++) {
    if (calls % READING_CALLS !== 0) continue;
    const { places, space, taken } = addressUse(run.iova, LIMIT, LARGEST);
    trend.add(run.time, places);
    const share = SHARES[told];
    if (share === undefined || taken < share * space) continue;
    told++;
    const [now, full] = [run.time / 1e9, run.time / 1e9 + trend.secondsUntilNone(places)];
    console.log(
      `after ${now.toFixed(0)} s ${(share * 100).toFixed(0)} % is taken: no room for ${LARGEST} frames is forecast at ${full.toFixed(0)} s`,
    );
  }
  console.log(`the first allocation failed at ${(run.time / 1e9).toFixed(0)} s`);
}

churn(Number(process.argv[2] ?? 1e9));
leak();
