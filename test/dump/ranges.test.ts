import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MappedRanges } from '../../src/dump/index.ts';

const PAGE = 4096;

/** Runs of leaves that follow one another in input: where each leaf goes, contiguous with the one before or not. */
const runs = fc.array(
  fc.record({
    gap: fc.nat({ max: 1 }),
    size: fc.constantFrom(PAGE, 16 * PAGE),
    attributes: fc.nat({ max: 1 }),
    breaks: fc.array(fc.boolean(), { minLength: 0, maxLength: 90 }),
    region: fc.boolean(),
  }),
  { maxLength: 8 },
);

test('runs of leaves leave the ranges that the leaves one by one leave, at every limit', () => {
  fc.assert(
    fc.property(runs, fc.integer({ min: 1, max: 200 }), (drawn, limit) => {
      const together = new MappedRanges(limit);
      const single = new MappedRanges(limit);
      let offset = 0;
      let pa = 0x1000_0000;
      for (const ranges of [together, single]) ranges.begin(0n);
      for (const { gap, size, attributes, breaks, region } of drawn) {
        if (region) for (const ranges of [together, single]) ranges.begin(0x100_0000_0000n);
        offset += gap * size;
        const outputs = breaks.map((jumps) => {
          pa += jumps ? 3 * size : 0;
          const at = pa;
          pa += size;
          return at;
        });
        together.addRun({ count: breaks.length, offset, bytes: size, pa: Float64Array.from(outputs) }, attributes);
        for (const [i, at] of outputs.entries()) single.add(offset + i * size, at, size, attributes);
        offset += breaks.length * size;
      }
      expect([...together]).toEqual([...single]);
      expect([together.total, together.length, together.cutAt]).toEqual([single.total, single.length, single.cutAt]);
    }),
    { numRuns: 300 },
  );
});
