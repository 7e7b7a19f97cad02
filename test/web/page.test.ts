import { existsSync, readFileSync } from 'node:fs';
import { chromium, type Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { BROWSER_REQUIRED, findBrowser } from '../browser/browser.ts';

const PAGE = new URL('../../dist/web/index.html', import.meta.url);
const CAPTURE = new URL('../captures/arm64-smmuv3-612-blk-strict/', import.meta.url).pathname;
const BROWSER = findBrowser();
const SKIP = BROWSER === undefined && !BROWSER_REQUIRED;
const REASON = SKIP ? ' (skipped: no chromium or google-chrome on PATH; set CHROMIUM_PATH)' : '';

/** Opens the built page from its file:// address; a request to anywhere else or an error of a script fails the test. */
async function withPage(use: (page: Page) => Promise<void>): Promise<void> {
  if (BROWSER === undefined) throw new Error('IOMMU_REQUIRE_BROWSER=1, but there is no browser');
  const browser = await chromium.launch({ executablePath: BROWSER, args: ['--no-sandbox', '--disable-gpu'] });
  const wrong: string[] = [];
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.on('pageerror', ({ message }) => wrong.push(message));
    page.on('request', (request) => {
      const url = request.url();
      if (!url.startsWith('blob:') && !url.startsWith('data:') && url !== PAGE.href) wrong.push(`request to ${url}`);
    });
    await page.goto(PAGE.href);
    await use(page);
    expect(wrong).toEqual([]);
  } finally {
    await browser.close();
  }
}

test('the built page has a policy by hash, and neither module script nor inline handler', () => {
  if (!existsSync(PAGE)) throw new Error('the page is not built: npm run build');
  const html = readFileSync(PAGE, 'utf8');
  expect(html).toMatch(/script-src 'sha256-[^']+' 'wasm-unsafe-eval'/);
  expect(html).toContain("default-src 'none'");
  expect(html).not.toMatch(/<script type="module"|<[a-z]+ [^>]*\son\w+=/);
});

test.skipIf(SKIP)(`a dropped dump is decoded in the page, the verdict first${REASON}`, () =>
  withPage(async (page) => {
    const files = ['tables-live-io.jsonl.gz', 'regs-live-io.json', 'pci.txt'].map((name) => `${CAPTURE}${name}`);
    await page.setInputFiles('input[type=file]', files);
    await page.waitForSelector('.verdict');
    expect(await page.textContent('.verdict')).toContain('3 domains of 3 devices map 4.89 MiB');
    expect(await page.textContent('#devices')).toContain('0000:00:01.0');
    expect(new URL(page.url()).hash).toBe('#panel=dump');
  }),
);

test.skipIf(SKIP)(`a file that no reader takes is listed with why, and the page goes on${REASON}`, () =>
  withPage(async (page) => {
    await page.setInputFiles('input[type=file]', { name: 'x.bin', mimeType: '', buffer: Buffer.from([1, 2, 3, 4]) });
    await page.waitForSelector('.files .bad');
    expect(await page.textContent('.files .bad')).toContain('not understood');
  }),
);
