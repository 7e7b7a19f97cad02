/**
 * Unmaps that wait for the dma event that names their device, one for each task or interrupt; and frees that were
 * announced before their unmap (`dma_free` is traced before the pages go, all others after).
 * @module
 */
import { KIND, type TraceEvent } from './events.ts';

/** An unmap line. One that was not kept, or that was handed out, is valid until the next line. */
export interface UnmapLine {
  who: number;
  iova: number;
  /** Bytes that were unmapped. */
  size: number;
  time: number;
  task: number;
  pid: number;
  /** Processor, or −1. */
  cpu: number;
}

interface Announced {
  readonly device: number;
  readonly address: number;
}

const MAX_ANNOUNCED = 1024;
const NONE: readonly UnmapLine[] = [];

function createUnmap(): UnmapLine {
  return { who: 0, iova: 0, size: 0, time: 0, task: 0, pid: 0, cpu: -1 };
}

/** Held unmaps by who made them. Those that nothing names go to the callback. */
export class HeldUnmaps {
  readonly #settle: (unmap: UnmapLine) => void;
  /** The unmap that was held last; mostly the very next line names it. */
  #newest: UnmapLine = createUnmap();
  #isHeld = false;
  /** Held unmaps before it. */
  readonly #older = new Map<number, UnmapLine>();
  readonly #announced = new Map<number, Announced>();
  #line: UnmapLine = createUnmap();

  constructor(settle: (unmap: UnmapLine) => void) {
    this.#settle = settle;
  }

  /** An unmap event as a line. */
  take(event: TraceEvent, who: number): UnmapLine {
    const line = this.#line;
    line.who = who;
    line.iova = event.iova;
    line.size = event.unmapped;
    line.time = event.time;
    line.task = event.task;
    line.pid = event.pid;
    line.cpu = event.cpu;
    return line;
  }

  /** Keeps the line that was taken last until its dma event, or until who made it does something else. */
  hold(): void {
    const line = this.#line;
    if (this.#isHeld) {
      this.#older.set(this.#newest.who, this.#newest);
      this.#line = createUnmap();
    } else this.#line = this.#newest;
    this.#newest = line;
    this.#isHeld = true;
  }

  /** Somebody goes on: an unmap that he made before will not be named any more. */
  settle(who: number): void {
    if (!this.#isHeld && this.#older.size === 0) return;
    const unmap = this.#find(who);
    if (unmap === undefined) return;
    this.#drop(unmap);
    this.#settle(unmap);
  }

  /** The held unmap that a dma event names, taken out; one that the event does not fit is settled. */
  matching(who: number, event: TraceEvent): UnmapLine | undefined {
    const unmap = this.#find(who);
    if (unmap === undefined) return undefined;
    this.#drop(unmap);
    if (event.kind === KIND.DMA_UNMAP_SG || isInside(event.iova, unmap)) return unmap;
    this.#settle(unmap);
    return undefined;
  }

  /** A free that comes before its unmap. */
  announce(who: number, event: TraceEvent): void {
    if (this.#announced.size >= MAX_ANNOUNCED) this.#announced.clear();
    this.#announced.set(who, { device: event.device, address: event.iova });
  }

  /** The device of an announced free that an unmap carries out, or −1. */
  freed({ who, iova, size }: UnmapLine): number {
    if (this.#announced.size === 0) return -1;
    const announced = this.#announced.get(who);
    if (announced === undefined) return -1;
    this.#announced.delete(who);
    return announced.address >= iova && announced.address < iova + size ? announced.device : -1;
  }

  /** Takes out all held unmaps that touch [start, end). */
  takeTouching(start: number, end: number): readonly UnmapLine[] {
    if (!this.#isHeld && this.#older.size === 0) return NONE;
    const touching = this.#all().filter((held) => held.iova < end && start < held.iova + held.size);
    for (const held of touching) this.#drop(held);
    return touching;
  }

  /** Settles all held unmaps that touch [start, end). */
  settleTouching(start: number, end: number): void {
    for (const held of this.takeTouching(start, end)) this.#settle(held);
  }

  /** Settles all. */
  finish(): void {
    for (const { who } of this.#all()) this.settle(who);
  }

  #all(): UnmapLine[] {
    return this.#isHeld ? [...this.#older.values(), this.#newest] : [...this.#older.values()];
  }

  #find(who: number): UnmapLine | undefined {
    if (this.#isHeld && this.#newest.who === who) return this.#newest;
    return this.#older.size === 0 ? undefined : this.#older.get(who);
  }

  #drop(unmap: UnmapLine): void {
    if (unmap === this.#newest) this.#isHeld = false;
    else this.#older.delete(unmap.who);
  }
}

function isInside(address: number, unmap: UnmapLine): boolean {
  return address >= unmap.iova && address < unmap.iova + unmap.size;
}
