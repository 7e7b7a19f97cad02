import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { allocCoherent, BouncePool, type DmaDevice, freeCoherent, LinkedRange } from '../../src/dma/index.ts';
import { IommuError } from '../../src/errors.ts';
import { refusal } from '../../src/testing/setup.ts';
import { device, stateOf } from './helpers.ts';

const PAGE = 4096;

/** Numbers that no address or size should be, and some that are. */
const NUMBER = fc.oneof(
  fc.constantFrom(0, -1, -PAGE, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 48, 2 ** 53, 2 ** 60, 1, PAGE),
  fc.integer({ min: 0, max: 2 ** 21 }),
  fc.integer({ min: 0, max: 2 ** 9 }).map((page) => page * PAGE),
  fc.integer({ min: 0, max: 64 }).map((page) => 2 ** 32 - page * PAGE),
);
/** As many bytes as are compared quickly, and more than there can be. */
const SIZE = NUMBER.map((number) => (number > 2 ** 31 && number < 2 ** 48 ? number - 2 ** 32 : number));
const DIRECTION = fc.constantFrom('to-device', 'from-device', 'bidirectional', 'none', 'sideways', '__proto__');
const CALLS = fc.array(fc.tuple(fc.nat(11), NUMBER, SIZE, SIZE, DIRECTION), { maxLength: 30 });

/** Memory that runs out. */
function source(pages: number) {
  let left = pages;
  return {
    pageBytes: PAGE,
    allocate(order: number): number {
      if (2 ** order > left) return -1;
      left -= 2 ** order;
      return 2 ** 33 + Math.ceil((2 ** 20 - left) / 2 ** order) * PAGE * 2 ** order;
    },
    free(_pa: number, order: number): void {
      left += 2 ** order;
    },
  };
}

/** One device with everything that a call could meet: a list, a linked range, coherent memory, a doorbell, regions. */
class Target {
  readonly pool = new BouncePool(0x4000_0000, 2 ** 18);
  readonly dev: DmaDevice;
  readonly range: LinkedRange;
  readonly pages = source(64);
  readonly memory;

  constructor(kind: 'strict' | 'lazy' | 'untrusted' | 'narrow') {
    const regions = [
      { start: 0xffff_f000, bytes: PAGE, kind: 'direct' },
      { start: 0xfee0_0000, bytes: 2 ** 20, kind: 'hw-msi' },
    ] as const;
    const options = kind === 'untrusted' ? { untrusted: this.pool } : kind === 'narrow' ? { maskBits: 20 } : {};
    const policy = kind === 'lazy' ? 'lazy' : 'strict';
    this.dev = device(options, { policy, regions });
    this.dev.mapPage(0x10_0000, 3 * PAGE, 'to-device');
    this.dev.mapSg([{ address: 0x20_0000, length: PAGE }], 'bidirectional');
    this.range = LinkedRange.tryAlloc(this.dev, 0x30_0000, 4 * PAGE) as LinkedRange;
    this.range.link(0x30_0000, 0, PAGE, 'to-device');
    this.memory = allocCoherent(this.dev, this.pages, 2 * PAGE);
    this.dev.doorbell(0x800_0040);
  }

  call([which, a, b, c, direction]: readonly [number, number, number, number, string]): void {
    const { dev, range } = this;
    const way = direction as 'to-device';
    const calls = [
      () => dev.mapPage(a, b, way),
      () => dev.unmapPage(a, b, way),
      () =>
        dev.mapSg(
          [
            { address: a, length: b },
            { address: c, length: PAGE },
          ],
          way,
        ),
      () => dev.unmapSg(a, b, way),
      () => dev.doorbell(a),
      () => range.link(a, c, b, way),
      () => range.unlink(c, b),
      () => LinkedRange.tryAlloc(dev, a, b)?.destroy(),
      () => allocCoherent(dev, this.pages, b),
      () => freeCoherent(dev, this.pages, { ...this.memory, address: a, bytes: b }),
      () => dev.space.abandon(a, b),
      () => dev.space.release(a, b),
    ];
    calls[which]?.();
  }

  get state(): string {
    return stateOf(this.dev, this.pool);
  }
}

