import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Ajv } from 'ajv';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { MemoryFile } from '../../src/machine/files/files.ts';
import { TarReader, writeTar } from '../../src/machine/files/tar.ts';
import * as machines from '../machine/machines.ts';
import { runCli } from '../support/cli.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'iommu-doctor-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Writes a made machine below the folder, as a tree. */
function tree(name: string, ...made: readonly machines.Made[]): string {
  const root = join(folder, name);
  for (const [path, file] of machines.memoryFiles(...made)) {
    const full = join(root, path);
    mkdirSync(dirname(full), { recursive: true });
    if ('link' in file) symlinkSync(file.link, full);
    else writeFileSync(full, file.bytes);
  }
  return root;
}

/** Writes a made machine as an archive below one folder, as sosreport does. */
function archive(name: string, pack: (bytes: Uint8Array) => Uint8Array, ...made: readonly machines.Made[]): string {
  const files = new Map([...machines.memoryFiles(...made)].map(([path, file]) => [`sosreport-made/${path}`, file]));
  const path = join(folder, name);
  writeFileSync(path, pack(writeTar(files)));
  return path;
}

function validate(document: unknown): unknown {
  const { schema } = document as { schema: string };
  const file = new URL(`../../schemas/${schema}.schema.json`, import.meta.url);
  const check = new Ajv({ allErrors: true, strict: true, allowUnionTypes: true }).compile(
    JSON.parse(readFileSync(file, 'utf8')) as object,
  );
  check(document);
  return check.errors ?? [];
}

async function json(...args: string[]): Promise<Record<string, unknown>> {
  const { stdout, error } = await runCli(...args, '--json');
  expect(error).toBe('');
  return JSON.parse(stdout) as Record<string, unknown>;
}

const MADE = {
  server: machines.SERVER,
  laptop: machines.LAPTOP,
  'vfio-desktop': machines.VFIO_DESKTOP,
  'arm-board': machines.ARM_BOARD,
  riscv: machines.RISCV,
  'nested-guest': machines.NESTED_GUEST,
  xen: machines.XEN,
  'broken-firmware': machines.BROKEN_FIRMWARE,
};

describe('doctor and groups', () => {
  test.each(Object.entries(MADE))(
    '%s: a folder and an archive give the same answer, as their schemas say',
    async (name, made) => {
      const fromFolder = await json('doctor', tree(name, made));
      const packed = archive(`${name}.tar.gz`, gzipSync, made);
      const fromArchive = await json('doctor', packed);
      expect(validate(fromFolder)).toEqual([]);
      const without = (document: Record<string, unknown>): unknown => ({ ...document, machine: null });
      expect(without(fromArchive)).toEqual(without(fromFolder));
      expect(validate(await json('groups', packed))).toEqual([]);
    },
  );

  test('the status is 0 for a machine without a finding, 1 else', async () => {
    expect((await runCli('doctor', tree('a', machines.SERVER))).status).toBe(0);
    expect((await runCli('doctor', tree('b', machines.RISCV))).status).toBe(1);
  });

  test('the verdict is the first line, what was not read is said', async () => {
    const { stdout } = await runCli('doctor', tree('a', machines.SERVER, { 'proc/iomem': null }));
    expect(stdout.split('\n')[0]).toMatch(/^Protected, as far as could be read/);
    expect(stdout).toMatch(/Not read\n- \/proc\/iomem: not in what was saved/);
  });

  test('--for orders the findings', async () => {
    const root = tree('a', machines.SERVER, { 'proc/cmdline': 'pcie_acs_override=downstream swiotlb=force\n' });
    const findings = (document: Record<string, unknown>): string[] =>
      (document['findings'] as { rule: string }[]).map(({ rule }) => rule);
    expect(findings(await json('doctor', root, '--for', 'performance'))[0]).toBe('bounce-forced');
    expect(findings(await json('doctor', root, '--for', 'vfio'))[0]).toBe('acs-override');
  });

  test('a group is explained, and what is behind a unit is drawn', async () => {
    const made = [machines.SERVER, machines.group(2, 'DMA', ['0000:01:00.0', '0000:01:01.0'])];
    const port = { port: 4, buses: [1, 1], multifunction: true } as const;
    const root = tree(
      'a',
      ...made,
      machines.device('0000:00:1c.0', { id: '8086:a338', class: '060400', group: 1, config: port }),
    );
    const { stdout } = await runCli('groups', root);
    expect(stdout).toMatch(/group 2: 0000:00:1c\.0 has no ACS capability/);
    expect(stdout).toMatch(/DRHD at 0xfed90000/);
    const svg = await runCli('groups', root, '-o', 'svg');
    expect(svg.stdout).toMatch(/^<svg [\s\S]*0000:01:00\.0[\s\S]*<\/svg>\n$/);
  });
});

