import { describe, expect, it } from 'vitest';
import { Domain } from '../../src/core/domain.ts';
import type { DomainOptions } from '../../src/core/options.ts';
import { type ArmSmmuOptions, armSmmu } from '../../src/drivers/arm-smmu/arm-smmu.ts';
import { IommuError } from '../../src/errors.ts';
import { RecordingPort } from './helpers.ts';

const K4 = 4096;
const M2 = 2 ** 21;
const RW = 3;
const SYNC_TIMEOUT = /expected the TLB synchronisation to end within \d+ polls, got none/;

/** Byte offset of a context-bank register: banks follow 16 pages of 4K (IDR1.NUMPAGENDXB for 32 pages). */
function bank(number: number, register: number): number {
  return (16 + number) * 0x1000 + register;
}

const TCR = 0x30;
const TCR2 = 0x10;
const TTBR0 = 0x20;
const TTBR1 = 0x28;
const MAIR0 = 0x38;
const MAIR1 = 0x3c;
const CONTEXTIDR = 0x34;
const SCTLR = 0x0;
const TLBIVA = 0x600;
const TLBIASID = 0x610;
const TLBIVAL = 0x620;
const TLBIIPAS2 = 0x630;
const TLBIIPAS2L = 0x638;
const TLBSYNC = 0x7f0;
const TLBSTATUS = 0x7f4;
const TLBIVMID = 0x64;
const GLOBAL_SYNC = 0x70;

function made(options: DomainOptions, smmu: ArmSmmuOptions = {}): { domain: Domain; port: RecordingPort } {
  const port = new RecordingPort();
  return { domain: new Domain({ ...options, driver: armSmmu({ ...smmu, port }) }), port };
}

describe('context-bank registers', () => {
  it('stage 1, 4K, 48 bits, coherent', () => {
    const { domain, port } = made({}, { contextBank: 3 });
    expect(port.last(bank(3, TCR))).toBe(0x00803510);
    expect(port.last(bank(3, TCR2))).toBe(0x00038015);
    expect(port.last(bank(3, SCTLR))).toBe(0x1067);
    expect(port.last(bank(3, MAIR0))).toBe(0xf404ff44);
    expect(port.last(bank(3, MAIR1))).toBe(0xffffffff);
    const root = domain.registers['ttbr'] ?? 0n;
    expect(port.last(bank(3, TTBR0))).toBe(root | (3n << 48n));
    expect(port.last(bank(3, TTBR1))).toBe(3n << 48n);
    expect(port.last(0x1000 + 4 * 3)).toBe(0x1f300);
    expect(port.last(0x1800 + 4 * 3)).toBe(1);
  });

  it('stage 1, not coherent', () => {
    expect(made({ coherent: false }).port.last(bank(0, TCR))).toBe(0x00802010);
  });

  it('the upper half', () => {
    const { domain, port } = made({ quirks: ['ARM_TTBR1'] }, { contextBank: 2 });
    expect(port.last(bank(2, TCR))).toBe(0xb5100080);
    expect(port.last(bank(2, TTBR0))).toBe(2n << 48n);
    expect(port.last(bank(2, TTBR1))).toBe((domain.registers['ttbr'] ?? 0n) | (2n << 48n));
  });

  it('stage 2: VTCR, the VMID is the bank and one', () => {
    const { domain, port } = made({ format: 'arm-64-lpae-s2' }, { contextBank: 4 });
    expect(port.last(bank(4, TCR))).toBe(0x80053590);
    expect(port.last(bank(4, TTBR0))).toBe(domain.registers['vttbr']);
    expect(port.last(bank(4, SCTLR))).toBe(0x67);
    expect(port.last(0x1000 + 4 * 4)).toBe(5);
  });

  it('short descriptors: PRRR, NMRR, CONTEXTIDR', () => {
    const { domain, port } = made({ format: 'arm-v7s' }, { contextBank: 1 });
    expect(port.last(bank(1, TCR))).toBe(0);
    expect(port.last(bank(1, MAIR0))).toBe(0x800b8204);
    expect(port.last(bank(1, MAIR1))).toBe(0x40004000);
    expect(port.last(bank(1, CONTEXTIDR))).toBe(1);
    expect(port.last(bank(1, TTBR0))).toBe(Number(domain.registers['ttbr']));
    expect(port.last(bank(1, TTBR1))).toBe(0);
    expect(port.last(0x1800 + 4)).toBe(0);
  });

  it('32-bit LPAE sets EAE', () => {
    const tcr = Number(made({ format: 'arm-32-lpae-s1' }).port.last(bank(0, TCR)));
    expect(tcr >>> 31).toBe(1);
  });

  it('streams lead to the bank', () => {
    const { port } = made({}, { contextBank: 6, streams: [0x10, 0x22] });
    expect([port.last(0xc00), port.last(0xc04)]).toEqual([6, 6]);
    expect([port.last(0x800), port.last(0x804)]).toEqual([0x80000010, 0x80000022]);
  });

  it('a format that no SMMUv2 walks is refused', () => {
    expect(() => made({ format: 'apple-dart' })).toThrow(IommuError);
    expect(() => made({}, { contextBank: 16 })).toThrow(IommuError);
  });

  it('writes are counted alike with and without a port', () => {
    const count = (driver: DomainOptions['driver']): number => {
      const domain = new Domain(driver === undefined ? {} : { driver });
      domain.map(0x5000, 0x40000000, 16 * K4, RW);
      domain.unmap(0x5000, 16 * K4);
      return domain.meter.registerWrites;
    };
    expect(count(armSmmu())).toBe(count(armSmmu({ port: new RecordingPort() })));
  });
});

