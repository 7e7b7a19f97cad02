/**
 * Calls of the DMA layer, each with what takes it back.
 * @module
 */
import { allocCoherent, type DmaDevice, freeCoherent, LinkedRange } from '../../src/dma/index.ts';
import { type Bench, K4, type Setup } from './failing-bench.ts';

const MS = 1e6;

/** A call, and what takes it back. */
export interface Step {
  readonly call: () => unknown;
  readonly undo: () => void;
}

/** A call of the DMA layer, and what is set up for it. */
export interface Scenario extends Setup {
  readonly name: string;
  readonly step: (bench: Bench) => Step;
}

/** Pages that do not lie together. */
export const LIST: readonly { address: number; length: number }[] = [3, 9, 4, 1].map((page) => ({
  address: page * K4,
  length: K4,
}));
/** Elements that begin and end within pages. */
export const ODD: typeof LIST = [
  { address: 0x5010, length: 0x2100 },
  { address: 0x9ff0, length: 0x20 },
  { address: 0x2_0000, length: 0x1000 },
];
/** A table and more. */
const LONG: typeof LIST = Array.from({ length: 600 }, (_, i) => ({ address: 2 ** 32 + 2 * i * K4, length: K4 }));
/** Unmaps are flushed later. */
export const LAZY = { policy: 'lazy' } as const;
const FULL = { policy: 'lazy', queue: { slots: 2 } } as const;

const mapped = ({ device }: Bench, list: typeof LIST): Step => ({
  call: () => device.mapSg(list, 'bidirectional'),
  undo: () => unmapList(device),
});

/** Unmaps the last list, as one range, or segment by segment where buffers were bounced. */
function unmapList(device: DmaDevice): void {
  const { dmaAddresses, dmaLengths, segments } = device.list;
  const first = dmaAddresses[0] as number;
  const last = segments - 1;
  const end = (dmaAddresses[last] as number) + (dmaLengths[last] as number);
  if (device.maxMapping === Number.MAX_SAFE_INTEGER) device.unmapSg(first, end - first, 'bidirectional');
  else
    for (let i = 0; i < segments; i++) {
      device.unmapPage(dmaAddresses[i] as number, dmaLengths[i] as number, 'bidirectional');
    }
}

/** The unmap of a list that is mapped first. */
export const unmapped = (bench: Bench, list: typeof LIST): Step => {
  bench.device.mapSg(list, 'bidirectional');
  return { call: () => unmapList(bench.device), undo: () => undefined };
};

const nothing = (): void => undefined;

/** A linked range with two pieces and a hole. */
function linked({ device }: Bench): LinkedRange {
  const range = LinkedRange.tryAlloc(device, 0x7010, 8 * K4);
  if (range === undefined) throw new Error('no range');
  range.link(0x7010, 0, 2 * K4 - 16, 'bidirectional');
  range.link(0x2_0000, 2 * K4 - 16, 0x1800, 'bidirectional');
  range.link(0x3_0000, 5 * K4 - 16, K4, 'bidirectional');
  return range;
}

/** Every call of the layer, in each policy that it differs in. */
export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'map a page',
    step: ({ device }) => {
      let address = 0;
      return {
        call: () => {
          address = device.mapPage(0x5ff0, 0x20, 'bidirectional');
        },
        undo: () => device.unmapPage(address, 0x20, 'bidirectional'),
      };
    },
  },
  { name: 'map a list of pages', step: (one) => mapped(one, LIST) },
  { name: 'map a list of any shape', step: (one) => mapped(one, ODD), device: { boundary: 0x4000 } },
  { name: 'map a long list', step: (one) => mapped(one, LONG) },
  { name: 'unmap a list', step: (one) => unmapped(one, ODD) },
  { name: 'unmap a long list', step: (one) => unmapped(one, LONG) },
  { name: 'unmap a list lazily', step: (one) => unmapped(one, LIST), space: LAZY },
  { name: 'unmap a long list lazily', step: (one) => unmapped(one, LONG), space: LAZY },
  {
    name: 'unmap lazily into a full ring',
    space: FULL,
    step: (one) => {
      const first = one.device.mapPage(0x1000, K4, 'bidirectional');
      one.device.unmapPage(first, K4, 'bidirectional');
      return unmapped(one, LIST);
    },
  },
  {
    name: 'the timer of a flush queue',
    space: LAZY,
    step: (one) => {
      unmapped(one, LIST).call();
      unmapped(one, ODD).call();
      return { call: () => one.space.at(0, 20 * MS), undo: nothing };
    },
  },
  {
    name: 'the end of a flush queue',
    space: LAZY,
    step: (one) => {
      unmapped(one, LIST).call();
      return { call: () => one.space.drain(), undo: nothing };
    },
  },
  { name: 'a doorbell', step: ({ device }) => ({ call: () => device.doorbell(0xfee0_0010), undo: nothing }) },
  ...[false, true].flatMap((contiguous): Scenario[] => [
    {
      name: `allocate coherent memory${contiguous ? ' of one piece' : ''}`,
      step: ({ device, pages }) => {
        let memory: ReturnType<typeof allocCoherent> | undefined;
        return {
          call: () => {
            memory = allocCoherent(device, pages, contiguous ? 2 * K4 : 5 * K4, { contiguous });
          },
          undo: () => memory !== undefined && freeCoherent(device, pages, memory),
        };
      },
    },
    {
      name: `free coherent memory${contiguous ? ', lazily' : ''}`,
      ...(contiguous ? { space: LAZY } : {}),
      step: ({ device, pages }) => {
        const memory = allocCoherent(device, pages, 5 * K4);
        return { call: () => freeCoherent(device, pages, memory), undo: nothing };
      },
    },
  ]),
  {
    name: 'map a page through a bounce buffer',
    untrusted: true,
    step: ({ device }) => {
      let address = 0;
      return {
        call: () => {
          address = device.mapPage(0x5ff0, 0x20, 'bidirectional');
        },
        undo: () => device.unmapPage(address, 0x20, 'bidirectional'),
      };
    },
  },
  { name: 'map a list through bounce buffers', untrusted: true, step: (one) => mapped(one, ODD) },
  {
    name: 'unmap a page that was bounced',
    untrusted: true,
    step: ({ device }) => {
      const address = device.mapPage(0x5ff0, 0x20, 'bidirectional');
      return { call: () => device.unmapPage(address, 0x20, 'bidirectional'), undo: nothing };
    },
  },
  {
    name: 'link a piece with bounced ends',
    untrusted: true,
    step: (one) => {
      const range = LinkedRange.tryAlloc(one.device, 0x7010, 8 * K4);
      return {
        call: () => range?.link(0x7010, 0, 3 * K4, 'bidirectional'),
        undo: () => range?.destroy(),
      };
    },
  },
  {
    name: 'unlink two pieces at once',
    untrusted: true,
    step: (one) => {
      const range = linked(one);
      return { call: () => range.unlink(K4, 2 * K4), undo: () => range.destroy() };
    },
  },
  {
    name: 'destroy a linked range',
    step: (one) => {
      const range = linked(one);
      return { call: () => range.destroy(), undo: nothing };
    },
  },
];
