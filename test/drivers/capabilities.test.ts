// A unit says in its identification registers what it walks. Each driver refuses other tables by name, before the unit gets to know of
// them, and drives all others.
import { describe, expect, it } from 'vitest';
import type { RegisterPort } from '../../src/bus.ts';
import { Domain, type DomainOptions } from '../../src/core/index.ts';
import { LiveAmdVi, LiveRiscv, LiveSmmuV3, LiveVirtio, LiveVtd, SmmuV2 } from '../../src/device/index.ts';
import { armSmmuV3, type DriverKind, driverById, SmmuV3Unit } from '../../src/drivers/index.ts';
import { TableMemory } from '../../src/memory/index.ts';
import { Meter } from '../../src/meter/index.ts';
import { RW, refusal } from '../../src/testing/setup.ts';
import { CAPABILITY_CASES, type Ids } from './capability-cases.ts';

type MakeUnit = (memory: TableMemory) => RegisterPort;

const UNITS: Readonly<Record<string, MakeUnit>> = {
  'arm-smmu': (memory) => new SmmuV2(memory),
  'arm-smmu-v3': (memory) => new LiveSmmuV3(memory),
  'intel-vtd': (memory) => new LiveVtd(memory),
  'amd-vi': (memory) => new LiveAmdVi(memory),
  'riscv-iommu': (memory) => new LiveRiscv(memory),
  'virtio-iommu': (memory) => new LiveVirtio(memory),
};

/** The unit with some identification registers changed. */
function identified(port: RegisterPort, ids: Ids): RegisterPort {
  return {
    read32: (offset) => (offset in ids ? Number(ids[offset]) : port.read32(offset)),
    read64: (offset) => (offset in ids ? BigInt(ids[offset] as number | bigint) : port.read64(offset)),
    write32: (offset, value) => port.write32(offset, value),
    write64: (offset, value) => port.write64(offset, value),
  };
}

function drive(kind: DriverKind, ids: Ids, options: DomainOptions, more: object, memory: TableMemory): Domain {
  const port = identified((UNITS[kind.id] as MakeUnit)(memory), ids);
  return new Domain({ ...options, memory, driver: kind.make({ port, ...more }) });
}

describe.each(CAPABILITY_CASES)(
  '$driver, without $because',
  ({ driver, ids, options, more = {}, refused, because, instead }) => {
    const kind = driverById(driver);

    it(`refuses ${JSON.stringify(options)} by name, and keeps no memory`, () => {
      const memory = new TableMemory();
      const error = refusal(() => drive(kind, ids, options, more, memory));
      expect([error.code, error.argument]).toEqual(['UNSUPPORTED', refused]);
      expect(error.message).toContain(because);
      expect([memory.liveTables, memory.liveBytes]).toEqual([0, 0]);
    });

    it('drives it where the unit can, or what the unit can', () => {
      drive(kind, instead.ids ?? ids, instead.options ?? options, more, new TableMemory()).free();
    });

    it('drives it on a unit that says nothing of itself', () => {
      const silent = Object.fromEntries(Object.keys(ids).map((offset) => [offset, 0]));
      drive(kind, silent, options, more, new TableMemory()).free();
    });
  },
);

it('an SMMUv3 that domains share refuses each for itself, and goes on', () => {
  const memory = new TableMemory();
  const port = identified(new LiveSmmuV3(memory), { 20: 0x55 });
  const unit = new SmmuV3Unit(memory, new Meter(), { port });
  const share = (granule: number): Domain => new Domain({ memory, granule, driver: armSmmuV3({ unit }) });
  const first = share(4096);
  expect(() => share(16384)).toThrow('IDR5.GRAN');
  expect(first.map(4096, 0, 4096, RW).bytes).toBe(4096);
});