describe('TLB maintenance', () => {
  it('AArch64 stage 1: TLBIVAL with page number and ASID, then one sync', () => {
    const { domain, port } = made({}, { contextBank: 3 });
    domain.map(0x123456000, 0x40000000, 2 * K4, RW);
    port.writes.length = 0;
    domain.unmap(0x123456000, 2 * K4);
    expect(port.writes).toEqual([
      { offset: bank(3, TLBIVAL), value: 0x123456n | (3n << 48n) },
      { offset: bank(3, TLBIVAL), value: 0x123457n | (3n << 48n) },
      { offset: bank(3, TLBSYNC), value: 0 },
    ]);
  });

  it('the upper half: the page number of the address as the device sends it', () => {
    const { domain, port } = made({ quirks: ['ARM_TTBR1'] });
    const iova = 0xffff800000001000n;
    domain.map(iova, 0x40000000, K4, RW);
    domain.unmap(iova, K4);
    expect(port.take(bank(0, TLBIVAL))).toEqual([(iova >> 12n) & ((1n << 44n) - 1n)]);
  });

  it('AArch32: address and ASID in 32 bits', () => {
    const { domain, port } = made({ format: 'arm-v7s' }, { contextBank: 5 });
    domain.map(0x12345000, 0x40000000, K4, RW);
    domain.unmap(0x12345000, K4);
    expect(port.take(bank(5, TLBIVAL))).toEqual([0x12345005]);
  });

  it('stage 2: page number of the intermediate address', () => {
    const { domain, port } = made({ format: 'arm-64-lpae-s2' });
    domain.map(0x9876543000, 0x40000000, K4, RW);
    domain.unmap(0x9876543000, K4);
    expect(port.take(bank(0, TLBIIPAS2L))).toEqual([0x9876543n]);
  });

  it.each([
    ['arm-64-lpae-s1', TLBIVA, 512],
    ['arm-64-lpae-s2', TLBIIPAS2, 512],
  ] as const)('%s: a table of 2M takes an operation a granule and a sync of its own', (format, register, count) => {
    const { domain, port } = made({ format });
    domain.map(M2, 0x40001000, M2, RW);
    domain.meter.reset();
    port.writes.length = 0;
    domain.unmap(M2, M2);
    expect(domain.meter.tlbAddress).toBe(count);
    expect(domain.meter.tlbSync).toBe(2);
    expect(port.take(bank(0, register)).length).toBe(count);
  });

  it('by ASID: one operation a table', () => {
    const { domain, port } = made({}, { contextBank: 7, tableInvalidation: 'asid' });
    domain.map(M2, 0x40001000, 4 * M2, RW);
    domain.meter.reset();
    port.writes.length = 0;
    domain.unmap(M2, 4 * M2);
    expect([domain.meter.tlbAsid, domain.meter.tlbAddress]).toEqual([4, 0]);
    expect(port.take(bank(7, TLBIASID))).toEqual([7, 7, 7, 7]);
  });

  it('everything: TLBIASID at stage 1, TLBIVMID and a global sync at stage 2', () => {
    const first = made({}, { contextBank: 2 });
    first.domain.flushAll();
    expect(first.port.take(bank(2, TLBIASID))).toEqual([2]);
    const second = made({ format: 'arm-64-lpae-s2' }, { contextBank: 2 });
    second.port.writes.length = 0;
    second.domain.flushAll();
    expect(second.port.writes).toEqual([
      { offset: TLBIVMID, value: 3 },
      { offset: GLOBAL_SYNC, value: 0 },
    ]);
  });

  it('coherent walks take a wmb before each invalidation, others none', () => {
    const barriers = (coherent: boolean): number => {
      const { domain } = made({ coherent });
      domain.map(0x5000, 0x40000000, 8 * K4, RW);
      domain.meter.reset();
      domain.unmap(0x5000, 8 * K4);
      return domain.meter.wmb;
    };
    expect([barriers(true), barriers(false)]).toEqual([8, 0]);
  });
});

