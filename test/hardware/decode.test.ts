import { describe, expect, it } from 'vitest';
import { type DomainMappings, decodeDump, decodeGiven } from '../../src/dump/decode.ts';
import { decodeData, leafRows } from '../../src/dump/decode-json.ts';
import { diffDecodings, type RangeChange } from '../../src/dump/diff.ts';
import { walkAddress, walkData } from '../../src/dump/walk.ts';
import { givenTables } from '../../src/hardware/given.ts';
import { readCapture } from './captures.ts';
import { System } from './system.ts';

describe('a dump that lacks a page', () => {
  it('reports the range as unknown, and decodes the rest', () => {
    const { reader, registers } = readCapture('arm64-smmuv3-612-vfio/vfio-mapped');
    const whole = decodeDump({ reader, registers }, { raw: true });
    const domain = whole.domains.find(({ id }) => id === 'asid 5');
    const lost = domain?.tablePages.find((page) => page.level === 3 && page.used > 100);
    reader.pages.delete(lost?.address ?? 0);
    const part = decodeDump({ reader, registers }, { raw: true });
    expect(part.unknown).toEqual([
      expect.objectContaining({ domain: 'asid 5', iova: BigInt(lost?.offset ?? 0), bytes: 0x200000 }),
    ]);
    const rows = (d: DomainMappings | undefined) => (d === undefined ? [] : leafRows(d));
    const inside = (iova: string) =>
      BigInt(iova) >= BigInt(lost?.offset ?? 0) && BigInt(iova) < BigInt((lost?.offset ?? 0) + 0x200000);
    const after = rows(part.domains.find(({ id }) => id === 'asid 5'));
    expect(after).toEqual(rows(domain).filter(({ iova }) => !inside(iova)));
    expect(after.length).toBeGreaterThan(0);
  });

  it('a missing stream table is reported, nothing else is', () => {
    const { reader, registers } = readCapture('arm64-smmuv3-612-vfio/vfio-mapped');
    reader.pages.delete(Number((registers.named.get('STRTAB_BASE') ?? 0n) & 0xffffffffff000n));
    const { domains, unknown } = decodeDump({ reader, registers });
    expect(domains).toEqual([]);
    expect(unknown.length).toBeGreaterThan(0);
  });
});

describe('decode', () => {
  it('a root with its geometry gives the same as the registers do', () => {
    const { reader, registers } = readCapture('arm64-smmuv3-61216k-blk/live-io');
    for (const domain of decodeDump({ reader, registers }, { raw: true }).domains) {
      const tables = givenTables({ ...domain.geometry, roots: [domain.root] });
      const [given] = decodeGiven({ reader }, tables, 'given', { raw: true }).domains;
      expect(given && leafRows(given)).toEqual(leafRows(domain));
    }
  });

  it('merges only what goes on in input, output, permissions, type and leaf size', () => {
    const system = new System();
    const root = system.stage1(1);
    for (const [iova, pa, bits] of [
      [0x10000, 0x40010000, 0xf47n],
      [0x11000, 0x40011000, 0xf47n],
      [0x12000, 0x40012000, 0xfc7n],
      [0x13000, 0x40013000, 0xfcbn],
      [0x14000, 0x40020000, 0xfcbn],
    ] as const) {
      system.map(root, iova, pa, 3, bits);
    }
    const [domain] = decodeDump(system.input).domains;
    expect(domain?.ranges.map(({ iova, bytes, leafBytes }) => [Number(iova), bytes, leafBytes])).toEqual([
      [0x10000, 0x2000, 0x1000],
      [0x12000, 0x1000, 0x1000],
      [0x13000, 0x1000, 0x1000],
      [0x14000, 0x1000, 0x1000],
    ]);
  });

  it('nested tables: stage 1 leaves cut by stage 2 leaves', () => {
    const system = new System();
    const root = system.stage1(1);
    const second = system.stage2(1, 7n);
    for (let page = 0x1000; page < 0x200000; page += 4096) system.map(second, page, page, 3, 0x7ffn, 1);
    system.map(root, 0x400000, 0x40000000, 2, 0xf47n);
    for (let i = 0; i < 4; i++) system.map(second, 0x40000000 + i * 4096, 0x60000000 - i * 4096, 3, 0x7ffn, 1);
    const [domain] = decodeDump(system.input, { raw: true }).domains;
    expect(domain?.leafCount).toBe(4);
    expect(domain?.ranges.map(({ iova, pa }) => [Number(iova), pa])).toEqual(
      [0, 1, 2, 3].map((i) => [0x400000 + i * 4096, 0x60000000 - i * 4096]),
    );
    expect(domain?.findings).toEqual([
      expect.objectContaining({ reason: 'never-mapped', iova: 0x404000n, bytes: 0x200000 - 0x4000 }),
    ]);
  });

  it('streams that share tables are one domain', () => {
    const system = new System();
    const root = system.stage1(1);
    system.stage1(4, root, 1);
    expect(decodeDump(system.input).domains.map(({ streams }) => streams)).toEqual([[1, 4]]);
  });

  it('refuses a dump without registers and an IOMMU that it does not read', () => {
    const { memory } = new System();
    expect(() => decodeDump({ reader: memory })).toThrow('MISSING_VALUE');
    const other = { iommu: 'virtio-iommu', named: new Map() };
    expect(() => decodeDump({ reader: memory, registers: other })).toThrow(
      "expected arm-smmu-v3, intel-vtd, amd-vi, riscv-iommu, got 'virtio-iommu'",
    );
  });

  it('JSON has hex text for addresses and sizes', () => {
    const { reader, registers } = readCapture('x86-vtd-612-vfio/vfio-after');
    const answer = JSON.parse(JSON.stringify(decodeData(decodeDump({ reader, registers }, { raw: true }))));
    expect(answer).toMatchObject({ iommu: 'intel-vtd', unknown: [] });
    expect(answer.domains[1].ranges[0]).toMatchObject({ iova: '0xfffc0000', perms: 'rw', leafBytes: '0x1000' });
    expect(answer.domains[1].leaves[0]).toEqual({
      iova: '0xfffc0000',
      pa: '0x145f32000',
      size: '0x1000',
      level: 1,
      entry: '0x145f32003',
    });
  });
});

