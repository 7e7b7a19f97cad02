import { expect, test } from 'vitest';
import { Domain, PROT } from '../../src/index.ts';
import { type Chart, chartToSvg, chartToText, formatBytes } from '../../src/report/index.ts';
import { LATENCY, LIVE, RANGES, STACKED } from '../report/samples.ts';
import { BROWSER_REQUIRED, bundle, findBrowser, withLibrary } from './browser.ts';

const BROWSER = findBrowser();
const SKIP = BROWSER === undefined && !BROWSER_REQUIRED;
const REASON = SKIP ? ' (skipped: no chromium or google-chrome on PATH; set CHROMIUM_PATH)' : '';

declare global {
  /** What the page has loaded: the library, or the room `report`. */
  var library: typeof import('../../src/index.ts') & typeof import('../../src/report/index.ts');
}

function browser(): string {
  if (BROWSER === undefined) {
    throw new Error('IOMMU_REQUIRE_BROWSER=1, but no chromium or google-chrome on PATH; set CHROMIUM_PATH');
  }
  return BROWSER;
}

test.skipIf(SKIP)(`the library loads in a browser and answers there${REASON}`, async () => {
  const answers = await withLibrary(browser(), await bundle('src/index.ts'), (page) =>
    page.evaluate(() => {
      const { formatSize, hex, parseSize } = globalThis.library;
      return [formatSize(2 ** 21), hex(0xffff_f000_0000_0000n), parseSize('64K')];
    }),
  );
  expect(answers).toEqual(['2M', '0xfffff00000000000', 65536]);
});

test.skipIf(SKIP)(`a domain maps, translates and refuses in a browser as it does here${REASON}`, async () => {
  const here = new Domain({ format: 'arm-64-lpae-s1', granule: '4K' });
  here.map(0x10000, 0x8000_0000, 0x200000, PROT.READ | PROT.WRITE);
  const there = await withLibrary(browser(), await bundle('src/index.ts'), (page) =>
    page.evaluate(() => {
      const { Domain: BrowserDomain, IommuError, PROT: prot } = globalThis.library;
      const domain = new BrowserDomain({ format: 'arm-64-lpae-s1', granule: '4K' });
      domain.map(0x10000, 0x8000_0000, 0x200000, prot.READ | prot.WRITE);
      const translations = [0x10000, 0x10042, 0x20ffff, 0x210000].map((iova) => String(domain.translate(iova)));
      try {
        domain.map(0x10001, 0, 4096, prot.READ);
        return { translations, refusal: '' };
      } catch (error) {
        return { translations, refusal: error instanceof IommuError ? error.code : String(error) };
      }
    }),
  );
  expect(there.translations).toEqual(
    [0x10000, 0x10042, 0x20ffff, 0x210000].map((iova) => String(here.translate(iova))),
  );
  expect(there.refusal).toBe('UNALIGNED');
});

test.skipIf(SKIP)(`a browser draws the same charts, byte for byte${REASON}`, async () => {
  const charts: readonly Chart[] = [LATENCY, LIVE, STACKED, RANGES];
  const drawn = await withLibrary(browser(), await bundle('src/report/index.ts'), (page) =>
    page.evaluate(
      (list) => list.map((chart) => [globalThis.library.chartToSvg(chart), globalThis.library.chartToText(chart)]),
      charts,
    ),
  );
  expect(drawn).toEqual(charts.map((chart) => [chartToSvg(chart), chartToText(chart)]));
});

test.skipIf(SKIP)(`tables for terminals work in a browser too${REASON}`, async () => {
  const text = await withLibrary(browser(), await bundle('src/report/index.ts'), (page) =>
    page.evaluate(() => {
      const table = { columns: [{ title: 'size', unit: 'bytes' as const }], rows: [[4096], [13_841_203]] };
      return globalThis.library.tableToText(table, false);
    }),
  );
  expect(text).toBe(`    size\n      4K\n${formatBytes(13_841_203)}\n`);
});
