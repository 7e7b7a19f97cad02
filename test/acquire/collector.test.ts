import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COLLECTOR } from '../../src/acquire/collector.ts';
import { CRASH } from '../../src/acquire/crash.ts';
import { DRGN } from '../../src/acquire/drgn.ts';
import { QEMU } from '../../src/acquire/qemu.ts';

/** Runs the collector on a capture as if it were memory; prints the kinds of pages it missed or found beyond. */
const HARNESS = `
import gzip

def run(registers, tables):
    named = {k: int(v, 16) for k, v in json.load(open(registers))['named'].items() if isinstance(v, str)}
    memory, kinds = {}, {}
    for line in gzip.open(tables, 'rt'):
        row = json.loads(line)
        memory[int(row['pa'], 16)] = base64.b64decode(row['bytes_base64'])
        kinds[int(row['pa'], 16)] = row['kind']
    collector = Collector(memory.get)
    collector.collect(json.load(open(registers))['iommu'], named)
    wanted = {at for at, kind in kinds.items() if kind not in ('cmdq', 'cmdbuf', 'inv-queue', 'irt')}
    found = set(collector.pages)
    print(json.dumps({'found': len(found), 'missed': sorted(kinds[at] for at in wanted - found), 'beyond': len(found - wanted)}))

run(sys.argv[1], sys.argv[2])
`;

/** Runs the collector on made pages; prints how often a page was asked for and how many words were read. */
const COUNTING = `
def run(kind, named, page):
    reads, words, real = [0], [0], Collector.words
    def read_page(address):
        reads[0] += 1
        return page(address)
    def counted(self, address, count, kind):
        words[0] += count
        return real(self, address, count, kind)
    Collector.words = counted
    collector = Collector(read_page)
    collector.collect(kind, named)
    print(json.dumps({'pages': len(collector.pages), 'reads': reads[0], 'words': words[0], 'notes': sorted(set(collector.notes))}))

def filled(*words):
    return struct.pack('<512Q', *(words * 512)[:512])
`;

/** Structures that name more of others than they have bytes for. */
const HOSTILE = {
  '256 streams share one table of 65,536 contexts': `
ste = (0x100000 | 1 | 5 << 1 | 16 << 59,) + (0,) * 7
run('arm-smmu-v3', {'STRTAB_BASE': 0x4000, 'STRTAB_BASE_CFG': 8}, lambda at: filled(*ste) if at < 0x100000 else filled(0))`,
  'contexts lie at every stride of overlapping tables': `
def page(at):
    if at >= 0x100000:
        return filled(0)
    first = (at - 0x4000) // 64
    return struct.pack('<512Q', *(w for i in range(64) for w in ((0x100000 + 4096 * (first + i)) | 11 | 16 << 59, 0, 0, 0, 0, 0, 0, 0)))
run('arm-smmu-v3', {'STRTAB_BASE': 0x4000, 'STRTAB_BASE_CFG': 8}, page)`,
  'all first-level descriptors share one second level': `
run('arm-smmu-v3', {'STRTAB_BASE': 0x4000, 'STRTAB_BASE_CFG': 1 << 16 | 6 << 6 | 26}, lambda at: filled(0x10000000 | 15) if at < 0x10000000 else filled(0))`,
  'stream tables lie in memory that is not there': `
run('arm-smmu-v3', {'STRTAB_BASE': 0x4000, 'STRTAB_BASE_CFG': 1 << 16 | 6 << 6 | 26}, lambda at: filled(0x10000000 | 15, 0x20000000 | 15) if at < 0x10000000 else None)`,
  'PASID directories share their tables': `
def page(at):
    if at == 0x4000:
        return filled(0x10001, 0x10001)
    return filled(0x20000 | 1 | 7 << 9, 0, 0, 0) if at == 0x10000 else filled(0x40001) if at < 0x40000 else filled(0)
run('intel-vtd', {'RTADDR': 0x4000 | 1 << 10}, page)`,
} as const;

const hasPython = spawnSync('python3', ['--version']).status === 0;
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'acquire-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function python(name: string, source: string, ...args: string[]): ReturnType<typeof spawnSync> {
  const path = join(folder, name);
  writeFileSync(path, source);
  return spawnSync('python3', [path, ...args], { encoding: 'utf8' });
}

describe.skipIf(!hasPython)('the acquisition scripts', () => {
  it.each([
    ['arm64-smmuv3-612-mod', 'mod-mapped'],
    ['arm64-smmuv3-612-vfio-s2', 'vfio-mapped'],
    ['arm64-smmuv3-61216k-blk', 'live-io'],
    ['x86-vtd-612-vfio', 'vfio-mapped'],
    ['x86-vtdsm-612-blk', 'live-io'],
    ['x86-vtdfl-73-blk', 'live-io'],
    ['x86-amdvi-612-vfio', 'vfio-mapped'],
    ['x86-amdvi-612-blk', 'live-io'],
    ['riscv64-72-mod', 'mod-mapped'],
  ])('find every table page of %s, and nothing else', (capture, state) => {
    const at = `test/captures/${capture}`;
    const run = python('run.py', COLLECTOR + HARNESS, `${at}/regs-${state}.json`, `${at}/tables-${state}.jsonl.gz`);
    expect(run.stderr).toBe('');
    const answer = JSON.parse(String(run.stdout)) as { found: number; missed: string[]; beyond: number };
    expect(answer).toMatchObject({ missed: [], beyond: 0 });
    expect(answer.found).toBeGreaterThan(10);
  });

  it.each(Object.entries(HOSTILE))('end soon, and say so, where %s', (_, source) => {
    const run = python('hostile.py', COLLECTOR + COUNTING + source);
    expect(run.stderr).toBe('');
    const { pages, reads, words, notes } = JSON.parse(String(run.stdout));
    expect(notes).toEqual([expect.stringContaining('the rest is not collected')]);
    expect(pages).toBeGreaterThan(0);
    expect(reads).toBeLessThan(100_000);
    expect(words).toBeLessThan(2 ** 25);
  });

  it.each([
    ['drgn', DRGN],
    ['qemu', QEMU],
    ['crash', CRASH],
  ])('are Python that compiles: %s', (name, source) => {
    writeFileSync(join(folder, `${name}.py`), source);
    const check = spawnSync('python3', ['-m', 'py_compile', join(folder, `${name}.py`)], { encoding: 'utf8' });
    expect(check.stderr).toBe('');
    expect(check.status).toBe(0);
  });
});
