import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COLLECTOR } from '../../src/acquire/collector.ts';
import { KERNEL } from '../../src/acquire/kernel.ts';
import { openDumpFile } from '../../src/cli/dump-file.ts';
import { decodeDump } from '../../src/dump/decode.ts';

/** A kernel whose structures are given by path; virtual addresses are physical ones with the top bits set. */
const FAKE = `
import gzip

class Fake:
    def __init__(self, name, members, tables):
        self.name, self.members, self.memory = name, members, {}
        for line in gzip.open(tables, 'rt') if tables else ():
            row = json.loads(line)
            self.memory[int(row['pa'], 16)] = base64.b64decode(row['bytes_base64'])

    def units(self):
        yield self.name, 0x1000

    def offset(self, type_name, file, member):
        return 0x10

    def member(self, type_name, file, address, path):
        assert address == 0xFF0
        return self.members.get(path)

    def physical(self, virtual):
        return virtual & 0xFFFFFFFFFFFF

    def variable(self, name):
        return None

    def read_page(self, address):
        return self.memory.get(address)

name, members, tables, prefix = sys.argv[1:5]
acquire(Fake(name, json.loads(members), tables), prefix, False)
`;

const hasPython = spawnSync('python3', ['--version']).status === 0;
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kernel-'));
  writeFileSync(join(folder, 'acquire.py'), COLLECTOR + KERNEL + FAKE);
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

interface Registers {
  readonly iommu: string;
  readonly mmio_base: string;
  readonly named: Readonly<Record<string, string>>;
}

/** Runs the script on a kernel with these members; the registers that it wrote. */
function acquired(unit: string, members: Readonly<Record<string, number>>, tables = ''): Registers {
  const prefix = join(folder, 'out');
  const args = [join(folder, 'acquire.py'), unit, JSON.stringify(members), tables, prefix];
  const run = spawnSync('python3', args, { encoding: 'utf8' });
  expect(run.stderr).toBe('');
  expect(run.stdout).toContain('registers of');
  return JSON.parse(readFileSync(`${prefix}-regs.json`, 'utf8')) as Registers;
}

async function rangesOf(dump: string, regs: string): Promise<object[]> {
  const { domains } = decodeDump(await openDumpFile(dump, { regs }));
  return domains.map(({ ranges, streams }) => ({ ranges, streams }));
}

async function expectEqualTo(at: string, state: string): Promise<void> {
  const own = await rangesOf(join(folder, 'out.jsonl'), join(folder, 'out-regs.json'));
  expect(own).toEqual(await rangesOf(`${at}/tables-${state}.jsonl.gz`, `${at}/regs-${state}.json`));
  expect(own.length).toBeGreaterThan(0);
}

describe.skipIf(!hasPython)('registers made from the structures of a driver', () => {
  it('lead to all that the registers of an AMD I/O MMU lead to', async () => {
    const at = 'test/captures/x86-amdvi-612-vfio';
    const members = { 'pci_seg.dev_table': 0x1000000, 'pci_seg.last_bdf': 0xff, mmio_phys: 0xfed80000 };
    const { iommu, mmio_base } = acquired('ivhd0', members, `${at}/tables-vfio-mapped.jsonl.gz`);
    expect({ iommu, mmio_base }).toEqual({ iommu: 'amd-vi', mmio_base: '0xfed80000' });
    await expectEqualTo(at, 'vfio-mapped');
  });

  it('lead to all that the registers of a RISC-V IOMMU lead to', async () => {
    const at = 'test/captures/riscv64-72-mod';
    const ddtp = { ddt_mode: 4, ddt_phys: 0x8697f000, caps: 0x78e2cf4f10 };
    const queue = { 'fltq.phys': 0x89460000, 'fltq.mask': 4095 };
    const { named, mmio_base } = acquired(
      'riscv-iommu@3010000.iommu',
      { ...ddtp, ...queue },
      `${at}/tables-mod-mapped.jsonl.gz`,
    );
    expect(mmio_base).toBe('0x3010000');
    expect(named).toMatchObject({ DDTP: '0x21a5fc04', FQB: '0x2251800b' });
    await expectEqualTo(at, 'mod-mapped');
  });

  it('hold the context banks and stream matches of an SMMUv2', () => {
    const bank = { 'cbs[1].cfg': 1, 'cbs[1].cfg.cbar': 1, 'cbs[1].cfg.fmt': 1, 'cbs[1].ttbr[0]': 0x80001000 };
    const match = { 'smrs[0].id': 0x400, 'smrs[0].mask': 0x7f, 'smrs[0].valid': 1, 's2crs[0].cbndx': 1 };
    const { iommu, named } = acquired('smmu.0x0000000012c00000', {
      ...{ num_context_banks: 2, num_mapping_groups: 1, pgshift: 16, 'cbs[1].tcr[0]': 0x100019 },
      ...bank,
      ...match,
    });
    expect(iommu).toBe('arm-smmu');
    expect(named).toMatchObject({
      IDR1: '0x80000002',
      SMR0: '0x807f0400',
      S2CR0: '0x1',
      CBAR1: '0x10000',
      CBA2R1: '0x1',
    });
    expect(named).toMatchObject({ CB1_SCTLR: '0x1', CB1_TTBR0: '0x80001000', CB1_TCR: '0x100019' });
    expect(named['CB0_SCTLR']).toBeUndefined();
  });
});

/** 256 streams, each with 64 contexts whose tables point at themselves and at each other. */
const HOSTILE = `
class Loop:
    def __call__(self, address):
        return struct.pack('<512Q', *[(address & ~0xFFF) + 4096 * (i % 7) | 0xFF7 | 3 for i in range(512)])

collector = Collector(Loop())
COLLECT[sys.argv[1]](collector, json.loads(sys.argv[2]))
print(len(collector.seen) <= MOST_TABLES, len(collector.pages) <= MOST_PAGES)
`;

describe.skipIf(!hasPython)('the collector on hostile tables', () => {
  it.each([
    ['amd-vi', { DEV_TAB_BASE: 0x1000 | 511 }],
    ['riscv-iommu', { DDTP: 0x404, CAPABILITIES: 0 }],
    ['arm-smmu-v3', { STRTAB_BASE: 0x10000, STRTAB_BASE_CFG: 8 }],
    ['intel-vtd', { RTADDR: 0x10000 }],
  ])(
    'of %s ends, with every table looked at once',
    (kind, named) => {
      const path = join(folder, 'hostile.py');
      writeFileSync(path, COLLECTOR + HOSTILE);
      const run = spawnSync('python3', [path, kind, JSON.stringify(named)], { encoding: 'utf8' });
      expect(run.stderr).toBe('');
      expect(run.stdout.trim()).toBe('True True');
    },
    120_000,
  );
});
