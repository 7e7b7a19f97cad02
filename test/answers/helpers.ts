/**
 * Replays of captures and of trace text within the test's process, as answers.
 * @module
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { type ReplayData, type ReplayQuestion, ReplayRun } from '../../src/answers/index.ts';
import type { RowsPort } from '../../src/replay/apart/messages.ts';
import type { Answer } from '../../src/report/index.ts';
import { createNames, createTraceReader, type ReadStats, type TraceEvent } from '../../src/trace/index.ts';

/** The captures. */
export const CAPTURES: string = fileURLToPath(new URL('../captures/', import.meta.url));

/** Folders of captures that have a trace of the boot. */
export const FOLDERS: readonly string[] = readdirSync(CAPTURES).filter((folder) =>
  existsSync(join(CAPTURES, folder, 'trace_boot.txt')),
);

const PARTS = ['trace_boot', 'trace', 'trace_vfio', 'trace_mod'];

/** The traces of a capture in the order of time. */
export function tracesOf(folder: string): string[] {
  const names = PARTS.flatMap((part) => [`${part}.txt`, `${part}.txt.gz`]);
  return names.map((name) => join(CAPTURES, folder, name)).filter((path) => existsSync(path));
}

/** The bytes of a trace, unpacked. */
export function bytesOf(path: string): Uint8Array {
  const bytes = readFileSync(path);
  return path.endsWith('.gz') ? gunzipSync(bytes) : bytes;
}

/** What a replay is asked for. */
export type Asked = Partial<Omit<ReplayQuestion, 'names' | 'clock'>>;

interface Read {
  readonly run: ReplayRun;
  readonly stats: readonly ReadStats[];
}

function read(texts: readonly (Uint8Array | string)[], asked: Asked): Read {
  const names = createNames();
  const run = new ReplayRun({ path: 'map-pages', ...asked, names, clock: () => 0 });
  const sink = (event: TraceEvent): void => run.event(event);
  const stats = texts.map((text) => {
    const reader = createTraceReader('ftrace', sink, names);
    reader.push(typeof text === 'string' ? new TextEncoder().encode(text) : text);
    reader.end();
    return reader.stats;
  });
  return { run, stats };
}

/** Replays texts that are one trace. */
export function replayTexts(texts: readonly (Uint8Array | string)[], asked: Asked = {}): Answer<ReplayData> {
  const { run, stats } = read(texts, asked);
  return run.answer(stats);
}

/** As {@link replayTexts}, with rows that another thread may replay. */
export async function replayTextsApart(
  texts: readonly (Uint8Array | string)[],
  asked: Asked & { readonly apart: RowsPort },
): Promise<Answer<ReplayData>> {
  const { run, stats } = read(texts, asked);
  await run.finish();
  return run.answer(stats);
}

/** Replays a capture. */
export function replayCapture(folder: string, asked: Asked = {}): Answer<ReplayData> {
  return replayTexts(tracesOf(folder).map(bytesOf), asked);
}

/** Lines of a trace: `line('map', 1, 0x1000, 0x1000)` maps 4 KiB at second 1. */
export function line(what: 'map' | 'unmap', seconds: number, iova: number, bytes: number, task = 'dd-1'): string {
  const address = (value: number): string => `0x${value.toString(16).padStart(16, '0')}`;
  const head = `  ${task} [000] .....  ${seconds.toFixed(6)}: ${what}: IOMMU: iova=${address(iova)} - ${address(iova + bytes)}`;
  return what === 'map'
    ? `${head} paddr=0x0000000080000000 size=${bytes}\n`
    : `${head} size=${bytes} unmapped_size=${bytes}\n`;
}

/** A dma event that names the device of the map or unmap before it. */
export function dma(
  what: 'map' | 'unmap',
  seconds: number,
  device: string,
  iova: number,
  bytes: number,
  task = 'dd-1',
): string {
  const at = iova.toString(16);
  const head = `  ${task} [000] .....  ${seconds.toFixed(6)}: dma_${what}_page: ${device} dir=TO_DEVICE dma_addr=${at} size=${bytes}`;
  return what === 'map' ? `${head} phys_addr=80000000 attrs=\n` : `${head} attrs=\n`;
}
