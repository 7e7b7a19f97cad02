/**
 * Map lines back into the lists they came from. `iommu_map_sg` prints one line for each physically contiguous run, and
 * nothing says where a list begins or ends. The rule: a map follows the previous map of the same task if its address is
 * that one's end; unmaps between do not break the chain. Interrupts that map are kept apart from the task they
 * interrupt. A dma event, where there is one, is a boundary too: it follows the lines of its list.
 * @module
 */
import { withRoom } from './arrays.ts';
import { CONTEXT, type TraceEvent } from './events.ts';

/** More open lists than this are not kept: the oldest is closed. */
const MAX_OPEN = 256;
/** A list that saw no further line for so many events is closed. */
const MAX_AGE = 100_000;

/** Map lines that belong together, as far as is known: contiguous in IOVA, from one task. */
export interface Chain {
  /** Who maps: see {@link whoOf}. */
  who: number;
  start: number;
  end: number;
  /** Time of the first line, nanoseconds. */
  time: number;
  task: number;
  pid: number;
  /** Processor, or −1. */
  cpu: number;
  /** Runs: physical address and length of each, `count` of them. */
  pa: Float64Array;
  length: Float64Array;
  count: number;
  /** Number of the event that was added last. */
  last: number;
}

/**
 * Who runs: the task, or for interrupts (and the idle task, of which there is one a processor) the processor. Unmaps
 * from a hard interrupt carry the interrupted task's name, and must not be taken for the task's own.
 */
export function whoOf(event: TraceEvent): number {
  const { context } = event;
  const inTask = context === CONTEXT.TASK || context === CONTEXT.UNKNOWN;
  if (inTask && event.pid !== 0) return event.pid;
  return -1 - (event.cpu + 1) * 4 - (inTask ? CONTEXT.TASK : context);
}

/** A blank chain. */
export function createChain(): Chain {
  return {
    who: 0,
    start: 0,
    end: 0,
    time: 0,
    task: 0,
    pid: 0,
    cpu: -1,
    pa: new Float64Array(16),
    length: new Float64Array(16),
    count: 0,
    last: 0,
  };
}

function begin(chain: Chain, who: number, event: TraceEvent): void {
  chain.who = who;
  chain.start = event.iova;
  chain.end = event.iova;
  chain.time = event.time;
  chain.task = event.task;
  chain.pid = event.pid;
  chain.cpu = event.cpu;
  chain.count = 0;
}

function append(chain: Chain, pa: number, length: number): void {
  const { count } = chain;
  if (count === chain.pa.length) makeRoom(chain);
  chain.pa[count] = pa;
  chain.length[count] = length;
  chain.count = count + 1;
  chain.end += length;
}

function makeRoom(chain: Chain): void {
  chain.pa = withRoom(chain.pa, chain.count + 1);
  chain.length = withRoom(chain.length, chain.count + 1);
}

/** Moves the runs of `chain` before the one that holds `address` into `before`. */
export function splitBefore(chain: Chain, address: number, before: Chain): void {
  let end = chain.start;
  let runs = 0;
  while (runs < chain.count && end + (chain.length[runs] as number) <= address) {
    end += chain.length[runs] as number;
    runs++;
  }
  before.who = chain.who;
  before.time = chain.time;
  before.task = chain.task;
  before.pid = chain.pid;
  before.cpu = chain.cpu;
  before.last = chain.last;
  before.start = chain.start;
  before.end = chain.start;
  before.count = 0;
  for (let run = 0; run < runs; run++) append(before, chain.pa[run] as number, chain.length[run] as number);
  chain.pa.copyWithin(0, runs, chain.count);
  chain.length.copyWithin(0, runs, chain.count);
  chain.count -= runs;
  chain.start = end;
}

/** True if [start, end) lies in a list and is made of whole runs of it. */
function hasRuns(chain: Chain, start: number, end: number): boolean {
  let at = chain.start;
  let begins = false;
  for (let run = 0; run < chain.count && at < end; run++) {
    begins ||= at === start;
    at += chain.length[run] as number;
  }
  return begins && at === end;
}

