/**
 * A window of a trace's calls as columns of time: bytes mapped, calls, and the address space, down to single pages.
 * @module
 */
import { AddressMap, type AddressMapData } from './address-map.ts';
import { CallBatch } from './call-batch.ts';
import type { CallLog } from './call-log.ts';
import { createCall } from './calls.ts';

/** Addresses of one domain. */
export interface AddressWindow {
  readonly domain: number;
  /** First address, and the one behind the last. */
  readonly start: number;
  readonly end: number;
}

/** What to look at. Times are nanoseconds of the trace's clock. */
export interface CallWindow {
  readonly from: number;
  readonly to: number;
  /** Stretches of time; even. */
  readonly columns: number;
  /** Only these addresses; all of all domains where there is none. */
  readonly addresses?: AddressWindow;
}

/** A window as it looks; plain data. */
export interface CallView {
  readonly from: number;
  readonly to: number;
  /** Most bytes mapped during each stretch of time. */
  readonly live: readonly number[];
  /** Calls that began in each. */
  readonly maps: readonly number[];
  readonly unmaps: readonly number[];
  /** Undefined where nothing was mapped in the window. */
  readonly addresses: AddressMapData | undefined;
}

const PAGE = 4096;
const MOST_ROWS = 32;

/** Times of the first and the last call; NaN where there is none. */
export function spanOf(log: CallLog): { readonly first: number; readonly last: number } {
  let [first, last] = [Number.NaN, Number.NaN];
  for (let i = 0; i < log.count; i++) {
    const time = log.time(i);
    if (!(time >= first)) first = time;
    if (!(time <= last)) last = time;
  }
  return { first, last };
}

/** Whether a call touches addresses; every call does where there are none to look at. */
export function touches(log: CallLog, i: number, addresses: AddressWindow | undefined): boolean {
  if (addresses === undefined) return true;
  const start = log.iova(i);
  return log.domain(i) === addresses.domain && start < addresses.end && start + log.size(i) > addresses.start;
}

/** Bytes by which a call changes what is mapped within addresses: an upper bound where an unmap covers only parts. */
function changeWithin(log: CallLog, i: number, addresses: AddressWindow | undefined): number {
  const change = log.change(i);
  if (addresses === undefined) return change;
  const start = Math.max(log.iova(i), addresses.start);
  const bytes = Math.min(log.iova(i) + log.size(i), addresses.end) - start;
  return Math.sign(change) * Math.min(Math.abs(change), bytes);
}

function addressesOf(log: CallLog, { from, to, columns, addresses }: CallWindow): AddressMapData | undefined {
  const map = new AddressMap({ columns, rows: MOST_ROWS, stretch: PAGE, from, to, addresses });
  const batch = new CallBatch();
  const call = createCall();
  for (let i = 0; i < log.count; i++) {
    if (log.time(i) >= to || !touches(log, i, addresses)) continue;
    batch.add(log.read(i, call), 0);
    if (!batch.full) continue;
    map.take(batch);
    batch.clear();
  }
  map.take(batch);
  return map.report();
}

/** What a window shows; times of calls are those of their first lines. */
export function viewCalls(log: CallLog, window: CallWindow): CallView {
  const { from, to, columns, addresses } = window;
  const [live, maps, unmaps] = [new Array(columns).fill(0), new Array(columns).fill(0), new Array(columns).fill(0)];
  let now = 0;
  let column = 0;
  for (let i = 0; i < log.count; i++) {
    const time = log.time(i);
    if (time >= to || !touches(log, i, addresses)) continue;
    const at = Math.min(columns - 1, Math.max(0, Math.floor(((time - from) / (to - from)) * columns)));
    while (column < at) live[++column] = now;
    now = Math.max(0, now + changeWithin(log, i, addresses));
    if (time < from) {
      live[0] = now;
      continue;
    }
    live[at] = Math.max(live[at], now);
    (log.unmaps(i) ? unmaps : maps)[at]++;
  }
  while (column < columns - 1) live[++column] = now;
  return { from, to, live, maps, unmaps, addresses: addressesOf(log, window) };
}
