import { afterAll, expect } from 'vitest';
import { ReplayRun } from '../../src/answers/replay.ts';
import { createNames } from '../../src/trace/events.ts';
import { createTraceReader } from '../../src/trace/readers.ts';
import { largeTrace } from '../support/large-trace.ts';
import { browserTest, closeBrowser, fileOf, soon, verdict, withPage } from './open-page.ts';

/** Above the size from which on a file gets further workers. */
const BYTES = 9 * 2 ** 20;

afterAll(closeBrowser);

/** The verdict on one thread. */
function expected(text: string): string {
  const names = createNames();
  const run = new ReplayRun({ names, clock: () => 0 });
  const reader = createTraceReader('ftrace', (event) => run.event(event), names);
  reader.push(Buffer.from(text, 'latin1'));
  reader.end();
  return run.answer([reader.stats]).verdict;
}

browserTest('a large trace is read and replayed by further workers, which end with it', () =>
  withPage('', async (page) => {
    const text = largeTrace(BYTES);
    let started = 0;
    let ended = 0;
    page.on('worker', (worker) => {
      started++;
      worker.on('close', () => ended++);
    });
    await page.setInputFiles('input[type=file]', [fileOf('trace.txt', text)]);
    expect(await verdict(page)).toBe(expected(text));
    const processors = await page.evaluate(() => navigator.hardwareConcurrency);
    expect(started).toBe(processors > 1 ? 3 : 1);
    await soon(() => ended).toBe(started - 1);
  }),
);
