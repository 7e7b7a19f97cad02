/**
 * Unmaps that wait for the dma event that names their device, one for each task or interrupt; and frees that were
 * announced before their unmap (`dma_free` is traced before the pages go, all others after).
 * @module
 */
import { KIND, type TraceEvent } from './events.ts';

/** An unmap line, kept. */
export interface HeldUnmap {
  who: number;
  iova: number;
  /** Bytes that were unmapped. */
  size: number;
  time: number;
  task: number;
  pid: number;
}

interface Announced {
  readonly device: number;
  readonly address: number;
}

const MAX_ANNOUNCED = 1024;

/** Held unmaps by who made them. Those that nothing names go to the callback. */
export class HeldUnmaps {
  readonly #settle: (unmap: HeldUnmap) => void;
  readonly #held = new Map<number, HeldUnmap>();
  readonly #announced = new Map<number, Announced>();

  constructor(settle: (unmap: HeldUnmap) => void) {
    this.#settle = settle;
  }

  /** Copies an unmap event. */
  take(event: TraceEvent, who: number): HeldUnmap {
    const { iova, unmapped, time, task, pid } = event;
    return { who, iova, size: unmapped, time, task, pid };
  }

  /** Keeps an unmap until its dma event, or until `who` does something else. */
  hold(unmap: HeldUnmap): void {
    this.#held.set(unmap.who, unmap);
  }

  /** Somebody goes on: an unmap that he made before will not be named any more. */
  settle(who: number): void {
    const unmap = this.#held.get(who);
    if (unmap === undefined) return;
    this.#held.delete(who);
    this.#settle(unmap);
  }

  /** The held unmap that a dma event names, taken out; one that the event does not fit is settled. */
  matching(who: number, event: TraceEvent): HeldUnmap | undefined {
    const unmap = this.#held.get(who);
    if (unmap === undefined) return undefined;
    const fits = event.kind === KIND.DMA_UNMAP_SG || isInside(event.iova, unmap);
    if (!fits) {
      this.settle(who);
      return undefined;
    }
    this.#held.delete(who);
    return unmap;
  }

  /** A free that comes before its unmap. */
  announce(who: number, event: TraceEvent): void {
    if (this.#announced.size >= MAX_ANNOUNCED) this.#announced.clear();
    this.#announced.set(who, { device: event.device, address: event.iova });
  }

  /** The device of an announced free that an unmap carries out, or −1. */
  freed(who: number, iova: number, size: number): number {
    const announced = this.#announced.get(who);
    if (announced === undefined) return -1;
    this.#announced.delete(who);
    return announced.address >= iova && announced.address < iova + size ? announced.device : -1;
  }

  /** Takes out all held unmaps that touch [start, end). */
  takeTouching(start: number, end: number): HeldUnmap[] {
    const touching = [...this.#held.values()].filter((held) => held.iova < end && start < held.iova + held.size);
    for (const held of touching) this.#held.delete(held.who);
    return touching;
  }

  /** Settles all held unmaps that touch [start, end). */
  settleTouching(start: number, end: number): void {
    for (const held of this.takeTouching(start, end)) this.#settle(held);
  }

  /** Settles all. */
  finish(): void {
    for (const who of [...this.#held.keys()]) this.settle(who);
  }
}

function isInside(address: number, unmap: HeldUnmap): boolean {
  return address >= unmap.iova && address < unmap.iova + unmap.size;
}
