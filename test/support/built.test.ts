import { expect, test } from 'vitest';
import { builtProgram, MAIN } from './built.ts';

test('a program that is not built is named, with what to do', () => {
  expect(() => builtProgram('/nowhere/main.js')).toThrow(
    /^\/nowhere\/main\.js: expected the built program.*npm run build/,
  );
  expect(builtProgram(MAIN)).toBe(MAIN);
});
