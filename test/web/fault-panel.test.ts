import { afterAll, expect } from 'vitest';
import { browserTest, closeBrowser, soon, verdict, withPage } from './open-page.ts';

const MODULE = new URL('../captures/arm64-smmuv3-612-mod/', import.meta.url).pathname;

afterAll(closeBrowser);

browserTest('an example shows the bits of its record with their field names, by mouse', () =>
  withPage('', async (page) => {
    await page.getByRole('button', { name: 'SMMUv3' }).click();
    await verdict(page);
    await page.waitForSelector('.strip .bits');
    expect(await page.locator('.strip .bit-group', { hasText: 'StreamID' }).first().textContent()).toContain('63:32');
    await page.getByRole('button', { name: 'SMMUv2' }).click();
    await soon(() => page.locator('.strip h3').allTextContents()).toContain('Bits of FSR');
    await page.getByRole('button', { name: 'clear' }).click();
    await soon(() => page.locator('.strip').count()).toBe(0);
    expect(new URL(page.url()).hash).not.toContain('log=');
  }),
);

browserTest('a dump that is dropped beside a log adds the walk, which leads to its entries', () =>
  withPage('', async (page) => {
    await page.setInputFiles('input[type=file]', [
      `${MODULE}tables-mod-faulted.jsonl.gz`,
      `${MODULE}regs-mod-faulted.json`,
      `${MODULE}dmesg_mod.txt`,
    ]);
    await page.waitForSelector('.fault-walk');
    expect(await page.textContent('.fault-walk')).toContain('permission-write');
    const rows = await page.locator('.fault-walk tbody').first().locator('tr').count();
    expect(rows).toBeGreaterThan(2);
    await page.getByText('Look at its entries').first().click();
    await soon(() => page.locator('.levels .level').count()).toBe(rows);
  }),
);

browserTest('a trace beside a log adds what was mapped there before', () =>
  withPage('', async (page) => {
    await page.setInputFiles('input[type=file]', [
      `${MODULE}trace_boot.txt`,
      `${MODULE}trace_mod.txt`,
      `${MODULE}dmesg_mod.txt`,
    ]);
    await soon(() => page.textContent('.answer')).toMatch(/in the trace|unmap 0x|map 0x/);
  }),
);
