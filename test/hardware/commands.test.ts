import { describe, expect, it } from 'vitest';
import { AMD_COMMANDS } from '../../src/hardware/amd-vi/commands.ts';
import type { CommandDecoder } from '../../src/hardware/command.ts';
import { scopeText } from '../../src/hardware/command.ts';
import { commandQueue, queueContents } from '../../src/hardware/queue.ts';
import { RISCV_COMMANDS } from '../../src/hardware/riscv/commands.ts';
import { SMMU_V3_COMMANDS } from '../../src/hardware/smmu-v3/commands.ts';
import { VIRTIO_REQUESTS } from '../../src/hardware/virtio/requests.ts';
import { VTD_DESCRIPTORS, VTD_WIDE_DESCRIPTORS } from '../../src/hardware/vt-d/descriptors.ts';
import { captures, readCapture } from './captures.ts';
import { PagesReader } from './memory.ts';

const words = (...quads: bigint[]): Uint32Array =>
  Uint32Array.from(quads.flatMap((quad) => [Number(quad & 0xffff_ffffn), Number(quad >> 32n)]));

const covers = (decoder: CommandDecoder, ...quads: bigint[]): string =>
  scopeText(decoder.decode(words(...quads)).scope);

describe('the commands of recorded queues', () => {
  it.each(captures('arm64-smmuv3', 'x86-vtd', 'x86-amdvi', 'riscv64'))(
    '%s: each is known, with no reserved bit',
    (name) => {
      const { reader, registers } = readCapture(name);
      const queue = commandQueue(registers.iommu, registers.named);
      if (queue === undefined) throw new Error('no queue');
      expect(queue.problems).toEqual([]);
      const { commands } = queueContents(reader, queue);
      expect(commands.length).toBeGreaterThan(0);
      const bad = commands.filter(({ command }) => command.type === undefined || command.reserved);
      expect(bad.map(({ index, command }) => [index, command.name])).toEqual([]);
      expect(commands.filter(({ command }) => command.scope.kind === 'illegal')).toEqual([]);
      expect(commands.some(({ command }) => command.scope.kind === 'completion')).toBe(true);
      const order = commands.map(({ index }) => (index - queue.tail + queue.entries) % queue.entries);
      expect(order).toEqual([...order].sort((a, b) => a - b));
    },
  );
});

