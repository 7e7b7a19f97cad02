import { readdirSync } from 'node:fs';
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { afterAll, expect } from 'vitest';
import { browserTest, closeBrowser, withPage } from './open-page.ts';

/** The capture that ships with the package. */
const EXAMPLE = new URL('../../data/example/', import.meta.url).pathname;
const PANELS = ['fault', 'explorer', 'trace', 'dump', 'latency'] as const;

afterAll(closeBrowser);

function chooseExample(page: Page): Promise<void> {
  return page.setInputFiles(
    'input[type=file]',
    readdirSync(EXAMPLE).map((name) => EXAMPLE + name),
  );
}

interface Places {
  readonly verdict: number;
  readonly others: readonly number[];
  readonly beyond: number;
}

/** Where the verdict begins, where the files and what is typed into begin, and by how much the page is too wide. */
function placesIn(page: Page): Promise<Places> {
  return page.evaluate(() => {
    const top = (element: Element | null): number => element?.getBoundingClientRect().top ?? Number.NaN;
    const others = [...document.querySelectorAll('main .files, main table, main figure, main h2')];
    const { scrollWidth, clientWidth } = document.documentElement;
    return {
      verdict: top(document.querySelector('main .verdict')),
      others: others.map(top),
      beyond: scrollWidth - clientWidth,
    };
  });
}

for (const [width, height] of [
  [390, 844],
  [768, 1024],
  [1280, 800],
] as const) {
  browserTest(`at ${width} px the verdict comes before files, tables and pictures, and nothing is cut off`, () =>
    withPage(
      '',
      async (page) => {
        await chooseExample(page);
        for (const panel of PANELS) {
          await page.evaluate((id) => location.replace(`#panel=${id}&show=map-sg-series-2021`), panel);
          await page.waitForSelector('main .verdict');
          await page.waitForSelector('main h2');
          const { verdict, others, beyond } = await placesIn(page);
          expect(verdict, panel).toBeLessThan(height / 4);
          expect(others.length, panel).toBeGreaterThan(0);
          for (const other of others) expect(other, panel).toBeGreaterThan(verdict);
          expect(beyond, panel).toBeLessThanOrEqual(0);
          expect(await page.locator('main .files li').count(), panel).toBe(9);
        }
      },
      { viewport: { width, height } },
    ),
  );
}

browserTest('on a phone the verdict comes before the box of the fault lines, and before the questions', () =>
  withPage(
    '',
    async (page) => {
      const before = (selector: string): Promise<boolean> =>
        page.evaluate((other) => {
          const tops = ['main .verdict', other].map(
            (one) => document.querySelector(one)?.getBoundingClientRect().top ?? Number.NaN,
          );
          return Number(tops[0]) < Number(tops[1]);
        }, selector);
      await page.click('button:has-text("VT-d")');
      await page.waitForSelector('main .verdict');
      expect(await before('textarea')).toBe(true);
      await page.evaluate(() => location.replace('#panel=explorer'));
      await page.waitForSelector('.tables .verdict');
      expect(await before('textarea')).toBe(true);
      await page.evaluate(() => location.replace('#panel=latency&show=map-sg-series-2021'));
      await page.waitForSelector('.answer .verdict');
      expect(await before('.bar')).toBe(true);
    },
    { viewport: { width: 390, height: 844 } },
  ),
);

browserTest('axe finds no violation on a phone with every section of an answer opened', () =>
  withPage(
    '',
    async (page) => {
      await chooseExample(page);
      await page.waitForSelector('main .verdict');
      await page.evaluate(axe.source);
      for (const state of ['fault', 'explorer&beside=arm-v7s', 'trace&range=1-20', 'dump']) {
        await page.evaluate((hash) => location.replace(`#panel=${hash}`), state);
        await page.waitForSelector('main .verdict');
        await page.waitForSelector('main details, main .levels');
        await page.evaluate(() => {
          for (const one of document.querySelectorAll('details')) one.open = true;
        });
        const found = await page.evaluate<{ violations: { id: string; nodes: { html: string }[] }[] }>('axe.run()');
        expect(found.violations.map(({ id, nodes }) => `${state}: ${id}: ${nodes[0]?.html}`)).toEqual([]);
      }
    },
    { viewport: { width: 390, height: 844 } },
  ),
);
