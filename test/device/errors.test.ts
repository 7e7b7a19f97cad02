import { describe, expect, it } from 'vitest';
import { AMD_EVENT_FIELDS } from '../../src/hardware/amd-vi/events.ts';
import { decodeRecord } from '../../src/hardware/record.ts';
import { RISCV_FAULT_FIELDS } from '../../src/hardware/riscv/fault-queue.ts';
import { decodeEvent } from '../../src/hardware/smmu-v3/events.ts';
import { VTD_FAULT_FIELDS } from '../../src/hardware/vt-d/fault-record.ts';
import { WRITE } from '../../src/hardware/walk/types.ts';
import type { Ram } from './memory.ts';
import { amdSystem, riscvSystem, smmuV3System, vtdSystem } from './systems.ts';

const A = 0x1234_5000;

function wordsAt(ram: Ram, address: number, bytes: number): Uint32Array {
  return Uint32Array.from({ length: bytes / 4 }, (_, i) => ram.read32(address + 4 * i) ?? 0);
}

describe('pointers that no ring of commands has', () => {
  it('AMD: reserved bits of the tail are not looked at, so that the head meets it', () => {
    const { unit, ram } = amdSystem();
    const base = Number(unit.read64(0x8) & 0xf_ffff_ffff_f000n);
    for (let i = 0; i < 256; i++) ram.put(base + 16 * i, 3n << 60n, 3n << 60n);
    unit.write32(0x2008, 0x28);
    expect([unit.consumed, unit.read32(0x2000)]).toEqual([2, 0x20]);
  });

  it('VT-d: a queue whose descriptors became wider while its head lies between two stops, unaligned', () => {
    const { unit, ram, sync } = vtdSystem();
    sync();
    const base = unit.read64(0x90);
    for (let i = 0; i < 256; i++) ram.put(Number(base) + 16 * i, (1n << 4n) | 1n, 0n);
    unit.write64(0x90, base | 0x800n);
    unit.write64(0x88, 0x40n);
    expect([unit.consumed, unit.read32(0x34) & 0x10, unit.read32(0xb0)]).toEqual([1, 0x10, 6]);
  });
});

it.each([
  ['SMMUv3', smmuV3System, (0x99n << 32n) | 0x1046n, 1n << 55n, 1n],
  ['VT-d', vtdSystem, (0x99n << 32n) | 0x25n, 1n << 63n, 1n],
  ['RISC-V', riscvSystem, (0x99n << 32n) | 0x402n, 1n << 61n, 4n],
] as const)('%s: a completion does not store at a lower address than its command says', (_, make, low, top, unit) => {
  const stored = (bits: bigint): number | undefined => {
    const { command, ram } = make();
    const slot = ram.page();
    command(low, bits | (BigInt(slot) / unit));
    return ram.read32(slot);
  };
  expect([stored(top), stored(0n)]).toEqual([0, 0x99]);
});

