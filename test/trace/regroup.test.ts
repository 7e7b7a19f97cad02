import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createNames, createTraceReader, DomainTracker, RegroupWitness } from '../../src/trace/index.ts';
import { CAPTURES, load } from './helpers.ts';
import { allCaptures } from './replay-model.ts';

const FOLDERS = [...new Set(allCaptures().map(({ folder }) => folder))];

/** Agreement over one boot: the traces of a folder in their order. */
function witness(folder: string): RegroupWitness {
  const names = createNames();
  const rule = new RegroupWitness(names);
  for (const trace of ['trace_boot.txt', 'trace.txt', 'trace_live.txt']) {
    const path = `${CAPTURES}${folder}/${trace}`;
    if (!existsSync(path) && !existsSync(`${path}.gz`)) continue;
    const reader = createTraceReader('ftrace', (event) => rule.event(event), names);
    reader.push(load(path));
    reader.end();
  }
  rule.finish();
  return rule;
}

/** Calls that a few lines of a trace turn into, as text. */
function calls(lines: readonly string[]): string[] {
  const names = createNames();
  const made: string[] = [];
  const tracker = new DomainTracker((call) => {
    const runs = Array.from(call.pa.subarray(0, call.count), (pa, at) => `${pa.toString(16)}+${call.length[at]}`);
    made.push(
      `${call.kind} ${tracker.domains[call.domain]?.title} ${call.iova.toString(16)} ${call.size} ${runs.join(' ')}`.trim(),
    );
  }, names);
  const reader = createTraceReader('ftrace', (event) => tracker.event(event), names);
  reader.push(new TextEncoder().encode(`${lines.join('\n')}\n`));
  reader.end();
  tracker.finish();
  return made;
}

let clock = 0;
const line = (who: string, body: string): string =>
  `     ${who} [000] .....  1.${String(clock++).padStart(6, '0')}: ${body}`;
const hex16 = (value: number): string => `0x${value.toString(16).padStart(16, '0')}`;
const map = (who: string, iova: number, pa: number, size = 4096): string =>
  line(who, `map: IOMMU: iova=${hex16(iova)} - ${hex16(iova + size)} paddr=${hex16(pa)} size=${size}`);
const unmap = (who: string, iova: number, size = 4096): string =>
  line(who, `unmap: IOMMU: iova=${hex16(iova)} - ${hex16(iova + size)} size=${size} unmapped_size=${size}`);
const dmaMap = (who: string, device: string, iova: number, pa: number, size = 4096): string =>
  line(
    who,
    `dma_map_page: ${device} dir=TO_DEVICE dma_addr=${iova.toString(16)} size=${size} phys_addr=${pa.toString(16)} attrs=`,
  );
const dmaUnmap = (who: string, device: string, iova: number, size = 4096): string =>
  line(who, `dma_unmap_page: ${device} dir=TO_DEVICE dma_addr=${iova.toString(16)} size=${size} attrs=`);
const NONE = 'maps that name no device';

