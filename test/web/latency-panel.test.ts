import { afterAll, expect } from 'vitest';
import { browserTest, closeBrowser, dropFiles, soon, TIMEOUT, verdict, withPage } from './open-page.ts';

afterAll(closeBrowser);

browserTest('a price is moved by keyboard: the predicted times follow, and the link carries it', () =>
  withPage('#panel=latency&show=map-sg-series-2021', async (page) => {
    await verdict(page);
    const page4K = page.getByRole('slider', { name: /page: a walk/ });
    await page4K.focus();
    const before = await page.locator('.price output').allTextContents();
    await page.keyboard.press('End');
    await soon(() => page.locator('.price output.warning').count()).toBe(1);
    const { hash } = new URL(page.url());
    expect(hash).toMatch(/prices=page%3D\d/);
    await withPage(hash, async (other) => {
      await verdict(other);
      await soon(() => other.locator('.price output.warning').count()).toBe(1);
    });
    await page.getByRole('button', { name: 'Back to the estimates' }).click();
    await soon(() => page.locator('.price output').allTextContents()).toEqual(before);
  }),
);

browserTest('published, predicted and measured times are told apart in one picture', () =>
  withPage('#panel=latency&show=map-sg-series-2021', async (page) => {
    await verdict(page);
    await page.getByRole('button', { name: /Add the times of this engine/ }).click();
    await page.waitForSelector('.model .legend li:has-text("(this engine)")', { timeout: TIMEOUT });
    const legend = (await page.locator('.model .legend').first().textContent()) ?? '';
    for (const words of ['(published)', '(predicted)']) expect(legend).toContain(words);
  }),
);

browserTest('a dropped table has sliders, and the size that the layers are shown for is chosen', () =>
  withPage('#panel=latency', async (page) => {
    const rows = [4, 16, 64, 256, 1024].flatMap((pages) => [
      `map,per-page,scattered-4k,${pages * 4096},${pages},${(1 + pages * 0.5).toFixed(3)}`,
      `map,map-sg,scattered-4k,${pages * 4096},${pages},${(4 + pages * 0.03).toFixed(3)}`,
    ]);
    await dropFiles(page, [{ name: 'mine.csv', text: `op,path,layout,bytes,pages,us\n${rows.join('\n')}\n` }]);
    await verdict(page);
    await page.locator('.pick select').selectOption('64K');
    await soon(() => page.textContent('.model')).toContain('Predicted time of 64K by layer');
  }),
);
