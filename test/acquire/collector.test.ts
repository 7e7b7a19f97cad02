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
    COLLECT[json.load(open(registers))['iommu']](collector, named)
    wanted = {at for at, kind in kinds.items() if kind not in ('cmdq', 'cmdbuf', 'inv-queue', 'irt')}
    found = set(collector.pages)
    print(json.dumps({'found': len(found), 'missed': sorted(kinds[at] for at in wanted - found), 'beyond': len(found - wanted)}))

run(sys.argv[1], sys.argv[2])
`;

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
