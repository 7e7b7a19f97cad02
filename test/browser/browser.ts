/**
 * A headless browser for tests: found on this machine, never fetched, and without a network.
 * @module
 */
import { chromium, type Page } from 'playwright-core';
import { build } from 'vite';
// biome-ignore lint/correctness/useImportExtensions: a script that runs without being compiled
import { findBrowser } from '../../scripts/find-browser.mjs';

export { findBrowser };

const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  '--proxy-server=127.0.0.1:1',
];

/** True if a missing browser is to fail the tests instead of skipping them. */
export const BROWSER_REQUIRED: boolean = process.env['IOMMU_REQUIRE_BROWSER'] === '1';

/** One module of everything that `entry` (a path from the repository's root) exports, for a browser. */
export async function bundle(entry: string): Promise<string> {
  const result = await build({
    configFile: false,
    logLevel: 'silent',
    define: { 'process.env.NODE_ENV': '"production"' },
    build: { write: false, minify: false, target: 'es2022', lib: { entry, formats: ['es'], fileName: 'library' } },
  });
  const [output] = [result].flat();
  if (output === undefined || !('output' in output)) throw new Error(`${entry} was not bundled`);
  const chunks = output.output.filter((part) => part.type === 'chunk');
  const [chunk] = chunks;
  if (chunk === undefined || chunks.length !== 1) throw new Error(`${entry} came out as ${chunks.length} chunks`);
  return chunk.code;
}

/** Loads a module; pages find what it exports as `globalThis.library`. (As text: the test runner rewrites imports.) */
async function load(page: Page, code: string): Promise<void> {
  const url = `URL.createObjectURL(new Blob([${JSON.stringify(code)}], { type: 'text/javascript' }))`;
  await page.evaluate(`import(${url}).then((library) => { globalThis.library = library; })`);
}

/** Runs `use` on an empty page with the module loaded; requests to a network fail the test. */
export async function withLibrary<T>(
  executablePath: string,
  code: string,
  use: (page: Page) => Promise<T>,
): Promise<T> {
  const browser = await chromium.launch({ executablePath, headless: true, args: ARGUMENTS });
  try {
    const page = await browser.newPage();
    const requests: string[] = [];
    page.on('request', (request) => {
      if (!/^(blob|data|about):/.test(request.url())) requests.push(request.url());
    });
    await load(page, code);
    const result = await use(page);
    if (requests.length > 0) throw new Error(`the page asked for ${requests.join(' ')}`);
    return result;
  } finally {
    await browser.close();
  }
}
