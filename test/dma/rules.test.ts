import { describe, expect, test } from 'vitest';
import { allocCoherent, BouncePool, LinkedRange } from '../../src/dma/index.ts';
import { refusal } from '../../src/testing/setup.ts';
import { device, stateOf } from './helpers.ts';

const PAGE = 4096;
const POOL = 0x4000_0000;

function untrusted() {
  const pool = new BouncePool(POOL, 2 ** 18);
  return { pool, dev: device({ untrusted: pool }) };
}

describe('an untrusted device', () => {
  test('is never lazy', () => {
    const pool = new BouncePool(POOL, 2 ** 18);
    const error = refusal(() => device({ untrusted: pool }, { policy: 'lazy' }));
    expect(error).toMatchObject({ code: 'BAD_OPTION', argument: 'untrusted' });
  });

  test('has every list mapped element by element, whole pages without a bounce buffer', () => {
    const { pool, dev } = untrusted();
    const list = [0, 1].map((i) => ({ address: 0x10_0000 + i * PAGE, length: PAGE }));
    expect(dev.mapSg(list, 'to-device')).toBe(2);
    expect(pool.used).toBe(0);
    const [first, second] = dev.list.dmaAddresses as unknown as [number, number];
    expect(refusal(() => dev.unmapSg(first, 2 * PAGE, 'to-device'))).toMatchObject({ code: 'UNSUPPORTED' });
    for (const address of [first, second]) dev.unmapPage(address, PAGE, 'to-device');
    expect(dev.space.domain.leaves()).toEqual([]);
  });

  test('sees a linked range through bounce buffers at its unaligned ends, and itself between', () => {
    const { pool, dev } = untrusted();
    const range = LinkedRange.tryAlloc(dev, 0x10_0100, 3 * PAGE) as LinkedRange;
    range.link(0x10_0100, 0, 3 * PAGE, 'bidirectional');
    const seen = (at: number): number => dev.space.domain.translate(range.address + at) ?? -1;
    expect(pool.holds(seen(0))).toBe(true);
    expect(seen(0) % PAGE).toBe(0x100);
    expect(seen(PAGE - 0x100)).toBe(0x10_1000);
    expect(seen(2 * PAGE)).toBe(0x10_2100);
    expect(pool.holds(seen(3 * PAGE - 1))).toBe(true);
    expect(pool).toMatchObject({ used: 4, copiedBytes: PAGE, zeroedBytes: PAGE });
    range.destroy();
    expect(pool).toMatchObject({ used: 0, copiedBytes: 2 * PAGE });
    expect(dev.space.domain.leaves()).toEqual([]);
  });

  test('a piece within one page needs one bounce buffer; where none is left, nothing of a piece stays', () => {
    const { pool, dev } = untrusted();
    const range = LinkedRange.tryAlloc(dev, 0x10_0100, 0x200) as LinkedRange;
    range.link(0x10_0100, 0, 0x200, 'to-device');
    expect(pool).toMatchObject({ used: 2, copiedBytes: 0x200, zeroedBytes: PAGE - 0x200 });
    while (pool.used < 128 - 2) expect(pool.take(2048, 2048)).not.toBe(-1);
    const other = LinkedRange.tryAlloc(dev, 0x20_0100, 2 * PAGE) as LinkedRange;
    const before = stateOf(dev, pool);
    expect(refusal(() => other.link(0x20_0100, 0, 2 * PAGE, 'to-device'))).toMatchObject({ argument: 'bounce' });
    expect(stateOf(dev, pool)).toBe(before);
  });
});

describe('a device that does not snoop', () => {
  const small = () => ({ pool: new BouncePool(POOL, 2 ** 18), cacheLine: 128 });

  test.each([
    ['may share a line', 64, 'from-device', true],
    ['lies in an object of whole lines', 100, 'from-device', false],
    ['lies in an object of 192 bytes', 130, 'bidirectional', true],
    ['is as long as two lines', 256, 'from-device', false],
    ['is only read', 64, 'to-device', false],
  ] as const)('bounces a small buffer that the CPUs write: %s', (_why, bytes, direction, bounced) => {
    const options = small();
    const dev = device({ coherent: false, small: options });
    const address = dev.mapPage(0x10_0040, bytes, direction);
    expect(options.pool.holds(dev.space.domain.translate(address) ?? -1)).toBe(bounced);
    dev.unmapPage(address, bytes, direction);
    expect(options.pool.used).toBe(0);
    expect(device({ small: small() }).bounces(0x40, bytes, direction)).toBe(false);
  });
});

describe('addresses', () => {
  const full = [{ start: 0x1000, bytes: 2 ** 32 - 0x1000 - PAGE, kind: 'reserved' }] as const;

  test.each([
    ['6.1', 2 ** 32 - PAGE],
    ['6.12', 2 ** 48 - 2 * PAGE],
  ] as const)('of a PCI device of %s after the addresses below 4 GiB were full once', (kernel, expected) => {
    const dev = device({}, { regions: full, kernel });
    const low = dev.mapPage(0x1000, PAGE, 'to-device');
    expect(low).toBe(2 ** 32 - PAGE);
    expect(dev.mapPage(0x1000, PAGE, 'to-device')).toBe(2 ** 48 - PAGE);
    dev.unmapPage(low, PAGE, 'to-device');
    for (let i = 0; i < 127; i++) dev.mapPage(0x1000, 64 * PAGE, 'to-device');
    const next = dev.mapPage(0x1000, PAGE, 'to-device');
    expect(next).toBe(kernel === '6.1' ? expected : low);
  });

  test('a doorbell in a region of the hardware is its own address, others are mapped', () => {
    const dev = device({}, { regions: [{ start: 0xfee0_0000, bytes: 2 ** 20, kind: 'hw-msi' }] });
    expect(dev.doorbell(0xfee0_1000)).toBe(0xfee0_1000);
    expect(dev.space.domain.leaves()).toEqual([]);
    expect(dev.doorbell(0x1000)).toBe(0xffff_f000);
  });

  test('what the DMA layer says of itself: no larger than a bounce buffer, quick up to 32 pages, joined at pages', () => {
    expect(untrusted().dev.maxMapping).toBe(2 ** 18);
    expect(device()).toMatchObject({
      maxMapping: Number.MAX_SAFE_INTEGER,
      optimalMapping: 2 ** 17,
      mergeBoundary: 4095,
    });
  });
});

describe('coherent memory', () => {
  test('of one piece takes one allocation, or none', () => {
    const orders: number[] = [];
    const source = {
      pageBytes: PAGE,
      allocate: (order: number) => (order > 3 ? -1 : orders.push(order) * 2 ** 20),
      free: () => undefined,
    };
    const dev = device();
    const memory = allocCoherent(dev, source, 5 * PAGE, { contiguous: true, privileged: true });
    expect(orders).toEqual([3]);
    expect(dev.space.domain.leaves()).toHaveLength(5);
    expect(memory.bytes).toBe(5 * PAGE);
    expect(refusal(() => allocCoherent(dev, source, 9 * PAGE, { contiguous: true }))).toMatchObject({
      code: 'NO_MEMORY',
      argument: 'pages',
    });
    expect(refusal(() => allocCoherent(dev, source, 2 ** 50))).toMatchObject({ code: 'NO_MEMORY' });
  });
});
