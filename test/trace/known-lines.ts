// Lines that the kernel of trace text knows, and what each reader makes of them.
import { expect } from 'vitest';
import { EventDelivery, type EventTaker } from '../../src/trace/columns.ts';
import { createNames } from '../../src/trace/events.ts';
import { TextReader } from '../../src/trace/text-reader.ts';
import { eventText, type Read } from './helpers.ts';

/** Chunks in which no line is complete: the general reader reads them all. */
const PIECE = 64;

/** What a taker saw, and how many events came in columns. */
export interface Taken extends Read {
  readonly inColumns: number;
}

/** What a reader makes of chunks, with the plain twin or the compiled kernel. */
export function taken(chunks: Iterable<Uint8Array>, plain: boolean): Taken {
  const names = createNames();
  const events: string[] = [];
  let inColumns = 0;
  const delivery = new EventDelivery((event) => events.push(eventText(event, names)));
  const taker: EventTaker = {
    event: delivery.event,
    columns: (columns) => {
      inColumns += columns.count;
      delivery.columns(columns);
    },
  };
  const reader = new TextReader('text', taker, names, plain);
  for (const chunk of chunks) reader.push(chunk);
  reader.end();
  return { events, stats: reader.stats, inColumns };
}

function* cut(bytes: Uint8Array, piece: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += piece) yield bytes.slice(at, at + piece);
}

/** Reads by the kernel, by its twin and by the general reader, and holds that they agree. */
export function agreed(bytes: Uint8Array, piece: number = bytes.length || 1): Taken {
  const { inColumns: none, ...expected } = taken(cut(bytes, PIECE), true);
  const plain = taken(cut(bytes, piece), true);
  const compiled = taken(cut(bytes, piece), false);
  expect({ events: compiled.events, stats: compiled.stats }).toEqual(expected);
  expect({ events: plain.events, stats: plain.stats }).toEqual(expected);
  expect(none).toBe(0);
  return compiled;
}

/** Lines, each with its newline. */
export function bytesOf(...lines: readonly string[]): Uint8Array {
  return new TextEncoder().encode(lines.map((line) => `${line}\n`).join(''));
}

export const HEAD = '              dd-239     [000] .....     9.206370: ';
export const MAP = 'map: IOMMU: iova=0x00000000fffbf000 - 0x00000000fffc0000 paddr=0x000000007aa88000 size=4096';
export const UNMAP = 'unmap: IOMMU: iova=0x00000000fffbf000 - 0x00000000fffc0000 size=4096 unmapped_size=4096';
export const DMA_MAP =
  'dma_map_page: 0000:00:01.0 dir=FROM_DEVICE dma_addr=fffbf000 size=4096 phys_addr=7aa88000 attrs=';
const DMA_UNMAP = 'dma_unmap_phys: 0000:00:01.0 dir=TO_DEVICE dma_addr=fffbf000 size=4096 attrs=SKIP_CPU_SYNC|ZERO';
const MAP_SG =
  'dma_map_sg: 0000:00:01.0 dir=FROM_DEVICE nents=3/3 ents=2/2 dma_addrs={0xffe00000,0xfff00000} sizes={0x2000,0x1000} phys_addrs={0x6d7c000,0x3f781000,0x3f789000} attrs=NO_WARN';
const OLD_MAP_SG =
  'dma_map_sg: 0000:00:01.0 dir=TO_DEVICE dma_addrs={0xffe00000} sizes={0x2000} phys_addrs={0x6d7c000,0x3f781000} attrs=';
const UNMAP_SG = 'dma_unmap_sg: 0000:00:01.0 dir=FROM_DEVICE phys_addrs={0x6d7c000,0x3f781000,0x3f789000} attrs=';
const UNUSED = 'qi_submit: iotlb_inv dmar0: 0x400f2 0xffff8040 0x0 0x0';
/** A body of each kind that the kernel reads or passes over. */
export const BODIES: readonly string[] = [MAP, UNMAP, DMA_MAP, DMA_UNMAP, MAP_SG, OLD_MAP_SG, UNMAP_SG, UNUSED];
/** Each twice: what the general reader read once is known from then on. */
export const TWICE: readonly string[] = BODIES.flatMap((body) => [HEAD + body, HEAD + body]);
/** Heads of lines as the kernel of Linux, perf and trace-cmd print them. */
export const HEADS: readonly string[] = [
  HEAD,
  '          <idle>-0       [001] d.h1.    14.502396: ',
  '    kworker/0:1H-120     [000] d.H..    10.457151: ',
  '              dd-339   [000] .....    32.609623: ',
  '              dd-303   [001]     33.741799123: ',
  '              dd-243     (    243) [000] d.s1     7.656177: ',
  '         swapper     0 [001]     7.656746:              iommu:',
  '              dd   243 [000]     7.656209:         dma:',
  '  a]b c]d e]f-5 [12] dNZ2. 12345678.000001: ',
];
