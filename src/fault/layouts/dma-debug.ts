/**
 * Warnings of dma-debug (CONFIG_DMA_API_DEBUG): mistakes of drivers in using the DMA API.
 * @module
 */
import type { FaultDriver } from '../contract.ts';
import type { Draft } from '../draft.ts';
import type { Decoded } from '../incident.ts';
import { decodeMessage, printedFields } from './printed.ts';

/** Words of a sentence → what it means. The first that stands in it counts. */
const MEANINGS: readonly (readonly [string, string])[] = [
  ['free an invalid DMA memory address', 'the driver unmapped an address that is a mapping error'],
  [
    'free DMA memory it has not allocated',
    'the driver unmapped an address that is not mapped: unmapped twice, or never mapped',
  ],
  ['different size', 'the driver unmapped another size than it mapped'],
  ['wrong function', 'the driver unmapped with another kind of call than it mapped with'],
  ['different CPU address', 'the driver freed another CPU address than it allocated'],
  ['different sg entry count', 'the driver unmapped another number of scatterlist entries than it mapped'],
  ['different direction', 'the driver unmapped with another direction than it mapped with'],
  ['failed to check map error', 'the driver did not check whether the mapping had failed (dma_mapping_error)'],
  ['sync DMA memory it has not allocated', 'the driver synced an address that is not mapped'],
  ['sync DMA memory outside allocated range', 'the driver synced beyond the mapping'],
  ['different direction', 'the driver synced with another direction than it mapped with'],
  ['read-only DMA memory', 'the driver synced a mapping for the other direction'],
  ['write-only DMA memory', 'the driver synced a mapping for the other direction'],
  ['maps memory from stack', 'the driver mapped memory of the stack, which a device may not access'],
  ['maps memory fromstack', 'the driver mapped memory of the stack, which a device may not access'],
  ['maps memory from kernel text', 'the driver mapped kernel text or read-only data'],
  ['from vmalloc area', 'the driver mapped vmalloc memory with dma_map_single'],
  ['mapping sg segment longer', 'a scatterlist segment is longer than the device claims to support'],
  ['across boundary', 'a scatterlist segment crosses a boundary that the device claims to respect'],
  ['pending DMA allocations', 'the driver let go of the device while mappings were left: a leak'],
  ['overlapping mappings', 'the same cache line is mapped more than once'],
  ['cacheline tracking', 'the same cache line is mapped more than once'],
  ['out of memory', 'dma-debug ran out of memory: it checks no more'],
];

function decode(draft: Draft): Decoded {
  const sentence = `${draft.text('start') ?? ''}${draft.text('sentence') ?? ''}`;
  const found = MEANINGS.find(([words]) => sentence.includes(words))?.[1];
  const device = draft.text('device');
  const driver = draft.text('driver');
  const subject = driver === undefined ? '' : ` of the driver ${driver} (${device ?? ''})`;
  return {
    ...decodeMessage({
      name: 'DMA-API warning',
      words: `dma-debug warns${subject}: ${found ?? sentence}; a mistake of the driver, no fault of the IOMMU`,
      next: 'the stack below the warning shows the call, "Mapped at:" the one that mapped; report both to the maintainers of the driver',
    }),
    device,
    iova: draft.hex('iova'),
    fields: [
      { name: 'message', value: sentence, meaning: '' },
      ...printedFields(draft, {
        size: ['size', 'bytes'],
        mapSize: ['map size', 'bytes'],
        unmapSize: ['unmap size', 'bytes'],
        mappedAs: ['mapped as', ''],
        count: ['count', 'mappings left'],
      }),
    ],
  };
}

/** A warning about a mapping ends in its address, size or count, in brackets. */
function goesOn(text: string): boolean {
  return text.includes('device driver') && !text.endsWith(']');
}

/** Driver and device; Linux before 4.20 prints them in front of `DMA-API:`. */
const WHO = '<{driver:s} {device:s}: >';

/** dma-debug. */
export const dmaDebug: FaultDriver = {
  id: 'dma-debug',
  title: 'dma-debug: mistakes in using the DMA API',
  origin: 'software',
  source: 'Linux kernel/dma/debug.c',
  marks: ['DMA-API: '],
  heads: ['{driver:s} {device:s}: DMA-API: ', 'DMA-API: '],
  layouts: [
    {
      id: 'warning',
      starts: true,
      text: [
        `${WHO}{sentence:text}< >[device address={iova}] [size={size:d} bytes]< [mapped as {mappedAs:text}]>`,
        `${WHO}{sentence:text}< >[device address={iova}] [map size={mapSize:d} bytes] [unmap size={unmapSize:d} bytes]`,
        `${WHO}{sentence:text}< >[device address={iova}]`,
        `${WHO}{sentence:text} [count={count:d}]`,
        '{driver:s} {device:s}: {sentence:rest}',
        '{start:device driver|exceeded|cacheline tracking|out of memory|mapping sg|hash bucket|check_unmap}{sentence:rest}',
      ],
    },
    {
      id: 'leaked',
      headless: true,
      text: 'One of leaked entries details: [device address={iova}] [size={size:d} bytes]',
    },
  ],
  quiet: [
    'preallocated ',
    'debugging ',
    'nr_total_entries',
    'dma_debug_entry pool',
    'dma-debug driver filter',
    'Mapped at:',
    'mapped at',
  ],
  functions: ['err_printk'],
  goesOn,
  decode,
};
