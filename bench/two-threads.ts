// Run in a process of its own: prints the rates at which other threads read a text trace of a million events and replay it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openRowsThread } from '../src/cli/threads.ts';
import { readTraceFiles } from '../src/cli/trace-files.ts';
import { createNames } from '../src/trace/events.ts';
import { newReplay, repeated } from './files.ts';
import { captureOf } from './repeated.ts';
import { clock } from './sampler.ts';

const SAMPLES = 7;
const WARM = 2;
const ROOT = new URL('../../../', import.meta.url);

/** Events a second. */
async function rate(path: string): Promise<number> {
  const names = createNames();
  const start = clock();
  const apart = await openRowsThread();
  const replay = newReplay(names, apart);
  const [stats] = await readTraceFiles(
    [path],
    (event) => replay.event(event),
    names,
    () => false,
    true,
    () => replay.room(),
  );
  replay.finish();
  await replay.settled();
  const milliseconds = clock() - start;
  apart?.close();
  return ((stats?.events ?? 0) / milliseconds) * 1000;
}

const folder = mkdtempSync(join(tmpdir(), 'iommu-bench-'));
try {
  const path = join(folder, 'trace.txt');
  writeFileSync(path, repeated(captureOf(ROOT)).bytes);
  const rates: number[] = [];
  for (let sample = 0; sample < WARM + SAMPLES; sample++) rates.push(await rate(path));
  console.log(JSON.stringify(rates.slice(WARM)));
} finally {
  rmSync(folder, { recursive: true });
}
