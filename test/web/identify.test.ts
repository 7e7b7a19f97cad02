import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { evidenceOf, tracesOf } from '../../web/state/evidence.ts';
import { type DroppedFile, identify } from '../../web/state/identify.ts';

const TEST = new URL('../', import.meta.url).pathname;

async function rolesIn(folder: string, but: RegExp = /^$/): Promise<DroppedFile[]> {
  const names = readdirSync(folder).filter((name) => !but.test(name));
  return await Promise.all(names.map((name) => identify(new File([readFileSync(`${folder}/${name}`)], name))));
}

function roleOf(files: readonly DroppedFile[], wanted: string): string | undefined {
  return files.find(({ file }) => file.name === wanted)?.role;
}

describe('of a whole folder that is dropped', async () => {
  const files = await rolesIn(`${TEST}captures/arm64-smmuv3-612-blk-strict`);

  test('each file is taken for what it is', () => {
    expect(Object.fromEntries(files.map(({ file, role }) => [file.name, role]))).toMatchObject({
      'README.md': 'beside',
      'available_events.txt': 'beside',
      'cmdline.txt': 'beside',
      'dmesg.txt': 'log',
      'event_formats.txt': 'beside',
      'iomem.txt': 'iomem',
      'iommu_groups.txt': 'groups',
      'pci.txt': 'pci',
      'qemu-args.json': 'machine',
      'regs-live-io.json': 'registers',
      'tables-live-io.jsonl.gz': 'dump',
      'trace.dat': 'trace',
      'trace.txt.gz': 'trace',
      'trace_boot.txt': 'trace',
      'trace_fgraph.txt.gz': 'functions',
      'version.txt': 'version',
    });
  });

  test('the log is the log of the kernel, and calls of functions are no events', () => {
    const evidence = evidenceOf(files);
    expect((evidence.log as File).name).toBe('dmesg.txt');
    expect((evidence.version as File).name).toBe('version.txt');
    expect(tracesOf(files).map(({ name }) => name)).not.toContain('trace_fgraph.txt.gz');
  });

  test('the traces of a recording come in its order', () => {
    const recorded = files.filter(({ file }) => /^trace(_boot|_live)?\.txt/.test(file.name));
    expect(tracesOf(recorded).map(({ name }) => name)).toEqual(['trace_boot.txt', 'trace.txt.gz', 'trace_live.txt.gz']);
  });

  test('calls of functions are explained where there are no events', () => {
    const alone = files.filter(({ role }) => role !== 'trace');
    expect(tracesOf(alone).map(({ name }) => name)).toEqual(['trace_fgraph.txt.gz']);
  });
});

test('sentences, options and versions are no latency tables; the published tables are', async () => {
  const texts = [
    'Linux version 6.12 (a@b) (gcc 14, GNU ld) #1 SMP',
    'console=ttyAMA0 iommu.strict=1 mods=virtio_pci,ext4',
    'It maps pages, then unmaps them. Each of these calls takes a while, as the table of the numbers shows.',
  ];
  for (const text of texts) expect((await identify(new File([text], 'notes.txt'))).role).not.toBe('latency');
  const tables = await rolesIn(`${TEST}../data/latency`, /\.md$/);
  expect(tables.map(({ file, role }) => `${file.name} ${role}`)).toEqual(
    tables.map(({ file }) => `${file.name} latency`),
  );
  expect(roleOf(tables, 'map-sg-series-2021.csv')).toBe('latency');
});
