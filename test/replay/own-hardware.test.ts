import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { driverById } from '../../src/drivers/registry.ts';
import { runCli } from '../support/cli.ts';

const CAPTURES = new URL('../captures/', import.meta.url).pathname;

interface Row {
  readonly path: string;
  readonly driver: string;
  readonly driverKernel: string | null;
  readonly format: string;
  readonly granule: string;
  readonly iova: string;
  readonly deviceAssumed: boolean;
  readonly commands: Readonly<Record<string, number>> | null;
  readonly refused: readonly unknown[];
  readonly counts: Readonly<Record<string, number>>;
}

async function replayed(...args: string[]): Promise<{ rows: Row[]; notes: string[]; verdict: string }> {
  return JSON.parse((await runCli('replay', ...args, '--json')).stdout) as {
    rows: Row[];
    notes: string[];
    verdict: string;
  };
}

const OWN = [
  ['arm64-smmuv3-612-blk-strict', 'arm-smmu-v3', '6.12', 'arm-64-lpae-s1', 'CMD_TLBI_NH_VA'],
  ['x86-vtd-612-blk', 'intel-vtd', '6.12', 'vtd-ss', 'IOTLB invalidation'],
  ['x86-vtdfl-73-blk', 'intel-vtd', '7.3', 'x86-64', 'PASID-based IOTLB invalidation'],
  ['x86-amdvi-612-blk', 'amd-vi', '6.12', 'amd-v1', 'INVALIDATE_IOMMU_PAGES'],
] as const;

describe.each(OWN)('a trace of %s drives its own IOMMU', (capture, driver, kernel, format, command) => {
  test('with its driver, kernel, tables and commands, and says from where', async () => {
    const { rows, notes, verdict } = await replayed(`${CAPTURES}${capture}/trace.txt.gz`);
    expect(new Set(rows.map((row) => `${row.driver} ${row.driverKernel} ${row.format}`))).toEqual(
      new Set([`${driver} ${kernel} ${format}`]),
    );
    expect(rows.every((row) => row.refused.length === 0 && !row.deviceAssumed)).toBe(true);
    expect(rows.every((row) => (row.commands?.[command] ?? 0) > 0)).toBe(true);
    expect(notes.join('\n')).toContain(`the rows drive ${driver}`);
    expect(verdict).toMatch(new RegExp(`sends [\\d,]+ commands to ${driver}`));
  });

  test('with counts of its own kinds only, and a completion for each unmap of the kernel', async () => {
    const { rows } = await replayed(`${CAPTURES}${capture}/trace.txt.gz`, '--path', 'map-pages');
    const kind = driverById(driver);
    expect(Object.keys(rows[0]?.commands ?? {}).sort()).toEqual([...kind.commands].sort());
    expect(rows[0]?.commands?.[kind.completion ?? '']).toBe(rows[0]?.counts['tlbSync']);
  });
});

test('a kernel with pages of 16K has tables of 16K, and its addresses are kept', async () => {
  const { rows, notes } = await replayed(`${CAPTURES}arm64-smmuv3-61216k-blk/trace.txt.gz`);
  expect(rows.every((row) => row.granule === '16K' && row.iova === 'keep' && row.refused.length === 0)).toBe(true);
  expect(notes.join('\n')).not.toMatch(/rounded to it|multiple of 16K/);
});

test('a RISC-V trace drives a RISC-V IOMMU; a virtio trace sends requests', async () => {
  const riscv = await replayed(`${CAPTURES}riscv64-72-blk/trace.txt.gz`, '--path', 'map-pages');
  expect(riscv.rows[0]).toMatchObject({ driver: 'riscv-iommu', format: 'riscv-sv57', driverKernel: '6.13' });
});

test('where nothing beside the trace names it, the assumption is said, and how to say it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'iommu-own-'));
  try {
    const trace = join(folder, 'trace.txt');
    writeFileSync(trace, readFileSync(`${CAPTURES}x86-vtd-612-vfio/trace_vfio.txt`));
    const { rows, notes } = await replayed(trace, '--path', 'map-pages');
    expect(rows[0]).toMatchObject({ driver: 'arm-smmu', deviceAssumed: true, commands: null });
    expect(notes.join('\n')).toMatch(/nothing beside the trace names its IOMMU: arm-smmu is assumed.*--iommu/);
    const named = await replayed(trace, '--path', 'map-pages', '--iommu', 'intel-vtd', '--kernel', '6.1');
    expect(named.rows[0]).toMatchObject({
      driver: 'intel-vtd',
      driverKernel: '6.1',
      format: 'vtd-ss',
      deviceAssumed: false,
    });
    const older = await replayed(trace, '--path', 'map-pages', '--iommu', 'intel-vtd', '--kernel', '5.10');
    expect(older.rows[0]).toMatchObject({ driverKernel: '6.1', driverKernelFor: '5.10' });
    expect(older.verdict).toContain('commands to intel-vtd as Linux 6.1 does, for 5.10');
    expect(older.notes.join('\n')).toContain('as Linux 6.1, the modelled release that stands for 5.10, drives it');
    const several = await replayed(trace, '--path', 'map-pages', '--iommu', 'intel-vtd,amd-vi,arm-smmu-v3');
    expect(several.rows.map(({ driver }) => driver).sort()).toEqual(['amd-vi', 'arm-smmu-v3', 'intel-vtd']);
    expect(several.notes.join('\n')).toContain('which kernel sent the commands is not known');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.each([
  [['--iommu', 'vtd'], 'iommu: expected'],
  [['--iommu', 'intel-vtd', '--kernel', 'new'], 'kernel: expected a release of Linux such as 5.10 (modelled are'],
  [['--iommu', 'intel-vtd', '--format', 'amd-v1'], 'format: expected a format that intel-vtd walks'],
] as const)('%j is refused by name', async (args, message) => {
  const { status, error } = await runCli('replay', `${CAPTURES}x86-vtd-612-vfio/trace_vfio.txt`, ...args);
  expect(error).toContain(message);
  expect(status).toBe(2);
});
