import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { driversPage } from '../../src/fault/page.ts';

it('the page of drivers in docs/ is the one that the registry makes', () => {
  expect(readFileSync('docs/fault-drivers.md', 'utf8')).toBe(driversPage());
});
