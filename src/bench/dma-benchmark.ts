/**
 * `dma_map_benchmark` over this engine: the loop of `kernel/dma/map_benchmark.c` with the options of its tool, by layer. Times are
 * of this engine; the loop maps a buffer or a list, waits as a transfer would, and unmaps it.
 * @module
 */
import { Domain } from '../core/domain.ts';
import type { Direction } from '../dma/device-options.ts';
import { DmaDevice } from '../dma/dma-device.ts';
import { DmaSpace, type InvalidationPolicy } from '../dma/dma-space.ts';
import { IommuError } from '../errors.ts';

/** Options of the tool, with its letters. */
export interface DmaBenchmarkOptions {
  /** `-t`: threads, 1 to 1024. Each is a CPU with its own caches; their turns alternate. */
  readonly threads: number;
  /** `-s`: seconds, 1 to 300. */
  readonly seconds: number;
  /** `-n`: NUMA node, −1 for any. It has no effect here and is printed. */
  readonly node: number;
  /** `-b`: bits of DMA addresses, 20 to 64. */
  readonly bits: number;
  /** `-d`: direction. */
  readonly direction: Direction;
  /** `-x`: time of a transfer, nanoseconds, up to 10 ms: it is waited for and in neither latency. */
  readonly transferNs: number;
  /** `-g`: pages of a buffer, or one-page elements of a list, 1 to 1024. */
  readonly granule: number;
  /** `-m`: one buffer, or a list. */
  readonly mode: 'single' | 'sg';
}

/** The tool's own defaults. */
export const DMA_BENCHMARK_DEFAULTS: DmaBenchmarkOptions = {
  threads: 1,
  seconds: 20,
  node: -1,
  bits: 32,
  direction: 'bidirectional',
  transferNs: 0,
  granule: 1,
  mode: 'single',
};

/** What is timed: the whole DMA API, addresses alone, or page tables alone. */
export const DMA_LAYERS = ['dma', 'iova', 'domain'] as const;

/** One of {@link DMA_LAYERS}. */
export type DmaLayer = (typeof DMA_LAYERS)[number];

/** Latencies of one operation, microseconds. */
export interface LatencyStatistics {
  readonly average: number;
  readonly deviation: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly maximum: number;
}

/** What was measured in one layer. */
export interface DmaBenchmarkRow {
  readonly layer: DmaLayer;
  readonly policy: InvalidationPolicy;
  readonly loops: number;
  readonly map: LatencyStatistics;
  readonly unmap: LatencyStatistics;
}

/** Limits of the options as the tool has them. */
const RANGES = {
  threads: [1, 1024],
  seconds: [1, 300],
  bits: [20, 64],
  transferNs: [0, 10e6],
  granule: [1, 1024],
} as const;

const PAGE = 4096;
/** Where buffers lie, and where the page tables' layer maps them. */
const MEMORY = 2 ** 31;
const TABLE_IOVA = 2 ** 20;
/** Samples kept for percentiles: a ring of the newest. */
const SAMPLES = 1 << 16;

/** @throws IommuError `BAD_OPTION` where an option is outside what the tool takes. */
export function checkDmaBenchmark(options: DmaBenchmarkOptions): void {
  for (const [name, [least, most]] of Object.entries(RANGES)) {
    const value = options[name as keyof typeof RANGES];
    if (Number.isInteger(value) && value >= least && value <= most) continue;
    throw new IommuError('BAD_OPTION', name, `expected a whole number from ${least} to ${most}, got ${value}`);
  }
}

/** Sums and the newest samples of one operation. */
class Latencies {
  #count = 0;
  #sum = 0;
  #squares = 0;
  #maximum = 0;
  readonly #samples = new Float64Array(SAMPLES);