/** The lists that are being put together. Closed chains go to the callback and are reused afterwards. */
export class Regroup {
  readonly #close: (chain: Chain) => void;
  /** The open lists, the oldest first; behind them those that are reused. */
  readonly #chains: Chain[] = [];
  #open = 0;
  readonly #part: Chain = createChain();
  #events = 0;

  constructor(close: (chain: Chain) => void) {
    this.#close = close;
  }

  /** Takes a map line; `who` maps. */
  map(event: TraceEvent, who: number): void {
    const events = this.#events + 1;
    this.#events = events;
    let chain = this.find(who);
    if (chain !== undefined && chain.end !== event.iova) {
      this.close(chain);
      chain = undefined;
    }
    if (chain === undefined) chain = this.#start(who, event);
    append(chain, event.pa, event.size);
    chain.last = events;
    if ((events & 0xffff) === 0) this.#closeOld();
  }

  /** The open list of someone. */
  find(who: number): Chain | undefined {
    const chains = this.#chains;
    for (let index = this.#open - 1; index >= 0; index--) {
      const chain = chains[index] as Chain;
      if (chain.who === who) return chain;
    }
    return undefined;
  }

  /** True if a list is open that touches [start, end). */
  touches(start: number, end: number): boolean {
    for (let index = 0; index < this.#open; index++) {
      const chain = this.#chains[index] as Chain;
      if (chain.start < end && start < chain.end) return true;
    }
    return false;
  }

  /**
   * An unmap takes [start, end): open lists whose runs begin and end there (or, if there is none, all that it touches)
   * are closed up to `end`, the oldest first; what lies beyond may go on. With `exactOnly`, only a list that is just
   * this range is closed.
   */
  unmapped(start: number, end: number, exactOnly: boolean): void {
    let touching = 0;
    let closed = 0;
    for (let index = 0; index < this.#open; index++) {
      const chain = this.#chains[index] as Chain;
      if (chain.start >= end || start >= chain.end) continue;
      touching++;
      const fits = exactOnly ? chain.start === start && chain.end === end : hasRuns(chain, start, end);
      if (!fits) continue;
      closed++;
      if (this.#closeUpTo(chain, end)) index--;
    }
    if (touching > 0 && closed === 0 && !exactOnly) this.#closeTouching(start, end);
  }

  #closeTouching(start: number, end: number): void {
    for (const chain of this.#openChains().filter((one) => one.start < end && start < one.end))
      this.#closeUpTo(chain, end);
  }

  /** True if the whole list was closed. */
  #closeUpTo(chain: Chain, end: number): boolean {
    if (end < chain.end) {
      splitBefore(chain, end, this.#part);
      if (this.#part.count > 0) this.#close(this.#part);
      if (this.#part.count > 0) return false;
    }
    this.close(chain);
    return true;
  }

  /** Closes one list. */
  close(chain: Chain): void {
    this.take(chain);
    this.#close(chain);
  }

  /** Takes a list out without closing it: the caller deals with it, before the next map line. */
  take(chain: Chain): void {
    const chains = this.#chains;
    const last = this.#open - 1;
    if (chains[last] !== chain) {
      for (let index = chains.indexOf(chain); index < last; index++) chains[index] = chains[index + 1] as Chain;
      chains[last] = chain;
    }
    this.#open = last;
  }

  /** Closes all lists. */
  finish(): void {
    while (this.#open > 0) this.close(this.#chains[0] as Chain);
  }

  #openChains(): Chain[] {
    return this.#chains.slice(0, this.#open);
  }

  #start(who: number, event: TraceEvent): Chain {
    if (this.#open >= MAX_OPEN) this.close(this.#chains[0] as Chain);
    const index = this.#open++;
    if (index === this.#chains.length) this.#chains.push(createChain());
    const chain = this.#chains[index] as Chain;
    begin(chain, who, event);
    return chain;
  }

  #closeOld(): void {
    for (const chain of this.#openChains().filter(({ last }) => last < this.#events - MAX_AGE)) this.close(chain);
  }
}
