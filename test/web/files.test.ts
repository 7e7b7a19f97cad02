import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, expect } from 'vitest';
import { browserTest, CAPTURE, closeBrowser, drop, fileOf, soon, verdict, withPage } from './open-page.ts';

const CAPTURES = new URL('../captures/', import.meta.url).pathname;
const EXAMPLE = new URL('../../data/example/', import.meta.url).pathname;
const TRACES = ['trace_boot.txt', 'trace_vfio.txt'].map((name) => EXAMPLE + name);

afterAll(closeBrowser);

function choose(page: Page, paths: readonly string[]): Promise<void> {
  return page.setInputFiles('input[type=file]', paths);
}

function said(page: Page): Promise<string | null> {
  return page.locator('main .verdict').first().textContent();
}

browserTest('a trace.dat is read, whether zstd packed its parts or gzip the file', () =>
  withPage('', async (page) => {
    await drop(page, 'trace.dat');
    const first = await verdict(page);
    expect(first).toContain('72 lists were mapped');
    await page.getByRole('button', { name: 'remove trace.dat' }).click();
    await drop(page, 'trace-v6.dat.gz');
    await soon(() => said(page)).toBe(first);
  }),
);

browserTest('traces alone say which IOMMU is assumed; a log that is dropped later names it', () =>
  withPage('', async (page) => {
    await choose(page, TRACES);
    expect(await verdict(page)).toContain('3,399 crossings between layers for this (arm-smmu is assumed: no log,');
    await choose(page, [`${EXAMPLE}dmesg.txt`]);
    await page.getByRole('link', { name: 'Trace' }).click();
    await soon(() => said(page)).toMatch(/844 crossings .* commands to intel-vtd/);
    await page.getByRole('button', { name: 'remove dmesg.txt' }).click();
    await soon(() => said(page)).toContain('arm-smmu is assumed');
    await page.getByLabel('IOMMU').selectOption('amd-vi');
    await page.waitForSelector('section[aria-label="what if"] .verdict');
    expect(await page.textContent('section[aria-label="what if"]')).toContain('driver amd-vi');
    expect(await page.getByLabel('Format').inputValue()).toBe('amd-v1');
  }),
);

browserTest('a log that is dropped takes the place of lines in the box', () =>
  withPage('', async (page) => {
    await page.getByRole('button', { name: 'VT-d' }).click();
    expect(await verdict(page)).toContain('in 2 lines');
    await choose(page, [`${EXAMPLE}dmesg.txt`]);
    await soon(() => said(page)).toContain('4 incidents in 425 lines');
    expect(await page.inputValue('textarea')).toBe('');
  }),
);

browserTest('of several dumps none is used for a fault until one is chosen', () =>
  withPage('', async (page) => {
    const folder = `${CAPTURES}arm64-smmuv3-612-vfio/`;
    const names = readdirSync(folder).filter((name) => /^(tables|regs|dmesg)/.test(name));
    await choose(
      page,
      names.map((name) => folder + name),
    );
    await verdict(page);
    expect(await page.textContent('.side')).toContain('Several dumps were dropped, and none is used');
    expect(await page.locator('.fault-walk').count()).toBe(0);
    await page.getByRole('button', { name: 'use tables-vfio-mapped.jsonl.gz' }).click();
    await page.waitForSelector('.fault-walk');
    expect(await page.getByRole('button', { name: /^use tables-/ }).allTextContents()).toEqual(['use']);
    expect(await page.textContent('.side')).not.toContain('Several dumps');
  }),
);

browserTest('files that are empty, packed otherwise, cut short or gone are refused by name', () =>
  withPage('', async (page) => {
    const folder = mkdtempSync(join(tmpdir(), 'iommu-files-'));
    try {
      await page.setInputFiles('input[type=file]', [
        fileOf('dmesg.txt', ''),
        fileOf('log.xz', '\xfd7zXZ\x00\x00\x04'),
        fileOf('dmesg.zst', '\x28\xb5\x2f\xfd\x00\x00'),
      ]);
      await soon(() => page.locator('.files .bad').count()).toBe(3);
      const listed = await page.locator('.files .bad').allTextContents();
      expect(listed[0]).toContain('the file is empty');
      expect(listed[1]).toContain('expected a file that is plain or packed with gzip, got xz');
      expect(listed[2]).toContain('got zstd');
      const cut = join(folder, 'trace.txt.gz');
      writeFileSync(cut, readFileSync(`${CAPTURE}trace.txt.gz`).subarray(0, 9000));
      await choose(page, [cut]);
      await page.waitForSelector('.refused');
      expect(await page.textContent('.refused')).toBe(
        'trace.txt.gz: expected the end of its gzip data, got the end of the file: it is cut (TRUNCATED)',
      );
      await page.getByRole('button', { name: 'remove trace.txt.gz' }).click();
      await soon(() => page.locator('.refused').count()).toBe(0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }),
);

browserTest('on paper the page is black on white, without what can only be pressed', () =>
  withPage(
    '',
    async (page) => {
      await choose(page, TRACES);
      await verdict(page);
      await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
      const colour = await page.evaluate(() => getComputedStyle(document.querySelector('.verdict') as Element).color);
      expect(colour).toBe('rgb(22, 25, 29)');
      for (const name of ['nav', '.tools', '.bar']) {
        expect(await page.locator(name).first().isVisible(), name).toBe(false);
      }
    },
    { colorScheme: 'dark' },
  ),
);