describe('walk', () => {
  it('shows each level, and the reason of a fault under the name of its event', () => {
    const { reader, registers } = readCapture('arm64-smmuv3-612-vfio/vfio-mapped');
    const [walk] = walkAddress({ reader, registers }, 0x100002000n, { stream: 48, access: { kind: 'write' } });
    expect(walk?.steps.map(({ level }) => level)).toEqual([0, 1, 2, 3]);
    expect(walk?.result).toMatchObject({ ok: false, reason: 'permission-write', syndrome: 'F_PERMISSION' });
    expect(walkData(0x100002000n, walk === undefined ? [] : [walk])).toMatchObject({
      iova: '0x100002000',
      fault: { reason: 'permission-write', stage: 1, level: 3, syndrome: 'F_PERMISSION' },
    });
  });

  it('without a stream, walks every domain and puts those that map the address first', () => {
    const { reader, registers } = readCapture('x86-vtd-612-vfio/vfio-mapped');
    const walks = walkAddress({ reader, registers }, 0x100000000n);
    expect(walks.length).toBeGreaterThan(3);
    expect(walks[0]).toMatchObject({ domain: 'did 6', result: { ok: true } });
    expect(walks[1]?.result).toMatchObject({ ok: false, reason: 'never-mapped' });
  });

  it.each([
    ['x86-vtd-612-vfio/vfio-mapped', 0x30, 'fault reason 0x05'],
    ['x86-amdvi-612-vfio/vfio-mapped', 0x30, 'IO_PAGE_FAULT'],
    ['riscv64-72-mod/mod-mapped', 0x30, 'Write/AMO page fault (cause 15)'],
  ])('%s: a write to nowhere is named as the unit names it', (name, stream, words) => {
    const { reader, registers } = readCapture(name);
    const [walk] = walkAddress({ reader, registers }, 0x300000000n, { stream, access: { kind: 'write' } });
    expect(walk?.result).toMatchObject({ ok: false, reason: 'never-mapped', syndrome: expect.stringContaining(words) });
  });

  it('a requester without a context has its reason', () => {
    const { reader, registers } = readCapture('x86-vtd-612-vfio/vfio-mapped');
    const [walk] = walkAddress({ reader, registers }, 0n, { stream: 0x500 });
    expect(walk?.result).toMatchObject({ reason: 'stream-out-of-range', syndrome: expect.stringContaining('0x01') });
  });
});

function plain(changes: readonly RangeChange[]): unknown[] {
  return changes.map(({ kind, iova, bytes }) => [kind, Number(iova), bytes]);
}

describe('diff', () => {
  it('finds what the plan of a capture did between two dumps', () => {
    const read = (name: string) => decodeDump(readCapture(`arm64-smmuv3-612-vfio/${name}`));
    const changes = diffDecodings(read('vfio-mapped'), read('vfio-after'));
    const total = (kind: string) => changes.filter((c) => c.kind === kind).reduce((sum, c) => sum + c.bytes, 0);
    // plan.txt: unmap 4M, 1G and 12K; map 24K over the hole of the 1G
    expect(total('removed')).toBe(0x400000 + (0x40000000 - 0x6000) + 0x3000);
    expect(total('changed')).toBe(0x6000);
    expect(total('added')).toBe(0);
    expect(diffDecodings(read('vfio-after'), read('vfio-after'))).toEqual([]);
  });

  it('cuts ranges exactly', () => {
    const make = (pages: readonly [number, number][]) => {
      const system = new System();
      const root = system.stage1(1);
      for (const [iova, pa] of pages) system.map(root, iova, pa);
      return decodeDump(system.input);
    };
    const before = make([0, 1, 2, 3, 4, 5].map((i) => [0x10000 + i * 4096, 0x40010000 + i * 4096]));
    const after = make([
      [0x11000, 0x40011000],
      [0x12000, 0x50000000],
      [0x13000, 0x50001000],
      [0x16000, 0x40016000],
    ]);
    expect(plain(diffDecodings(before, after))).toEqual([
      ['removed', 0x10000, 0x1000],
      ['changed', 0x12000, 0x2000],
      ['removed', 0x14000, 0x2000],
      ['added', 0x16000, 0x1000],
    ]);
  });
});
