import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatBytes, formatNs, formatNumber, formatShare, formatUnit, plainText } from '../../src/report/index.ts';
import { layAxis, position } from '../../src/report/scale.ts';

test('thousands are grouped with commas', () => {
  const shown = [0, 999, 1000, 1234567, -1234, 1234.56, 0.012345, 1e-9].map((value) => formatNumber(value));
  expect(shown).toEqual(['0', '999', '1,000', '1,234,567', '-1,234', '1,235', '0.0123', '1.00e-9']);
});

test('times take the unit that suits them', () => {
  const shown = [0, 1, 999, 999.9, 1234, 45_600_000, 2e9, 3.6e12].map(formatNs);
  expect(shown).toEqual(['0 ns', '1 ns', '999 ns', '1 µs', '1.23 µs', '45.6 ms', '2 s', '3,600 s']);
});

test('sizes are short where exact and rounded otherwise', () => {
  const shown = [0, 512, 4096, 2 ** 21, 13_841_203, 1.5, 2 ** 53].map(formatBytes);
  expect(shown).toEqual(['0 B', '512 B', '4K', '2M', '13.2 MiB', '1.5 B', '8P']);
});

test('shares and ratios', () => {
  expect([formatShare(0.1234), formatShare(1), formatUnit(18.63, 'ratio')]).toEqual(['12.3 %', '100 %', '18.6×']);
});

test('control characters, lone surrogates and direction overrides are replaced', () => {
  expect(plainText('a\u001b[2Jb\ud800c\u202ed\te')).toBe('a\\x1b[2JbU+D800cU+202Ed e');
});

test('axes contain their values, begin and end at or beyond marks, and have few of them', () => {
  const unit = fc.constantFrom('count', 'bytes', 'ns', 'plain' as const);
  const values = fc.array(fc.double({ min: 1e-6, max: 1e15, noNaN: true }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(unit, values, fc.boolean(), fc.boolean(), (axisUnit, data, log, zero) => {
      const scale = layAxis({ label: '', unit: axisUnit, log }, data, 6, zero);
      expect(scale.ticks.length).toBeGreaterThanOrEqual(2);
      expect(scale.ticks.length).toBeLessThanOrEqual(9);
      for (const value of data) {
        expect(position(scale, value)).toBeGreaterThanOrEqual(-1e-6);
        expect(position(scale, value)).toBeLessThanOrEqual(1 + 1e-6);
      }
    }),
  );
});
