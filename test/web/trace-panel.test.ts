import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { afterAll, expect } from 'vitest';
import { browserTest, CAPTURE, closeBrowser, drop, fileOf, soon, verdict, withPage } from './open-page.ts';

/** A recorded machine with one trace. */
const FOLDER = new URL('../captures/x86-vtd-612-vfio', import.meta.url).pathname;
const CALLS = 'section[aria-label="calls of the range"] .verdict';
const WHAT_IF = 'section[aria-label="what if"]';

afterAll(closeBrowser);

async function openTrace(page: Page): Promise<void> {
  await drop(page, 'trace_boot.txt', 'trace.txt.gz');
  await verdict(page);
  await page.waitForSelector('.range-bar');
}

/** Draws a range over the bytes mapped, as shares of the picture's width. */
async function drawRange(page: Page, from: number, to: number): Promise<void> {
  const box = await page.locator('.brush-ground').boundingBox();
  if (box === null) throw new Error('no timeline');
  await page.mouse.move(box.x + from * box.width, box.y + 20);
  await page.mouse.down();
  await page.mouse.move(box.x + to * box.width, box.y + 24, { steps: 4 });
  await page.mouse.up();
}

browserTest('a range is drawn with the mouse: its calls are listed, and its rows counted', () =>
  withPage('', async (page) => {
    await openTrace(page);
    await drawRange(page, 0.65, 0.8);
    await page.waitForSelector(CALLS);
    expect(await page.textContent(CALLS)).toMatch(/lists of .* mapped/);
    await page.waitForSelector(`${WHAT_IF} .verdict`);
    expect(await page.textContent(WHAT_IF)).toContain('one-walk');
    const { hash } = new URL(page.url());
    expect(hash).toMatch(/range=\d+\.\d+-\d+\.\d+/);
    const said = await page.textContent(CALLS);
    await withPage(hash, async (other) => {
      await openTrace(other);
      await other.waitForSelector(CALLS);
      expect(await other.textContent(CALLS)).toBe(said);
    });
  }),
);

browserTest('a dropped folder gives its files, and the trace is replayed on the IOMMU that they name', () =>
  withPage('', async (page) => {
    const data = { items: [], files: [FOLDER], dragOperationsMask: 1 };
    const session = await page.context().newCDPSession(page);
    for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
      await session.send('Input.dispatchDragEvent', { type, x: 300, y: 300, data });
    }
    await page.waitForSelector('.files li');
    expect(await page.textContent('.files')).toContain('cmdline.txt kept beside, not read here');
    await page.getByRole('link', { name: 'Trace' }).click();
    expect(await verdict(page)).toContain('commands to intel-vtd');
    expect(await page.locator(WHAT_IF).getByLabel('Format').inputValue()).toBe('vtd-ss');
    await page.getByLabel('Dispatch').selectOption('direct');
    await page.waitForSelector(`${WHAT_IF} .verdict`);
    expect(await page.textContent(WHAT_IF)).toContain('intel-vtd');
  }),
);

browserTest('a range is typed, moved by arrow keys, zoomed to and cleared by keyboard alone', () =>
  withPage('#panel=trace', async (page) => {
    await openTrace(page);
    await page.keyboard.press('/');
    await page.keyboard.insertText('');
    await page.keyboard.press('ControlOrMeta+a');
    await page.keyboard.type('3.9');
    await page.keyboard.press('Enter');
    await page.waitForSelector(CALLS);
    const before = await page.textContent(CALLS);
    await page.getByRole('slider', { name: 'end of the range' }).focus();
    for (let i = 0; i < 20; i++) await page.keyboard.press('ArrowLeft');
    await soon(() => page.textContent(CALLS)).not.toBe(before);
    await page.keyboard.press('i');
    await soon(() => page.url()).toContain('zoom=3.9-');
    await page.getByRole('button', { name: 'Show all of the trace' }).waitFor();
    await page.keyboard.press('o');
    await page.keyboard.press('x');
    await soon(() => new URL(page.url()).hash).toBe('#panel=trace');
    await soon(() => page.locator(CALLS).count()).toBe(0);
  }),
);

browserTest('the address space is zoomed into, down to one page', () =>
  withPage('#panel=trace', async (page) => {
    await openTrace(page);
    const name = /^addresses from 0x\w+, 4K,/;
    for (let zoomed = 0; zoomed < 8; zoomed++) {
      const rows = page.locator('.address a');
      if (name.test((await rows.first().getAttribute('aria-label')) ?? '')) break;
      const before = await rows.first().getAttribute('aria-label');
      await rows.first().focus();
      await page.keyboard.press('Enter');
      await soon(() => page.locator('.address a').first().getAttribute('aria-label')).not.toBe(before);
    }
    await page.locator('.address a').first().click();
    await page.waitForSelector(CALLS);
    await soon(() => page.textContent(CALLS)).toMatch(/at 0x\w+000 to 0x\w+fff/);
    await page.getByRole('button', { name: /Show all addresses/ }).click();
    await soon(() => page.url()).not.toContain('addresses=');
  }),
);

browserTest('leaks and double maps are asked of the same trace; another format is asked of its calls', () =>
  withPage('#panel=trace', async (page) => {
    await openTrace(page);
    await page.getByRole('button', { name: 'Leaks' }).click();
    await page.waitForSelector('#leaks');
    expect(await page.locator('#leaks table').count()).toBe(1);
    await page.getByRole('button', { name: 'Double maps' }).click();
    await soon(() => page.locator('.verdict').first().textContent()).toMatch(/already mapped/);
    await page.getByLabel('Granule').selectOption('16K');
    await soon(() => page.textContent(WHAT_IF)).toContain('16K, iova packed; driver');
  }),
);

browserTest('traces of two boots are not one trace: they are compared', () =>
  withPage('#panel=trace', async (page) => {
    const text = readFileSync(`${CAPTURE}trace_boot.txt`, 'latin1');
    await page.setInputFiles('input[type=file]', [fileOf('a.txt', text), fileOf('b.txt', text)]);
    await page.waitForSelector('.refused');
    await page.getByRole('button', { name: 'Compare the last two instead' }).click();
    expect(await verdict(page)).toContain('a.txt');
  }),
);