describe('bad input', () => {
  test('a tree of another system, an empty folder, a text, two machines', async () => {
    mkdirSync(join(folder, 'win', 'Windows'), { recursive: true });
    expect((await runCli('doctor', join(folder, 'win'))).error).toMatch(/got those of Windows.*NOT_RECOGNISED/);
    mkdirSync(join(folder, 'empty'));
    expect(await runCli('doctor', join(folder, 'empty'))).toMatchObject({ status: 3 });
    writeFileSync(join(folder, 'text'), 'x'.repeat(2000));
    expect((await runCli('doctor', join(folder, 'text'))).error).toMatch(/tar archive.*NOT_RECOGNISED/);
    const two = archive('two.tar', (bytes) => bytes, machines.RISCV);
    const both = new TarReader(two, () => true);
    both.push(readFileSync(two));
    const files = new Map<string, MemoryFile>([
      ...both.files,
      ...[...both.files].map(([path, file]) => [`b/${path.slice(15)}`, file] as const),
    ]);
    writeFileSync(two, writeTar(files));
    expect((await runCli('doctor', two)).error).toMatch(/of one machine.*NOT_RECOGNISED/);
  });

  test('a path that is not there', async () => {
    expect(await runCli('doctor', join(folder, 'none'))).toMatchObject({ status: 3 });
  });

  test('links that leave the tree are not followed, and are said', async () => {
    const root = tree('a', machines.SERVER, { 'proc/cmdline': null });
    writeFileSync(join(folder, 'secret'), 'intel_iommu=off');
    symlinkSync('../../secret', join(root, 'proc', 'cmdline'));
    const answer = await json('doctor', root);
    expect(JSON.stringify(answer['findings'])).not.toMatch(/intel_iommu=off/);
    expect(answer['unread']).toMatchObject([{ path: 'proc/cmdline', why: expect.stringMatching(/out of the tree/) }]);
    expect(answer['protection']).toBe('unknown');
  });

  test('pipes in a tree do not stop it', async () => {
    const root = tree('a', machines.SERVER, { 'proc/interrupts': null });
    spawnSync('mkfifo', [join(root, 'proc', 'interrupts')]);
    expect(await json('doctor', root)).toMatchObject({ protection: 'protected', complete: false });
  });

  test('an archive that blows up is refused', async () => {
    const bomb = join(folder, 'bomb.tar.gz');
    writeFileSync(bomb, gzipSync(writeTar(new Map([['proc/cmdline', { bytes: new Uint8Array(2 ** 26 + 1) }]]))));
    expect(await json('doctor', bomb)).toMatchObject({
      protection: 'unknown',
      unread: expect.arrayContaining([expect.objectContaining({ path: 'proc/cmdline', why: 'too long to be read' })]),
    });
    const many = writeTar(
      new Map(Array.from({ length: 3 }, (_, i) => [`boot/config-${i}`, { bytes: new Uint8Array(2 ** 26) }])),
    );
    writeFileSync(bomb, gzipSync(many));
    expect((await runCli('doctor', bomb)).error).toMatch(/TOO_LARGE/);
  });
});

describe('--collect', () => {
  const PRIVATE = {
    'proc/cmdline': 'BOOT_IMAGE=/vmlinuz root=UUID=1234 intel_iommu=on ip=10.0.0.1::::secret-host ro\n',
    dmesg: machines.log(
      'Command line: root=UUID=1234 arm-smmu.disable_bypass=0',
      'Kernel command line: root=UUID=1234 intel_iommu=on user=secret-host',
      'Unknown kernel command line parameters "secret-host", will be passed to user space.',
      'usb 1-1: SerialNumber: SECRET',
      'nvme 0000:01:00.0: Adding to iommu group 2',
      'DMAR: Intel(R) Virtualization Technology for Directed I/O',
    ),
    'proc/iomem': '00100000-7fffffff : System RAM\n  01000000-01ffffff : Kernel code\n',
    'home/me/.ssh/id': 'SECRET',
    'sys/bus/thunderbolt/devices/0-1/unique_id': 'SECRET',
  };

  test('shows each file, writes them, and the archive gives the same verdict', async () => {
    const root = tree('a', machines.LAPTOP, { 'proc/cpuinfo': null });
    const out = join(folder, 'out.tar');
    const { stdout, status } = await runCli('doctor', root, '--collect', out, '--yes');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^proc\/cmdline {2}\d+ bytes\n {4}intel_iommu=on$/m);
    expect(stdout).toMatch(/^ {4}\[.*Adding to iommu group 2$/m);
    expect(stdout).toMatch(/^sys\/bus\/pci\/devices\/0000:02:00\.0\/driver -> /m);
    const [before, after] = [await json('doctor', root), await json('doctor', out)];
    expect([after['verdict'], after['groups']]).toEqual([before['verdict'], before['groups']]);
  });

  test('leaves out what is personal', async () => {
    const out = join(folder, 'out.tar');
    await runCli('doctor', tree('a', machines.LAPTOP, PRIVATE), '--collect', out, '--yes');
    const reader = new TarReader(out, () => true);
    reader.push(readFileSync(out));
    const all = [...reader.files]
      .map(([path, file]) => path + ('bytes' in file ? new TextDecoder('latin1').decode(file.bytes) : ''))
      .join('\n');
    expect(all).not.toMatch(/SECRET|secret-host|UUID|x@y|Kernel code|unique_id/);
    expect(all).toMatch(/intel_iommu=on/);
    expect(all).toMatch(/Adding to iommu group 2/);
  });

  test('writes over no file, and to archives only', async () => {
    const root = tree('a', machines.SERVER);
    expect((await runCli('doctor', root, '--collect', join(folder, 'x.zip'))).status).toBe(2);
    writeFileSync(join(folder, 'there.tar'), 'mine');
    expect((await runCli('doctor', root, '--collect', join(folder, 'there.tar'))).status).toBe(2);
    expect(readFileSync(join(folder, 'there.tar'), 'utf8')).toBe('mine');
  });
});
