/** Commands bit by bit: words as real kernels wrote them, and the fields that the specifications give. */
import { describe, expect, it } from 'vitest';
import { Domain } from '../../../src/core/index.ts';
import { type DriverFactory, driverById, RiscvUnit } from '../../../src/drivers/index.ts';
import { TableMemory } from '../../../src/memory/index.ts';
import { Meter } from '../../../src/meter/index.ts';
import { RecordingPort } from '../helpers.ts';
import { K4, K64, M2, mapLeaves, RW } from './helpers.ts';

/** Registers that answer as a unit that does everything at once. */
class EagerPort extends RecordingPort {
  constructor(answers: (port: EagerPort, offset: number) => number | bigint) {
    super();
    this.answers = (offset) => answers(this, offset);
  }
}

const ENTRY_MASK = (1n << 52n) - 1n;

/** What a driver put into its ring during some work, two quadwords an entry, ring addresses by the register of the base. */
function words(
  make: (port: EagerPort) => DriverFactory,
  answers: (port: EagerPort, offset: number) => number | bigint,
  queue: { base: number; ppn?: boolean; tail: number; bytes: number; shift: number },
  format: string,
  work: (domain: Domain) => void,
): string[] {
  const port = new EagerPort(answers);
  const domain = new Domain({ format, driver: make(port) });
  const value = BigInt(port.last(queue.base) ?? 0n) & ENTRY_MASK;
  const base = queue.ppn === true ? (value >> 10n) * 4096n : value & ~0xfffn;
  const from = Number(port.last(queue.tail)) >>> queue.shift;
  work(domain);
  const to = Number(port.last(queue.tail)) >>> queue.shift;
  const { memory } = domain;
  return Array.from({ length: to - from }, (_, i) => {
    const at = Number(base) + queue.bytes * (from + i);
    return [0, 8].map((offset) => (memory.read64(at + offset) ?? -1n).toString(16)).join(' ');
  });
}

const SMMU = { base: 0x90, tail: 0x98, bytes: 16, shift: 0 } as const;
const smmuAnswers = (port: EagerPort, offset: number): number | bigint =>
  offset === 0x24 ? (port.last(0x20) ?? 0) : offset === 0x9c ? (port.last(0x98) ?? 0) : 0;

function smmu(options: object, work: (domain: Domain) => void, format = 'arm-64-lpae-s1'): string[] {
  return words((port) => driverById('arm-smmu-v3').make({ port, ...options }), smmuAnswers, SMMU, format, work);
}

const SYNC = 'fc02046 0';

describe('SMMUv3 commands', () => {
  it.each([
    ['a block of 2M, ASID 5', { tag: 5 }, 0x1_4020_0000, M2, 'largest', ['5000000900012 140200601', SYNC]],
    ['a page of 4K', { tag: 1 }, 0xffff6000, K4, '4K', ['1000000000012 ffff6701', SYNC]],
    ['64K of 4K', { tag: 3 }, 0xfffb0000, K64, '4K', ['3000000400012 fffb0701', SYNC]],
    ['without ranges', { tag: 3, rangeInvalidation: false }, 0xfffb0000, K4, '4K', ['3000000000012 fffb0001', SYNC]],
  ] as const)('%s', (_name, options, iova, bytes, leaves, expected) => {
    const sent = smmu(options, (domain) => {
      mapLeaves(domain, iova, bytes, leaves);
      domain.unmap(iova, bytes);
    });
    expect(sent).toEqual(expected);
  });

  it('a table: all levels without a level hint; one page more where a count would say nothing', () => {
    const sent = smmu({ kernel: '6.1', tag: 2 }, (domain) => {
      mapLeaves(domain, 2 ** 32, M2, '4K');
      domain.unmap(2 ** 32, M2);
    });
    expect(sent).toEqual(['2000000900012 100000400', SYNC]);
  });

  it.each([
    [1, 1],
    [31, 1],
    [33, 2],
    [48, 1],
    [63, 2],
    [65, 2],
    [511, 2],
  ])('%i pages are %i commands, which together name each page once', (pages, commands) => {
    const iova = 2 ** 32;
    const sent = smmu({ tag: 1 }, (domain) => {
      mapLeaves(domain, iova, pages * K4, '4K');
      domain.unmap(iova, pages * K4);
    });
    const ranges = sent
      .filter((text) => text !== SYNC)
      .map((text) => text.split(' ').map((word) => BigInt(`0x${word}`)));
    expect(ranges.length).toBe(commands);
    let next = BigInt(iova);
    for (const [first = 0n, second = 0n] of ranges) {
      expect(second & ~0xfffn).toBe(next);
      next += (((first >> 12n) & 31n) + 1n) * 2n ** ((first >> 20n) & 31n) * 4096n;
    }
    expect(next).toBe(BigInt(iova + pages * K4));
  });

  it('VMIDs, device TLBs and the whole address space', () => {
    const s2 = smmu(
      { tag: 7 },
      (domain) => {
        domain.map(K4, 0, K4, RW);
        domain.unmap(K4, K4);
        domain.flushAll();
      },
      'arm-64-lpae-s2',
    );
    expect(s2).toEqual(['70000002a 1701', SYNC, '700000028 0', SYNC]);
    const ats = smmu({ tag: 1, ats: true, streams: [3] }, (domain) => {
      mapLeaves(domain, 0x1000_0000, M2, 'largest');
      domain.unmap(0x1000_0000, M2);
      domain.flushAll();
    });
    const all = ['1000000000011 0', SYNC, '300000040 34', SYNC];
    expect(ats).toEqual(['1000000900012 10000601', SYNC, '300000040 10000009', SYNC, ...all]);
  });
});