describe('synchronisation', () => {
  it('polls the status until it is clear', () => {
    const { domain, port } = made({});
    domain.map(0x5000, 0x40000000, K4, RW);
    let busy = 3;
    port.answers = (offset) => (offset === bank(0, TLBSTATUS) && busy-- > 0 ? 1 : 0);
    domain.meter.reset();
    domain.unmap(0x5000, K4);
    expect([domain.meter.tlbSync, domain.meter.tlbPolls]).toEqual([1, 4]);
  });

  it('gives a stuck device up, by name', () => {
    const { domain, port } = made({});
    domain.map(0x5000, 0x40000000, K4, RW);
    port.answers = () => 1;
    expect(() => domain.unmap(0x5000, K4)).toThrow(SYNC_TIMEOUT);
    expect(domain.translate(0x5000)).toBe(0x40000000);
  });
});

describe('translation in hardware', () => {
  const ATS1PR = 0x800;
  const ATSR = 0x8f0;
  const PAR = 0x50;

  it.each([
    ['safe', 0xf12345678123],
    ['linux-6.1', 0x2345678123],
  ] as const)('%s: asks ATS1PR and reads PAR, 48 bits of it, Linux 40', (semantics, pa) => {
    const { domain, port } = made({ semantics }, { hardwareTranslation: true });
    port.answers = (offset) => (offset === bank(0, PAR) ? 0xff12345678900n | 0x600n : 0);
    expect(domain.translate(0xabcde123)).toBe(pa);
    expect(port.last(bank(0, ATS1PR))).toBe(0xabcde000n);
  });

  it('a fault is nothing, a device that does not answer falls back to the tables', () => {
    const { domain, port } = made({}, { hardwareTranslation: true });
    domain.map(0x5000, 0x40000000, K4, RW);
    port.answers = (offset) => (offset === bank(0, PAR) ? 1 : 0);
    expect(domain.translate(0x5000)).toBeUndefined();
    port.answers = (offset) => (offset === bank(0, ATSR) ? 1 : 0);
    expect(domain.translate(0x5010)).toBe(0x40000010);
  });
});
