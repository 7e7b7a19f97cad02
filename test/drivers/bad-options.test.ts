import { describe, expect, test } from 'vitest';
import { Domain } from '../../src/core/domain.ts';
import { DRIVERS } from '../../src/drivers/registry.ts';
import { IommuError } from '../../src/errors.ts';
import { TableMemory } from '../../src/memory/table-memory.ts';

/** Values of wrong kinds; a driver may take one of them where it means something there. */
const VALUES: readonly unknown[] = [
  null,
  -1,
  Number.NaN,
  2 ** 53,
  10n,
  'x',
  [],
  [-1],
  {},
  Symbol('s'),
  () => 1,
  new Proxy(
    {},
    {
      get() {
        throw new Error('trap');
      },
    },
  ),
];

describe.each(DRIVERS.map((kind) => [kind.id, kind] as const))('%s', (_, kind) => {
  const options: readonly string[] = ['', ...kind.options];

  test.each(options)('takes or refuses by name every value of the option "%s", and keeps no memory', (option) => {
    for (const value of VALUES) {
      const memory = new TableMemory();
      const live = memory.liveBytes;
      try {
        const driver = kind.make((option === '' ? value : { [option]: value }) as object);
        const domain = new Domain({ format: kind.formats?.[0] ?? 'arm-64-lpae-s1', memory, driver });
        domain.free();
      } catch (error) {
        expect(error).toBeInstanceOf(IommuError);
        expect((error as IommuError).code).toMatch(/^(?:BAD_OPTION|UNSUPPORTED|OUT_OF_RANGE|DEVICE)$/);
      }
      expect(memory.liveBytes).toBe(live);
    }
  });
});