const VTD = { base: 0x90, tail: 0x88, bytes: 16, shift: 4 } as const;

const quad = (memory: TableMemory, address: number): bigint => memory.read64(address) ?? 0n;
const written = (port: EagerPort, offset: number): bigint => BigInt(port.last(offset) ?? 0n);

/** Does what the wait descriptors of a queue ask for. */
function storeWaits(memory: TableMemory, port: EagerPort, bytes: number): void {
  const base = Number(written(port, 0x90) & ~0xfffn);
  for (let entry = base; entry < base + Number(written(port, 0x88)); entry += bytes) {
    const low = quad(memory, entry);
    if ((low & 0xfn) === 5n) memory.write32(Number(quad(memory, entry + 8)), Number(low >> 32n));
  }
}

/** Does what the COMPLETION_WAITs of a buffer ask for. */
function storeCompletions(memory: TableMemory, port: EagerPort): void {
  const base = Number(written(port, 0x8) & 0xffffffffff000n);
  for (let entry = base; entry < base + Number(written(port, 0x2008)); entry += 16) {
    const low = quad(memory, entry);
    if (low >> 60n === 1n) memory.write64(Number(low & 0xffffffffffff8n), quad(memory, entry + 8));
  }
}

/** Answers of a VT-d unit that is on, and completes what waits by its status slots. */
function vtd(options: object, format: string, work: (domain: Domain) => void): string[] {
  const bytes = format === 'x86-64' ? 32 : 16;
  const shift = bytes === 32 ? 5 : 4;
  const make = (port: EagerPort): DriverFactory => {
    return (context) => {
      const { memory } = context;
      port.answers = (offset) => {
        if (offset === 0x34) storeWaits(memory, port, bytes);
        if (offset === 0x80) return Number(port.last(0x88) ?? 0);
        return offset === 0x1c ? 0xc4000000 : 0;
      };
      return driverById('intel-vtd').make({ port, ...options })(context);
    };
  };
  return words(make, (port, offset) => port.answers(offset), { ...VTD, bytes, shift }, format, work);
}

const withoutWaits = (sent: readonly string[]): string[] => sent.filter((text) => !text.startsWith('200000025 '));

describe('VT-d descriptors', () => {
  it.each([
    ['6.1, a page', { kernel: '6.1', did: 4 }, 'vtd-ss', 0xfffb1000, K4, '400f2 fffb1000'],
    ['6.12, a page', { kernel: '6.12', did: 4 }, 'vtd-ss', 0xfff60000, K4, '400f2 fff60040'],
    ['6.12, 64 pages', { kernel: '6.12', did: 4 }, 'vtd-ss', 0xffe40000, 64 * K4, '400f2 ffe40046'],
    ['7.3, first stage', { kernel: '7.3', did: 3 }, 'x86-64', 0xfff60000, 32 * K4, '30036 fff60045'],
    ['without draining', { did: 4, draining: false }, 'vtd-ss', 0xfff60000, K4, '40032 fff60040'],
    ['a range of two pages over a boundary', { did: 4 }, 'vtd-ss', 0x1ff000, 2 * K4, '400f2 4a'],
    ['more than MAMV', { did: 4, mamv: 5 }, 'vtd-ss', 0xffe40000, 64 * K4, '400e2 0'],
  ])('Linux %s', (_name, options, format, iova, bytes, expected) => {
    const sent = vtd(options, format, (domain) => {
      mapLeaves(domain, iova, bytes, '4K');
      domain.unmap(iova, bytes);
    });
    expect(withoutWaits(sent)).toEqual([expected]);
    expect(sent.length).toBe(2);
  });

  it('a flush of everything, device TLBs included', () => {
    const first = vtd({ did: 4 }, 'x86-64', (domain) => domain.flushAll());
    expect(withoutWaits(first)).toEqual(['40026 0']);
    const ats = vtd({ did: 4, ats: true, sources: [0x10] }, 'vtd-ss', (domain) => domain.flushAll());
    expect(withoutWaits(ats)).toEqual(['400e2 0', '1000000003 7ffffffffffff001']);
  });
});

