// Prints how long `iommu replay` takes for a text trace of a gigabyte, and how much memory. It writes the trace into the folder for
// temporary files, or into the one that is given.
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { table } from './print.ts';
import { captureOf, roundsOf } from './repeated.ts';

const BYTES = 1e9;
const RUNS = 3;
const ROOT = new URL('../../../', import.meta.url);
const PROGRAM = fileURLToPath(new URL('dist/cli/main.js', ROOT));
const PEAK = new URL('peak.js', import.meta.url).href;

/** Writes at least a gigabyte of events. @returns bytes and events */
function writeTrace(path: string): { bytes: number; events: number } {
  const file = openSync(path, 'w');
  let bytes = writeSync(file, '# tracer: nop\n');
  let events = 0;
  for (const round of roundsOf(captureOf(ROOT))) {
    bytes += writeSync(file, round, null, 'latin1');
    events += round.split('\n').length - 1;
    if (bytes >= BYTES) break;
  }
  closeSync(file);
  return { bytes, events };
}

/** Seconds of the whole command, from its start to its end, and the most memory that it held, MB. */
function timed(path: string, options: readonly string[]): { seconds: number; memory: number } {
  const start = performance.now();
  const run = spawnSync(
    process.execPath,
    ['--import', PEAK, PROGRAM, 'replay', path, '--json', '--quiet', ...options],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
      encoding: 'utf8',
    },
  );
  const seconds = (performance.now() - start) / 1000;
  if (run.status !== 0) throw new Error(run.stderr);
  return { seconds, memory: (Number(run.stderr.trim().split('\n').at(-1)) * 1024) / 1e6 };
}

function rowOf(
  path: string,
  { bytes, events }: { bytes: number; events: number },
  options: readonly string[],
): string[] {
  const runs = Array.from({ length: RUNS }, () => timed(path, options)).sort((a, b) => a.seconds - b.seconds);
  const seconds = (run: (typeof runs)[number] | undefined): number => ((run?.seconds ?? 0) * 1e9) / bytes;
  const median = runs[RUNS >> 1];
  return [
    ['iommu replay trace.txt', ...options].join(' '),
    `${seconds(median).toFixed(2)} s`,
    `${seconds(runs[0]).toFixed(2)} to ${seconds(runs.at(-1)).toFixed(2)} s`,
    Math.round(events / (median?.seconds ?? 1)).toLocaleString('en'),
    `${Math.max(...runs.map(({ memory }) => memory)).toFixed(0)} MB`,
    `≤ 4 s, ≤ 300 MB`,
  ];
}

const folder = mkdtempSync(join(process.argv[2] ?? tmpdir(), 'iommu-bench-'));
try {
  const path = join(folder, 'trace.txt');
  const written = writeTrace(path);
  console.log(`${written.bytes} bytes, ${written.events} events; ${RUNS} runs of each, the file in the page cache.\n`);
  const header = ['command', 'a gigabyte, median', 'fastest to slowest', 'events a second', 'most memory', 'goal'];
  console.log(table(header, [rowOf(path, written, []), rowOf(path, written, ['--path', 'one-walk'])]));
} finally {
  rmSync(folder, { recursive: true });
}