describe('a live SMMUv3', () => {
  const eventBase = (system: ReturnType<typeof smmuV3System>) => Number(system.unit.read64(0xa0) & 0xffff_ffff_f000n);

  it('stops at an illegal command with CERROR_ILL, and goes on when it is acknowledged', () => {
    const { unit, command, sync } = smmuV3System();
    sync();
    command(0xffn, 0n);
    sync();
    expect([unit.read32(0x9c), unit.read32(0x60)]).toEqual([0x0100_0001, 1]);
    unit.write32(0x98, 1);
    unit.write32(0x64, 1);
    expect(unit.read32(0x9c) % 2 ** 20).toBe(1);
    unit.write32(0x98, 3);
    expect(unit.read32(0x9c)).toBe(0x0100_0001);
  });

  it('a sync finds a device that does not answer: CERROR_ATC_INV_SYNC at the sync', () => {
    const { unit, invalidateDevice, sync, stream } = smmuV3System();
    unit.silent.add(stream);
    invalidateDevice(A);
    sync();
    expect(unit.read32(0x9c)).toBe(0x0300_0001);
  });

  it('a queue that is not in memory aborts the fetch, and pointers without sense are left alone', () => {
    const { unit, ram, sync } = smmuV3System();
    ram.drop(Number(unit.read64(0x90) & 0xffff_ffff_f000n));
    sync();
    expect(unit.read32(0x9c)).toBe(0x0200_0000);
    const other = smmuV3System();
    other.unit.write32(0x98, 0x1ff);
    other.unit.write32(0x98, 0x101);
    expect(other.unit.read32(0x9c) % 512).toBeLessThan(512);
  });

  it('ignores bits of a queue’s base below its size (6.3.26)', () => {
    const { unit, ram, command, sync, stream } = smmuV3System();
    const [commands, events] = [unit.read64(0x90), unit.read64(0xa0)];
    unit.write32(0x20, 0);
    unit.write64(0x90, commands + 0x20n);
    unit.write64(0xa0, events + 0x20n);
    unit.write32(0x20, 0xd);
    expect([unit.read64(0x90), unit.read64(0xa0)]).toEqual([commands + 0x20n, events + 0x20n]);
    const slot = ram.page();
    command((0x1234n << 32n) | 0x1046n, BigInt(slot));
    sync();
    expect([ram.read32(slot), unit.read32(0x9c)]).toEqual([0x1234, 2]);
    unit.touch(stream, A, WRITE);
    expect(decodeEvent(wordsAt(ram, Number(events & 0xffff_ffff_f000n), 32)).name).toBe('F_TRANSLATION');
  });

  it('a sync with an MSI stores its data where it says', () => {
    const { unit, ram, command } = smmuV3System();
    const slot = ram.page();
    command((0x1234n << 32n) | 0x1046n, BigInt(slot));
    expect([ram.read32(slot), unit.read32(0x9c)]).toEqual([0x1234, 1]);
  });

  it('writes events bit for bit; a full queue loses them and toggles OVFLG once', () => {
    const system = smmuV3System();
    const { unit, ram, stream } = system;
    unit.touch(stream, A, WRITE);
    const record = decodeEvent(wordsAt(ram, eventBase(system), 32));
    expect([record.name, record.fields]).toEqual([
      'F_TRANSLATION',
      expect.objectContaining({ StreamID: 3n, InputAddr: BigInt(A), RnW: 0n, S2: 0n, CLASS: 2n }),
    ]);
    for (let i = 0; i < 140; i++) unit.touch(stream, A);
    expect([unit.read32(0x100a8) >>> 31, unit.read32(0x100a8) % 256]).toEqual([1, 128]);
    unit.touch(stream, A);
    expect(unit.read32(0x100a8) >>> 31).toBe(1);
    unit.write32(0x100ac, 0x8000_0001);
    unit.touch(stream, A);
    expect(unit.read32(0x100a8)).toBe(0x8000_0081);
  });

  it('a stream without an entry is C_BAD_STREAMID or C_BAD_STE', () => {
    const system = smmuV3System();
    system.unit.touch(63, A);
    system.unit.touch(64, A);
    const names = [0, 1].map((i) => decodeEvent(wordsAt(system.ram, eventBase(system) + 32 * i, 32)).name);
    expect(names).toEqual(['C_BAD_STE', 'C_BAD_STREAMID']);
  });
});

