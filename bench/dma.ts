// The rows about the DMA layer: addresses, lists, and a trace under a policy.
import { PolicyRun } from '../src/answers/replay-policies.ts';
import { growBeforehand, layOut, spreadOf } from '../src/bench/index.ts';
import { Domain } from '../src/core/index.ts';
import { DmaDevice, DmaSpace, IovaAllocator } from '../src/dma/index.ts';
import { armSmmu } from '../src/drivers/index.ts';
import { PROT } from '../src/formats/index.ts';
import { TableMemory } from '../src/memory/index.ts';
import { createNames } from '../src/trace/events.ts';
import { createTraceReader } from '../src/trace/readers.ts';
import { repeated } from './files.ts';
import { must } from './mapping.ts';
import { captureOf } from './repeated.ts';
import { type Goal, type Row, rowOf } from './row.ts';
import { LONG, once, run, timed } from './sampler.ts';

const PAGE = 4096;
const LIMIT = 2 ** 32 / PAGE - 1;
const LIVE = 100_000;
const CALLS = 20_000;
const CHUNK = 1 << 20;
const TREE_EFFORT = { samples: 41, coldSamples: 5, warmMs: 1000 };
const TREE: Goal = { text: '≤ 600 ns', limit: 600 };

function magazineRow(): Row {
  const iova = new IovaAllocator({ granule: PAGE });
  const pair = (): void => {
    for (let i = 0; i < CALLS; i++) iova.freeFast(0, iova.allocFast(0, 1, LIMIT, false), 1);
  };
  const about = {
    work: 'an address allocated and freed, from a magazine',
    inside: 'checks of all arguments and of the free; both calls',
    goal: { text: '≤ 100 ns for both', limit: 100 },
  };
  return rowOf(about, 'ns', run(once(pair)), CALLS);
}

/** Ranges of one frame, and numbers below their count in a fixed random order. */
function filled(): { readonly iova: IovaAllocator; readonly live: Float64Array; readonly next: () => number } {
  const iova = new IovaAllocator({ granule: PAGE });
  const live = Float64Array.from({ length: LIVE }, () => iova.alloc(1, LIMIT, true));
  let state = 0x2545f491;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % LIVE;
  };
  return { iova, live, next };
}

function newestRow(): Row {
  const { iova } = filled();
  const pfns = new Float64Array(CALLS);
  const work = (): void => {
    for (let i = 0; i < CALLS; i++) pfns[i] = iova.alloc(1, LIMIT, true);
    for (let i = CALLS - 1; i >= 0; i--) iova.free(pfns[i] as number);
  };
  const about = {
    work: 'an address allocated or freed, from the tree, 100,000 live, the newest freed first',
    inside: 'the search, the tree and its index; either call',
    goal: TREE,
  };
  return rowOf(about, 'ns', run(once(work), undefined, TREE_EFFORT), 2 * CALLS);
}

function randomRow(): Row {
  const { iova, live, next } = filled();
  const work = (): void => {
    for (let i = 0; i < CALLS; i++) {
      const at = next();
      iova.free(live[at] as number);
      live[at] = iova.alloc(1, LIMIT, true);
    }
  };
  const about = {
    work: 'the same, freed in random order',
    inside: 'the search, the tree and its index; either call',
    goal: TREE,
  };
  return rowOf(about, 'ns', run(once(work), undefined, TREE_EFFORT), 2 * CALLS);
}

function listRow(): Row {
  const memory = new TableMemory();
  growBeforehand(memory, 2 ** 24);
  const { list, iova, bytes } = layOut(memory, 'scattered', 2 ** 25, PAGE, 48, 1);
  const plain = new Domain({ granule: PAGE, path: 'one-walk', memory, driver: armSmmu() });
  const domain = new Domain({ granule: PAGE, path: 'one-walk', memory, driver: armSmmu() });
  const device = new DmaDevice(new DmaSpace({ domain }));
  const ratios = Array.from({ length: 205 }, () => {
    const alone = timed(() => plain.mapSg(iova, list, PROT.READ | PROT.WRITE));
    const whole = timed(() => device.mapSg(list, 'bidirectional'));
    plain.unmap(iova, bytes);
    device.unmapSg(device.list.dmaAddresses[0] as number, bytes, 'bidirectional');
    return whole / alone;
  }).slice(5);
  const spread = spreadOf(ratios);
  return {
    work: '`dma_map_sg` of 32M scattered over `mapSg` of the same list, `one-walk`',
    inside: 'address, layout, map, segments; each in turn with the other',
    measure: 'ratio',
    value: spread.median,
    spread,
    samples: ratios.length,
    goal: { text: '≤ 1.3 ×', limit: 1.3 },
  };
}

/** Events of one run under `strict`. */
function replayed(bytes: Uint8Array): number {
  const names = createNames();
  const run = new PolicyRun({ names, policies: ['strict'], options: {} });
  const reader = createTraceReader('ftrace', (event) => run.event(event), names);
  for (let at = 0; at < bytes.length; at += CHUNK) reader.push(bytes.subarray(at, at + CHUNK));
  reader.end();
  run.answer([reader.stats]);
  return reader.stats.events;
}

function policyRow(root: URL): Row {
  const capture = captureOf(root);
  const { bytes } = repeated(capture);
  const events = replayed(bytes);
  const about = {
    work: 'the same trace through the DMA layer: `replay --policy strict`',
    inside: 'as above, every call through the DMA API, and the addresses of the kernel chosen anew',
    goal: { text: '≥ 1,000,000 events a second', limit: 1_000_000, atLeast: true },
  };
  const job = once(() => must(replayed(bytes), events));
  return rowOf(about, 'events a second', run(job, undefined, LONG), events);
}

/** All rows about the DMA layer, each to be measured by a call. */
export const dmaRows = (root: URL): readonly (() => Row)[] => [
  magazineRow,
  newestRow,
  randomRow,
  listRow,
  () => policyRow(root),
];