test.each(['strict', 'lazy', 'untrusted', 'narrow'] as const)(
  'any call of a %s device succeeds or is refused by name, and then everything is as before',
  (kind) => {
    fc.assert(
      fc.property(CALLS, (calls) => {
        const target = new Target(kind);
        for (const call of calls) {
          const before = target.state;
          try {
            target.call(call);
          } catch (error) {
            if (!(error instanceof IommuError)) throw error;
            expect(target.state).toBe(before);
          }
        }
      }),
      { numRuns: 15 },
    );
  },
);

describe('what no unmap gives back is refused by what it is', () => {
  const target = new Target('strict');
  const { dev, range, memory } = target;
  test.each([
    ['a reserved region', 0xffff_f000, PAGE],
    ['a range of the two-step API', range.address, 4 * PAGE],
    ['coherent memory', memory.address, memory.bytes],
    ['a doorbell', dev.doorbell(0x800_0000), PAGE],
  ])('%s', (what, address, bytes) => {
    const before = target.state;
    const error = refusal(() => dev.unmapPage(address, bytes, 'bidirectional'));
    expect(error).toMatchObject({ code: 'BAD_FREE', argument: 'iova' });
    expect(error.message).toContain(what);
    expect(refusal(() => dev.space.abandon(address, bytes)).message).toContain(what);
    expect(target.state).toBe(before);
  });

  test('a range that is mapped is not given back unmapped', () => {
    const address = dev.mapPage(0x50_0000, 2 * PAGE, 'to-device');
    expect(refusal(() => dev.space.abandon(address, 2 * PAGE)).message).toContain('got a mapping at 0x');
    dev.unmapPage(address, 2 * PAGE, 'to-device');
  });
});

describe('options that leave nothing, or that no device has', () => {
  test.each([
    ['busLimit', { busLimit: Number.NaN }],
    ['busLimit', { busLimit: -1 }],
    ['maskBits', { busLimit: 100 }],
    ['maskBits', { maskBits: Number.NaN }],
    ['coherentBits', { coherentBits: 0 }],
    ['maxSegment', { maxSegment: Number.NaN }],
    ['boundary', { boundary: Number.POSITIVE_INFINITY }],
    ['untrusted', { untrusted: {} as BouncePool }],
    ['small', { small: { pool: new BouncePool(0, 2 ** 18), cacheLine: 100 } }],
  ])('%s: %o', (argument, options) => {
    expect(refusal(() => device(options))).toMatchObject({ code: 'BAD_OPTION', argument });
  });

  test.each([
    ['apertureEnd', { apertureEnd: Number.NaN }],
    ['apertureEnd', { apertureEnd: 0 }],
    ['kernel', { kernel: '5.4' as '6.1' }],
    ['regions', { regions: 7 as never }],
    ['regions', { regions: [{ start: 0, bytes: PAGE, kind: 'odd' as 'direct' }] }],
    ['policy', { policy: 'eager' as 'lazy' }],
  ])('of a space: %s', (argument, options) => {
    expect(refusal(() => device({}, options))).toMatchObject({ code: 'BAD_OPTION', argument });
  });

  test('regions that share a page overlap; what was mapped for earlier ones is unmapped again', () => {
    const half = (start: number) => ({ start, bytes: PAGE / 2, kind: 'direct' }) as const;
    expect(refusal(() => device({}, { regions: [half(0x1000), half(0x1800)] }))).toMatchObject({ code: 'OVERLAP' });
    const other = device();
    other.space.domain.map(0x9000, 0x9000, PAGE, 3);
    const regions = [half(0x1000), half(0x9000)];
    expect(refusal(() => device({}, { domain: other.space.domain, regions })).code).toBe('OVERLAP');
    expect(other.space.domain.leaves()).toHaveLength(1);
  });

  test('a time that is not a number does not flush', () => {
    const { space } = device({}, { policy: 'lazy' });
    expect(refusal(() => space.at(0, Number.NaN))).toMatchObject({ argument: 'time' });
  });

  test('an attribute of Linux that is not followed here is refused by its name', () => {
    const error = refusal(() => device().mapPage(0, PAGE, 'to-device', { skipCpuSync: true } as object));
    expect(error).toMatchObject({ code: 'UNSUPPORTED', argument: 'attributes' });
    expect(error.message).toContain("'skipCpuSync'");
  });
});