describe('what a command covers', () => {
  it.each([
    [0x0005000000900012n, 0x140200601n, 'TLB stage 1, domain 0, space 5, 0x140200000, 512 pages of 4K, leaves only'],
    [0x0005000000000012n, 0x140200000n, 'TLB stage 1, domain 0, space 5, 0x140200000, 1 page of 4K, all levels'],
    [0x0005000000000011n, 0n, 'TLB stage 1, domain 0, space 5, every address, all levels'],
    [0x28n + (7n << 32n), 0n, 'TLB, domain 7, every address, all levels'],
    [0x30n, 0n, 'TLB, every address, all levels'],
    [0x0003_0000_0000n + 0x40n, 0x1000_0009n, 'device TLB, stream 3, 0x10000000, 512 pages of 4K'],
    [0x0003_0000_0000n + 0x40n, 52n, 'device TLB, stream 3, every address'],
    [0x0003_0000_0000n + 0x03n, 1n, 'configuration, stream 3'],
    [0x04n, 31n, 'configuration'],
    [0x0fc02046n, 0n, 'completion'],
    [0x1046n, 0x8000_0000n, 'completion, stores 4 bytes at 0x80000000'],
    [0x3046n, 0n, 'illegal'],
    [0x0005000000000012n, 0x140200401n, 'illegal'],
    [0xffn, 0n, 'illegal'],
  ])('SMMUv3 %#x %#x', (low, high, text) => {
    expect(covers(SMMU_V3_COMMANDS, low, high)).toBe(text);
  });

  it('an address at the very top is exact', () => {
    const { scope } = SMMU_V3_COMMANDS.decode(words(0x0005000000000012n, 0xffff_ffff_ffff_f000n));
    expect(BigInt(scope.first)).toBe(0xf_ffff_ffff_ffffn);
  });

  it.each([
    [0x400f2n, 0xfffb1000n, 'TLB stage 2, domain 4, 0xfffb1000, 1 page of 4K, all levels'],
    [0x400f2n, 0xfff60040n, 'TLB stage 2, domain 4, 0xfff60000, 1 page of 4K, leaves only'],
    [0x30036n, 0xfff60045n, 'TLB stage 1, domain 3, space 0, 0xfff60000, 32 pages of 4K, leaves only'],
    [0x40026n, 0n, 'TLB stage 1, domain 4, space 0, every address, all levels'],
    [0xe2n + (4n << 16n), 0n, 'TLB, domain 4, every address, all levels'],
    [0xd2n, 0n, 'TLB, every address, all levels'],
    [0x31n + (4n << 16n) + (0x10n << 32n), 0n, 'configuration, domain 4, stream 16'],
    [0x11n, 0n, 'configuration'],
    [0x3n + (0x10n << 32n), 0x7fff_ffff_ffff_f001n, 'device TLB, stream 16, every address'],
    [0x3n + (0x10n << 32n), 0x1000_1001n, 'device TLB, stream 16, 0x10000000, 4 pages of 4K'],
    [0x0000000200000025n, 0x1234_5678n, 'completion, stores 4 bytes at 0x12345678'],
    [0xdn, 0n, 'illegal'],
    [0x400f2n, 0xfffb1080n, 'illegal'],
  ])('VT-d %#x %#x', (low, high, text) => {
    expect(covers(VTD_DESCRIPTORS, low, high)).toBe(text);
    expect(covers(VTD_WIDE_DESCRIPTORS, low, high, 0n, 0n)).toBe(text);
  });

  it('a wide VT-d descriptor has 16 further bytes, which are 0', () => {
    expect(covers(VTD_WIDE_DESCRIPTORS, 0xd2n, 0n, 1n, 0n)).toBe('illegal');
  });

  it.each([
    [(3n << 60n) | (5n << 32n), 0x1000_0000n, 'TLB stage 2, domain 5, 0x10000000, 1 page of 4K, leaves only'],
    [(3n << 60n) | (5n << 32n), 0x1000_7003n, 'TLB stage 2, domain 5, 0x10000000, 16 pages of 4K, all levels'],
    [(3n << 60n) | (5n << 32n), 0x7fff_ffff_ffff_f003n, 'TLB stage 2, domain 5, every address, all levels'],
    [(3n << 60n) | (5n << 32n) | 9n, 0x1006n, 'TLB stage 1, domain 5, space 9, 0x1000, 1 page of 4K, all levels'],
    [(4n << 60n) | 0x20n, 0x1000n, 'device TLB, stream 32, 0x1000, 1 page of 4K'],
    [(2n << 60n) | 0x20n, 0n, 'configuration, stream 32'],
    [8n << 60n, 0n, 'TLB, every address, all levels'],
    [(1n << 60n) | 0x8000_0001n, 7n, 'completion, stores 8 bytes at 0x80000000'],
    [0xfn << 60n, 0n, 'illegal'],
    [(2n << 60n) | 0x1_0020n, 0n, 'illegal'],
  ])('AMD-Vi %#x %#x', (low, high, text) => {
    expect(covers(AMD_COMMANDS, low, high)).toBe(text);
  });

  it.each([
    [
      1n | (1n << 10n) | (1n << 32n) | (6n << 12n),
      0x1000n << 10n,
      'TLB stage 1, domain 65536, space 6, 0x1000000, 1 page of 4K, leaves only',
    ],
    [
      1n | (1n << 10n) | (1n << 34n),
      (3n << 10n) | (1n << 9n),
      'TLB stage 1, domain 65536, 0x0, 8 pages of 4K, all levels',
    ],
    [1n | (1n << 33n) | (2n << 44n), 0n, 'TLB stage 1, domain 2, every address, all levels'],
    [1n | (1n << 7n), 0n, 'TLB stage 2, every address, all levels'],
    [1n | (1n << 7n) | (1n << 32n), 0n, 'illegal'],
    [3n | (1n << 33n) | (0x10n << 40n), 0n, 'configuration, stream 16'],
    [3n, 0n, 'configuration'],
    [3n | (1n << 7n), 0n, 'illegal'],
    [0x3002n, 0n, 'completion'],
    [0x3402n | (7n << 32n), 0x8000_0000n >> 2n, 'completion, stores 4 bytes at 0x80000000'],
    [7n, 0n, 'illegal'],
  ])('RISC-V %#x %#x', (low, high, text) => {
    expect(covers(RISCV_COMMANDS, low, high)).toBe(text);
  });

  it('virtio: an unmapping covers its pages, both ends included', () => {
    const unmap = Uint32Array.from([4, 9, 0x1000, 0, 0x2fff, 0, 0, 0, 0]);
    expect(scopeText(VIRTIO_REQUESTS.decode(unmap).scope)).toBe('TLB, domain 9, 0x1000, 2 pages of 4K, all levels');
  });

  it('names what the architecture leaves unpredictable', () => {
    const low = 0x0005000000900012n;
    expect(SMMU_V3_COMMANDS.offences(words(low, 0x140201601n))).toHaveLength(1);
    expect(SMMU_V3_COMMANDS.offences(words(low, 0x140200601n))).toEqual([]);
    expect(VTD_DESCRIPTORS.offences(words(0x400f2n, 0x200000n + 10n), { maxAddressMask: 9 })).toHaveLength(2);
  });
});

