import fc from 'fast-check';
import { expect, it } from 'vitest';
import { OpenChange } from '../../src/device/checker/open.ts';
import { OpenChanges } from '../../src/device/checker/open-index.ts';
import { ANY, emptyScope } from '../../src/hardware/command.ts';

const page = fc.oneof(
  fc.nat({ max: 2000 }),
  fc.nat({ max: 2 ** 20 }),
  fc.constantFrom(2 ** 27 - 1, 2 ** 36, 2 ** 52 - 4),
);
const pages = fc.oneof(fc.integer({ min: 1, max: 3 }), fc.constantFrom(512, 513, 2 ** 18, 2 ** 27 + 1));
const tag = fc.record({ domain: fc.nat({ max: 2 }), space: fc.constantFrom(ANY, 5), stages: fc.constantFrom(1, 2) });
const change = fc.record({
  tag,
  first: page,
  pages,
  unit: fc.constantFrom(1, 512),
  stream: fc.constantFrom(ANY, 3, 4),
});
const query = fc.record({
  tag,
  first: page,
  pages: fc.oneof(pages, fc.constant(Number.POSITIVE_INFINITY)),
  any: fc.boolean(),
  stream: fc.constantFrom(ANY, 3),
});

it('open changes are found by tag, address, stream and table as by looking at each', () => {
  fc.assert(
    fc.property(
      fc.array(change, { maxLength: 40 }),
      fc.array(query, { maxLength: 8 }),
      fc.nat({ max: 5 }),
      (made, queries, every) => {
        const index = new OpenChanges();
        const plain: OpenChange[] = made.map(({ stream, unit, ...one }, number) => {
          const shape = { before: 'leaf', after: 'invalid', level: 3, granule: 4096, table: one.first } as const;
          const target = stream === ANY ? ('tlb' as const) : ('device-tlb' as const);
          return new OpenChange(target, 0, {
            number,
            change: { ...one, ...shape },
            stream,
            unit: stream === ANY ? unit : 1,
          });
        });
        for (const open of plain) index.add(open);
        const cleaned = plain.filter((_, i) => i % 6 === every);
        for (const open of cleaned) {
          open.ask({ ...emptyScope(), kind: open.target === 'tlb' ? 'tlb' : 'device-tlb', stream: open.stream });
          index.asked(open);
        }
        expect(index.complete()).toEqual(cleaned);
        const left = plain.filter((open) => !cleaned.includes(open));
        expect([...index.all]).toEqual(left);
        for (const { tag: one, first, pages: count, any, stream } of queries) {
          const scope = { ...emptyScope(), kind: stream === ANY ? ('tlb' as const) : ('device-tlb' as const), stream };
          Object.assign(scope, any ? {} : one, { first, pages: count });
          const target = scope.kind;
          const met = left.filter((open) => open.target === target && open.coverage(scope) !== 'elsewhere');
          const found = [...index.named(scope), ...index.otherwise(scope)];
          expect(
            found.filter((open) => open.coverage(scope) !== 'elsewhere').sort((a, b) => a.number - b.number),
          ).toEqual(met);
          expect(index.named(scope).filter((open) => open.coverage(scope) === 'covers')).toEqual(
            met.filter((open) => open.coverage(scope) === 'covers'),
          );
          const end = first + Math.min(count, 2 ** 20);
          expect(index.concerning(one, first, end)).toEqual(
            left.filter((open) => open.concerns(one.domain, one.space, one.stages, first, end)),
          );
          expect([...index.ofTable(first)]).toEqual(left.filter((open) => open.change?.table === first));
        }
      },
    ),
    { numRuns: 200 },
  );
});
