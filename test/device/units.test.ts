import { describe, expect, it } from 'vitest';
import { READ, WRITE } from '../../src/hardware/walk/types.ts';
import { SYSTEMS } from './systems.ts';

const A = 0x1234_5000;
const BLOCK = 0x4000_0000;

describe.each(SYSTEMS)('a live %s', (_name, make) => {
  const pa = (system: ReturnType<typeof make>, iova: number) => system.unit.touch(system.stream, iova);
  const leafDepth = (system: ReturnType<typeof make>) => (system.name === 'riscv-iommu' ? 2 : 3);

  it('translates pages and blocks, and faults where nothing is mapped', () => {
    const system = make();
    system.map(A, 0x9000_1000);
    system.map(BLOCK, 0xa000_0000, leafDepth(system) - 1);
    expect([pa(system, A + 0x123), pa(system, BLOCK + 0x12_3456), pa(system, A + 0x1000)]).toEqual([
      0x9000_1123, 0xa012_3456, -1,
    ]);
    expect(system.unit.caches.fault?.class).toBe('translation');
    expect(system.unit.translate(system.stream, A + 8).from).toBe('tlb');
  });

  it('serves what it holds until the invalidation is complete, by default', () => {
    const system = make();
    system.map(A, 0x9000_1000);
    pa(system, A);
    system.unmap(A);
    expect(pa(system, A)).toBe(0x9000_1000);
    system.invalidate(A, true);
    expect(pa(system, A)).toBe(0x9000_1000);
    system.sync();
    expect(pa(system, A)).toBe(-1);
  });

  it('drops at consumption where that is asked for, and at random in between', () => {
    const early = make({ dropAt: 'consumption' });
    early.map(A, 0x9000_1000);
    pa(early, A);
    early.unmap(A);
    early.invalidate(A, true);
    expect(pa(early, A)).toBe(-1);
    const seen = new Set<string>();
    for (let seed = 1; seed < 40; seed++) {
      const system = make({ dropAt: 'random', seed });
      system.map(A, 0x9000_1000);
      pa(system, A);
      system.unmap(A);
      system.invalidate(A, true);
      seen.add([1, 2, 3].map(() => pa(system, A) >= 0).join());
      system.sync();
      expect(pa(system, A)).toBe(-1);
    }
    expect(seen.size).toBeGreaterThan(2);
  });

  it('keeps table entries until an invalidation of all levels', () => {
    const system = make({ tlb: { entries: 0 } });
    const depth = leafDepth(system);
    system.map(A, 0x9000_1000);
    expect(pa(system, A)).toBe(0x9000_1000);
    const parent = system.entry(A, depth - 1);
    const before = system.ram.read64(parent) ?? 0n;
    system.ram.write64(parent, 0n);
    expect(pa(system, A)).toBe(0x9000_1000);
    system.invalidate(A, true);
    system.sync();
    expect(pa(system, A)).toBe(0x9000_1000);
    system.invalidate(A, false);
    system.sync();
    expect(pa(system, A)).toBe(-1);
    system.ram.write64(parent, before);
    expect(pa(system, A)).toBe(0x9000_1000);
  });

  it('walks a table that was taken away while an entry to it is kept', () => {
    const system = make({ tlb: { entries: 0 } });
    system.map(A, 0x9000_1000);
    pa(system, A);
    const entry = system.entry(A);
    system.ram.drop(entry - (entry % 4096));
    expect(pa(system, A)).toBe(-1);
    expect(system.unit.caches.fault?.class).toBe('external-abort');
  });

  it('an invalidation of another tag or another address leaves the entry', () => {
    const system = make();
    system.map(A, 0x9000_1000);
    pa(system, A);
    system.unmap(A);
    system.invalidateTag(9);
    system.invalidate(A + 0x1000, false);
    system.sync();
    expect(pa(system, A)).toBe(0x9000_1000);
    system.invalidateTag();
    system.sync();
    expect(pa(system, A)).toBe(-1);
  });

  it('keeps its configuration until it is told, and the TLB beyond that', () => {
    const system = make({ tlb: { entries: 0 }, walkCache: { entries: 0 } });
    system.map(A, 0x9000_1000);
    pa(system, A);
    const context = system.unit.translate(system.stream, A);
    expect(context.result.ok).toBe(true);
    const entryAddress = (
      system.unit as unknown as { model: { context(s: number): { entryAddress: number } } }
    ).model.context(system.stream).entryAddress;
    const words = [0, 8].map((at) => system.ram.read64(entryAddress + at) ?? 0n);
    // V and TV of an AMD entry: translation off is an entry that blocks, not one that is not valid
    system.ram.write64(entryAddress, system.name === 'amd-vi' ? 1n : 0n);
    expect(pa(system, A)).toBe(0x9000_1000);
    system.invalidateConfig();
    system.sync();
    expect(pa(system, A)).toBe(-1);
    system.ram.put(entryAddress, ...words);
    system.invalidateConfig();
    system.sync();
    expect(pa(system, A)).toBe(0x9000_1000);
  });

  it('a device TLB outlives every invalidation but its own', () => {
    const system = make();
    system.map(A, 0x9000_1000);
    const ats = () => system.unit.caches.translateAts(system.stream, A);
    expect([ats().from, ats().from]).toEqual(['tables', 'device-tlb']);
    system.unmap(A);
    system.invalidate(A, false);
    system.sync();
    expect([pa(system, A), ats().from]).toEqual([-1, 'device-tlb']);
    system.invalidateDevice(A);
    system.sync();
    expect(ats().result.ok).toBe(false);
  });

  it('a set holds as many pages as it has ways, and a cache without limit all', () => {
    const limited = make({ tlb: { entries: 16, ways: 2 } });
    const whole = make({ tlb: { entries: Number.POSITIVE_INFINITY } });
    for (const system of [limited, whole]) {
      for (let i = 0; i < 100; i++) system.map(BLOCK + i * 4096, 0x9000_0000 + i * 4096);
      for (let i = 0; i < 100; i++) expect(pa(system, BLOCK + i * 4096)).toBe(0x9000_0000 + i * 4096);
    }
    expect([limited.unit.caches.tlb.held, limited.unit.caches.tlb.evictions]).toEqual([16, 84]);
    expect(whole.unit.caches.tlb.held).toBe(100);
    expect(pa(limited, BLOCK + 99 * 4096)).toBe(0x9000_0000 + 99 * 4096);
    expect(limited.unit.caches.tlb.hits).toBe(1);
  });

  it('a write to a page that may only be read is a permission fault', () => {
    const system = make();
    system.map(A, 0x9000_1000);
    const at = system.entry(A);
    const value = system.ram.read64(at) ?? 0n;
    const writeOff = {
      'arm-smmu-v3': value | 0x80n,
      'intel-vtd': value & ~2n,
      'amd-vi': value & ~(1n << 62n),
      'riscv-iommu': value & ~4n,
    };
    system.ram.write64(at, writeOff[system.name as keyof typeof writeOff]);
    expect(system.unit.touch(system.stream, A, READ)).toBe(0x9000_1000);
    expect(system.unit.touch(system.stream, A, WRITE)).toBe(-1);
    expect(system.unit.caches.fault?.class).toBe('permission');
  });
});
