import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { allocCoherent, BouncePool, type DmaDevice, freeCoherent, LinkedRange } from '../../src/dma/index.ts';
import { bareDriver } from '../../src/drivers/index.ts';
import { PROT } from '../../src/formats/index.ts';
import { refusal } from '../../src/testing/setup.ts';
import { device, stateOf } from './helpers.ts';

describe('one buffer', () => {
  test('keeps its offset; 100 bytes across a page take two', () => {
    const dev = device();
    const address = dev.mapPage(0x8000_0fb0, 100, 'to-device');
    expect(address).toBe(0xffffe000 + 0xfb0);
    expect(dev.space.domain.translate(address + 99)).toBe(0x8000_0fb0 + 99);
    expect(dev.space.counts.liveFrames).toBe(2);
    dev.unmapPage(address, 100, 'to-device');
    expect(dev.space.domain.leaves()).toEqual([]);
    expect(dev.space.counts.liveFrames).toBe(0);
  });

  test.each([
    ['bidirectional', PROT.READ | PROT.WRITE | PROT.CACHE],
    ['to-device', PROT.READ | PROT.CACHE],
    ['from-device', PROT.WRITE | PROT.CACHE],
    ['none', PROT.CACHE],
  ] as const)('%s asks for the access of its direction', (direction, prot) => {
    expect(device().protection(direction)).toBe(prot);
    expect(device({ coherent: false }).protection(direction)).toBe(prot & ~PROT.CACHE);
    expect(device().protection(direction, { mmio: true })).toBe((prot & ~PROT.CACHE) | PROT.MMIO);
    expect(device().protection(direction, { privileged: true })).toBe(prot | PROT.PRIV);
  });

  test('a PCI device gets addresses below 4 GiB until there are none, then anywhere, for good', () => {
    const regions = [{ start: 0x2000, bytes: 2 ** 32 - 0x2000, kind: 'reserved' }] as const;
    const dev = device({}, { regions });
    expect(dev.mapPage(0x1000, 4096, 'to-device')).toBe(0x1000);
    const above = dev.mapPage(0x2000, 4096, 'to-device');
    expect(above).toBe(2 ** 48 - 4096);
    dev.unmapPage(0x1000, 4096, 'to-device');
    expect(dev.mapPage(0x3000, 8192, 'to-device')).toBe(above - 2 * 4096 - 4096);
    expect(dev.mapPage(0x3000, 4096, 'to-device')).toBe(0x1000);
    expect(device({ pci: false }).mapPage(0x1000, 4096, 'to-device')).toBe(2 ** 48 - 4096);
  });
});

const ELEMENTS = fc.array(
  fc.record({
    page: fc.integer({ min: 1, max: 2000 }),
    offset: fc.constantFrom(0, 0, 0, 16, 0x800, 0xff0),
    length: fc.oneof(fc.constantFrom(4096, 4096, 8192, 512), fc.integer({ min: 1, max: 20000 })),
  }),
  { minLength: 1, maxLength: 40 },
);

interface Segment {
  readonly address: number;
  length: number;
}

/** The rule of `__finalise_sg()`, element by element, on a layout where every element begins where the last one ended. */
function plainSegments(
  starts: readonly number[],
  lengths: readonly number[],
  max: number,
  boundary: number,
): Segment[] {
  const segments: Segment[] = [];
  let open: Segment | undefined;
  for (const [i, start] of starts.entries()) {
    const length = lengths[i] as number;
    const fits = open !== undefined && open.length + length <= max && open.address + open.length === start;
    if (open !== undefined && fits && start % 4096 === 0 && start % boundary !== 0) open.length += length;
    else {
      open = { address: start, length };
      segments.push(open);
    }
  }
  return segments;
}

