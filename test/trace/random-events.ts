import fc from 'fast-check';
import { createEvent, KIND, type Kind, type TraceEvent } from '../../src/trace/index.ts';

const PAGE = 4096;

/** What happens; from it come the events of one or several lines. */
interface Step {
  readonly what: 'map' | 'unmap' | 'lone';
  readonly kind: Kind;
  readonly who: number;
  readonly slot: number;
  /** Pages of each run. */
  readonly sizes: readonly number[];
  readonly device: number;
  /** Whether a dma event follows, comes before, or is about a part only. */
  readonly dma: 'none' | 'after' | 'before' | 'part';
  readonly by: number;
  readonly later: number;
}

const STEP: fc.Arbitrary<Step> = fc.record({
  what: fc.constantFrom('map', 'map', 'unmap', 'unmap', 'unmap', 'lone'),
  kind: fc.constantFrom(...Object.values(KIND)),
  who: fc.nat({ max: 4 }),
  slot: fc.nat({ max: 7 }),
  sizes: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 }),
  device: fc.nat({ max: 2 }),
  dma: fc.constantFrom('none', 'after', 'after', 'before', 'part'),
  by: fc.nat({ max: 3 }),
  later: fc.integer({ min: -1, max: 4 }),
});

/** Makes events, each in a record of its own. */
class EventMaker {
  readonly events: TraceEvent[] = [];
  readonly #withDma: boolean;
  readonly #base: number;
  #time = 1000;

  constructor(withDma: boolean, base: number) {
    this.#withDma = withDma;
    this.#base = base;
  }

  add(step: Step): void {
    this.#time += step.later * 10;
    const iova = this.#base + step.slot * 4 * PAGE;
    const bytes = step.sizes.reduce((sum, size) => sum + size * PAGE, 0);
    if (step.what === 'map') this.#map(step, iova, bytes);
    else if (step.what === 'unmap') this.#unmap(step, iova, step.by === 0 ? (step.sizes[0] ?? 1) * PAGE : bytes);
    else this.#event(step.kind, step, iova, step.later < 0 ? 0 : bytes);
  }

  #map(step: Step, iova: number, bytes: number): void {
    let at = iova;
    for (const size of step.sizes) {
      this.#event(KIND.MAP, step, at, size * PAGE);
      at += size * PAGE;
    }
    if (step.dma === 'none') return;
    const part = step.dma === 'part' ? Math.min(PAGE * step.by, bytes - PAGE) : 0;
    const [start, size] = [iova + part, bytes - part];
    if (step.by < 2) {
      this.#event(step.by === 1 ? KIND.DMA_ALLOC : KIND.DMA_MAP, step, start, size);
      return;
    }
    const event = this.#event(KIND.DMA_MAP_SG, step, 0, size);
    event.list.dma[0] = start;
    event.list.lengths[0] = size;
    event.list.count = 1;
    event.list.truncated = step.by === 3;
  }

  #unmap(step: Step, iova: number, bytes: number): void {
    if (step.dma === 'before') this.#event(KIND.DMA_FREE, step, iova, bytes);
    this.#event(KIND.UNMAP, step, iova, bytes);
    if (step.dma === 'after') this.#event(step.by === 1 ? KIND.DMA_UNMAP_SG : KIND.DMA_UNMAP, step, iova, bytes);
  }

  #event(kind: Kind, { who, device }: Step, iova: number, size: number): TraceEvent {
    const event = createEvent();
    const runs = { time: this.#time, pid: who === 4 ? 0 : 100 + (who % 3), task: who, cpu: who % 2 };
    const what = { kind, iova, size, unmapped: size, pa: iova * 2 + PAGE, device, direction: who % 3, value: 1 };
    Object.assign(event, runs, what, { context: who === 3 ? 2 : 0 });
    if (this.#withDma || kind < KIND.DMA_MAP || kind > KIND.DMA_FREE) this.events.push(event);
    return event;
  }
}

/**
 * Events of a few tasks and devices at a few addresses, so that lists touch, come twice, go in parts and without a trace, with
 * dma events or without any.
 */
export const EVENTS: fc.Arbitrary<readonly TraceEvent[]> = fc
  .tuple(fc.array(STEP, { minLength: 1, maxLength: 60 }), fc.boolean(), fc.constantFrom(0, 2 ** 32, 2 ** 48))
  .map(([steps, withDma, base]) => {
    const maker = new EventMaker(withDma, base);
    for (const step of steps) maker.add(step);
    return maker.events;
  });
