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

  it('prints the totals first, then the causes, and with --verbose the walk and the history', async () => {
    const { stdout } = await runCli('fault', LOG, ...DUMP, ...TRACE, '--quiet', '--verbose');
    expect(stdout.split('\n').slice(0, 2).join(' ')).toContain('10 incidents in 52 lines: 6 never-mapped');
    expect(stdout).toContain('1 more like it');
    expect(stdout).toMatch(/stage 1 level 3 \[2\] 0x46923010 = 0x00000000421e9fc7 leaf/);
    expect(stdout).toMatch(/12\.848041 map 0x100002000 \+ 0x[13]000 by vfiomap/);
    expect(stdout).toContain('cause: wrong direction');
    expect(stdout).toContain('still possible: stale-tlb');
    expect(stdout).toContain('excluded: ');
  });

  it('gives a row a fault as CSV', async () => {
    const { stdout } = await runCli('fault', LOG, '--output', 'csv', '--quiet');
    expect(stdout.trim().split('\n').length).toBe(11);
    expect(stdout).toContain(
      '3,22.980655,arm-smmu-v3,9050000.smmuv3,,0x30,0x100002000,write,F_PERMISSION,wrong-direction',
    );
  });

  it('says by name what is not a log of faults, with status 3', async () => {
    const cases = [
      ['', 'The log is empty'],
      ['\n \n', 'The log is empty'],
      ['all is well\n', '1 line: none is of a driver whose lines are read (docs/fault-drivers.md).\n'],
      [
        'all is well\nALERT: IntelIOMMU: 1491: DMAR Fault IOMMU Unit #0\n',
        '1 line names an IOMMU and is not understood, line 2: ALERT: IntelIOMMU: 1491: DMAR Fault IOMMU Unit #0',
      ],
      ['[ 1.0] DMAR: Host address width 39\n', 'none reports a fault'],
      [String.fromCharCode(...Array.from({ length: 2000 }, (_, i) => (i * 7) % 32)), 'binary'],
    ] as const;
    for (const [text, words] of cases) {
      const { status, stdout } = await runCli('fault', write('quiet.txt', text), '--quiet');
      expect([status, stdout.replace(/\n(?=\S)/g, ' ')]).toEqual([3, expect.stringContaining(words)]);
    }
  });

  it('prints lines of a driver that are not understood, with status 1', async () => {
    const log = write('unknown.txt', '[ 1.0] DMAR: something that no kernel prints\n');
    const { status, stdout } = await runCli('fault', log, '--quiet');
    expect(status).toBe(1);
    expect(stdout).toContain('No fault is understood in 1 line. 1 line of intel-vtd is not understood');
    expect(stdout).toContain('something that no kernel prints');
  });

  it.each([
    ['riscv-iommu X: Fault', 'riscv-iommu'],
    ['riscv-iommu 10010000.iommu: Fault 13 devid 8', 'riscv-iommu'],
    ['ALERT: IntelIOMMU: 1491: DMAR Fault IOMMU Unit #0', 'unknown'],
    ['smmu0: Context bank 3 abort, FSR 0x2', 'unknown'],
    ['vmkernel: IOMMU 3 reported a violation by 0000:02:00.0', 'unknown'],
  ])('names a line that is not understood beside faults that are, before and behind them: %s', async (odd, driver) => {
    const fault = 'DMAR: [DMA Read NO_PASID] Request device [00:02.0] fault addr 0x1000 [fault reason 0x06] x\n';
    const plain = 'pci 0000:00:02.0: Adding to iommu group 3\niommu: Default domain type: Translated\n';
    for (const [text, line] of [
      [`${plain}${odd}\n${fault}`, 3],
      [`${fault}${plain}${odd}\n`, 4],
    ] as const) {
      const { status, stdout } = await runCli('fault', write('beside.txt', text), '--json');
      const answer = JSON.parse(stdout);
      expect([status, answer.faults.length]).toEqual([1, 1]);
      expect(answer.notUnderstood).toEqual([{ driver, line, text: odd }]);
      expect(answer.log.unknown).toBe(1);
      expect(answer.verdict).toMatch(
        new RegExp(`1 line (of riscv-iommu|that names an IOMMU) is not understood \\(line ${line}\\)`),
      );
    }
  });

  it('does not say that no fault is reported where a line that is not understood speaks of one', async () => {
    const text = '[ 1.0] DMAR: Host address width 39\n(XEN) [VT-D] translation error on device 3\n';
    const { status, stdout } = await runCli('fault', write('foreign.txt', text), '--json');
    const answer = JSON.parse(stdout);
    expect([status, answer.notUnderstood.length]).toEqual([1, 1]);
    expect(answer.verdict).toContain('No fault is understood in 2 lines. 1 line');
  });

  it('refuses the dump of another IOMMU than the log', async () => {
    const log = write(
      'dmar.txt',
      'DMAR: [DMA Read NO_PASID] Request device [00:02.0] fault addr 0x1000 [fault reason 0x06] x\n',
    );
    const { status, error } = await runCli('fault', log, ...DUMP);
    expect(status).toBe(3);
    expect(error).toContain('expected a dump of the IOMMU of the log (intel-vtd), got one of arm-smmu-v3');
  });

  it('counts all incidents, and lists as many as --limit says', async () => {
    const line = (i: number): string =>
      `AMD-Vi: Event logged [IO_PAGE_FAULT device=0000:01:00.0 domain=0x1 address=0x${(i * 4096).toString(16)} flags=0x0000]`;
    const log = write('many.txt', Array.from({ length: 12_000 }, (_, i) => line(i + 1)).join('\n'));
    const { stdout } = await runCli('fault', log, '--quiet', '--limit', '5', '--json');
    const answer = JSON.parse(stdout) as Answer & { readonly totals: readonly { count: number }[] };
    expect(answer.faults.length).toBe(5);
    expect(answer.totals.reduce((sum, { count }) => sum + count, 0)).toBe(12_000);
  });

  it('exits 2 for registers without a dump, 3 for a file that is not there', async () => {
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
