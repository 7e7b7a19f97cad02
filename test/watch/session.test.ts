import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { faultText, sampleLine, screenLines } from '../../src/watch/screen.ts';
import { type WatchSample, WatchSession } from '../../src/watch/session.ts';

const NONE = { lost: 0, logLost: 0 };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

let clock = 0;
function head(task: string): string {
  clock++;
  return `          ${task} [000] .....   ${(100 + clock / 1000).toFixed(6)}: `;
}

function map(task: string, iova: number, device?: string): string {
  const [from, to] = [iova, iova + 0x1000].map((value) => value.toString(16));
  const dma =
    device === undefined
      ? ''
      : `${head(task)}dma_map_page: ${device} dir=TO_DEVICE dma_addr=${from} size=4096 phys_addr=80000000 attrs=\n`;
  return `${head(task)}map: IOMMU: iova=0x${from} - 0x${to} paddr=0x80000000 size=4096\n${dma}`;
}

function unmap(task: string, iova: number, device?: string): string {
  const [from, to] = [iova, iova + 0x1000].map((value) => value.toString(16));
  const dma =
    device === undefined
      ? ''
      : `${head(task)}dma_unmap_page: ${device} dir=TO_DEVICE dma_addr=${from} size=4096 attrs=\n`;
  return `${head(task)}unmap: IOMMU: iova=0x${from} - 0x${to} size=4096 unmapped_size=4096\n${dma}`;
}

function sampled(session: WatchSession, text: string): WatchSample {
  session.trace(bytes(text));
  return session.sample(1, NONE);
}

describe('a sample', () => {
  test('counts maps, unmaps and bytes a second, and what is live', () => {
    const session = new WatchSession();
    const text =
      [1, 2, 3].map((i) => map('fio-7', i * 0x1000, '0000:01:00.0')).join('') + unmap('fio-7', 0x1000, '0000:01:00.0');
    session.trace(bytes(text));
    expect(session.sample(2, NONE)).toMatchObject({
      mapsPerSecond: 1.5,
      unmapsPerSecond: 0.5,
      dmaMapsPerSecond: 1.5,
      mappedBytesPerSecond: 6144,
      liveBytes: 8192,
      devices: [{ name: '0000:01:00.0', liveBytes: 8192 }],
      tasks: [{ name: 'fio' }],
      dropped: { events: 0, lines: 0 },
    });
    expect(session.sample(1, NONE)).toMatchObject({ mapsPerSecond: 0, liveBytes: 8192 });
  });

  test('the last list of a pause is counted as live', () => {
    const session = new WatchSession();
    session.trace(bytes(map('fio-7', 0x1000)));
    session.sample(1, NONE);
    expect(session.sample(1, NONE).liveBytes).toBe(4096);
  });

  test('unmaps of mappings from before the watch leave nothing below 0', () => {
    const sample = sampled(
      new WatchSession(),
      unmap('fio-7', 0x9000, '0000:01:00.0') + map('fio-7', 0x1000, '0000:01:00.0'),
    );
    expect(sample.liveBytes).toBe(4096);
    expect(sample.devices.every(({ liveBytes }) => liveBytes >= 0)).toBe(true);
  });

  test('what the kernel lost and what was not understood is counted', () => {
    const session = new WatchSession();
    session.trace(bytes(`CPU:0 [LOST 12 EVENTS]\nno line of a trace\n${map('a-1', 0x1000)}`));
    session.log.push(bytes('[    1.000000] DMAR: [DMA Read NO_PASID] Request device [00:02.0] fault addr 0xff\n'));
    session.log.push(bytes('[    2.000000] DMAR: DRHD: handling fault status reg \u001bx\n'));
    const sample = session.sample(1, { lost: 3, logLost: 2 }, true);
    expect(sample.dropped).toMatchObject({ events: 12, lines: 1, ofLines: 3, log: 2, restarts: 0 });
    expect(sample.dropped.firstLine).toEqual({ line: 2, text: 'no line of a trace' });
    expect(sampleLine(sample)).toContain('1 of 3 lines not understood');
    expect(sampleLine(sample)).toContain('the first is line 2 of the trace: no line of a trace');
  });

  test('a device that maps more in ten intervals in a row is growing; one that falls back is not', () => {
    const session = new WatchSession();
    const found = Array.from({ length: 12 }, (_, i) => {
      const steady = i % 2 === 0 ? map('b-2', 0x900000, '0000:02:00.0') : unmap('b-2', 0x900000, '0000:02:00.0');
      return sampled(session, map('a-1', 0x100000 + i * 0x1000, '0000:01:00.0') + steady).growing.map(
        ({ name }) => name,
      );
    });
    expect(found.slice(0, 8).flat()).toEqual([]);
    expect(found.at(-1)).toEqual(['0000:01:00.0']);
  });

  test('many devices stay bounded', () => {
    const session = new WatchSession();
    let text = '';
    for (let i = 0; i < 3000; i++) text += map('a-1', i * 0x1000, `dev${i}`);
    const sample = sampled(session, text);
    expect(sample.devices.length).toBe(10);
    expect(sample.liveLists).toBeGreaterThan(2900);
  });

  test('is as its schema says', () => {
    const schema = JSON.parse(
      readFileSync(new URL('../../schemas/iommu.watch.schema.json', import.meta.url), 'utf8'),
    ) as object;
    const validate = new Ajv({ strict: true, allowUnionTypes: true }).compile(schema);
    const sample = sampled(new WatchSession(), map('fio-7', 0x1000, '0000:01:00.0'));
    validate({ schema: 'iommu.watch', version: 1, ...sample });
    expect(validate.errors ?? []).toEqual([]);
  });
});

