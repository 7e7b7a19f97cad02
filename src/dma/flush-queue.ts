/**
 * The flush queue of lazy domains (`drivers/iommu/dma-iommu.c`): a ring for each CPU of what was unmapped and is not yet
 * invalidated. One invalidation of the whole domain frees what all CPUs queued before it began.
 * @module
 */
import { IommuError } from '../errors.ts';

/** Slots of a CPU's ring (`IOVA_DEFAULT_FQ_SIZE`); one stays empty. */
export const QUEUE_SLOTS = 256;
/** Time from the first entry to the flush (`IOVA_DEFAULT_FQ_TIMEOUT`), nanoseconds. */
export const QUEUE_TIMEOUT_NS = 10e6;
/** The same of a single ring (`IOVA_SINGLE_FQ_SIZE`, `IOVA_SINGLE_FQ_TIMEOUT`). */
export const SINGLE_SLOTS = 32768;
export const SINGLE_TIMEOUT_NS = 1e9;

/** What a flush queue is made of. */
export interface FlushQueueOptions {
  /** CPUs, each with a ring of its own. */
  readonly cpus: number;
  /** One ring for all CPUs, as where a flush is dear (`shadow_on_flush`: s390; Linux 6.12 and later); default false. */
  readonly single?: boolean;
  /** Slots of a ring, a power of two; default 256, of a single one 32768. */
  readonly slots?: number;
  /** Timeout in nanoseconds; default 10 ms, of a single ring 1 s. */
  readonly timeoutNs?: number;
}

/** What a flush queue asks of its domain. */
export interface FlushQueueHooks {
  /** Invalidates the whole domain. `early` where a ring was full and the timer had not yet come. */
  flush(time: number, early: boolean): void;
  /** What was unmapped at `queued` is out of the device's reach from `time` on. */
  invalidated?(pages: number, queued: number, time: number): void;
  /** A range may be used again; `cpu` frees it. */
  release(cpu: number, pfn: number, pages: number): void;
}

/** One CPU's ring. */
interface Ring {
  head: number;
  tail: number;
  /** Entries before it were invalidated. */
  clean: number;
  readonly pfn: Float64Array;
  readonly pages: Float64Array;
  readonly queued: Float64Array;
  readonly counter: Float64Array;
}

/** What an observer threw. */
interface Failure {
  readonly reason: unknown;
}

/** Queues unmapped ranges of one domain until they are invalidated. Queueing allocates nothing. */
export class FlushQueue {
  /** Rings by CPU, made when they are first used. */
  readonly #rings: (Ring | undefined)[];
  readonly #slots: number;
  readonly #single: boolean;
  readonly #hooks: FlushQueueHooks;
  readonly #mask: number;
  readonly #timeout: number;
  #started = 0;
  #finished = 0;
  #due = Number.POSITIVE_INFINITY;
  #timerCpu = 0;
  /** Ranges that wait. */
  waiting = 0;

  /** @throws IommuError `BAD_OPTION` */
  constructor(options: FlushQueueOptions, hooks: FlushQueueHooks) {
    const { cpus, single = false } = options;
    const { slots = single ? SINGLE_SLOTS : QUEUE_SLOTS } = options;
    const { timeoutNs = single ? SINGLE_TIMEOUT_NS : QUEUE_TIMEOUT_NS } = options;
    if (!Number.isInteger(Math.log2(slots)) || slots < 2 || slots > 2 ** 20) {
      throw new IommuError('BAD_OPTION', 'slots', `expected a power of two from 2 to 2^20, got ${slots}`);
    }
    if (!(timeoutNs > 0)) throw new IommuError('BAD_OPTION', 'timeoutNs', `expected more than 0, got ${timeoutNs}`);
    this.#mask = slots - 1;
    this.#timeout = timeoutNs;
    this.#hooks = hooks;
    this.#slots = slots;
    this.#single = single;
    this.#rings = Array.from({ length: cpus }, () => undefined);
  }

  /**
   * Makes room for one range: frees what is invalidated, and flushes where the ring is full still. Where that flush fails, what it
   * threw is passed on, and all ranges wait on.
   */
  reserve(cpu: number, time: number): void {
    const ring = this.#ring(cpu);
    this.#free(ring, cpu);
    if (((ring.tail + 1) & this.#mask) !== ring.head) return;
    const failure = this.#flush(time, true);
    this.#free(ring, cpu);
    if (failure !== undefined) throw failure.reason;
  }

  /** Queues a range that was unmapped on `cpu` at `time` (`queue_iova`). Call {@link advance} first. */
  add(cpu: number, time: number, pfn: number, pages: number): void {
    this.reserve(cpu, time);
    const ring = this.#ring(cpu);
    const at = ring.tail;
    ring.pfn[at] = pfn;
    ring.pages[at] = pages;
    ring.queued[at] = time;
    ring.counter[at] = this.#started;
    ring.tail = (at + 1) & this.#mask;
    this.waiting++;
    if (this.#due !== Number.POSITIVE_INFINITY) return;
    this.#due = time + this.#timeout;
    this.#timerCpu = cpu;
  }

  /** Lets time pass: the timer fires where it is due (`fq_flush_timeout`). */
  advance(time: number): void {
    if (time < this.#due) return;
    this.drain(this.#due, this.#timerCpu);
  }

  /** Flushes and frees everything, on `cpu`: the timer, or the end of the domain. A timer whose flush fails stays due. */
  drain(time: number, cpu: number): void {
    const failure = this.#flush(time, false);
    this.#due = Number.POSITIVE_INFINITY;
    for (const ring of this.#rings) if (ring !== undefined) this.#free(ring, cpu);
    if (failure !== undefined) throw failure.reason;
  }

  #ring(cpu: number): Ring {
    const known = this.#rings[this.#single ? 0 : cpu];
    if (known !== undefined && cpu < this.#rings.length) return known;
    if (!(cpu >= 0 && cpu < this.#rings.length)) {
      throw new IommuError('BAD_OPTION', 'cpu', `expected a CPU from 0 to ${this.#rings.length - 1}, got ${cpu}`);
    }
    const room = (): Float64Array => new Float64Array(this.#slots);
    const ring = { head: 0, tail: 0, clean: 0, pfn: room(), pages: room(), queued: room(), counter: room() };
    this.#rings[this.#single ? 0 : cpu] = ring;
    return ring;
  }

  /** @returns what the observer threw first; the flush is done all the same */
  #flush(time: number, early: boolean): Failure | undefined {
    this.#started++;
    this.#hooks.flush(time, early);
    this.#finished = this.#started;
    let failure: Failure | undefined;
    for (const ring of this.#rings) {
      while (ring !== undefined && ring.clean !== ring.tail) {
        try {
          this.#clean(ring, time);
        } catch (reason) {
          failure ??= { reason };
        }
      }
    }
    return failure;
  }

  #clean(ring: Ring, time: number): void {
    const { pages, queued, tail } = ring;
    while (ring.clean !== tail) {
      const at = ring.clean;
      ring.clean = (at + 1) & this.#mask;
      this.#hooks.invalidated?.(pages[at] as number, queued[at] as number, time);
    }
  }

  #free(ring: Ring, cpu: number): void {
    while (ring.head !== ring.tail && (ring.counter[ring.head] as number) < this.#finished) {
      const at = ring.head;
      ring.head = (at + 1) & this.#mask;
      this.waiting--;
      this.#hooks.release(cpu, ring.pfn[at] as number, ring.pages[at] as number);
    }
  }
}
