import { describe, expect, it } from 'vitest';
import { LiveVirtio } from '../../src/device/virtio/virtio.ts';
import { READ, WRITE } from '../../src/hardware/walk/types.ts';
import { Ram } from './memory.ts';

const STATUS = { ok: 0, unsupported: 2, deviceError: 3, invalid: 4, range: 5, noEntry: 6 };

/** A driver of few words: one request at a time in descriptors 0 and 1. */
function system() {
  const ram = new Ram();
  const unit = new LiveVirtio(ram);
  const [rings, requests, events, eventBuffer] = [ram.page(), ram.page(), ram.page(), ram.page()];
  const place = (queue: number, at: number): void => {
    unit.write32(0x30, queue);
    unit.write32(0x38, 16);
    unit.write64(0x80, BigInt(at));
    unit.write64(0x90, BigInt(at + 0x200));
    unit.write64(0xa0, BigInt(at + 0x400));
    unit.write32(0x44, 1);
  };
  place(0, rings);
  place(1, events);
  ram.put(events, BigInt(eventBuffer), 24n | (2n << 32n));
  ram.write32(events + 0x200, 1 << 16);
  let made = 0;
  const send = (bytes: number, ...words: number[]): number => {
    for (const [i, word] of words.entries()) ram.write32(requests + 4 * i, word);
    ram.put(rings, BigInt(requests), BigInt(bytes) | (1n << 32n) | (1n << 48n));
    ram.put(rings + 16, BigInt(requests + 256), 4n | (2n << 32n));
    ram.write32(requests + 256, 0xff);
    made++;
    ram.write32(rings + 0x200, made << 16);
    unit.write32(0x50, 0);
    return (ram.read32(requests + 256) ?? 0) & 0xff;
  };
  return {
    ram,
    unit,
    eventBuffer,
    used: () => (ram.read32(rings + 0x400) ?? 0) >>> 16,
    send,
    attach: (domain: number, endpoint: number) => send(20, 1, domain, endpoint, 0, 0),
    detach: (domain: number, endpoint: number) => send(20, 2, domain, endpoint, 0, 0),
    map: (domain: number, first: number, last: number, pa: number, flags = 3) =>
      send(36, 3, domain, first, 0, last, 0, pa, 0, flags),
    unmap: (domain: number, first: number, last: number) => send(28, 4, domain, first, 0, last, 0, 0),
  };
}

describe('a live virtio-iommu', () => {
  it('maps, translates, and unmaps whole mappings only', () => {
    const { unit, attach, map, unmap, used } = system();
    expect([attach(1, 8), map(1, 0x1000, 0x2fff, 0x9000_0000, 1), map(1, 0x4000, 0x4fff, 0xa000_0000)]).toEqual([
      0, 0, 0,
    ]);
    const at = (iova: number, access = READ) => {
      const { result } = unit.translate(8, iova, access);
      return result.ok ? result.pa : result.syndrome;
    };
    expect([at(0x2008), at(0x4000, WRITE), at(0x1000, WRITE), at(0x3000)]).toEqual([
      0x9000_1008,
      0xa000_0000,
      'mapping fault',
      'mapping fault',
    ]);
    expect([map(1, 0x2000, 0x2fff, 0), unmap(1, 0x2000, 0x2fff), unmap(1, 0x0, 0x1fff)]).toEqual([
      STATUS.invalid,
      STATUS.range,
      STATUS.range,
    ]);
    expect([unmap(1, 0, 0xffff), unit.mappings(1)]).toEqual([STATUS.ok, []]);
    expect(used()).toBe(7);
  });

  it('answers what cannot be done by the status that the specification gives', () => {
    const { attach, detach, map, unmap, send } = system();
    expect([map(2, 0, 0xfff, 0), unmap(2, 0, 0xfff), detach(2, 8)]).toEqual([
      STATUS.noEntry,
      STATUS.noEntry,
      STATUS.invalid,
    ]);
    attach(2, 8);
    expect([map(2, 0x800, 0x17ff, 0), map(2, 0x1000, 0xfff, 0), map(2, 0, 0xfff, 0, 0x10)]).toEqual([
      STATUS.range,
      STATUS.invalid,
      STATUS.invalid,
    ]);
    expect([send(20, 99), send(2, 1)]).toEqual([STATUS.unsupported, STATUS.invalid]);
  });

  it('the last endpoint takes the mappings of a domain with it', () => {
    const { unit, attach, detach, map } = system();
    attach(1, 8);
    attach(1, 9);
    map(1, 0, 0xfff, 0x9000_0000);
    detach(1, 8);
    expect(unit.translate(9, 0).result.ok).toBe(true);
    detach(1, 9);
    attach(1, 8);
    expect([unit.mappings(1), unit.translate(8, 0).result.ok]).toEqual([[], false]);
  });

  it('reports a fault into a buffer of the event queue, and loses it without one', () => {
    const { unit, ram, eventBuffer } = system();
    unit.translate(7, 0x1234_5678, WRITE);
    expect([0, 4, 8, 16].map((at) => ram.read32(eventBuffer + at))).toEqual([1, 0x102, 7, 0x1234_5678]);
    unit.translate(7, 0);
    expect(unit.lost).toBe(1);
  });

  it('a chain that loops or leaves the queue is answered and not followed', () => {
    const { unit, ram } = system();
    const rings = Number(unit.read64(0x80));
    expect(unit.read32(0x8)).toBe(23);
    unit.write32(0x30, 0);
    const place = ram.page();
    unit.write64(0x80, BigInt(place));
    unit.write64(0x90, BigInt(place + 0x200));
    unit.write64(0xa0, BigInt(place + 0x400));
    unit.write32(0x38, 4);
    unit.write32(0x44, 1);
    ram.put(place, BigInt(rings), 4n | (1n << 32n));
    ram.write32(place + 0x200, 1 << 16);
    unit.write32(0x50, 0);
    expect([unit.consumed, (ram.read32(place + 0x400) ?? 0) >>> 16]).toEqual([1, 1]);
  });

  it('an index further ahead than the queue is long makes nothing available', () => {
    const { unit, ram } = system();
    unit.write32(0x30, 0);
    const place = ram.page();
    unit.write64(0x80, BigInt(place));
    unit.write64(0x90, BigInt(place + 0x200));
    unit.write64(0xa0, BigInt(place + 0x400));
    unit.write32(0x38, 4);
    unit.write32(0x44, 1);
    ram.write32(place + 0x200, 5 << 16);
    unit.write32(0x50, 0);
    expect(unit.consumed).toBe(0);
    ram.write32(place + 0x200, 4 << 16);
    unit.write32(0x50, 0);
    expect(unit.consumed).toBe(4);
  });
});
