import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { appendFileSync, closeSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { restoring } from '../../src/record/settings.ts';
import { AT_REST, filesIn, makeFolder, removeFolder } from '../record/tracefs.ts';
import { MAIN } from '../support/built.ts';

const LINE = '          fio-7 [000] .....   100.000001: map: IOMMU: iova=0x1000 - 0x2000 paddr=0x80000000 size=4096\n';

const LOG = `DMAR: [DMA Read NO_PASID] Request device [01:00.0] fault addr 0x300000000 [fault reason 0x06] x
dmar_fault: 7 callbacks suppressed
riscv-iommu X: Fault
DMAR: words that no kernel prints
`;

let tracefs = '';
beforeEach(() => {
  tracefs = makeFolder(AT_REST);
  spawnSync('mkfifo', [join(tracefs, 'trace_pipe')]);
});
afterEach(() => removeFolder(tracefs));

function settings(): Record<string, string> {
  const skipped = ['trace', 'trace_marker', 'trace_pipe'];
  spawnSync('rm', ['-f', join(tracefs, 'trace_pipe')]);
  const entries = Object.entries(filesIn(tracefs)).filter(([path]) => !skipped.includes(path));
  return Object.fromEntries(entries.map(([path, text]) => [path, restoring(path, text)]));
}

function atRest(): Record<string, string> {
  const other = makeFolder(AT_REST);
  const entries = Object.entries(filesIn(other)).filter(([path]) => !['trace', 'trace_marker'].includes(path));
  removeFolder(other);
  return Object.fromEntries(entries.map(([path, text]) => [path, restoring(path, text)]));
}

function start(...args: readonly string[]): ChildProcess {
  const words = ['watch', '--tracefs', tracefs, '--log', '/dev/null', '--interval', '0.1', ...args];
  return spawn(process.execPath, [MAIN, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
}

const ended = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => void child.on('close', (status) => resolve(status)));

/** Waits until the events are on and a sample was printed. */
function running(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => void child.stdout?.once('data', () => resolve()));
}

async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((next) => setTimeout(next, 20));
}

describe('watch', () => {
  test('prints a line of JSON an interval, and puts the settings back at its end', async () => {
    const child = start('--json', '--duration', '1.5');
    let text = '';
    child.stdout?.on('data', (piece: Buffer) => {
      text += piece.toString();
    });
    const pipe = openSync(join(tracefs, 'trace_pipe'), 'w');
    writeSync(pipe, LINE);
    expect(await ended(child)).toBe(0);
    closeSync(pipe);
    const samples = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(samples.every(({ schema, version }) => schema === 'iommu.watch' && version === 1)).toBe(true);
    expect(samples.at(-1)).toMatchObject({ liveBytes: 4096, dropped: { lines: 0 } });
    expect(settings()).toEqual(atRest());
  });

  test('counts what the log says from its start on: faults, lines that are not understood, messages left out', async () => {
    const log = join(tracefs, 'log.txt');
    writeFileSync(log, 'DMAR: [DMA Read NO_PASID] Request device [09:00.0] fault addr 0x1 [fault reason 0x06] old\n');
    const child = start('--json', '--log', log);
    let text = '';
    child.stdout?.on('data', (piece: Buffer) => {
      text += piece.toString();
    });
    await running(child);
    appendFileSync(log, LOG);
    await until(() => /"logLines": ?[1-9]/.test(text));
    child.kill('SIGINT');
    expect(await ended(child)).toBe(0);
    rmSync(log);
    const last = JSON.parse(text.trim().split('\n').at(-1) ?? '{}') as Record<string, object>;
    expect(last['faults']).toMatchObject({ total: 1 });
    expect(last['dropped']).toMatchObject({
      logLines: 2,
      firstLogLine: expect.stringContaining('riscv-iommu X: Fault'),
      log: 7,
    });
    expect(settings()).toEqual(atRest());
  });

  test.each([
    ['SIGINT', 0],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('%s ends it, with the settings put back', async (signal, status) => {
    const child = start();
    await running(child);
    expect(readFileSync(join(tracefs, 'events/iommu/map/enable'), 'utf8').trim()).toBe('1');
    child.kill(signal);
    expect(await ended(child)).toBe(status);
    expect(settings()).toEqual(atRest());
  });

  test('a reader that goes away ends it, with the settings put back', async () => {
    const child = start();
    await running(child);
    child.stdout?.destroy();
    await ended(child);
    expect(settings()).toEqual(atRest());
  });

  test('the settings are put back even when it is killed', async () => {
    const child = start();
    await running(child);
    child.kill('SIGKILL');
    await ended(child);
    await until(() => readFileSync(join(tracefs, 'events/iommu/map/enable'), 'utf8').trim() === '0');
    await until(() => readFileSync(join(tracefs, 'trace_clock'), 'utf8').trim() === 'local');
    expect(settings()).toEqual(atRest());
  });
});

describe('refusals', () => {
  const run = (...args: readonly string[]) =>
    spawnSync(process.execPath, [MAIN, 'watch', '--tracefs', tracefs, ...args], { encoding: 'utf8' });

  test('without trace_pipe nothing is changed', () => {
    spawnSync('rm', [join(tracefs, 'trace_pipe')]);
    const { status, stderr } = run('--duration', '1');
    expect([status, /trace_pipe/.test(stderr)]).toEqual([3, true]);
    expect(settings()).toEqual(atRest());
  });

  test('no tracefs, and an interval of no length', () => {
    expect(run('--interval', '0').status).toBe(2);
    expect(spawnSync(process.execPath, [MAIN, 'watch', '--tracefs', join(tracefs, 'none')]).status).toBe(3);
  });
});
