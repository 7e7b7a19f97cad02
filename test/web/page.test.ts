import { existsSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import axe from 'axe-core';
import { afterAll, expect, test } from 'vitest';
import { servePage } from '../../src/cli/ui.ts';
import {
  browserTest,
  CAPTURE,
  closeBrowser,
  drop,
  fileOf,
  PAGE,
  REASON,
  SKIP,
  soon,
  TIMEOUT,
  verdict,
  withPage,
} from './open-page.ts';

const PANELS = ['fault', 'explorer', 'trace', 'dump', 'latency', 'learn'];
const VTD =
  'DMAR: [DMA Write NO_PASID] Request device [00:14.0] fault addr 0x7b7ef000 [fault reason 0x05] PTE Write access is not set';

afterAll(closeBrowser);

test('the built page has a policy by hash, and neither module script nor inline handler', () => {
  if (!existsSync(PAGE)) throw new Error('the page is not built: npm run build');
  const html = readFileSync(PAGE, 'utf8');
  expect(html).toMatch(/script-src 'sha256-[^']+' 'wasm-unsafe-eval'/);
  expect(html).toContain("default-src 'none'");
  expect(html).not.toMatch(/<script type="module"|<body[^>]*\son\w+=/);
});

test('the whole page is at most 1.2 MB compressed, and as large as its document says', () => {
  const kilobytes = gzipSync(readFileSync(PAGE)).length / 1000;
  expect(kilobytes).toBeLessThan(1200);
  const document = readFileSync(new URL('../../docs/page.md', import.meta.url), 'utf8');
  const said = Number(/^\| the whole file, gzip .*?\| *(\d+) KB *\|$/m.exec(document)?.[1]);
  expect(kilobytes / said).toBeGreaterThan(0.9);
  expect(kilobytes / said).toBeLessThan(1.1);
});

browserTest('fault lines are pasted by keyboard alone, and the link carries them', () =>
  withPage('', async (page) => {
    await page.keyboard.press('/');
    await page.keyboard.insertText(VTD);
    expect(await verdict(page)).toContain('0x7b7ef000');
    expect(await page.textContent('.strip')).toContain('source-id');
    const { hash } = new URL(page.url());
    await withPage(hash, async (other) => expect(await verdict(other)).toContain('0x7b7ef000'));
  }),
);

browserTest('a list becomes a table; a click selects an entry, a switched bit faults in place, and is undone', () =>
  withPage('#panel=explorer', async (page) => {
    expect(await verdict(page)).toContain('0x200000 → 0x80010000');
    await page.click('.level:last-child .entry:nth-of-type(2)');
    expect(await verdict(page)).toContain('0x201000 → 0x80011000');
    expect(new URL(page.url()).hash).toContain('at=0x201000');
    await page.click('[data-bit="0"]');
    expect(await verdict(page)).toContain('0x201000 faults: never-mapped');
    await page.locator('.level').first().focus();
    await page.keyboard.press('u');
    expect(await verdict(page)).toContain('0x201000 → 0x80011000');
  }),
);

browserTest('the walk player steps through each memory read by keyboard', () =>
  withPage('#panel=explorer', async (page) => {
    await verdict(page);
    await page.keyboard.press('n');
    expect(await page.locator('.level').count()).toBe(1);
    for (const levels of [2, 3, 4]) {
      await page.keyboard.press('n');
      expect(await page.locator('.level').count()).toBe(levels);
    }
    expect(await verdict(page)).toContain('0x200000 → 0x80010000');
  }),
);

browserTest('every format is mapped and read back for the same list', () =>
  withPage('#panel=explorer&list=0x80010000 64K&iova=0x1000000', async (page) => {
    const formats = await page.locator('select').first().locator('option').allTextContents();
    expect(formats.length).toBeGreaterThan(5);
    for (const format of formats) {
      await page.locator('select').first().selectOption(format);
      await soon(() => page.textContent('.tables h2')).toContain(format);
      expect(await verdict(page)).toContain('0x1000000 → 0x80010000');
    }
  }),
);

browserTest('a dropped dump is decoded, the verdict first', () =>
  withPage('', async (page) => {
    await drop(page, 'tables-live-io.jsonl.gz', 'regs-live-io.json', 'pci.txt');
    expect(await verdict(page)).toContain('3 domains of 3 devices map 4.89 MiB');
    expect(await page.textContent('#devices')).toContain('0000:00:01.0');
    expect(new URL(page.url()).hash).toBe('#panel=dump');
  }),
);

browserTest('dropped traces are one trace, and their answer has pictures', () =>
  withPage('', async (page) => {
    await drop(page, 'trace_boot.txt', 'trace.txt.gz');
    expect(await verdict(page)).toContain('2,622 lists were mapped');
    await page.waitForSelector('.timeline svg');
    await page.locator('#questions summary').click();
    await page.waitForSelector('#questions .chart > svg[role=img]');
  }),
);

browserTest('an answer is copied as CSV, and a picture as an SVG of its own', () =>
  withPage(
    '#panel=trace',
    async (page) => {
      await drop(page, 'trace_boot.txt');
      await verdict(page);
      await page.click('button:has-text("Copy as CSV")');
      await page.waitForSelector('button:has-text("Copy as CSV: copied")');
      expect(await page.evaluate(() => navigator.clipboard.readText())).toMatch(/^path,/);
      await page.locator('#questions summary').click();
      await page.locator('#questions button:has-text("Copy as SVG")').first().click();
      await page.waitForSelector('button:has-text("Copy as SVG: copied")');
      const svg = await page.evaluate(() => navigator.clipboard.readText());
      expect(svg).toMatch(/^<svg[^>]*xmlns="http:\/\/www.w3.org\/2000\/svg"/);
      expect(svg).not.toContain('var(');
    },
    { permissions: ['clipboard-read', 'clipboard-write'] },
  ),
);

browserTest('the published table of 2021 is explained without a file', () =>
  withPage('#panel=latency&show=map-sg-series-2021', async (page) => {
    expect(await verdict(page)).toContain('18.2 times');
  }),
);

browserTest('every step of learn leads to a panel that answers', () =>
  withPage('#panel=learn', async (page) => {
    const links = await page
      .locator('.lessons a')
      .evaluateAll((all) => all.map((one) => one.getAttribute('href') ?? ''));
    expect(links).toHaveLength(10);
    for (const link of links) {
      await page.evaluate((hash) => location.replace(hash), link);
      expect(await verdict(page)).not.toBe('');
      expect(await page.locator('.refused').count()).toBe(0);
    }
  }),
);

browserTest('a file that no reader takes is listed with why, and the page goes on', () =>
  withPage('', async (page) => {
    await page.setInputFiles('input[type=file]', fileOf('x.bin', '\x01\x02\x03\x04'));
    await page.waitForSelector('.files .bad');
    expect(await page.textContent('.files .bad')).toContain('not understood');
    await page.keyboard.press('2');
    expect(await verdict(page)).toContain('0x200000');
  }),
);

test.skipIf(SKIP).each([
  ['vmcore', '\x7fELF\x02\x01\x01', '.refused'],
  ['trace.dat', '\x17\x08\x44tracing6\x00', '.refused'],
  ['dmesg.txt', '\x00\x01\x02\x03\x04', '.verdict.unusable'],
  ['times.csv', 'op,path,layout,bytes,pages,us\nmap,per-page,scattered-4k,x,1,1\n', '.refused'],
])(
  `%s that is broken is refused in its panel, and the page goes on${REASON}`,
  { timeout: TIMEOUT },
  (name, text, sign) =>
    withPage('', async (page) => {
      await page.setInputFiles('input[type=file]', fileOf(name, text));
      await page.waitForSelector(sign);
      await page.keyboard.press('2');
      await page.fill('textarea', '0x1 8E');
      await page.waitForSelector('.refused');
      await page.fill('textarea', '0x80000000 4K');
      expect(await verdict(page)).toContain('0x200000 → 0x80000000');
    }),
);

browserTest('markup in logs and links stays text; keys of prototypes are only keys', () =>
  withPage('#panel=__proto__&constructor=1&__proto__=2', async (page) => {
    const evil = `[1.0] arm-smmu <img src=x onerror=alert(1)>: Unhandled context fault: fsr=0x402, iova=0x1000, fsynr=0x1, cbfrsynra=0x1, cb=3`;
    await page.fill('textarea', `${evil}\n${VTD.replace('00:14.0', '<b>x</b>')}\n${VTD}`);
    await verdict(page);
    expect(await page.locator('main img, main b').count()).toBe(0);
    await page.evaluate(() => location.replace('#panel=explorer&format=__proto__&granule=NaN'));
    await page.waitForSelector('.refused');
  }),
);

browserTest('a list of huge counts is refused or drawn, and the page answers', () =>
  withPage('#panel=explorer', async (page) => {
    await page.fill('textarea', '0x80000000 1T');
    await page.waitForSelector('.refused');
    await page.evaluate(() => {
      const list = Array.from({ length: 4096 }, (_, i) => `0x${(0x8000_0000 + i * 8192).toString(16)} 4K`).join('\n');
      const data = new DataTransfer();
      data.setData('text/plain', list);
      const box = document.querySelector('textarea');
      box?.select();
      box?.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
    });
    expect(await verdict(page)).toContain('0x200000 → 0x80000000');
    expect(await page.locator('.entry').count()).toBeLessThan(1000);
  }),
);

browserTest('the page of iommu ui opens with its files, and asks its own server for nothing else', async () => {
  const { server, address } = await servePage([`${CAPTURE}dmesg.txt`], 0);
  try {
    await withPage(
      '',
      async (page) => {
        expect(await verdict(page)).toContain('lines');
        expect(await page.textContent('.files')).toContain('dmesg.txt');
      },
      {},
      address,
    );
  } finally {
    server.close();
  }
});

browserTest('the palette lists every command and runs the one that is found', () =>
  withPage('', async (page) => {
    await page.keyboard.press('?');
    await page.keyboard.type('go to learn');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.lessons');
  }),
);

for (const [name, width] of [
  ['200 % zoom', 640],
  ['a phone', 390],
] as const) {
  browserTest(`no panel is wider than ${name}`, () =>
    withPage(
      '',
      async (page) => {
        for (const panel of PANELS) {
          await page.evaluate((id) => location.replace(`#panel=${id}`), panel);
          const spare = await page.evaluate(
            () => document.documentElement.clientWidth - document.documentElement.scrollWidth,
          );
          expect(spare, panel).toBeGreaterThanOrEqual(0);
        }
      },
      { viewport: { width, height: 800 } },
    ),
  );
}

interface Found {
  readonly violations: readonly { readonly id: string; readonly nodes: readonly { readonly html: string }[] }[];
}

for (const colorScheme of ['light', 'dark'] as const) {
  browserTest(`axe finds no violation in any panel, ${colorScheme}`, () =>
    withPage(
      `#log=${encodeURIComponent(VTD)}`,
      async (page) => {
        await verdict(page);
        await page.evaluate(axe.source);
        for (const panel of PANELS) {
          await page.evaluate((id) => location.replace(`#panel=${id}&show=map-sg-series-2021`), panel);
          if (panel === 'latency') await verdict(page);
          const { violations } = await page.evaluate<Found>('axe.run()');
          expect(violations.map(({ id, nodes }) => `${panel}: ${id}: ${nodes[0]?.html}`)).toEqual([]);
        }
      },
      { colorScheme },
    ),
  );
}

browserTest('the theme is light, dark, or what the system asks for', () =>
  withPage(
    '',
    async (page) => {
      const ground = (): Promise<string> => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      const system = await ground();
      await page.keyboard.press('t');
      await soon(ground).not.toBe(system);
      await page.keyboard.press('t');
      await soon(ground).toBe(system);
    },
    { colorScheme: 'dark' },
  ),
);

browserTest('the palette has the commands of every panel, and opens the panel of the one that is run', () =>
  withPage('', async (page) => {
    await page.keyboard.press('ControlOrMeta+k');
    await page.keyboard.type('invalidate the tlb');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.levels');
  }),
);

browserTest('axe finds no violation in panels that have answered', () =>
  withPage('', async (page) => {
    const check = async (what: string): Promise<void> => {
      const { violations } = await page.evaluate<Found>('axe.run()');
      expect(violations.map(({ id, nodes }) => `${what}: ${id}: ${nodes[0]?.html}`)).toEqual([]);
    };
    await page.evaluate(axe.source);
    await drop(page, 'trace_boot.txt');
    await page.waitForSelector('.range-bar');
    await page.evaluate(() => location.replace('#panel=trace&range=0.1-9'));
    await page.waitForSelector('section[aria-label="what if"] .verdict');
    await check('trace');
    await drop(page, 'tables-live-io.jsonl.gz', 'regs-live-io.json');
    await page.waitForSelector('#devices');
    await check('dump');
    await page.locator('td[data-label="iova"] a').first().click();
    await page.waitForSelector('.levels');
    for (let read = 0; read < 4; read++) await page.keyboard.press('n');
    await page.waitForSelector('.tlb');
    await check('explorer');
  }),
);
