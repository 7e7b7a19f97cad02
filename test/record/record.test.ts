import { existsSync, readFileSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';
import { restoring } from '../../src/record/settings.ts';
import { AT_REST, filesIn, HARDWARE, makeFolder, removeFolder } from './tracefs.ts';

let tracefs = '';
let sysroot = '';
let out = '';

beforeEach(() => {
  tracefs = makeFolder(AT_REST);
  sysroot = makeFolder(HARDWARE);
  out = join(makeFolder(), 'run');
});

afterEach(() => {
  for (const folder of [tracefs, sysroot, join(out, '..')]) removeFolder(folder);
  process.exitCode = undefined;
});

async function record(...args: readonly string[]): Promise<unknown> {
  const where = ['--tracefs', tracefs, '--sysroot', sysroot, '-o', out, '--quiet'];
  return (await createProgram()).parseAsync(['record', ...where, ...args], { from: 'user' });
}

/** What the settings mean, without the files that a recording fills. */
function settings(): Record<string, string> {
  const entries = Object.entries(filesIn(tracefs)).filter(([path]) => !['trace', 'trace_marker'].includes(path));
  return Object.fromEntries(entries.map(([path, text]) => [path, restoring(path, text)]));
}

function metadata(): Record<string, unknown> {
  return JSON.parse(readFileSync(join(out, 'metadata.json'), 'utf8')) as Record<string, unknown>;
}

test('the command runs with tracing on; trace, formats and metadata are saved, settings put back', async () => {
  const before = settings();
  const peek = `cat ${tracefs}/tracing_on ${tracefs}/events/iommu/map/enable; echo "  dd-1 [000] 1.0: map" > ${tracefs}/trace; cat ${tracefs}/tracing_on > ${tracefs}/../seen-${process.pid}`;
  await record('--', 'sh', '-c', peek);
  expect(readFileSync(join(tracefs, '..', `seen-${process.pid}`), 'utf8').trim()).toBe('1');
  removeFolder(join(tracefs, '..', `seen-${process.pid}`));
  expect(readFileSync(join(out, 'trace.txt'), 'utf8')).toContain('dd-1');
  expect(readFileSync(join(out, 'event_formats.txt'), 'utf8')).toContain('name: unmap');
  expect(settings()).toEqual(before);
  expect(metadata()).toMatchObject({
    schema: 'iommu.metadata',
    version: 1,
    release: '6.12.107',
    commandLine: 'root=/dev/sda1 iommu.strict=0',
    pageSize: 4096,
    machine: 'hardware',
    iommu: { kinds: ['arm-smmu-v3'], groupTypes: { 'DMA-FQ': 2, identity: 1 } },
    recorded: { command: ['sh', '-c', peek], status: 0, signal: null, trace: 'trace.txt' },
    losses: { overrun: 3, dropped: 1 },
  });
  expect(process.exitCode).toBe(0);
});

test('the exit status of the command is passed on, 128 + n for a signal, and settings are put back', async () => {
  const before = settings();
  for (const [command, status, signal] of [
    ['exit 7', 7, null],
    ['kill -TERM $$', 143, 'SIGTERM'],
  ] as const) {
    await record('--force', '--', 'sh', '-c', command);
    expect(process.exitCode).toBe(status);
    expect(metadata()['recorded']).toMatchObject({ status, signal });
    expect(settings()).toEqual(before);
  }
});

test('a command that cannot be started is refused by name, and settings are put back', async () => {
  const before = settings();
  await expect(record('--', '/no/such/command')).rejects.toThrow(
    /command: expected a program that can be run, got \/no\/such\/command/,
  );
  expect(settings()).toEqual(before);
  expect(existsSync(join(out, 'metadata.json'))).toBe(false);
});

test('--graph saves trace_fgraph.txt and the functions that were traced', async () => {
  await record('--graph', '--', 'true');
  expect(existsSync(join(out, 'trace_fgraph.txt'))).toBe(true);
  expect(readFileSync(join(out, 'fgraph_functions.txt'), 'utf8')).toContain('arm_smmu_map_pages\n');
});

test('an earlier recording is not written over unless forced', async () => {
  await record('--', 'true');
  await expect(record('--', 'true')).rejects.toThrow(/--output: expected a folder without a recording, got /);
  await record('--force', '--', 'true');
});

test('options behind the command belong to the command; no command at all is refused', async () => {
  await record('sh', '-c', 'exit 3');
  expect(process.exitCode).toBe(3);
  await expect(record()).rejects.toThrow(/command: expected the command to record, got none/);
});

test('without tracefs it is refused and nothing is written', async () => {
  removeFolder(join(tracefs, 'tracing_on'));
  await expect(record('--', 'true')).rejects.toThrow(/no tracefs/);
  expect(existsSync(out)).toBe(false);
});

/** Waits until the file holds `1`. */
async function waitFor(path: string): Promise<void> {
  while (readFileSync(path, 'utf8').trim() !== '1') await new Promise((next) => setTimeout(next, 10));
}

test('a signal to this program goes to the command; the recording is saved, settings put back', async () => {
  const before = settings();
  const done = record('--', 'sh', '-c', `echo 1 > ${tracefs}/events/sched/sched_switch/enable; exec sleep 30`);
  await waitFor(join(tracefs, 'events/sched/sched_switch/enable'));
  process.emit('SIGTERM', 'SIGTERM');
  await done;
  expect(metadata()['recorded']).toMatchObject({ status: 143, signal: 'SIGTERM' });
  expect(existsSync(join(out, 'trace.txt'))).toBe(true);
  expect(settings()).toEqual({ ...before, 'events/sched/sched_switch/enable': '1' });
});

test('a signal while the trace is saved ends the saving; settings are put back', async () => {
  const before = settings();
  const trace = join(tracefs, 'trace');
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    const done = record('--force', '--', 'truncate', '-s', '4G', trace);
    while ((statSync(join(out, 'trace.txt'), { throwIfNoEntry: false })?.size ?? 0) === 0) {
      await new Promise((next) => setTimeout(next, 10));
    }
    process.emit(signal, signal);
    await done;
    expect(process.exitCode).toBe(128 + constants.signals[signal]);
    expect(settings()).toEqual(before);
    removeFolder(out);
  }
});

test('a second signal ends the waiting for a command that ignores the first', async () => {
  const before = settings();
  const deaf = `trap '' TERM; echo 1 > ${out}/mark; exec sleep 2`;
  const done = record('--', 'sh', '-c', deaf);
  while (!existsSync(join(out, 'mark'))) await new Promise((next) => setTimeout(next, 10));
  process.emit('SIGTERM', 'SIGTERM');
  process.emit('SIGTERM', 'SIGTERM');
  await done;
  expect(metadata()['recorded']).toMatchObject({ status: 143, signal: 'SIGTERM' });
  expect(settings()).toEqual(before);
});

test('an empty command is refused, printed or not, and nothing is changed', async () => {
  const before = settings();
  for (const words of [[''], ['', 'true']]) {
    await expect(record('--', ...words)).rejects.toThrow(
      /^command: expected the name of a program, got an empty word$/,
    );
    await expect(record('--print', '--', ...words)).rejects.toThrow(/empty word/);
  }
  expect(settings()).toEqual(before);
  expect(existsSync(out)).toBe(false);
});

test('assignments and builtins are names of programs, and refused', async () => {
  const before = settings();
  for (const word of ['NAME=value', 'exec', 'trap', '-x']) {
    await expect(record('--force', '--', word)).rejects.toThrow(`expected a program that can be run, got ${word}`);
  }
  expect(settings()).toEqual(before);
});
