import type { Page } from 'playwright-core';
import { afterAll, expect } from 'vitest';
import { browserTest, closeBrowser, dropFiles, fileOf, soon, verdict, withPage } from './open-page.ts';

const MODULE = new URL('../captures/arm64-smmuv3-612-mod/', import.meta.url).pathname;

afterAll(closeBrowser);

function moment(name: string): string[] {
  return [`${MODULE}tables-mod-${name}.jsonl.gz`, `${MODULE}regs-mod-${name}.json`];
}

async function walkWhole(page: Page): Promise<void> {
  for (let read = 0; read < 4; read++) await page.keyboard.press('n');
}

browserTest('a walk fills the TLB, which then answers alone, and goes stale when an entry changes', () =>
  withPage('#panel=explorer', async (page) => {
    await verdict(page);
    await walkWhole(page);
    await page.waitForSelector('.tlb');
    await page.keyboard.press('a');
    await page.keyboard.press('n');
    await soon(() => page.textContent('.tables .verdict')).toContain('from the TLB, without a memory read');
    await page.locator('[data-bit="0"]').click();
    await soon(() => page.textContent('.tlb')).toContain('stale: the tables fault');
    await page.getByRole('button', { name: 'Invalidate all' }).click();
    await soon(() => page.locator('.tlb').count()).toBe(0);
  }),
);

browserTest('changed entries stand in the link, in their order, and Back takes them back', () =>
  withPage('#panel=explorer', async (page) => {
    await verdict(page);
    await page.locator('[data-bit="0"]').click();
    await soon(() => page.textContent('.verdict')).toContain('faults: never-mapped');
    expect(await page.locator('.entry.faults').textContent()).toContain('never-mapped');
    const { hash } = new URL(page.url());
    expect(hash).toMatch(/edits=0x[0-9a-f]+%3A0x[0-9a-f]+/);
    await withPage(hash, async (other) => expect(await verdict(other)).toContain('faults: never-mapped'));
    await page.keyboard.press('z');
    await soon(() => page.textContent('.verdict')).toContain('0x200000 → 0x80010000');
  }),
);

browserTest('another format stands beside, and goes again', () =>
  withPage('#panel=explorer', async (page) => {
    await verdict(page);
    await page.getByLabel('Same list beside it in').selectOption('riscv-sv39');
    await soon(() => page.locator('.tables h2').allTextContents()).toHaveLength(2);
    await page.getByLabel('Same list beside it in').selectOption('');
    await soon(() => page.locator('.tables h2').count()).toBe(1);
  }),
);

browserTest('an access that the leaf does not allow faults at its entry', () =>
  withPage('#panel=explorer', async (page) => {
    await verdict(page);
    await page.locator('[data-bit="7"]').click();
    await page.getByLabel('Access').selectOption('write');
    await soon(() => page.textContent('.verdict')).toContain('permission-write');
    expect(await page.locator('.entry.faults .why').textContent()).toBe('permission-write');
  }),
);

browserTest('a dropped list is mapped', () =>
  withPage('', async (page) => {
    await dropFiles(page, [{ name: 'pages.txt', text: '# two pages\n0x90000000 4K\n0xa0000000 8K\n' }]);
    await soon(() => page.textContent('.verdict')).toContain('0x200000 → 0x90000000');
    expect(await page.inputValue('textarea')).toContain('0xa0000000 8K');
  }),
);

browserTest('of 262,144 leaves only those in view are in the document; one leads to its entries', () =>
  withPage('#panel=explorer&list=0x80001000 1G&iova=0x40000000', async (page) => {
    await verdict(page);
    await page.getByText('All leaves').click();
    await soon(() => page.textContent('details:has(.leaf-list) summary')).toContain('262,144');
    await page.locator('.leaf-list').evaluate((list) => (list.scrollTop = 200_000 * 28));
    await soon(() => page.locator('.leaf-row').first().textContent()).toContain('0x000070d4');
    expect(await page.locator('.leaf-row').count()).toBeLessThan(50);
    await page.locator('.leaf-row').first().click();
    await soon(() => page.textContent('.verdict')).toMatch(/^0x70d4/);
  }),
);

browserTest('what changed between two dumps; each address leads to its entries, and back', () =>
  withPage('', async (page) => {
    await page.setInputFiles('input[type=file]', [...moment('mapped'), ...moment('after')]);
    await verdict(page);
    await page.getByRole('button', { name: 'What changed between two' }).click();
    await soon(() => page.textContent('.verdict')).toContain('The mappings differ');
    await page.getByRole('button', { name: 'What is mapped' }).click();
    await page.locator('td[data-label="iova"] a').first().waitFor();
    const iova = await page.locator('td[data-label="iova"] a').first().textContent();
    await page.locator('td[data-label="iova"] a').first().press('Enter');
    await soon(() => page.textContent('.tables .verdict')).toContain('→ 0x');
    expect(Number(await page.getByLabel('Address to walk').inputValue())).toBe(Number(iova));
    await page.getByText('Back to the dump').click();
    await page.waitForSelector('#devices');
  }),
);

browserTest('an address that is none, and a domain that the dump does not have, are refused by name', () =>
  withPage('#panel=explorer&at=nonsense', async (page) => {
    await page.waitForSelector('.refused');
    expect(await page.textContent('.refused')).toContain('nonsense');
    await page.evaluate(() => location.replace('#panel=explorer&of=<img src=x>'));
    await soon(() => page.textContent('.refused')).toContain('expected a dump');
    await page.setInputFiles('input[type=file]', moment('mapped'));
    await page.waitForSelector('.files li');
    await page.evaluate(() => location.replace('#panel=explorer&of=<img src=x>'));
    await soon(() => page.textContent('.refused')).toContain("got '<img src=x>'");
    expect(await page.locator('main img').count()).toBe(0);
  }),
);

browserTest('edits that no link should have are passed over', () =>
  withPage(`#panel=explorer&edits=${'0x1:'.repeat(400)},x,:,0x80003000:0x0`, async (page) => {
    expect(await verdict(page)).toMatch(/0x200000 (→|faults)/);
    await page.setInputFiles('input[type=file]', fileOf('x.bin', '\x00\x01'));
    await page.waitForSelector('.files .bad');
  }),
);