describe('AMD-Vi commands', () => {
  const amd = (options: object, work: (domain: Domain) => void): string[] => {
    const make = (port: EagerPort): DriverFactory => {
      return (context) => {
        const { memory } = context;
        port.answers = (offset) => {
          storeCompletions(memory, port);
          if (offset === 0x2000) return Number(port.last(0x2008) ?? 0);
          return offset === 0x2020 ? 0x10 : 0;
        };
        return driverById('amd-vi').make({ port, ...options })(context);
      };
    };
    const queue = { base: 0x8, tail: 0x2008, bytes: 16, shift: 4 };
    const sent = words(make, (port, offset) => port.answers(offset), queue, 'amd-v1', work);
    return sent.filter((text) => !text.startsWith('1000'));
  };

  it.each([
    ['one page', 0xffec8000, K4, '3000000300000000 ffec8002'],
    ['three pages, widened to eight', 0xffd53000, 3 * K4, '3000000300000000 ffd53003'],
    ['64K', 0xffd50000, K64, '3000000300000000 ffd57003'],
  ])('%s', (_name, iova, bytes, expected) => {
    const sent = amd({ domainId: 3 }, (domain) => {
      mapLeaves(domain, iova, bytes, '4K');
      domain.unmap(iova, bytes);
    });
    expect(sent).toEqual([expected]);
  });

  it('everything; and leaves only, by Linux 7.3', () => {
    expect(amd({ domainId: 2 }, (domain) => domain.flushAll())).toEqual(['3000000200000000 7ffffffffffff003']);
    const sent = amd({ domainId: 2, kernel: '7.3' }, (domain) => {
      domain.map(K4, 0, K4, RW);
      domain.unmap(K4, K4);
    });
    expect(sent).toEqual(['3000000200000000 1000']);
  });
});

describe('RISC-V IOMMU commands', () => {
  const answers = (port: EagerPort, offset: number): number | bigint => {
    if (offset === 0x20) return port.last(0x24) ?? 0;
    return offset === 0x48 || offset === 0x4c ? 0x10001 : 0;
  };
  const riscv = (options: object, work: (domain: Domain) => void): string[] =>
    words(
      (port) => driverById('riscv-iommu').make({ port, ...options }),
      answers,
      { base: 0x18, ppn: true, tail: 0x24, bytes: 16, shift: 0 },
      'riscv-sv48',
      work,
    );

  it('a page, a range, the whole address space', () => {
    const page = riscv({ pscid: 2 }, (domain) => {
      domain.map(0x12345000, 0, K4, RW);
      domain.unmap(0x12345000, K4);
      domain.flushAll();
    });
    const fence = '3002 0';
    expect(page).toEqual(['100002401 48d1400', fence, '100002001 0', fence]);
    const range = riscv({ pscid: 2, naturalRanges: true }, (domain) => {
      mapLeaves(domain, 0x10000, K64, '4K');
      domain.unmap(0x10000, K64);
    });
    expect(range).toEqual(['100002401 5e00', fence]);
  });

  it('a device context that becomes valid is invalidated, too', () => {
    const memory = new TableMemory();
    const port = new EagerPort(answers);
    const unit = new RiscvUnit(memory, new Meter(), { port });
    const base = Number(((BigInt(port.last(0x18) ?? 0n) & ENTRY_MASK) >> 10n) * 4096n);
    const driver = driverById('riscv-iommu').make({ unit, devices: [0x10], pscid: 1 });
    const domain = new Domain({ format: 'riscv-sv48', memory, driver });
    const entry = (i: number): string =>
      [0, 8].map((offset) => (memory.read64(base + 16 * i + offset) ?? -1n).toString(16)).join(' ');
    expect([0, 1, 2].map(entry)).toEqual(['3 0', '1 0', '3002 0']);
    expect([3, 4, 5].map(entry)).toEqual(['100200000003 0', '100001001 0', '3002 0']);
    domain.free();
    unit.free();
    expect(memory.liveTables).toBe(0);
  });
});
