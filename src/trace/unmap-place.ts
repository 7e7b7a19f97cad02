/**
 * Which domain an unmap belongs to: `iommu:unmap` names no device, so that what is live at its address decides.
 * @module
 */
import type { CallMaker } from './call-maker.ts';
import type { DomainNames } from './domain-names.ts';
import type { UnmapLine } from './held.ts';
import type { LiveTable } from './live.ts';
import type { TrackCounts } from './track-counts.ts';

/** Finds the domains of unmaps. */
export class UnmapPlace {
  readonly #calls: CallMaker;
  readonly #live: LiveTable;
  readonly #domains: DomainNames;
  readonly #counts: TrackCounts;

  /** Unmaps that only a rule decides are counted in `counts`. */
  constructor(calls: CallMaker, domains: DomainNames, counts: TrackCounts) {
    this.#calls = calls;
    this.#live = calls.live;
    this.#domains = domains;
    this.#counts = counts;
  }

  /** The domain of an unmap whose device is known: the device's, unless only an unnamed layer has such a list. */
  ofDevice(unmap: UnmapLine, device: number): number {
    const live = this.#live;
    const domain = this.#domains.ofDevice(device);
    if (live.overlapAt(domain, unmap) >= 0) return domain;
    for (let id = live.firstAt(unmap.iova); id >= 0; id = live.nextAt(id)) {
      const other = live.domain(id);
      if (this.#domains.domains[other]?.source === 'layer' && live.size(id) === unmap.size) return other;
    }
    return domain;
  }

  /**
   * The domain of an unmap that nothing names: among the live lists at its start the one that it covers exactly (of
   * several, a whole one; of several of those, the newest); else of those one with a run that ends where the
   * unmap ends, that covers most of it, the oldest of equals; else the domain where most of its bytes are live. A task that
   * attached a device unmaps from what it mapped there.
   * @param sawDma - whether the trace has dma events: then a list of an unnamed domain comes first
   */
  guess(unmap: UnmapLine, sawDma: boolean): number {
    const live = this.#live;
    const own = this.#domains.openedBy(unmap.pid);
    if (own >= 0 && live.overlapAt(own, unmap) >= 0) return own;
    let best = -1;
    let rivals = 0;
    for (let id = live.firstAt(unmap.iova); id >= 0; id = live.nextAt(id)) {
      if (live.size(id) !== unmap.size) continue;
      rivals++;
      if (best < 0 || this.#better(id, best, sawDma)) best = id;
    }
    if (rivals > 1) this.#counts.ambiguous++;
    if (best >= 0) return live.domain(best);
    return this.#mostCovered(unmap);
  }

  #better(id: number, than: number, sawDma: boolean): boolean {
    const live = this.#live;
    const unnamed = sawDma ? Number(this.#isUnnamed(id)) - Number(this.#isUnnamed(than)) : 0;
    if (unnamed !== 0) return unnamed > 0;
    if (live.isWhole(id) !== live.isWhole(than)) return live.isWhole(id);
    return live.time(id) > live.time(than);
  }

  #isUnnamed(id: number): boolean {
    return this.#domains.domains[this.#live.domain(id)]?.source !== 'dma';
  }

  #mostCovered(unmap: UnmapLine): number {
    const live = this.#live;
    const end = unmap.iova + unmap.size;
    let best = -1;
    let fits = 0;
    let most = 0;
    for (let id = live.firstAt(unmap.iova); id >= 0; id = live.nextAt(id)) {
      const bytes = live.covered(live.domain(id), unmap.iova, end);
      const mayEnd = this.#calls.mayEndAt(live.list(id), end);
      const order = mayEnd - fits || bytes - most || (best < 0 ? 1 : live.time(best) - live.time(id));
      if (best >= 0 && order <= 0) continue;
      best = id;
      fits = mayEnd;
      most = bytes;
    }
    return best >= 0 ? live.domain(best) : this.#mostOverlapped(unmap.iova, end);
  }

  /** The domain in which most of [start, end) is live, the first of equals; where none has any, the unnamed layer. */
  #mostOverlapped(start: number, end: number): number {
    let best = -1;
    let most = 0;
    for (const { id } of this.#domains.domains) {
      const bytes = this.#live.covered(id, start, end);
      if (bytes <= most) continue;
      most = bytes;
      best = id;
    }
    return best >= 0 ? best : (this.#domains.layers[0] ?? this.#domains.addLayer());
  }
}
