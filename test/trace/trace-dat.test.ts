import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { bytesSource, createNames, type ReadStats, readTraceDat, recogniseTrace } from '../../src/trace/index.ts';
import { datFile, mapRecord, page, sgRecord } from './dat-builder.ts';
import { CAPTURES, eventText, load, read } from './helpers.ts';

const FOLDERS = readdirSync(CAPTURES).filter((folder) => existsSync(`${CAPTURES}${folder}/trace.dat`));
const VERSION_6 = FOLDERS.filter((folder) => existsSync(`${CAPTURES}${folder}/trace-v6.dat.gz`));

async function readDat(bytes: Uint8Array): Promise<{ events: string[]; stats: ReadStats }> {
  const names = createNames();
  const events: string[] = [];
  const stats = await readTraceDat(bytesSource(bytes), (event) => events.push(eventText(event, names)), names);
  return { events, stats };
}

/** An event's text with its time rounded as the report prints it, in microseconds. */
function inMicroseconds(text: string): string {
  const [time = '', ...rest] = text.split(' ');
  return `${(BigInt(time.replace('.', '')) + 500n) / 1000n} ${rest.join(' ')}`;
}

describe('trace.dat of real kernels', () => {
  it.each(FOLDERS)('%s: agrees event by event with what trace-cmd reports of it', async (folder) => {
    const bytes = load(`${CAPTURES}${folder}/trace.dat`);
    expect(recogniseTrace(bytes)).toBe('trace.dat');
    const { events, stats } = await readDat(bytes);
    const report = read(load(`${CAPTURES}${folder}/trace-cmd-report.txt`), 'trace-cmd-report');
    expect(report.stats.skipped).toEqual([]);
    expect(events.map(inMicroseconds)).toEqual(report.events.map(inMicroseconds));
    expect(stats.skipped).toEqual([]);
    expect(stats.unordered).toBe(0);
    expect(events.length).toBeGreaterThan(100);
  });

  it.each(VERSION_6)('%s: version 6 and version 7 of one recording say the same', async (folder) => {
    const six = await readDat(load(`${CAPTURES}${folder}/trace-v6.dat`));
    const seven = await readDat(load(`${CAPTURES}${folder}/trace.dat`));
    expect(six.stats.reader).toBe('trace.dat version 6');
    expect(six.events).toEqual(seven.events);
  });
});

describe('trace.dat with what the captures lack (made files)', () => {
  const times = (events: readonly string[]): string[] => events.map((text) => text.split(' ')[0] ?? '');

  it('merges processors by time, and names tasks by their command lines', async () => {
    const cpu0 = page(1000n, [
      { record: mapRecord(0x1000), delta: 0 },
      { record: mapRecord(0x3000), delta: 20 },
    ]);
    const { events } = await readDat(
      datFile([[cpu0], [page(1010n, [{ record: mapRecord(0x2000, 8), delta: 0 }])]], 'none'),
    );
    expect(events).toEqual([
      '0.000001000 worker-42 cpu0 c0 map 0x1000 0x8000 4096 0 0',
      '0.000001010 worker-42 cpu1 c2 map 0x2000 0x8000 4096 0 0',
      '0.000001020 worker-42 cpu0 c0 map 0x3000 0x8000 4096 0 0',
    ]);
  });

  it('adds time extends, and takes the upper bits of absolute stamps from the page', async () => {
    const start = (1n << 59n) + 5n;
    const extended = page(7n, [{ extend: (3n << 27n) + 11n }, { record: mapRecord(0x1000), delta: 2 }]);
    expect(times((await readDat(datFile([[extended]], 'none'))).events)).toEqual([
      ((3 * 2 ** 27 + 20) / 1e9).toFixed(9),
    ]);
    const stamped = page(start, [{ stamp: 900n }, { record: mapRecord(0x1000), delta: 1 }]);
    expect(times((await readDat(datFile([[stamped]], 'none'))).events)).toEqual([((2 ** 59 + 901) / 1e9).toFixed(9)]);
  });

  it('passes over discarded records and padding', async () => {
    const padded = page(0n, [
      { record: mapRecord(0x1000), delta: 1 },
      { discard: 24 },
      { record: mapRecord(0x2000), delta: 1, long: true },
      { rest: true },
    ]);
    const { events, stats } = await readDat(datFile([[padded]], 'none'));
    expect(times(events)).toEqual(['0.000000001', '0.000000003']);
    expect(stats.skipped).toEqual([]);
  });

  it('counts lost events: stored in the page, unknown, and by the recorder’s statistics', async () => {
    const one = [{ record: mapRecord(0x1000), delta: 0 }];
    const pages = [page(1n, one), page(2n, one, 17), page(3n, one, -1)];
    const { events, stats } = await readDat(datFile([pages], 'none', 'CPU: 0\noverrun: 20\ndropped events: 4\n'));
    expect(events.length).toBe(3);
    expect(stats.lost).toEqual({ events: 17, gaps: 2, overwritten: 7 });
  });

  it('unpacks zlib chunks', async () => {
    const pages = [0, 1, 2].map((index) => page(BigInt(index), [{ record: mapRecord(0x1000 * index), delta: 0 }]));
    const plain = await readDat(datFile([pages], 'none'));
    expect((await readDat(datFile([pages], 'zlib'))).events).toEqual(plain.events);
  });

  it('reads arrays that lie relative to their fields', async () => {
    const record = sgRecord('nvme0', [0x1000, 0x5000], 0xffff0000, 8192);
    const { events, stats } = await readDat(datFile([[page(0n, [{ record, delta: 0 }])]], 'none'));
    expect(stats.truncatedLists).toBe(1);
    expect(events).toEqual([
      '0.000000000 worker-42 cpu0 c2 dma map sg nvme0 FROM_DEVICE 0x0 0x0 0 0 0 dma{ffff0000} lengths{2000} phys{1000,5000} truncated',
    ]);
  });
});