describe('a live VT-d unit', () => {
  it.each([
    ['a type that does not exist', [0xdn, 0n], 3],
    ['a reserved bit', [0x400f2n, 0xfff60080n], 4],
  ])('%s: IQE, with IQH at the descriptor', (_name, words, reason) => {
    const { unit, command, sync } = vtdSystem();
    sync();
    command(...words);
    sync();
    expect([unit.read32(0x34), unit.read64(0x80), unit.read32(0xb0)]).toEqual([0x10, 16n, reason]);
    unit.write32(0x34, 0x10);
    expect(unit.read32(0x34)).toBe(0x10);
  });

  it('a tail beyond the queue, and a queue that is not in memory', () => {
    const { unit } = vtdSystem();
    unit.write64(0x88, 0x1000n);
    expect([unit.read32(0x34), unit.read32(0xb0)]).toEqual([0x10, 1]);
    const other = vtdSystem();
    other.ram.drop(Number(other.unit.read64(0x90)));
    other.sync();
    expect(other.unit.read32(0xb0)).toBe(2);
  });

  it('a device that does not answer: ITE, the wait is aborted and stores nothing', () => {
    const { unit, ram, invalidateDevice, command, stream } = vtdSystem();
    const slot = ram.page();
    unit.silent.add(stream);
    invalidateDevice(A);
    command(0x2_0000_0025n, BigInt(slot));
    expect([unit.read32(0x34), ram.read32(slot), unit.read32(0xb4)]).toEqual([0x40, 0, 0x10]);
    unit.silent.clear();
    unit.write32(0x34, 0x40);
    command(0x2_0000_0025n, BigInt(slot));
    expect([unit.read32(0x34), ram.read32(slot)]).toEqual([0, 2]);
  });

  it('records a fault; with all registers in use, PFO is set and faults are lost', () => {
    const { unit, ram, stream } = vtdSystem();
    expect(ram.read32(0)).toBeUndefined();
    unit.touch(stream, A + 0x10, WRITE);
    const words = Uint32Array.from([0, 4, 8, 12], (at) => unit.read32(0x220 + at));
    expect(decodeRecord(VTD_FAULT_FIELDS, words)).toMatchObject({ FI: BigInt(A), SID: 0x10n, FR: 5n, T1: 0n, F: 1n });
    expect(unit.read32(0x34) & 3).toBe(2);
    unit.touch(stream, A);
    expect(unit.read32(0x34) & 3).toBe(3);
    unit.write32(0x22c, 0x8000_0000);
    unit.write32(0x34, 1);
    expect(unit.read32(0x34)).toBe(0);
    unit.touch(stream, A);
    expect(unit.read32(0x22c) >>> 31).toBe(1);
  });

  it('keeps what is not present with CAP.CM only', () => {
    for (const [cap, found] of [
      [0x80d2_008c_222f_0606n, 0x9000_1000],
      [0x80d2_008c_222f_0686n, -1],
    ] as const) {
      const system = vtdSystem({ cap });
      system.unit.touch(system.stream, A);
      system.map(A, 0x9000_1000);
      expect(system.unit.touch(system.stream, A)).toBe(found);
      system.invalidate(A, true);
      system.sync();
      expect(system.unit.touch(system.stream, A)).toBe(0x9000_1000);
    }
  });

  it('translation off passes every access', () => {
    const { unit, stream } = vtdSystem();
    unit.write32(0x18, 0x0400_0000);
    expect(unit.touch(stream, A)).toBe(A);
  });
});

describe('a live AMD IOMMU', () => {
  const eventsAt = (system: ReturnType<typeof amdSystem>, i: number) => {
    const base = Number(system.unit.read64(0x10) & 0xf_ffff_ffff_f000n);
    return decodeRecord(AMD_EVENT_FIELDS, wordsAt(system.ram, base + 16 * i, 16));
  };

  it('an illegal command stops the buffer with an event that has its address', () => {
    const system = amdSystem();
    system.sync();
    system.command(0xfn << 60n, 0n);
    const base = Number(system.unit.read64(0x8) & 0xf_ffff_ffff_f000n);
    expect(eventsAt(system, 0)).toMatchObject({ EventCode: 5n, Address: BigInt(base + 16) });
    expect([system.unit.read32(0x2020) & 0x10, system.unit.read32(0x2000)]).toEqual([0, 16]);
    system.sync();
    expect(system.unit.read32(0x2000)).toBe(16);
  });

  it('INVALIDATE_IOMMU_ALL takes the device table entries too, and is illegal without EFR.IA', () => {
    const system = amdSystem();
    system.map(A, 0x9000_1000);
    system.unit.touch(system.stream, A);
    system.unmap(A);
    system.command(8n << 60n, 0n);
    system.sync();
    expect(system.unit.touch(system.stream, A)).toBe(-1);
    const without = amdSystem({ features: 0n } as object);
    without.command(8n << 60n, 0n);
    expect(eventsAt(without, 0)['EventCode']).toBe(5n);
  });

  it('logs a page fault bit for bit; when the log is full it stops until software starts it again', () => {
    const system = amdSystem();
    const { unit, stream } = system;
    unit.touch(stream, A + 4, WRITE);
    expect(eventsAt(system, 0)).toMatchObject({
      EventCode: 2n,
      DeviceID: 0x20n,
      DomainID: 5n,
      PR: 0n,
      RW: 1n,
      Address: BigInt(A + 4),
    });
    for (let i = 0; i < 300; i++) unit.touch(stream, A);
    expect([unit.read32(0x2020) & 9, unit.read32(0x2018)]).toEqual([1, 255 * 16]);
    unit.write64(0x2010, 16n);
    unit.touch(stream, A);
    expect(unit.read32(0x2018)).toBe(255 * 16);
    unit.write64(0x18, 0x1001n);
    unit.write64(0x2020, 1n);
    unit.write64(0x18, 0x1005n);
    unit.touch(stream, A);
    expect(unit.read32(0x2018)).toBe(0);
  });

  it('a device that does not answer is an event with the address of the command', () => {
    const system = amdSystem();
    system.unit.silent.add(system.stream);
    system.invalidateDevice(A);
    expect(eventsAt(system, 0)).toMatchObject({ EventCode: 7n, DeviceID: 0x20n });
  });

  it('keeps what is not present with NpCache only', () => {
    const system = amdSystem({ npCache: true });
    system.unit.touch(system.stream, A);
    system.map(A, 0x9000_1000);
    expect(system.unit.touch(system.stream, A)).toBe(-1);
    system.invalidate(A, true);
    system.sync();
    expect(system.unit.touch(system.stream, A)).toBe(0x9000_1000);
  });
});

