// Measures the built page in a browser: what a user waits for. Each row has what was asked and what was measured.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { chromium } from 'playwright-core';
// biome-ignore lint/correctness/useImportExtensions: the module itself, not its declarations
import { findBrowser } from './find-browser.mjs';

const PAGE = new URL('../dist/web/index.html', import.meta.url);
const CAPTURE = new URL('../test/captures/arm64-smmuv3-612-blk-strict/trace.txt.gz', import.meta.url);
const TRACE_BYTES = 100e6;
const RUNS = 5;
const STAMP = /(\[\d+\] \S+ +)(\d+\.\d{6})(:)/;

function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

/** The events of the capture again and again, each time later. */
function longTrace() {
  const lines = gunzipSync(readFileSync(CAPTURE)).toString('latin1').split('\n');
  const events = lines.filter((line) => STAMP.test(line));
  const times = events.map((line) => Number(STAMP.exec(line)[2]));
  const span = Math.max(...times) - Math.min(...times) + 0.001;
  const parts = [];
  for (let bytes = 0, round = 0; bytes < TRACE_BYTES; round++) {
    const shifted = events.map((line) =>
      line.replace(STAMP, (_, head, time, tail) => head + (Number(time) + round * span).toFixed(6) + tail),
    );
    const text = `${shifted.join('\n')}\n`;
    parts.push(text);
    bytes += text.length;
  }
  return `# tracer: nop\n${parts.join('')}`;
}

/** Watches tasks of the page's own thread; in the page. */
function watchTasks() {
  globalThis.longest = 0;
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) globalThis.longest = Math.max(globalThis.longest, duration);
  }).observe({ type: 'longtask', buffered: true });
}

async function openPage(browser, hash) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  await context.addInitScript(watchTasks);
  const page = await context.newPage();
  await page.goto(PAGE.href + hash);
  return page;
}

async function firstPaint(browser) {
  const times = [];
  for (let run = 0; run < RUNS; run++) {
    const page = await openPage(browser, '');
    await page.waitForFunction(() => performance.getEntriesByName('first-contentful-paint').length > 0);
    times.push(await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0].startTime));
    await page.context().close();
  }
  return median(times);
}

async function droppedTrace(browser, file) {
  const page = await openPage(browser, '#panel=trace');
  await page.waitForTimeout(1500);
  await page.evaluate(() => {
    globalThis.longest = 0;
  });
  const start = performance.now();
  await page.setInputFiles('input[type=file]', file);
  await page.waitForSelector('.timeline svg', { timeout: 300_000 });
  const first = performance.now() - start;
  await page.waitForSelector('.verdict', { timeout: 300_000 });
  const whole = performance.now() - start;
  await page.waitForTimeout(500);
  const longest = await page.evaluate(() => globalThis.longest);
  const zoom = await clickTo(page, '.address a', () => document.querySelector('.range-bar')?.textContent ?? '');
  await page.context().close();
  return { first, whole, longest, zoom };
}

/** Milliseconds from a click to the frame in which what `seen` reads has changed. */
async function clickTo(page, selector, seen) {
  return await page.evaluate(
    async ([target, source]) => {
      const read = new Function(`return (${source})()`);
      const before = read();
      const start = performance.now();
      document.querySelector(target)?.dispatchEvent(new MouseEvent('click', { bubbles: true, cancelable: true }));
      while (read() === before) await new Promise(requestAnimationFrame);
      return performance.now() - start;
    },
    [selector, seen.toString()],
  );
}

async function clicks(browser) {
  const page = await openPage(browser, '#panel=explorer');
  await page.waitForSelector('.verdict');
  const times = [];
  for (let run = 0; run < RUNS; run++) {
    times.push(
      await clickTo(
        page,
        `.level:last-child .entry:not([aria-current])`,
        () => document.querySelector('.verdict')?.textContent,
      ),
    );
  }
  await page.context().close();
  return median(times);
}

async function scrolling(browser) {
  const page = await openPage(browser, '#panel=explorer&list=0x80001000+1G&iova=0x40000000');
  await page.waitForSelector('.verdict');
  await page.getByText('All leaves').click();
  await page.waitForSelector('.leaf-row');
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable');
  const script = async () => {
    const { metrics } = await session.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === 'ScriptDuration').value * 1000;
  };
  const before = await script();
  const frames = 240;
  await page.evaluate(async (count) => {
    const list = document.querySelector('.leaf-list');
    for (let frame = 0; frame < count; frame++) {
      list.scrollTop += 28 * (frame % 10 === 0 ? 20_000 : 7);
      await new Promise(requestAnimationFrame);
    }
  }, frames);
  const spent = (await script()) - before;
  await page.context().close();
  return spent / frames;
}

function row(what, asked, measured, unit) {
  const met = measured <= asked ? 'met' : 'MISSED';
  console.log(`| ${what} | ≤ ${asked} ${unit} | ${measured.toPrecision(3)} ${unit} | ${met} |`);
}

const program = findBrowser();
if (program === undefined) {
  console.log('skipped: rows of the page (no chromium or google-chrome on PATH; set CHROMIUM_PATH)');
} else {
  const html = readFileSync(PAGE);
  const script = /<script>([\s\S]*)<\/script>/.exec(html.toString())?.[1] ?? '';
  const folder = mkdtempSync(join(tmpdir(), 'iommu-page-'));
  const browser = await chromium.launch({ executablePath: program, args: ['--no-sandbox', '--disable-gpu'] });
  try {
    const file = join(folder, 'trace.txt');
    writeFileSync(file, longTrace());
    console.log(
      `page in Chromium ${browser.version()}, ${cpus().length} processors, load ${loadavg()[0].toFixed(1)}\n\n| what | asked | measured | |\n| --- | --- | --- | --- |`,
    );
    row('script before the first panel works, gzip', 400, gzipSync(script).length / 1000, 'KB');
    row('the whole file, gzip', 1200, gzipSync(html).length / 1000, 'KB');
    row(`first paint from disk, median of ${RUNS}`, 1000, await firstPaint(browser), 'ms');
    const trace = await droppedTrace(browser, file);
    row('text trace of 100 MB dropped: first picture', 5000, trace.first, 'ms');
    row('text trace of 100 MB dropped: the whole answer', 15_000, trace.whole, 'ms');
    row('longest task of the page’s own thread meanwhile', 100, trace.longest, 'ms');
    row('a click on addresses of that trace to its picture', 100, trace.zoom, 'ms');
    row(`a click on an entry to its picture, median of ${RUNS}`, 100, await clicks(browser), 'ms');
    row('scrolling 262,144 leaves: script a frame', 4, await scrolling(browser), 'ms');
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true });
  }
}
