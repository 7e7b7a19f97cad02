import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { type AddressOptions, ChosenAddresses, type DeviceAddresses } from '../../src/replay/chosen-addresses.ts';
import { createEvent, createNames, createTraceReader, KIND, type TraceEvent } from '../../src/trace/index.ts';
import { CAPTURES } from './helpers.ts';

const FILES = ['trace_boot.txt', 'trace.txt.gz', 'trace_live.txt.gz', 'trace_live.txt'];

/** The addresses of one capture, from its dma events alone. */
function addressesOf(capture: string, options: Partial<AddressOptions>): readonly DeviceAddresses[] {
  const names = createNames();
  const addresses = new ChosenAddresses(names, { granule: 4096, cpus: 2, kernel: '6.12', ...options });
  for (const file of FILES.map((name) => join(CAPTURES, capture, name)).filter((path) => existsSync(path))) {
    const bytes = readFileSync(file);
    const reader = createTraceReader('ftrace', (event) => addresses.event(event), names);
    reader.push(file.endsWith('.gz') ? gunzipSync(bytes) : bytes);
    reader.end();
  }
  return addresses.devices;
}

describe("the dma events of a capture give the kernel's addresses", () => {
  test.each([
    ['arm64-smmuv3-612-blk-strict', {}, 3383, 3376, { unseen: 2, order: 5 }],
    ['arm64-smmuv3-612-blk-s2', {}, 3339, 3316, { unseen: 2, order: 19, cache: 2 }],
    ['arm64-smmuv3-61216k-blk', { granule: 16384 }, 1317, 1313, { unseen: 2, order: 1, cache: 1 }],
    ['x86-vtd-612-blk', {}, 2665, 2665, {}],
    ['x86-vtdsm-612-blk', {}, 3738, 3736, { order: 2 }],
    ['x86-amdvi-612-blk', {}, 2845, 2814, { order: 30, cache: 1 }],
    ['x86-vtdfl-73-blk', { lazy: true, kernel: '7.3' }, 2795, 2598, { order: 168, cache: 28, taken: 1 }],
  ] as const)('%s', (capture, options, chosen, same, misses) => {
    const devices = addressesOf(capture, options).filter(({ translated }) => translated === 'yes');
    const sum = (of: (device: DeviceAddresses) => number): number => devices.reduce((total, row) => total + of(row), 0);
    expect(sum((row) => row.chosen)).toBe(chosen);
    expect(sum((row) => row.same)).toBe(same);
    const none = { unseen: 0, order: 0, cache: 0, taken: 0, other: 0 };
    const reasons = devices.reduce((total, row) => {
      for (const key of Object.keys(none) as (keyof typeof none)[]) total[key] += row.misses[key];
      return total;
    }, none);
    expect(reasons).toEqual({ ...none, ...misses });
    expect(Object.values(reasons).reduce((total, count) => total + count, 0)).toBe(chosen - same);
  });

  test('a doorbell page that no event shows is what the first address of an arm64 device misses by', () => {
    const [, device] = addressesOf('arm64-smmuv3-612-blk-strict', {});
    expect(device?.misses).toEqual({ unseen: 1, order: 0, cache: 0, taken: 0, other: 0 });
  });

  test('devices in an identity domain choose nothing, and one that maps nothing is left undecided', () => {
    expect(addressesOf('riscv64-72-blk', {}).map(({ translated }) => translated)).toEqual(['no', 'no']);
    expect(addressesOf('arm64-smmuv3-612-blk-strict', {})[0]?.translated).toBe('undecided');
  });
});

/** A trace of one device, made by hand. */
class Hand {
  readonly #names = createNames();
  readonly #event: TraceEvent = createEvent();
  readonly addresses: ChosenAddresses;

  constructor(options: Partial<AddressOptions> = {}) {
    this.#event.device = this.#names.devices.id(new TextEncoder().encode('dev'), 0, 3);
    this.addresses = new ChosenAddresses(this.#names, { granule: 4096, cpus: 2, ...options });
  }

  map(iova: number, ms: number, size = 4096): void {
    Object.assign(this.#event, { kind: KIND.DMA_MAP, iova, size, pa: 0x4000_0000, cpu: 0, time: ms * 1e6 });
    this.addresses.event(this.#event);
  }

  unmap(iova: number, ms: number): void {
    Object.assign(this.#event, { kind: KIND.DMA_UNMAP, iova, size: 4096, cpu: 0, time: ms * 1e6 });
    this.addresses.event(this.#event);
  }

  get row(): DeviceAddresses | undefined {
    return this.addresses.devices[0];
  }
}

describe('a trace that contradicts the rules is reported and not bent', () => {
  test('an address that is live is chosen again', () => {
    const hand = new Hand();
    hand.map(0xfffff000, 1);
    hand.map(0xfffff000, 2);
    expect(hand.row).toMatchObject({ chosen: 2, same: 1, misses: { taken: 1 } });
  });

  test('an unmap of what was never mapped', () => {
    const hand = new Hand();
    hand.map(0xfffff000, 1);
    hand.unmap(0xaaaa0000, 2);
    hand.map(0xaaaa0000, 3);
    expect(hand.row).toMatchObject({ unknownUnmaps: 1, same: 2 });
  });
});

describe('a lazy domain gives an address back after the flush', () => {
  test('not before the timer, unless the trace shows it', () => {
    const hand = new Hand({ lazy: true });
    hand.map(0xfffff000, 1);
    hand.unmap(0xfffff000, 2);
    hand.map(0xffffe000, 3);
    expect(hand.row).toMatchObject({ same: 2, flushesSeen: 0 });
    hand.map(0xfffff000, 4);
    expect(hand.row).toMatchObject({ same: 3, flushesSeen: 1 });
  });

  test('after the timer', () => {
    const hand = new Hand({ lazy: true });
    hand.map(0xfffff000, 1);
    hand.unmap(0xfffff000, 2);
    hand.map(0xfffff000, 30);
    expect(hand.row).toMatchObject({ same: 2, flushesSeen: 0 });
  });
});