describe('registers of a queue that make no sense', () => {
  it.each([
    ['arm-smmu-v3', { CMDQ_BASE: 0x8000001fn, CMDQ_PROD: 0n, CMDQ_CONS: 0n }, 'CMDQ_BASE.LOG2SIZE 31 is beyond 19'],
    ['arm-smmu-v3', { CMDQ_BASE: 0x80000004n, CMDQ_PROD: 0x3n, CMDQ_CONS: 0x4n }, 'CMDQ_PROD is more than the queue'],
    ['intel-vtd', { IQA: 0x80000000n, IQH: 0x10n, IQT: 0x1000n }, 'the tail is entry 256 of a queue of 256'],
    ['intel-vtd', { IQA: 0x80000800n, IQH: 0x10n, IQT: 0n }, 'IQH 0x10 is not a multiple of 32'],
    ['amd-vi', { CMD_BUF_BASE: 0x80000000n, CMD_HEAD: 0n, CMD_TAIL: 0n }, 'CMD_BUF_BASE.ComLen 0 is below 8'],
    ['riscv-iommu', { CQB: 0x20000001n, CQH: 9n, CQT: 0n }, 'the head is entry 9 of a queue of 4'],
    ['riscv-iommu', { CQB: 0x2000001fn }, 'a queue of 4294967296 entries'],
    ['intel-vtd', { IQA: 0xffff_ffff_ffff_f000n }, 'beyond 2^53'],
  ])('%s %o', (iommu, registers, problem) => {
    const named = new Map(Object.entries(registers as Record<string, bigint>));
    const queue = commandQueue(iommu, named);
    expect(queue?.problems.join('; ')).toContain(problem);
    if (queue === undefined) return;
    expect(queue.head).toBeLessThan(queue.entries);
    expect(queueContents(new PagesReader(), queue)).toMatchObject({
      commands: [],
      missing: Math.min(queue.entries, 2 ** 20),
    });
  });

  it('a full SMMUv3 queue waits with every entry, and an entry whose store cleared its first word is a sync', () => {
    const reader = new PagesReader();
    const page = new Uint8Array(4096);
    const view = new DataView(page.buffer);
    for (let i = 0; i < 16; i++) view.setUint32(16 * i, 0x11, true);
    view.setUint32(16, 0, true);
    view.setUint32(24, 0x8000_0010, true);
    reader.put(0x8000_0000, page);
    const registers = new Map([
      ['CMDQ_BASE', 0x80000004n],
      ['CMDQ_PROD', 0x13n],
      ['CMDQ_CONS', 0x3n],
    ]);
    const queue = commandQueue('arm-smmu-v3', registers);
    if (queue === undefined) throw new Error('no queue');
    const { commands } = queueContents(reader, queue);
    expect([queue.waiting, commands.length, commands[0]?.index]).toEqual([16, 16, 3]);
    expect(commands.every(({ state }) => state === 'waiting')).toBe(true);
    expect(commands.find(({ index }) => index === 1)?.command.name).toBe('CMD_SYNC');
  });
});