describe('a live RISC-V IOMMU', () => {
  it('stops at an illegal command, and fetches it again when the bit is cleared', () => {
    const { unit, command, ram, sync } = riscvSystem();
    sync();
    command(7n, 0n);
    expect([unit.read32(72) & 0x700, unit.read32(32)]).toEqual([0x400, 1]);
    unit.write32(72, 0x401);
    expect([unit.read32(72) & 0x700, unit.read32(32)]).toEqual([0x400, 1]);
    const queue = Number((unit.read64(24) >> 10n) * 4096n);
    ram.put(queue + 16, 0x3002n, 0n);
    unit.write32(72, 0x401);
    expect([unit.read32(72) & 0x700, unit.read32(32)]).toEqual([0, 2]);
  });

  it('NL and S are reserved bits without their capabilities', () => {
    const { unit, command } = riscvSystem({ capabilities: 0x01f8_e20f_4f10n } as object);
    command((1n << 34n) | 1n, 0n);
    expect(unit.read32(72) & 0x700).toBe(0x400);
  });

  it('a fence stores, and finds a device that does not answer', () => {
    const { unit, command, ram, stream, invalidateDevice } = riscvSystem();
    const slot = ram.page();
    command((9n << 32n) | 0x3402n, BigInt(slot) >> 2n);
    expect(ram.read32(slot)).toBe(9);
    unit.silent.add(stream);
    invalidateDevice(A);
    command(0x3002n, 0n);
    expect([unit.read32(72) & 0x700, unit.read32(32)]).toEqual([0x200, 2]);
  });

  it('records a fault bit for bit; when the queue is full, fqof is set and all later ones are lost', () => {
    const { unit, ram, stream } = riscvSystem();
    unit.touch(stream, A, WRITE);
    const base = Number((unit.read64(40) >> 10n) * 4096n);
    expect(decodeRecord(RISCV_FAULT_FIELDS, wordsAt(ram, base, 32))).toEqual({
      CAUSE: 15n,
      PID: 0n,
      PV: 0n,
      PRIV: 0n,
      TTYP: 3n,
      DID: 0x10n,
      iotval: BigInt(A),
      iotval2: 0n,
    });
    for (let i = 0; i < 140; i++) unit.touch(stream, A);
    expect([unit.read32(76) & 0x300, unit.read32(52)]).toEqual([0x200, 127]);
    unit.write32(48, 5);
    unit.touch(stream, A);
    expect(unit.read32(52)).toBe(127);
    unit.write32(76, 0x201);
    unit.touch(stream, A);
    expect([unit.read32(76) & 0x300, unit.read32(52)]).toEqual([0, 0]);
  });
});

describe('sizes and options that cannot be', () => {
  it.each([
    [{ tlb: { entries: -1 } }],
    [{ tlb: { entries: 2 ** 30 } }],
    [{ tlb: { entries: 12, ways: 5 } }],
    [{ walkCache: { entries: 1.5 } }],
    [{ tlb: { entries: 16, ways: 0 } }],
  ])('%o is refused by name', (options) => {
    expect(() => smmuV3System(options)).toThrow('BAD_OPTION');
  });
});
