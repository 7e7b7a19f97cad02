// A large trace file is read by a thread of its own; what comes through a pipe is read on one thread. Both say the same.
import { spawn } from 'node:child_process';
import { createReadStream, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MAIN } from '../support/built.ts';
import { largeTrace } from '../support/large-trace.ts';

const FOLDER = mkdtempSync(join(tmpdir(), 'iommu-threads-'));
const LARGE = join(FOLDER, 'large.txt');
const SLOW = 120_000;
/** Above the size from which on a file gets a thread. */
const BYTES = 9 * 2 ** 20;
beforeAll(() => writeFileSync(LARGE, largeTrace(BYTES), 'latin1'));
afterAll(() => rmSync(FOLDER, { recursive: true }));

interface Run {
  readonly status: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(args: readonly string[], piped?: string, onStart?: (child: ReturnType<typeof spawn>) => void) {
  const child = spawn(process.execPath, [MAIN, ...args], {
    stdio: [piped === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  const out = { stdout: '', stderr: '' };
  child.stdout?.on('data', (text) => (out.stdout += text));
  child.stderr?.on('data', (text) => (out.stderr += text));
  child.stdin?.on('error', () => undefined);
  if (piped !== undefined && child.stdin) createReadStream(piped).pipe(child.stdin);
  onStart?.(child);
  return new Promise<Run>((resolve) => child.on('close', (status, signal) => resolve({ status, signal, ...out })));
}

/** An answer without the times of this engine and the name of the file. */
function comparable({ status, stdout, stderr }: Run): Run {
  const text = stdout.replaceAll(LARGE, '-').replace(/"(measuredNs)": ?[\d.e+-]+/g, '"$1":0');
  return { status, signal: null, stdout: text, stderr: stderr.replaceAll(LARGE, '-') };
}

async function expectSame(...args: readonly string[]): Promise<Run> {
  const apart = comparable(await run(['replay', LARGE, ...args]));
  expect(apart).toEqual(comparable(await run(['replay', '-', ...args], LARGE)));
  return apart;
}

test(
  'a replay answers the same',
  async () => {
    const { status, stdout } = await expectSame('--json', '--path', 'map-pages');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ schema: 'iommu.replay' });
  },
  SLOW,
);

test(
  'a replay up to a mark answers the same',
  async () => {
    const args = ['--json', '--path', 'map-pages', '--until', 'stop here'];
    const apart = JSON.parse((await run(['replay', LARGE, ...args])).stdout);
    const piped = JSON.parse((await run(['replay', '-', ...args], LARGE)).stdout);
    expect(apart.verdict).toBe(piped.verdict);
    // a file is read in larger pieces than a pipe: the reader stops behind the mark, at the end of a piece
    expect(apart.trace.bytes).toBe(2 ** 20);
  },
  SLOW,
);

test(
  'a mark that never comes is refused alike',
  async () => {
    expect((await expectSame('--path', 'map-pages', '--until', 'nowhere')).status).toBe(2);
  },
  SLOW,
);

test(
  'files that are not of one boot are refused',
  async () => {
    const { status, stderr } = await run(['replay', LARGE, LARGE]);
    expect(status).toBe(3);
    expect(stderr).toContain('DIFFERENT_BOOTS');
  },
  SLOW,
);

test(
  'a reader that closed the pipe, and a signal, end both threads',
  async () => {
    const closed = await run(['replay', LARGE, '--path', 'map-pages'], undefined, (child) => child.stdout?.destroy());
    expect(closed.status).toBe(0);
    const ended = await run(['replay', LARGE], undefined, (child) => setTimeout(() => child.kill('SIGINT'), 300));
    expect(ended.signal === 'SIGINT' || ended.status === 0).toBe(true);
  },
  SLOW,
);

test(
  'a trace.dat that is cut is refused alike',
  async () => {
    const path = join(FOLDER, 'cut.dat');
    const dat = readFileSync(fileURLToPath(new URL('../captures/arm64-smmuv3-61-blk/trace.dat', import.meta.url)));
    writeFileSync(path, dat.subarray(0, 300));
    truncateSync(path, BYTES);
    const apart = await run(['replay', path]);
    const piped = await run(['replay', '-'], path);
    expect(apart.status).toBe(3);
    expect(apart.stderr.replaceAll(path, '-')).toBe(piped.stderr);
  },
  SLOW,
);
