import { existsSync, readdirSync } from 'node:fs';
import {
  createNames,
  createTraceReader,
  DomainTracker,
  KIND,
  type TraceCall,
  type TraceEvent,
  type TraceNames,
} from '../../src/trace/index.ts';
import { CAPTURES, load } from './helpers.ts';

/** Page size that everything is counted in. */
export const PAGE = 4096;

/** The test device's gigabyte, where one page in 512 is enough. */
const SPARSE = { start: 0x180000000, end: 0x1c0000000, step: 512 * PAGE };

/** The page after `page` that is compared, in a range that ends at `end`. */
function nextPage(page: number, end: number): number {
  const sparse = page >= SPARSE.start && page + SPARSE.step <= Math.min(end, SPARSE.end) && page % SPARSE.step === 0;
  return sparse ? page + SPARSE.step : page + PAGE;
}

/** A capture of page tables, with the traces that lead to it. */
export interface Capture {
  readonly folder: string;
  readonly name: string;
  readonly traces: readonly string[];
}

function tracesOf(capture: string): string[] {
  if (capture === 'live-io') return ['trace_boot.txt', 'trace.txt', 'trace_live.txt'];
  return ['trace_boot.txt', capture.startsWith('vfio') ? 'trace_vfio.txt' : 'trace_mod.txt'];
}

/** All captures that have reference leaves. */
export function allCaptures(): Capture[] {
  return readdirSync(CAPTURES).flatMap((folder) =>
    existsSync(`${CAPTURES}${folder}/trace_boot.txt`)
      ? readdirSync(`${CAPTURES}${folder}`)
          .filter((name) => name.startsWith('leaves-'))
          .map((name) => name.slice('leaves-'.length, -'.jsonl.gz'.length))
          .map((name) => ({ folder, name, traces: tracesOf(name) }))
      : [],
  );
}

/** Feeds the traces of a capture to a sink, up to the mark at which its tables were taken. */
export function feed(capture: Capture, names: TraceNames, sink: (event: TraceEvent) => void): void {
  let paused = false;
  for (const trace of capture.traces) {
    const reader = createTraceReader(
      'ftrace',
      (event) => {
        paused ||= event.kind === KIND.MARK && event.text === `pause ${capture.name}`;
        if (!paused) sink(event);
      },
      names,
    );
    reader.push(load(`${CAPTURES}${capture.folder}/${trace}`));
    reader.end();
  }
  if (!paused) throw new Error(`${capture.folder}: no mark 'pause ${capture.name}'`);
}

/** A page-by-page model of the domains: the plain twin of the tracker's live table. */
export class PageModel {
  readonly domains: Map<number, number>[] = [];
  /** Calls that do not fit what is mapped; empty if all is well. */
  readonly wrong: string[] = [];
  /** Bytes live. */
  bytes = 0;

  call(call: TraceCall): void {
    this.domains[call.domain] ??= new Map();
    const pages = this.domains[call.domain] ?? new Map<number, number>();
    if (call.kind === 'unmap') this.#unmap(call, pages);
    else this.#map(call, pages);
  }

  #unmap(call: TraceCall, pages: Map<number, number>): void {
    let covered = 0;
    const end = call.iova + call.size;
    for (let at = call.iova; at < end; at = nextPage(at, end)) if (pages.delete(at)) covered += nextPage(at, end) - at;
    this.bytes -= covered;
    if (covered !== call.covered) this.wrong.push(`unmap 0x${call.iova.toString(16)}: ${covered} of ${call.covered}`);
  }

  #map(call: TraceCall, pages: Map<number, number>): void {
    this.bytes += call.size;
    let at = call.iova;
    for (let index = 0; index < call.count; index++) {
      const start = at;
      const end = start + (call.length[index] ?? 0);
      for (; at < end; at = nextPage(at, end)) {
        if (pages.has(at)) this.wrong.push(`map over live 0x${at.toString(16)}`);
        pages.set(at, (call.pa[index] ?? 0) + at - start);
      }
      at = end;
    }
    if (at !== call.iova + call.size) this.wrong.push(`list at 0x${call.iova.toString(16)} is not of its size`);
  }
}

/** The recorded leaves: page → physical address, by root. */
export function recordedPages(capture: Capture): Map<string, Map<number, number>> {
  const roots = new Map<string, Map<number, number>>();
  const text = new TextDecoder().decode(load(`${CAPTURES}${capture.folder}/leaves-${capture.name}.jsonl`));
  for (const line of text.split('\n').filter((row) => row.includes('"iova"'))) {
    const leaf = JSON.parse(line) as { root: unknown; iova: string; pa: string; size: string };
    const root = JSON.stringify(leaf.root);
    const pages = roots.get(root) ?? new Map<number, number>();
    roots.set(root, pages);
    const start = Number(leaf.iova);
    const end = start + Number(leaf.size);
    for (let at = start; at < end; at = nextPage(at, end)) pages.set(at, Number(leaf.pa) + at - start);
  }
  return roots;
}

/** How many recorded leaves there are of each size in bytes. */
export function recordedLeafSizes(capture: Capture): Map<number, number> {
  const sizes = new Map<number, number>();
  const text = new TextDecoder().decode(load(`${CAPTURES}${capture.folder}/leaves-${capture.name}.jsonl`));
  for (const line of text.split('\n').filter((row) => row.includes('"iova"'))) {
    const size = Number((JSON.parse(line) as { size: string }).size);
    sizes.set(size, (sizes.get(size) ?? 0) + 1);
  }
  return sizes;
}

/** How often each page is mapped over several tables. */
export function pageCounts(tables: Iterable<Map<number, number>>): Map<number, number> {
  const counts = new Map<number, number>();
  for (const pages of tables) for (const page of pages.keys()) counts.set(page, (counts.get(page) ?? 0) + 1);
  return counts;
}

/** Replays a capture through the tracker into a model. */
export function replay(capture: Capture): { tracker: DomainTracker; model: PageModel } {
  const names = createNames();
  const model = new PageModel();
  const tracker = new DomainTracker((call) => model.call(call), names);
  feed(capture, names, (event) => tracker.event(event));
  tracker.finish();
  return { tracker, model };
}
