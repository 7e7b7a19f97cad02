import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { evidenceIn, logIn } from '../../src/machine/evidence.ts';
import { MAIN } from '../support/built.ts';
import { runCli } from '../support/cli.ts';

const AT = 'test/captures/x86-vtd-612-blk';
const MACHINE = ['--pci', `${AT}/pci.txt`, '--groups', `${AT}/iommu_groups.txt`, '--iomem', `${AT}/iomem.txt`];
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'folder-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('an input without a byte is said to be empty', () => {
  const QUESTIONS: readonly (readonly string[])[] = [
    ['decode'],
    ['decode', '--base', '0'],
    ['walk', '0x1000'],
    ['check'],
    ['convert', '-o', '/dev/null'],
    ['replay'],
    ['explain'],
    ['conform'],
    ['doctor'],
    ['groups'],
    ['gen', '--format', 'arm-64-lpae-s1'],
  ];

  it.each(QUESTIONS)('%s: a plain file, and one that is empty when unpacked', async (verb, ...rest) => {
    for (const bytes of [new Uint8Array(0), gzipSync(new Uint8Array(0))]) {
      const path = join(folder, 'given');
      writeFileSync(path, bytes);
      const { status, error } = await runCli(verb ?? '', path, ...rest);
      expect(status).toBe(3);
      expect(error).toContain('given: the file is empty: expected ');
    }
  });

  it('diff and compare name the one that is empty', async () => {
    const path = join(folder, 'given');
    writeFileSync(path, '');
    const dump = await runCli('diff', AT, path);
    expect([dump.status, dump.error]).toEqual([3, expect.stringContaining('given: the file is empty')]);
    const trace = await runCli('compare', `${AT}/trace_boot.txt`, path);
    expect([trace.status, trace.error]).toEqual([3, expect.stringContaining('given: the file is empty')]);
  });

  it.each(['decode', 'check', 'replay', 'fault'])('%s: a folder in which all files are', async (verb) => {
    for (const name of ['tables.jsonl', 'trace.txt', 'dmesg.txt', 'regs.json']) writeFileSync(join(folder, name), '');
    const { status, error } = await runCli(verb, folder);
    expect([status, error]).toEqual([
      3,
      expect.stringContaining('all 4 files in it that are read are empty: expected '),
    ]);
  });

  it.each(['doctor', 'groups'])('%s: a folder, and an archive, in which all files that are read are', async (verb) => {
    const machine = join(folder, 'machine');
    mkdirSync(machine);
    for (const name of ['dmesg.txt', 'cmdline.txt', 'pci.txt']) writeFileSync(join(machine, name), '');
    writeFileSync(join(machine, 'remarks.txt'), 'of no interest');
    const archive = join(folder, 'machine.tar');
    spawnSync('tar', ['cf', archive, '-C', folder, 'machine']);
    for (const path of [machine, archive]) {
      const { status, error } = await runCli(verb, path);
      expect([status, error]).toEqual([
        3,
        expect.stringContaining('all 3 files in it that are read are empty: expected'),
      ]);
    }
  });

  it('doctor: one file of several is said to be, with what it would have told', async () => {
    const machine = join(folder, 'machine');
    mkdirSync(machine);
    writeFileSync(join(machine, 'dmesg.txt'), '');
    writeFileSync(join(machine, 'cmdline.txt'), 'BOOT_IMAGE=/vmlinuz intel_iommu=on');
    const { stdout } = await runCli('doctor', machine);
    expect(stdout.replace(/\s+/g, ' ')).toContain(
      '- dmesg.txt: it is empty. It would have told since when translation runs',
    );
  });

  it.each(['decode', 'replay', 'explain', 'conform'])('%s: standard input', (verb) => {
    const { status, stderr } = spawnSync(process.execPath, [MAIN, verb, '-'], { input: '', encoding: 'utf8' });
    expect([status, stderr]).toEqual([3, expect.stringContaining('-: standard input is empty: expected ')]);
  });

  it('a gzip file that is cut before its first byte is not', async () => {
    const path = join(folder, 'given.gz');
    writeFileSync(path, gzipSync(new Uint8Array(4096)).subarray(0, 12));
    expect((await runCli('decode', path)).error).not.toContain('is empty');
  });
});

