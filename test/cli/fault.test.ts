import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../support/cli.ts';

const VFIO = 'test/captures/arm64-smmuv3-612-vfio';
const LOG = `${VFIO}/dmesg_faults.txt`;
const DUMP = ['--dump', `${VFIO}/tables-vfio-mapped.jsonl.gz`, '--regs', `${VFIO}/regs-vfio-mapped.json`];
const TRACE = ['--trace', `${VFIO}/trace_boot.txt`, `${VFIO}/trace_vfio.txt`];

interface Answer {
  readonly schema: string;
  readonly version: number;
  readonly faults: readonly Readonly<Record<string, unknown>>[];
}

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fault-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe('iommu fault', () => {
  it('answers with one object a fault, 64-bit values as text, and exit 1', async () => {
    const { status, stdout } = await runCli('fault', LOG, ...DUMP, ...TRACE, '--json', '--quiet');
    expect(status).toBe(1);
    const answer = JSON.parse(stdout) as Answer;
    expect(answer).toMatchObject({ schema: 'iommu.fault', version: 1 });
    expect(answer.faults.length).toBe(10);
    expect(answer.faults[0]).toMatchObject({
      iommu: 'arm-smmu-v3',
      device: '0x30',
      iova: '0x100002000',
      access: 'write',
      reason: 'permission',
      fields: { StreamID: '0x30', InputAddr: '0x100002000' },
      cause: { name: 'wrong-direction', text: expect.any(String), evidence: expect.any(Array) },
      walk: {
        fault: { reason: 'permission-write', stage: 1, level: 3, syndrome: expect.stringContaining('Permission') },
      },
    });
    expect(answer.faults[0]?.['history']).toHaveLength(2);
  });

  it('prints the walk, the history, the cause and what is not excluded', async () => {
    const { stdout } = await runCli('fault', LOG, ...DUMP, ...TRACE, '--quiet');
    expect(stdout).toContain('and 1 more like it');
    expect(stdout).toMatch(/stage 1 level 3 \[2\] 0x46923010 = 0x00000000421e9fc7 leaf/);
    expect(stdout).toMatch(/12\.848041 map 0x100002000 \+ 0x[13]000 by vfiomap/);
    expect(stdout).toContain('cause: wrong direction');
    expect(stdout).toContain('not excluded: stale-tlb');
  });

  it('gives a row a fault as CSV', async () => {
    const { stdout } = await runCli('fault', LOG, '--output', 'csv', '--quiet');
    expect(stdout.trim().split('\n').length).toBe(11);
    expect(stdout).toContain(
      '3,22.980655,arm-smmu-v3,9050000.smmuv3,,0x30,0x100002000,write,F_PERMISSION,wrong-direction',
    );
  });

  it('exits 0 where the log has no fault, 2 for registers without a dump, 3 for a file that is not there', async () => {
    expect((await runCli('fault', write('quiet.txt', 'all is well\n'), '--quiet')).status).toBe(0);
    expect((await runCli('fault', LOG, '--regs', 'x.json')).status).toBe(2);
    expect((await runCli('fault', join(folder, 'missing.txt'))).status).toBe(3);
  });
});

describe('iommu convert', () => {
  it('writes a snapshot that decodes to the same answer, registers included', async () => {
    const snapshot = join(folder, 'a.snapshot');
    const [, tables = '', , regs = ''] = DUMP;
    const run = await runCli('convert', tables, '--regs', regs, '-o', snapshot, '--json');
    expect(JSON.parse(run.stdout)).toMatchObject({
      schema: 'iommu.convert',
      version: 1,
      from: 'sparse-pages',
      pages: 37,
    });
    const [copy, original] = [
      await runCli('decode', snapshot, '--json'),
      await runCli('decode', tables, '--regs', regs, '--json'),
    ];
    expect(copy.status).toBe(0);
    expect(copy.stdout).toBe(original.stdout);
  });

  it('leaves nothing behind where the dump cannot be read', async () => {
    const bad = write('bad.bin', readFileSync(LOG, 'latin1').slice(0, 3000));
    const target = join(folder, 'b.snapshot');
    expect((await runCli('convert', bad, '-o', target)).status).toBe(3);
    expect(() => readFileSync(target)).toThrow(/ENOENT/);
  });
});

describe('iommu acquire', () => {
  it.each(['drgn', 'qemu', 'crash'])('prints a script for %s that says how to run it', async (tool) => {
    const { status, stdout } = await runCli('acquire', '--print', tool);
    expect(status).toBe(0);
    expect(stdout).toMatch(/Run(:| on the host:) +(drgn|python3) .*acquire\.py/);
    expect(stdout).toContain('def write_dump(');
  });

  it('refuses another tool', async () => {
    expect((await runCli('acquire', '--print', 'gdb')).status).toBe(2);
  });
});
