import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createModel } from '../../src/hardware/models.ts';
import { VTD_FAULTS, vtdFaultText } from '../../src/hardware/vt-d/faults.ts';
import { type Capture, readCapture } from './captures.ts';

function modelOf({ reader, registers }: Capture) {
  const model = createModel(registers.iommu, reader, registers.named);
  if (model === undefined) throw new Error(registers.iommu);
  return model;
}

describe('faults that real drivers recorded, foretold from the tables before them', () => {
  it('VT-d: the reason codes of the kernel log', () => {
    const model = modelOf(readCapture('x86-vtd-612-vfio/vfio-mapped'));
    const log = readFileSync(new URL('../captures/x86-vtd-612-vfio/dmesg_faults.txt', import.meta.url), 'utf8');
    const lines = [
      ...log.matchAll(/\[DMA (Read|Write)[^\]]*\].*fault addr 0x([0-9a-f]+) \[fault reason 0x([0-9a-f]+)\]/g),
    ];
    // The last ones came after the unmaps, from tables that this capture does not show
    const early = lines.filter(([, , address]) => address?.startsWith('3000') || address?.startsWith('1000'));
    expect(early.length).toBeGreaterThanOrEqual(3);
    for (const [, access, address, code] of early) {
      const kind = access === 'Read' ? 'read' : 'write';
      const { result } = model.translate(0x30, BigInt(`0x${address}`), { kind });
      expect(result).toMatchObject({ ok: false, syndrome: vtdFaultText(Number(`0x${code}`)) });
    }
  });

  it('RISC-V: the causes in the fault queue', () => {
    const before = modelOf(readCapture('riscv64-72-mod/mod-mapped'));
    const { reader, registers } = readCapture('riscv64-72-mod/mod-faulted');
    const base = Number(((registers.named.get('FQB') ?? 0n) >> 10n) & ((1n << 44n) - 1n)) * 4096;
    const tail = Number(registers.named.get('FQT') ?? 0n);
    expect(tail).toBeGreaterThan(0);
    for (let i = 0; i < tail; i++) {
      const head = reader.read64(base + i * 32) ?? 0n;
      const cause = Number(head & 0xfffn);
      const iova = reader.read64(base + i * 32 + 16) ?? 0n;
      const { result } = before.translate(Number(head >> 40n), iova, { kind: cause === 15 ? 'write' : 'read' });
      expect(result).toMatchObject({ ok: false, syndrome: expect.stringContaining(`cause ${cause})`) });
    }
  });

  it('every VT-d code has words of its own', () => {
    expect(new Set(VTD_FAULTS.values()).size).toBe(VTD_FAULTS.size);
    expect(vtdFaultText(0xee)).toContain('not defined');
  });
});