describe('a folder as input', () => {
  it.each(['decode', 'check'])('%s finds the dump and its registers', async (verb) => {
    const files = [`${AT}/tables-live-io.jsonl.gz`, '--regs', `${AT}/regs-live-io.json`, ...MACHINE];
    const named = await runCli(verb, ...files, '--json');
    const found = await runCli(verb, AT, '--json');
    expect(found.status).toBe(named.status);
    expect(found.error).toBe('');
    expect(found.stdout).toBe(named.stdout);
  });

  it('check --invalidations finds them too', async () => {
    const files = [`${AT}/tables-live-io.jsonl.gz`, '--regs', `${AT}/regs-live-io.json`];
    const named = await runCli('check', ...files, '--invalidations', '--json');
    expect(await runCli('check', AT, '--invalidations', '--json')).toEqual(named);
    expect(named.status).toBe(0);
  });

  it('walk finds them too', async () => {
    const regs = ['--regs', `${AT}/regs-live-io.json`, ...MACHINE];
    const files = [`${AT}/tables-live-io.jsonl.gz`, '0xfffff000', ...regs, '--json'];
    expect((await runCli('walk', AT, '0xfffff000', '--json')).stdout).toBe((await runCli('walk', ...files)).stdout);
  });

  it('fault finds log, dump, registers and traces', async () => {
    const line =
      '[    9.5] DMAR: [DMA Write NO_PASID] Request device [00:02.0] fault addr 0x1000 [fault reason 0x05] PTE Write access is not set';
    writeFileSync(join(folder, 'dmesg.txt'), `${line}\n`);
    for (const name of ['tables-live-io.jsonl.gz', 'regs-live-io.json', 'trace_boot.txt']) {
      copyFileSync(join(AT, name), join(folder, name));
    }
    const log = join(folder, 'dmesg.txt');
    const dump = [join(folder, 'tables-live-io.jsonl.gz'), '--regs', join(folder, 'regs-live-io.json')];
    const named = await runCli('fault', log, '--dump', ...dump, '--trace', join(folder, 'trace_boot.txt'), '--json');
    const found = await runCli('fault', folder, '--json');
    expect(JSON.parse(found.stdout).faults).toHaveLength(1);
    expect(found).toEqual(named);
  });

  it('replay finds the traces', async () => {
    const files = ['trace_boot.txt', 'trace_vfio.txt'].map((name) => join('data/example', name));
    const named = await runCli('replay', ...files, '--json', '--quiet');
    const found = await runCli('replay', 'data/example', '--json', '--quiet');
    const both = [named, found].map(({ stdout }) => JSON.parse(stdout) as { verdict: string; calls: object });
    expect(both[1]?.verdict).toBe(both[0]?.verdict);
    expect(both[1]?.calls).toEqual(both[0]?.calls);
    const none = await runCli('replay', folder);
    expect(none.status).toBe(3);
    expect(none.error).toContain('expected traces in it');
  });

  it('with several dumps, or none, is refused by name', async () => {
    const mod = await runCli('decode', 'test/captures/riscv64-72-mod');
    expect(mod.status).toBe(3);
    expect(mod.error).toContain('expected one dump');
    expect(mod.error).toContain('tables-mod-after.jsonl.gz, tables-mod-faulted.jsonl.gz, tables-mod-mapped.jsonl.gz');
    const none = await runCli('decode', folder);
    expect(none.status).toBe(3);
    expect(none.error).toContain('got none');
    expect((await runCli('fault', folder)).error).toContain('expected one kernel log');
  });

  it('names --regs and acquire where registers are missing', async () => {
    copyFileSync(`${AT}/tables-live-io.jsonl.gz`, join(folder, 'tables-live-io.jsonl.gz'));
    const run = await runCli('decode', folder);
    expect(run.status).toBe(3);
    expect(run.error).toMatch(/iommu acquire.*--regs/);
  });
});

describe('the files of a folder', () => {
  it('belong together by their names', () => {
    const names = [
      'out.jsonl',
      'out-regs.json',
      'leaves-x.jsonl.gz',
      'tables-x.jsonl.gz',
      'regs-x.json',
      'metadata.json',
    ];
    expect(evidenceIn(names).dumps).toEqual([
      { dump: 'out.jsonl', regs: 'out-regs.json' },
      { dump: 'tables-x.jsonl.gz', regs: 'regs-x.json' },
    ]);
    expect(evidenceIn(['vmcore', 'regs.json']).dumps).toEqual([{ dump: 'vmcore', regs: 'regs.json' }]);
    expect(evidenceIn(['tables-a.jsonl', 'regs-b.json']).dumps).toEqual([{ dump: 'tables-a.jsonl', regs: null }]);
  });

  it('of a trace follow each other, without function graphs', () => {
    const names = [
      'trace_live.txt.gz',
      'trace_fgraph.txt.gz',
      'trace.txt.gz',
      'trace_boot.txt',
      'trace_vfio.txt',
      'trace.dat',
    ];
    expect(evidenceIn(names).traces).toEqual(['trace_boot.txt', 'trace.txt.gz', 'trace_vfio.txt', 'trace_live.txt.gz']);
  });

  it('hold one log, and the whole one goes before a part', () => {
    expect(logIn('x', evidenceIn(['dmesg.txt', 'dmesg_faults.txt', 'vfiomap.log']))).toBe('dmesg.txt');
    expect(() => logIn('x', evidenceIn(['a.log', 'b.log']))).toThrow(/a\.log, b\.log/);
  });

  it('include those that name devices and memory', () => {
    const found = evidenceIn(['pci.txt', 'iommu_groups.txt', 'iomem.txt', 'other.txt']);
    expect(found).toMatchObject({ pci: 'pci.txt', groups: 'iommu_groups.txt', iomem: 'iomem.txt', dumps: [] });
  });
});

it('pipes and folders that have the names of evidence are passed over and not waited for', async () => {
  for (const name of ['regs-live-io.json', 'dmesg.txt', 'version.txt'])
    expect(spawnSync('mkfifo', [join(folder, name)]).status).toBe(0);
  mkdirSync(join(folder, 'metadata.json'));
  symlinkSync('circle', join(folder, 'circle'));
  copyFileSync('test/captures/x86-vtd-612-blk/trace_boot.txt', join(folder, 'trace.txt'));
  const run = await runCli('replay', join(folder, 'trace.txt'), '--path', 'map-pages', '--json');
  expect([run.status, run.error]).toEqual([0, '']);
  expect((await runCli('fault', folder)).error).toContain('expected one kernel log');
});
