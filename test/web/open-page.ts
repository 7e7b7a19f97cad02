/**
 * The built page in a browser, from its file:// address. A request to anywhere or an error of a script fails the test.
 * @module
 */
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { BROWSER_REQUIRED, findBrowser } from '../browser/browser.ts';

/** Address of the built page. */
export const PAGE: URL = new URL('../../dist/web/index.html', import.meta.url);
/** A recorded machine: log, dump, registers, traces. */
export const CAPTURE: string = new URL('../captures/arm64-smmuv3-612-blk-strict/', import.meta.url).pathname;

const PROGRAM = findBrowser();
/** True where no browser is there and none is required. */
export const SKIP: boolean = PROGRAM === undefined && !BROWSER_REQUIRED;
/** Appended to the names of tests that need a browser. */
export const REASON: string = SKIP ? ' (skipped: no chromium or google-chrome on PATH; set CHROMIUM_PATH)' : '';

let browser: Browser | undefined;

async function launch(): Promise<Browser> {
  if (PROGRAM === undefined) throw new Error('IOMMU_REQUIRE_BROWSER=1, but there is no browser');
  browser ??= await chromium.launch({ executablePath: PROGRAM, args: ['--no-sandbox', '--disable-gpu'] });
  return browser;
}

/** Ends the browser that the tests of a file share. */
export async function closeBrowser(): Promise<void> {
  await browser?.close();
  browser = undefined;
}

/** Runs `use` on the page, opened with a hash; `address` where it is served. */
export async function withPage(
  hash: string,
  use: (page: Page) => Promise<void>,
  options: BrowserContextOptions = {},
  address: string = PAGE.href,
): Promise<void> {
  const context = await (await launch()).newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const wrong: string[] = [];
  try {
    const page = await context.newPage();
    page.on('pageerror', ({ message }) => wrong.push(message));
    page.on('request', (request) => {
      const url = request.url();
      if (!/^(blob|data):/.test(url) && !url.startsWith(address)) wrong.push(`request to ${url}`);
    });
    await page.goto(address + hash);
    await use(page);
    expect(wrong).toEqual([]);
  } finally {
    await context.close();
  }
}

/** Time that a test of the page may take, milliseconds. */
export const TIMEOUT = 120_000;

/** A test that is skipped by name where there is no browser. */
export function browserTest(name: string, run: () => Promise<void>): void {
  test.skipIf(SKIP)(`${name}${REASON}`, { timeout: TIMEOUT }, run);
}

/** A file of the given text. */
export function fileOf(name: string, text: string): { name: string; mimeType: string; buffer: Buffer } {
  return { name, mimeType: '', buffer: Buffer.from(text, 'latin1') };
}

/** Chooses files of the capture. */
export async function drop(page: Page, ...names: string[]): Promise<void> {
  await page.setInputFiles(
    'input[type=file]',
    names.map((name) => `${CAPTURE}${name}`),
  );
}

/** The verdict, once it is there. */
export async function verdict(page: Page): Promise<string> {
  await page.waitForSelector('.verdict', { timeout: TIMEOUT });
  return (await page.textContent('.verdict')) ?? '';
}

/** An expectation that may take a while to hold: the machine may be busy. */
export function soon<T>(what: () => T | Promise<T>): ReturnType<typeof expect.poll<T>> {
  return expect.poll(what, { timeout: TIMEOUT / 4 });
}

/** Drops files onto the page, as a user does with the mouse. */
export async function dropFiles(
  page: Page,
  files: readonly { readonly name: string; readonly text: string }[],
): Promise<void> {
  await page.evaluate((given) => {
    const data = new DataTransfer();
    for (const { name, text } of given) data.items.add(new File([text], name));
    for (const type of ['dragenter', 'dragover', 'drop']) {
      document.body.dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
    }
  }, files);
}