describe('faults of the log', () => {
  const LINE =
    '6,900,12345678,-;DMAR: [DMA Read NO_PASID] Request device [01:00.0] fault addr 0x300000000 [fault reason 0x06] PTE Read access is not set\n';

  test('are told once, after a pause', () => {
    const session = new WatchSession();
    session.log.push(bytes(LINE));
    const samples = [1, 2, 3].map(() => session.sample(1, NONE));
    expect(samples.map(({ faults }) => faults.count)).toEqual([0, 1, 0]);
    expect(samples[2]?.faults.total).toBe(1);
    const [fault] = samples[1]?.faults.first ?? [];
    expect(fault).toMatchObject({ iommu: 'intel-vtd', device: '0000:01:00.0' });
    expect(samples[1] && fault && faultText(samples[1], fault)).toMatch(/^2 s: 0000:01:00\.0: intel-vtd /);
  });

  test.each(['DMAR: words that no kernel prints', 'riscv-iommu X: Fault'])(
    'a line that is not understood is counted and shown, alone too: %s',
    (odd) => {
      const session = new WatchSession();
      session.log.push(bytes(`6,1,1,-;usb 1-1: new device\n3,2,2,-;${odd}\n`));
      const [, , pause] = [1, 2, 3].map(() => session.sample(1, NONE));
      expect(pause?.dropped).toMatchObject({ logLines: 1, firstLogLine: expect.stringContaining(odd), log: 0 });
      session.log.push(bytes(`${LINE}3,3,3,-;${odd}\n`));
      const again = [1, 2, 3].map(() => session.sample(1, { ...NONE, logLost: 2 })).at(-1);
      expect(again?.dropped).toMatchObject({ logLines: 2, log: 2 });
      expect(again?.faults.total).toBe(1);
      expect(again === undefined ? '' : sampleLine(again)).toMatch(/dropped: 2 lines of the log not understood/);
    },
  );

  test('messages that the kernel left out are counted as lost', () => {
    const session = new WatchSession();
    session.log.push(bytes(`${LINE}4,4,4,-;dmar_fault: 12 callbacks suppressed\n`));
    const samples = [1, 2].map(() => session.sample(1, { ...NONE, logLost: 3 }));
    expect(samples.map(({ dropped }) => dropped.log)).toEqual([3, 15]);
  });

  test('of a log that never pauses are told all the same, and the last ones at the end', () => {
    const session = new WatchSession();
    const counts = Array.from({ length: 6 }, () => {
      session.log.push(bytes(LINE));
      return session.sample(1, NONE).faults.count;
    });
    expect(counts.some((count) => count > 0)).toBe(true);
    expect(session.sample(1, NONE, true).faults.total).toBe(6);
  });
});

describe('the faces', () => {
  const session = new WatchSession();
  const hostile = map('a\u001b[2J-1', 0x1000, '0000:01:00.0');
  const sample = {
    ...sampled(session, hostile),
    growing: [{ name: 'x\u001b]0;', liveBytes: 4096, seconds: 12, bytesPerSecond: 10 }],
  };

  test.each([
    [80, 24],
    [40, 10],
    [200, 60],
  ])('a screen of %d columns and %d rows fits, without control characters', (columns, rows) => {
    const lines = screenLines(sample, ['1 s: \u001b[31mx'], ['a note'], { columns, rows });
    expect(lines.length).toBeLessThan(rows);
    for (const line of lines) {
      expect([...line].length).toBeLessThan(columns);
      expect(line).not.toMatch(/\p{Cc}/u);
    }
  });

  test('a line says rates, what is live, and what was dropped', () => {
    expect(sampleLine(sample)).toMatch(
      /^1 s {2}maps 1\/s {2}unmaps 0\/s {2}live 4K {2}top 0000:01:00\.0 .*dropped: nothing$/,
    );
  });
});