describe('a list', () => {
  test('of any shape is seen by the device as its segments say, within the limits, and goes as one range', () => {
    fc.assert(
      fc.property(
        ELEMENTS,
        fc.constantFrom(4096, 16384, 65536),
        fc.constantFrom(16384, 65536, 2 ** 32),
        (parts, max, boundary) => {
          const dev = device({ maxSegment: max, boundary });
          const list = parts.map(({ page, offset, length }) => ({
            address: page * 65536 + offset,
            length: Math.min(length, max),
          }));
          const count = dev.mapSg(list, 'bidirectional');
          expect(count).toBeLessThanOrEqual(list.length);
          const starts: number[] = [];
          let element = 0;
          for (let i = 0; i < count; i++) {
            let at = dev.list.dmaAddresses[i] as number;
            const end = at + (dev.list.dmaLengths[i] as number);
            expect(end - at).toBeLessThanOrEqual(max);
            while (at < end) {
              const { address, length } = list[element++] as { address: number; length: number };
              expect(dev.space.domain.translate(at)).toBe(address);
              expect(dev.space.domain.translate(at + length - 1)).toBe(address + length - 1);
              starts.push(at);
              at += length;
            }
            expect(at).toBe(end);
          }
          expect(element).toBe(list.length);
          const lengths = list.map(({ length }) => length);
          expect(plainSegments(starts, lengths, max, boundary)).toEqual(
            Array.from({ length: count }, (_, i) => ({
              address: dev.list.dmaAddresses[i],
              length: dev.list.dmaLengths[i],
            })),
          );
          const first = dev.list.dmaAddresses[0] as number;
          const last = (dev.list.dmaAddresses[count - 1] as number) + (dev.list.dmaLengths[count - 1] as number);
          dev.unmapSg(first, last - first, 'bidirectional');
          expect(dev.space.domain.leaves()).toEqual([]);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('an element that would cross the boundary is padded to it, at the cost of the one before', () => {
    const dev = device({ boundary: 16384 });
    const list = [4096, 16384].map((length, i) => ({ address: 0x10_0000 * (i + 1), length }));
    expect(dev.mapSg(list, 'to-device')).toBe(2);
    const [first, second] = dev.list.dmaAddresses;
    expect((second as number) - (first as number)).toBe(16384);
    expect((second as number) % 16384).toBe(0);
    expect(dev.space.counts.liveFrames).toBe(8);
  });

  test('of 8192 scattered pages becomes 512 segments of 64K', () => {
    const dev = device();
    const addresses = Float64Array.from({ length: 8192 }, (_, i) => ((i * 7919) % 8192) * 8192 + 2 ** 32);
    expect(dev.mapSg({ addresses, lengths: new Float64Array(8192).fill(4096) }, 'to-device')).toBe(512);
    expect(dev.space.domain.translate(dev.list.dmaAddresses[1] as number)).toBe(addresses[16]);
  });
});

const BAD: readonly (readonly [string, string, (dev: DmaDevice) => unknown])[] = [
  ['EMPTY', 'no bytes', (dev) => dev.mapPage(0x1000, 0, 'to-device')],
  ['NOT_A_NUMBER', 'a fraction', (dev) => dev.mapPage(0.5, 4096, 'to-device')],
  ['OUT_OF_RANGE', 'a size that is no number', (dev) => dev.mapPage(0x1000, Number.NaN, 'to-device')],
  ['NO_MEMORY', 'a size beyond the space', (dev) => dev.mapPage(0, 2 ** 49, 'to-device')],
  ['OUT_OF_RANGE', 'an output address that the format cannot hold', (dev) => dev.mapPage(2 ** 50, 4096, 'to-device')],
  ['BAD_PROTECTION', 'no access', (dev) => dev.mapPage(0x1000, 4096, 'none')],
  ['EMPTY', 'an empty list', (dev) => dev.mapSg([], 'to-device')],
  [
    'OUT_OF_RANGE',
    'a list whose second page is out of range',
    (dev) =>
      dev.mapSg(
        [
          { address: 0, length: 4096 },
          { address: 2 ** 50, length: 4096 },
        ],
        'to-device',
      ),
  ],
  ['BAD_FREE', 'an unmap of nothing', (dev) => dev.unmapPage(0x5000, 4096, 'to-device')],
  ['BAD_FREE', 'an unmap of half', (dev) => dev.unmapPage(0xffffe000, 4096, 'to-device')],
  ['BAD_FREE', 'an unmap of two', (dev) => dev.unmapPage(0xffffc000, 16384, 'to-device')],
];

describe('a refused call names what was wrong and leaves everything as it was', () => {
  test.each(BAD)('%s: %s', (code, _what, call) => {
    const dev = device();
    dev.mapPage(0x1000, 8192, 'to-device');
    dev.mapPage(0x4000, 8192, 'to-device');
    const before = stateOf(dev);
    expect(refusal(() => call(dev)).code).toBe(code);
    expect(stateOf(dev)).toBe(before);
  });

  test('an unmap of three pages of four', () => {
    const dev = device();
    const address = dev.mapPage(0x10000, 4 * 4096, 'to-device');
    expect(refusal(() => dev.unmapPage(address, 3 * 4096, 'to-device'))).toMatchObject({ code: 'BAD_FREE' });
    dev.unmapPage(address, 4 * 4096, 'to-device');
    expect(refusal(() => dev.unmapPage(address, 4 * 4096, 'to-device'))).toMatchObject({ code: 'BAD_FREE' });
  });

  test('masks and limits that exclude everything, limits that a device cannot have', () => {
    expect(refusal(() => device({ maskBits: 11 }))).toMatchObject({ code: 'BAD_OPTION', argument: 'maskBits' });
    expect(refusal(() => device({ busLimit: 0xfff }))).toMatchObject({ code: 'BAD_OPTION' });
    expect(refusal(() => device({ maskBits: 65 }))).toMatchObject({ argument: 'maskBits' });
    expect(refusal(() => device({ maxSegment: 512 }))).toMatchObject({ argument: 'maxSegment' });
    expect(refusal(() => device({ boundary: 5000 }))).toMatchObject({ argument: 'boundary' });
    const dev = device({ maskBits: 24 });
    for (let i = 0; i < 4095; i++) expect(dev.mapPage(0x1000 * i, 4096, 'to-device')).toBeLessThan(2 ** 24);
    expect(refusal(() => dev.mapPage(0, 4096, 'to-device'))).toMatchObject({ code: 'NO_MEMORY', argument: 'iova' });
  });

  test('regions that overlap or lie outside', () => {
    const region = (start: number, bytes: number) => ({ start, bytes, kind: 'reserved' }) as const;
    const make = (...regions: ReturnType<typeof region>[]) => refusal(() => device({}, { regions }));
    expect(make(region(0x1000, 0x2000), region(0x2000, 0x1000))).toMatchObject({
      code: 'OVERLAP',
      argument: 'regions',
    });
    expect(make(region(2 ** 48 - 4096, 8192))).toMatchObject({ code: 'OUT_OF_RANGE' });
    expect(make(region(0x1000, -1))).toMatchObject({ code: 'BAD_OPTION' });
    expect(refusal(() => device().space.at(3, 0))).toMatchObject({ argument: 'cpu' });
  });
});

describe('regions and doorbells', () => {
  test('a direct region is mapped to itself, others are kept free', () => {
    const regions = [
      { start: 0xfffff000, bytes: 4096, kind: 'direct' },
      { start: 0xffffe000, bytes: 4096, kind: 'hw-msi' },
      { start: 0x800_0000, bytes: 0x10_0000, kind: 'sw-msi' },
    ] as const;
    const dev = device({}, { regions });
    expect(dev.space.domain.translate(0xfffff123)).toBe(0xfffff123);
    expect(dev.mapPage(0x1000, 4096, 'to-device')).toBe(0xffffd000);
    expect(dev.space.iova.find(0x8000)).toBeUndefined();
  });

  test('a doorbell page is mapped once, for writes', () => {
    const dev = device();
    const iova = dev.doorbell(0x809_0040);
    expect(iova).toBe(0xfffff040);
    expect(dev.doorbell(0x809_0080)).toBe(iova + 0x40);
    expect(dev.space.domain.leaves()).toHaveLength(1);
  });
});

describe('a device that is not trusted', () => {
  test('sees bounce buffers where it would see what lies beside a buffer', () => {
    const pool = new BouncePool(0x4000_0000, 2 ** 20);
    const dev = device({ untrusted: pool });
    const address = dev.mapPage(0x8000_0100, 256, 'bidirectional');
    const seen = dev.space.domain.translate(address) as number;
    expect(pool.holds(seen)).toBe(true);
    expect(seen % 4096).toBe(0x100);
    expect(pool).toMatchObject({ used: 2, copiedBytes: 256, zeroedBytes: 4096 - 256 });
    dev.unmapPage(address, 256, 'bidirectional');
    expect(pool).toMatchObject({ used: 0, copiedBytes: 512 });
    expect(dev.space.domain.translate(dev.mapPage(0x8000_0000, 4096, 'to-device'))).toBe(0x8000_0000);
    expect(dev.counts.bounced).toBe(1);
  });

  test('maps lists piece by piece where one piece must bounce, and nothing if one fails', () => {
    const pool = new BouncePool(0x4000_0000, 2 ** 18);
    const dev = device({ untrusted: pool });
    expect(
      dev.mapSg(
        [
          { address: 0x1000, length: 4096 },
          { address: 0x9010, length: 16 },
        ],
        'to-device',
      ),
    ).toBe(2);
    expect(dev.space.domain.translate(dev.list.dmaAddresses[0] as number)).toBe(0x1000);
    expect(pool.holds(dev.space.domain.translate(dev.list.dmaAddresses[1] as number) as number)).toBe(true);
    const before = stateOf(dev);
    const tooMany = Array.from({ length: 200 }, (_, i) => ({ address: 0x10_0010 + i * 8192, length: 16 }));
    expect(refusal(() => dev.mapSg(tooMany, 'to-device'))).toMatchObject({ code: 'NO_MEMORY', argument: 'bounce' });
    expect(stateOf(dev)).toBe(before);
    expect(pool.used).toBe(2);
    expect(refusal(() => dev.mapPage(0x10, 2 ** 20, 'to-device'))).toMatchObject({ code: 'OUT_OF_RANGE' });
    expect(dev.maxMapping).toBe(2 ** 18);
  });
});

describe('lazy', () => {
  test('an unmapped address comes back after the timer only, and exposure is what lies between', () => {
    const exposed: number[][] = [];
    const observer = { exposed: (...args: number[]) => exposed.push(args) };
    const dev = device({}, { policy: 'lazy', observer });
    dev.space.at(0, 1e6);
    const address = dev.mapPage(0x1000, 4096, 'to-device');
    dev.space.at(0, 2e6);
    dev.unmapPage(address, 4096, 'to-device');
    expect(dev.space.counts).toMatchObject({ queued: 1, heldFrames: 1, liveFrames: 0, flushes: 0 });
    expect(dev.mapPage(0x1000, 4096, 'to-device')).not.toBe(address);
    dev.space.at(0, 12e6);
    expect(dev.space.counts).toMatchObject({ flushes: 1, earlyFlushes: 0, heldFrames: 0 });
    expect(exposed).toEqual([[4096, 2e6, 12e6]]);
    expect(dev.mapPage(0x1000, 4096, 'to-device')).toBe(address);
  });

  test('a strict domain invalidates before an unmap returns', () => {
    const events: string[] = [];
    const callbacks = { sync: () => events.push('sync'), flushAll: () => events.push('all') };
    const driver = bareDriver({ ...callbacks, flushWalk: () => undefined, addPages: () => undefined });
    const dev = device({}, {}, { driver });
    dev.unmapPage(dev.mapPage(0x1000, 4096, 'to-device'), 4096, 'to-device');
    expect(events).toEqual(['sync']);
    const lazy = device({}, { policy: 'lazy' }, { driver });
    lazy.unmapPage(lazy.mapPage(0x1000, 4096, 'to-device'), 4096, 'to-device');
    lazy.space.drain();
    expect(events).toEqual(['sync', 'all']);
  });
});

describe('two steps', () => {
  test('pieces are linked into one range, unlinked, and the rest goes with it', () => {
    const dev = device();
    const range = LinkedRange.tryAlloc(dev, 0x1010, 3 * 4096) as LinkedRange;
    range.link(0x1010, 0, 4096 - 16, 'to-device');
    range.link(0x9000, 4096 - 16, 8192, 'to-device');
    range.sync();
    expect(dev.space.domain.translate(range.address)).toBe(0x1010);
    expect(dev.space.domain.translate(range.address + 4096 - 16 + 5000)).toBe(0x9000 + 5000);
    range.unlink(4096 - 16, 4096);
    expect(dev.space.domain.leaves()).toHaveLength(2);
    range.destroy();
    expect(dev.space.domain.leaves()).toEqual([]);
    expect(dev.space.counts.liveFrames).toBe(0);
    expect(refusal(() => range.destroy())).toMatchObject({ code: 'FREED' });
  });

  test('a piece that is not at a page, or leaves the range, is refused', () => {
    const dev = device();
    const range = LinkedRange.tryAlloc(dev, 0x1000, 8192) as LinkedRange;
    expect(refusal(() => range.link(0x1010, 4096, 16, 'to-device'))).toMatchObject({ code: 'UNALIGNED' });
    expect(refusal(() => range.link(0x1000, 4096, 8192, 'to-device'))).toMatchObject({ code: 'OUT_OF_RANGE' });
    expect(LinkedRange.tryAlloc(dev, 0, 2 ** 50)).toBeUndefined();
  });

  test('destroying is strict in a lazy domain too', () => {
    const dev = device({}, { policy: 'lazy' });
    const range = LinkedRange.tryAlloc(dev, 0, 4096) as LinkedRange;
    range.link(0, 0, 4096, 'to-device');
    range.destroy();
    expect(dev.space.counts.queued).toBe(0);
  });
});

describe('coherent memory', () => {
  const source = (fails: (order: number) => boolean) => {
    let next = 0x8000_0000;
    const live = new Map<number, number>();
    return {
      pageBytes: 4096,
      live,
      allocate(order: number): number {
        if (fails(order)) return -1;
        const pa = Math.ceil(next / (4096 * 2 ** order)) * 4096 * 2 ** order;
        next = pa + 4096 * 2 ** order;
        live.set(pa, order);
        return pa;
      },
      free: (pa: number) => live.delete(pa),
    };
  };

  test('takes the largest pages that the domain has, smaller ones where memory has none', () => {
    const dev = device();
    const pages = source(() => false);
    const memory = allocCoherent(dev, pages, 2 ** 21 + 5000);
    expect(memory.pages.map(({ order }) => order)).toEqual([9, 0, 0]);
    expect(memory.bytes).toBe(2 ** 21 + 8192);
    freeCoherent(dev, pages, memory);
    expect(pages.live.size).toBe(0);
    expect(dev.space.domain.leaves()).toEqual([]);
    expect(
      allocCoherent(
        dev,
        source((order) => order > 0),
        16384,
      ).pages,
    ).toHaveLength(4);
  });

  test('gives everything back where there is no memory', () => {
    const dev = device();
    let left = 3;
    const pages = source(() => left-- <= 0);
    expect(refusal(() => allocCoherent(dev, pages, 5 * 4096))).toMatchObject({ code: 'NO_MEMORY', argument: 'pages' });
    expect(pages.live.size).toBe(0);
    expect(dev.space.counts.liveFrames).toBe(0);
  });
});
