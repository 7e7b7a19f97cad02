// Draws docs/pictures/page.png: the dump of data/example in the built page. Needs a browser, see find-browser.mjs.
import { readdirSync } from 'node:fs';
import { chromium } from 'playwright-core';
// biome-ignore lint/correctness/useImportExtensions: the module itself, not its declarations
import { findBrowser } from './find-browser.mjs';

const PAGE = new URL('../dist/web/index.html', import.meta.url);
const EXAMPLE = new URL('../data/example/', import.meta.url).pathname;
const PICTURE = new URL('../docs/pictures/page.png', import.meta.url).pathname;

const program = findBrowser();
if (program === undefined) throw new Error('no chromium or google-chrome on PATH; set CHROMIUM_PATH');
const browser = await chromium.launch({ executablePath: program, args: ['--no-sandbox', '--disable-gpu'] });
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  await page.goto(PAGE.href);
  const names = readdirSync(EXAMPLE).filter((name) => /^(tables|regs|pci|iommu_groups|iomem)/.test(name));
  await page.setInputFiles(
    'input[type=file]',
    names.map((name) => EXAMPLE + name),
  );
  await page.waitForSelector('#devices table');
  await page.waitForSelector('h2:has-text("Ranges")');
  await page.screenshot({ path: PICTURE });
} finally {
  await browser.close();
}