  add(microseconds: number): void {
    this.#samples[this.#count++ % SAMPLES] = microseconds;
    this.#sum += microseconds;
    this.#squares += microseconds * microseconds;
    if (microseconds > this.#maximum) this.#maximum = microseconds;
  }

  get statistics(): LatencyStatistics {
    const count = Math.max(1, this.#count);
    const sorted = this.#samples.slice(0, Math.min(this.#count, SAMPLES)).sort();
    const at = (share: number): number => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
    const average = this.#sum / count;
    const deviation = Math.sqrt(Math.max(0, this.#squares / count - average * average));
    return { average, deviation, p50: at(0.5), p90: at(0.9), p99: at(0.99), maximum: this.#maximum };
  }
}

/** One layer's loop body: maps on a CPU, returning what unmap needs. */
interface Loop {
  map(cpu: number): number;
  unmap(cpu: number, address: number): void;
}

function dmaLoop(device: DmaDevice, options: DmaBenchmarkOptions, clock: () => number): Loop {
  const { granule, direction, mode } = options;
  const bytes = granule * PAGE;
  const list = {
    addresses: Float64Array.from({ length: granule }, (_, i) => MEMORY + i * 2 * PAGE),
    lengths: new Float64Array(granule).fill(PAGE),
  };
  const start = clock();
  return {
    map: (cpu) => {
      device.space.at(cpu, (clock() - start) * 1e6);
      if (mode === 'single') return device.mapPage(MEMORY, bytes, direction);
      device.mapSg(list, direction);
      return device.list.dmaAddresses[0] as number;
    },
    unmap: (cpu, address) => {
      device.space.at(cpu, (clock() - start) * 1e6);
      device.unmapSg(address, bytes, direction);
    },
  };
}

function iovaLoop({ space, last }: DmaDevice, { granule }: DmaBenchmarkOptions): Loop {
  return {
    map: (cpu) => {
      space.at(cpu, 0);
      return space.allocate(granule * PAGE, last, true);
    },
    unmap: (cpu, address) => {
      space.at(cpu, 0);
      space.abandon(address, granule * PAGE);
    },
  };
}

function domainLoop(device: DmaDevice, { granule, direction }: DmaBenchmarkOptions): Loop {
  const { domain } = device.space;
  const bytes = granule * PAGE;
  const prot = device.protection(direction);
  return {
    map: () => {
      domain.map(TABLE_IOVA, MEMORY, bytes, prot);
      return TABLE_IOVA;
    },
    unmap: (_cpu, address) => {
      domain.unmap(address, bytes);
    },
  };
}

const LOOPS = { dma: dmaLoop, iova: iovaLoop, domain: domainLoop } as const;

/** Settings beside the tool's options. */
export interface DmaBenchmarkSetting {
  readonly format: string;
  readonly policy: InvalidationPolicy;
  readonly layers: readonly DmaLayer[];
  /** The time in milliseconds. */
  readonly clock: () => number;
}

/**
 * Runs the benchmark in each layer for the time that was asked for.
 * @throws IommuError `BAD_OPTION`, `UNKNOWN_FORMAT`, and `NO_MEMORY` where the mask leaves no room for a buffer.
 */
export function runDmaBenchmark(options: DmaBenchmarkOptions, setting: DmaBenchmarkSetting): DmaBenchmarkRow[] {
  checkDmaBenchmark(options);
  const { format, policy, layers, clock } = setting;
  return layers.map((layer) => {
    const space = new DmaSpace({ domain: new Domain({ format, path: 'one-walk' }), policy, cpus: options.threads });
    const device = new DmaDevice(space, { maskBits: options.bits });
    return { layer, policy, ...measure(LOOPS[layer](device, options, clock), options, clock) };
  });
}

/** Turns of all threads until the time is over; `transferNs` lies between a map and its unmap, and in neither time. */
function measure(
  loop: Loop,
  { threads, seconds, transferNs }: DmaBenchmarkOptions,
  clock: () => number,
): Omit<DmaBenchmarkRow, 'layer' | 'policy'> {
  const maps = new Latencies();
  const unmaps = new Latencies();
  const end = clock() + seconds * 1000;
  let loops = 0;
  for (let cpu = 0; loops === 0 || clock() < end; cpu = (cpu + 1) % threads) {
    const start = clock();
    const address = loop.map(cpu);
    const mapped = clock();
    maps.add((mapped - start) * 1000);
    const ready = mapped + transferNs / 1e6;
    while (transferNs > 0 && clock() < ready);
    const from = clock();
    loop.unmap(cpu, address);
    unmaps.add((clock() - from) * 1000);
    loops++;
  }
  return { loops, map: maps.statistics, unmap: unmaps.statistics };
}
