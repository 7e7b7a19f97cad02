/** Errors of a queue, and how a driver goes on: an illegal command, a device that does not answer, a queue that is full. */
import { describe, expect, it } from 'vitest';
import { Domain } from '../../../src/core/index.ts';
import { LiveAmdVi, LiveRiscv, LiveSmmuV3, type LiveUnit, LiveVtd } from '../../../src/device/index.ts';
import {
  AmdViUnit,
  amdVi,
  armSmmuV3,
  type DriverFactory,
  intelVtd,
  RiscvUnit,
  riscvIommu,
  SmmuV3Unit,
  VtdUnit,
} from '../../../src/drivers/index.ts';
import { TableMemory } from '../../../src/memory/index.ts';
import { Meter } from '../../../src/meter/index.ts';
import { refusal } from '../../../src/testing/setup.ts';
import { AT, K4, RW } from './helpers.ts';

interface Queue {
  readonly errors: number;
  readonly ring: { put(a: number, b: number, c: number, d: number): void; readonly entries: number };
}

interface System {
  readonly domain: Domain;
  readonly live: LiveUnit;
  readonly queue: Queue;
  free(): void;
}

interface Made {
  readonly live: LiveUnit;
  readonly queue: Queue;
  readonly driver: DriverFactory;
  free(): void;
}

function system(format: string, make: (memory: TableMemory, meter: Meter) => Made): System {
  const [memory, meter] = [new TableMemory(), new Meter()];
  const { live, queue, driver, free } = make(memory, meter);
  const domain = new Domain({ format, memory, meter, driver });
  return { domain, live, queue, free };
}

const SYSTEMS: readonly [string, number, () => System][] = [
  [
    'arm-smmu-v3',
    0xff,
    () =>
      system('arm-64-lpae-s1', (memory, meter) => {
        const live = new LiveSmmuV3(memory);
        const unit = new SmmuV3Unit(memory, meter, { port: live });
        return { live, queue: unit.queue, driver: armSmmuV3({ unit }), free: () => unit.free() };
      }),
  ],
  [
    'intel-vtd',
    0xd,
    () =>
      system('vtd-ss', (memory, meter) => {
        const live = new LiveVtd(memory);
        const unit = new VtdUnit(memory, meter, { port: live });
        return { live, queue: unit.queue, driver: intelVtd({ unit }), free: () => unit.free() };
      }),
  ],
  [
    'amd-vi',
    0,
    () =>
      system('amd-v1', (memory, meter) => {
        const live = new LiveAmdVi(memory);
        const unit = new AmdViUnit(memory, meter, { port: live });
        return { live, queue: unit.commands, driver: amdVi({ unit }), free: () => unit.free() };
      }),
  ],
  [
    'riscv-iommu',
    7,
    () =>
      system('riscv-sv48', (memory, meter) => {
        const live = new LiveRiscv(memory);
        const unit = new RiscvUnit(memory, meter, { port: live });
        return { live, queue: unit.queue, driver: riscvIommu({ unit }), free: () => unit.free() };
      }),
  ],
];

describe.each(SYSTEMS)('%s', (name, illegal, make) => {
  it('an illegal command stops the queue; the driver goes on, and what follows is done', () => {
    const { domain, live, queue, free } = make();
    domain.map(AT, 2 ** 33, K4, RW);
    expect(live.touch(0, AT)).toBe(2 ** 33);
    queue.ring.put(illegal, name === 'amd-vi' ? 0xf0000000 : 0, 0, 0);
    domain.unmap(AT, K4);
    expect(queue.errors).toBe(1);
    expect(live.touch(0, AT)).toBe(-1);
    domain.map(AT, 2 ** 34, K4, RW);
    domain.unmap(AT, K4);
    expect([queue.errors, live.touch(0, AT)]).toEqual([1, -1]);
    domain.free();
    free();
    expect(domain.memory.liveTables).toBe(0);
  });

  it('the queue wraps many times over', () => {
    const { domain, live, queue } = make();
    for (let i = 0; i < 3 * queue.ring.entries; i++) {
      domain.map(AT, 2 ** 33, K4, RW);
      live.touch(0, AT);
      domain.unmap(AT, K4);
    }
    expect([queue.errors, live.touch(0, AT)]).toEqual([0, -1]);
  });
});

describe('a queue that is full', () => {
  it('waits for the unit, and gives it up after many polls', () => {
    const memory = new TableMemory();
    const live = new LiveSmmuV3(memory, { consume: 'stepwise' });
    let asleep = false;
    const port = {
      read32: (offset: number) => {
        if (!asleep && offset === 0x9c) live.run(3);
        return live.read32(offset);
      },
      read64: (offset: number) => live.read64(offset),
      write32: (offset: number, value: number) => live.write32(offset, value),
      write64: (offset: number, value: bigint) => live.write64(offset, value),
    };
    const driver = armSmmuV3({ port, queueBits: 7, rangeInvalidation: false, kernel: '6.1' });
    const domain = new Domain({ memory, driver });
    domain.map(AT, 2 ** 33 + K4, 400 * K4, RW);
    for (let page = 0; page < 400; page++) live.touch(0, AT + page * K4);
    domain.unmap(AT, 400 * K4);
    for (let page = 0; page < 400; page++) expect(live.touch(0, AT + page * K4)).toBe(-1);
    domain.map(AT, 2 ** 33, K4, RW);
    asleep = true;
    expect(refusal(() => domain.unmap(AT, K4)).code).toBe('DEVICE');
  });
});

describe('a device TLB that does not answer', () => {
  it('VT-d: the waits are aborted and the descriptors sent again, but not for ever', () => {
    const memory = new TableMemory();
    const live = new LiveVtd(memory);
    const domain = new Domain({ format: 'vtd-ss', memory, driver: intelVtd({ port: live, ats: true, sources: [8] }) });
    domain.map(AT, 2 ** 33, 2 * K4, RW);
    live.silent.add(8);
    expect(refusal(() => domain.unmap(AT, K4)).code).toBe('DEVICE');
    live.silent.delete(8);
    domain.unmap(AT + K4, K4);
    expect(live.touch(8, AT + K4)).toBe(-1);
  });

  it('SMMUv3: the synchronisation that found it is tried again', () => {
    const memory = new TableMemory();
    const live = new LiveSmmuV3(memory);
    const unit = new SmmuV3Unit(memory, new Meter(), { port: live });
    const domain = new Domain({ memory, driver: armSmmuV3({ unit, ats: true, streams: [8] }) });
    domain.map(AT, 2 ** 33, K4, RW);
    live.silent.add(8);
    domain.unmap(AT, K4);
    expect(unit.queue.errors).toBe(1);
    expect(live.touch(8, AT)).toBe(-1);
  });
});
