/**
 * The output of the kernel's dma_map_benchmark (tools/testing/selftests/dma, tools/dma).
 * @module
 */

/** One run as printed. */
export interface BenchmarkRun {
  /** `DMA_MAP_SG_MODE`, `DMA_MAP_SINGLE_MODE`; null in the print of older kernels, which map single buffers. */
  readonly mode: string | null;
  readonly threads: number;
  readonly seconds: number;
  readonly node: number;
  readonly direction: string;
  /** Pages of a buffer, or entries of a list in the scatter-gather mode. */
  readonly granule: number;
  /** Averages and standard deviations in microseconds, as printed with one digit. */
  readonly mapUs: number;
  readonly mapDeviationUs: number;
  readonly unmapUs: number;
  readonly unmapDeviationUs: number;
}

/** Runs kept of one file. */
const MOST_RUNS = 1000;

const MODE = /dma mapping mode: (\w{1,40})/;
const HEAD =
  /dma mapping benchmark: threads:(\d{1,6}) seconds:(\d{1,6}) node:(-?\d{1,6}) dir:(\w{1,40})(?: granule(?:\/sg_nents)?: ?(\d{1,9}))?/;
const TIME = /average (map|unmap) latency\(us\): ?(\d{1,9}(?:\.\d{1,6})?) standard deviation: ?(\d{1,9}(?:\.\d{1,6})?)/;

interface Open {
  readonly head: RegExpExecArray;
  readonly mode: string | null;
  map?: readonly [number, number];
  unmap?: readonly [number, number];
}

function runOf({ head, mode, map, unmap }: Open): BenchmarkRun | undefined {
  if (map === undefined || unmap === undefined) return undefined;
  return {
    mode,
    threads: Number(head[1]),
    seconds: Number(head[2]),
    node: Number(head[3]),
    direction: head[4] ?? '',
    granule: Number(head[5] ?? 1),
    mapUs: map[0],
    mapDeviationUs: map[1],
    unmapUs: unmap[0],
    unmapDeviationUs: unmap[1],
  };
}

/** All complete runs of a text; none if it has none. */
export function readBenchmark(text: string): readonly BenchmarkRun[] {
  const runs: BenchmarkRun[] = [];
  let mode: string | null = null;
  let open: Open | undefined;
  for (const line of text.split('\n')) {
    const cut = line.slice(0, 512);
    mode = MODE.exec(cut)?.[1] ?? mode;
    const head = HEAD.exec(cut);
    if (head !== null) [open, mode] = [{ head, mode }, null];
    const time = TIME.exec(cut);
    if (time === null || open === undefined) continue;
    const pair = [Number(time[2]), Number(time[3])] as const;
    if (time[1] === 'map') open.map = pair;
    else open.unmap = pair;
    const run = runOf(open);
    if (run === undefined) continue;
    open = undefined;
    if (runs.length < MOST_RUNS) runs.push(run);
  }
  return runs;
}
