/**
 * Calls in their order: a list waits for unmaps that take it run by run, which cut it, and so does what comes behind it.
 * @module
 */
import { boundaries } from './plain-lists.ts';

/** A call, copied. */
export interface PlainCall {
  readonly kind: 'map' | 'mapSg' | 'unmap';
  readonly domain: number;
  readonly iova: number;
  readonly size: number;
  readonly pa: readonly number[];
  readonly length: readonly number[];
  readonly time: number;
  readonly task: number;
  readonly pid: number;
  readonly cpu: number;
  readonly device: number;
  readonly direction: number;
  readonly named: boolean;
  readonly covered: number;
  readonly was: Was | undefined;
  readonly cause: 'traced' | 'inferred';
}

/** Who mapped what an unmap takes, and when. */
export interface Was {
  readonly time: number;
  readonly task: number;
  readonly pid: number;
  readonly device: number;
  readonly total: number;
  readonly list: number;
}

/** Where runs of a call begin or end. */
export function bounds({ iova, length }: PlainCall): number[] {
  return boundaries(iova, length);
}

/** Whether an unmap takes a part of a list, run by run. */
function canCut(list: PlainCall, { iova, size }: PlainCall): boolean {
  if (list.kind === 'unmap' || list.named) return false;
  const end = iova + size;
  const whole = iova <= list.iova && end >= list.iova + list.size;
  return !whole && (iova <= list.iova || bounds(list).includes(iova)) && bounds(list).includes(end);
}

/** The calls of a tracker. */
export class PlainCalls {
  readonly calls: PlainCall[] = [];
  readonly #count: (name: string) => void;
  #waiting: { call: PlainCall; list: number; cuts: number[] }[] = [];

  /** `count` is told of each list that is cut. */
  constructor(count: (name: string) => void) {
    this.#count = count;
  }

  /** The mapping of that number that waits, unless a driver's event named it. */
  waiting(number: number): PlainCall | undefined {
    return this.#waiting.find(({ call, list }) => list === number && call.kind !== 'unmap' && !call.named)?.call;
  }

  finish(): void {
    while (this.#waiting.length > 0) this.#release();
  }

  push(call: PlainCall, list: number): void {
    if (this.#waiting.length === 0 && (call.kind !== 'mapSg' || call.named)) {
      this.calls.push(call);
      return;
    }
    const cut =
      call.kind !== 'unmap' ? undefined : this.#waiting.find((one) => one.list === list && canCut(one.call, call));
    cut?.cuts.push(call.iova, call.iova + call.size);
    this.#waiting.push({ call, list, cuts: [] });
  }

  #release(): void {
    const first = this.#waiting.shift();
    if (first === undefined) return;
    const { call, cuts } = first;
    if (cuts.length === 0) {
      this.calls.push(call);
      return;
    }
    const at = bounds(call);
    const ends = at.filter((bound, index) => index > 0 && (index === at.length - 1 || cuts.includes(bound)));
    let from = 0;
    for (const end of ends) {
      const to = at.indexOf(end);
      const kind = to - from > 1 ? 'mapSg' : 'map';
      const iova = at[from] ?? 0;
      const [pa, length] = [call.pa.slice(from, to), call.length.slice(from, to)];
      if (from > 0) this.#count('lists');
      if (from > 0 && call.device >= 0) this.#count('attached');
      this.calls.push({ ...call, kind, iova, size: end - iova, pa, length });
      from = to;
    }
  }
}