describe('regrouping map lines into lists', () => {
  it('agrees with at least 99 % of the dma_map_sg events of all captures, which it does not see', () => {
    const all = FOLDERS.map((folder) => witness(folder).agreement);
    const witnesses = all.reduce((sum, { witnesses: count }) => sum + count, 0);
    const agreed = all.reduce((sum, { agreed: count }) => sum + count, 0);
    expect(agreed / witnesses).toBeGreaterThanOrEqual(0.99);
    expect([witnesses, agreed]).toEqual([537, 537]);
    expect(all.flatMap(({ disagreements }) => disagreements).length).toBe(witnesses - agreed);
  });

  it('joins maps of one task that follow each other, whatever other tasks do between', () => {
    const lines = [map('a-1', 0x1000, 0x9000), map('b-2', 0x8000, 0x5000), map('a-1', 0x2000, 0x7000)];
    expect(calls(lines)).toEqual([`mapSg ${NONE} 1000 8192 9000+4096 7000+4096`, `map ${NONE} 8000 4096 5000+4096`]);
  });

  it('does not let an unmap of something else break a list', () => {
    const lines = [map('a-1', 0x8000, 0x1000), map('b-2', 0x1000, 0x9000), unmap('b-2', 0x8000), map('b-2', 0x2000, 0)];
    expect(calls(lines)).toEqual([
      `map ${NONE} 8000 4096 1000+4096`,
      `unmap ${NONE} 8000 4096`,
      `mapSg ${NONE} 1000 8192 9000+4096 0+4096`,
    ]);
  });

  it('cuts a list that joined two requests where their unmaps show it, whichever comes first', () => {
    const two = [map('a-1', 0x1000, 0x9000), map('a-1', 0x2000, 0x7000), map('a-1', 0x3000, 0x5000)];
    expect(calls([...two, unmap('b-2', 0x2000, 8192)])).toEqual([
      `map ${NONE} 1000 4096 9000+4096`,
      `mapSg ${NONE} 2000 8192 7000+4096 5000+4096`,
      `unmap ${NONE} 2000 8192`,
    ]);
    expect(calls([...two, unmap('b-2', 0x1000), map('a-1', 0x4000, 0x1000)])).toEqual([
      `map ${NONE} 1000 4096 9000+4096`,
      `unmap ${NONE} 1000 4096`,
      `mapSg ${NONE} 2000 12288 7000+4096 5000+4096 1000+4096`,
    ]);
  });

  it('ends a list where a dma event ends it', () => {
    const lines = [
      map('a-1', 0x1000, 0x9000),
      dmaMap('a-1', 'nvme', 0x1000, 0x9000),
      map('a-1', 0x2000, 0x7000),
      dmaMap('a-1', 'nvme', 0x2010, 0x7010, 16),
    ];
    expect(calls(lines)).toEqual(['map nvme 1000 4096 9000+4096', 'map nvme 2000 4096 7000+4096']);
  });

  it('splits off what stands before the list that a dma event names', () => {
    const lines = [map('a-1', 0x1000, 0x9000), map('a-1', 0x2000, 0x7000), dmaMap('a-1', 'nvme', 0x2000, 0x7000)];
    expect(calls(lines)).toEqual([`map ${NONE} 1000 4096 9000+4096`, 'map nvme 2000 4096 7000+4096']);
  });

  it('gives an unmap to the device that the dma event after it names, even where several have that address', () => {
    const lines = [
      map('a-1', 0x1000, 0x9000),
      dmaMap('a-1', 'nvme', 0x1000, 0x9000),
      map('b-2', 0x1000, 0x5000),
      dmaMap('b-2', 'net', 0x1000, 0x5000),
      unmap('c-3', 0x1000),
      dmaUnmap('c-3', 'nvme', 0x1000),
    ];
    expect(calls(lines).at(-1)).toBe('unmap nvme 1000 4096');
  });

  it('lets a new map of a device decide an unmap of that address that was still held', () => {
    const lines = [
      map('a-1', 0x1000, 0x9000),
      dmaMap('a-1', 'nvme', 0x1000, 0x9000),
      map('b-2', 0x1000, 0x5000),
      dmaMap('b-2', 'net', 0x1000, 0x5000),
      unmap('c-3', 0x1000),
      map('a-1', 0x1000, 0x6000),
      dmaMap('a-1', 'nvme', 0x1000, 0x6000),
      dmaUnmap('c-3', 'nvme', 0x1000),
    ];
    expect(calls(lines).slice(-2)).toEqual(['unmap nvme 1000 4096', 'map nvme 1000 4096 6000+4096']);
  });

  it('opens another layer for a map over a live one, and unmaps the list that fits exactly', () => {
    const first = [map('a-1', 0x1000, 0x9000), map('a-1', 0x8000, 0x6000)];
    const lines = [...first, map('b-2', 0x1000, 0x5000, 8192), unmap('c-3', 0x1000, 8192)];
    expect(calls(lines)).toEqual([
      `map ${NONE} 1000 4096 9000+4096`,
      'map layer 2: probably another domain 1000 8192 5000+8192',
      'unmap layer 2: probably another domain 1000 8192',
      `map ${NONE} 8000 4096 6000+4096`,
    ]);
  });

  it('takes a free at its word: dma_free comes before its unmap', () => {
    const free = 'dma_free: net dir=BIDIRECTIONAL dma_addr=1000 size=4096 virt_addr=0 attrs=';
    const lines = [
      map('a-1', 0x1000, 0x9000),
      dmaMap('a-1', 'nvme', 0x1000, 0x9000),
      map('b-2', 0x1000, 0x5000),
      dmaMap('b-2', 'net', 0x1000, 0x5000),
      line('c-3', free),
      unmap('c-3', 0x1000),
    ];
    expect(calls(lines).at(-1)).toBe('unmap net 1000 4096');
  });
});
