import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createProgram } from '../../../src/cli/program.ts';
import { machineFacts } from '../../../src/cli/record/machine.ts';
import { recordScript, shellQuote } from '../../../src/cli/record/script.ts';
import { restoring } from '../../../src/cli/record/settings.ts';
import { folderTree } from '../../../src/cli/record/tree.ts';
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
  await expect(record('--', '/no/such/command')).rejects.toThrow(/cannot run \/no\/such\/command/);
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
  await expect(record('--', 'true')).rejects.toThrow(/already holds/);
  await record('--force', '--', 'true');
});

test('options behind the command belong to the command; no command at all is refused', async () => {
  await record('sh', '-c', 'exit 3');
  expect(process.exitCode).toBe(3);
  await expect(record()).rejects.toThrow(/which command/);
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

test('the printed script does the same and puts settings back, also after a signal', async () => {
  for (const graph of [false, true]) {
    const before = settings();
    const script = recordScript(
      ['sh', '-c', `cat ${tracefs}/events/dma/dma_map_sg/enable > ${out}/seen; exit 5`],
      out,
      tracefs,
      {
        graph,
        bufferKb: 4096,
        force: false,
      },
    );
    const run = spawnSync('sh', ['-c', script], { encoding: 'utf8' });
    expect(run.stderr).toBe('');
    expect(run.status).toBe(5);
    expect(readFileSync(join(out, 'seen'), 'utf8').trim()).toBe('1');
    expect(existsSync(join(out, graph ? 'trace_fgraph.txt' : 'trace.txt'))).toBe(true);
    expect(settings()).toEqual(before);
  }
  const before = settings();
  const script = recordScript(['sleep', '30'], out, tracefs, { graph: false, bufferKb: 4096, force: false });
  const child = spawn('sh', ['-c', script], { stdio: 'ignore', detached: true });
  while (readFileSync(join(tracefs, 'events/iommu/map/enable'), 'utf8').trim() !== '1')
    await new Promise((next) => setTimeout(next, 20));
  await new Promise((next) => setTimeout(next, 100));
  const ended = new Promise((next) => child.on('exit', next));
  if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
  expect(await ended).toBe(143);
  expect(settings()).toEqual(before);
});

test('the printed script refuses where the verb refuses', () => {
  const script = recordScript(['true'], out, join(tracefs, 'none'), { graph: false, bufferKb: 4096, force: false });
  const run = spawnSync('sh', ['-c', script], { encoding: 'utf8' });
  expect(run.status).toBe(3);
  expect(run.stderr).toContain('no tracefs');
});

test('words are quoted for the shell', () => {
  const word = `it's "$HOME" \\ *`;
  expect(spawnSync('sh', ['-c', `printf %s ${shellQuote(word)}`], { encoding: 'utf8' }).stdout).toBe(word);
});

function kindOf(changes: Readonly<Record<string, string>>): string {
  const folder = makeFolder(changes);
  try {
    return machineFacts(folderTree(folder)).machine;
  } finally {
    removeFolder(folder);
  }
}

test('hardware, KVM and emulation are told apart where they can be, and not guessed where not', () => {
  const clock = 'sys/devices/system/clocksource/clocksource0/available_clocksource';
  expect(kindOf(HARDWARE)).toBe('hardware');
  expect(kindOf({})).toBe('unknown');
  expect(kindOf({ 'proc/cpuinfo': 'model name : QEMU TCG CPU version 2.5+\nflags : fpu hypervisor\n' })).toBe(
    'emulated',
  );
  expect(kindOf({ 'proc/cpuinfo': 'flags : fpu hypervisor\n', [clock]: 'kvm-clock tsc\n' })).toBe('kvm');
  expect(kindOf({ 'proc/cpuinfo': 'flags : fpu hypervisor\n', [clock]: 'tsc\n' })).toBe('unknown');
  expect(kindOf({ 'proc/device-tree/compatible': 'linux,dummy-virt\0' })).toBe('unknown');
  expect(
    kindOf({ 'sys/class/dmi/id/sys_vendor': 'QEMU\n', 'sys/class/ptp/ptp0/clock_name': 'KVM virtual PTP\n' }),
  ).toBe('kvm');
  expect(kindOf({ 'proc/device-tree/compatible': 'acme,board\0acme,soc\0' })).toBe('hardware');
});

test('IOMMUs are named by what their drivers register', () => {
  const kinds = (...units: string[]): readonly string[] => {
    const folder = makeFolder(Object.fromEntries(units.map((unit) => [`sys/class/iommu/${unit}/x`, ''])));
    try {
      return machineFacts(folderTree(folder)).iommu.kinds;
    } finally {
      removeFolder(folder);
    }
  };
  expect(kinds('dmar0', 'dmar1')).toEqual(['intel-vtd']);
  expect(kinds('ivhd0')).toEqual(['amd-vi']);
  expect(kinds('smmu.0x12c00000', 'smmu3.0x2b400000')).toEqual(['arm-smmu', 'arm-smmu-v3']);
  expect(kinds('something')).toEqual(['unknown']);
});
