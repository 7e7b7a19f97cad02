import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { MachineDevice } from '../../src/machine/setup/machine.ts';
import { functionsIn } from '../../src/machine/setup/placement.ts';
import { formatPci } from '../../src/pci.ts';

test('ranges that overlap, repeat or end before they begin name the functions within any of them, each once', () => {
  const id = fc.integer({ min: 0, max: 60 });
  const segment = fc.integer({ min: 0, max: 2 });
  const range = fc.record({ kind: fc.constant('range' as const), segment, first: id, last: id });
  const fn = fc.record({ segment, id });
  fc.assert(
    fc.property(fc.array(range, { maxLength: 12 }), fc.array(fn, { maxLength: 40 }), (scopes, functions) => {
      const devices = new Map(functions.map((one) => [formatPci(one.id, one.segment), {} as MachineDevice]));
      const expected = functions
        .filter((one) => scopes.some((s) => s.segment === one.segment && s.first <= one.id && one.id <= s.last))
        .map((one) => formatPci(one.id, one.segment));
      expect(functionsIn(scopes, devices).sort()).toEqual([...new Set(expected)].sort());
    }),
  );
});
