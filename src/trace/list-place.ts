/**
 * Which domain a list belongs to, and room for it there: what is live at its addresses must have been unmapped, or is
 * another domain's.
 * @module
 */
import type { CallMaker } from './call-maker.ts';
import type { DomainNames } from './domain-names.ts';
import type { DoubleMapKind, DoubleMapSink } from './double-maps.ts';
import type { HeldUnmaps } from './held.ts';
import type { LiveTable } from './live.ts';
import type { Chain } from './regroup.ts';
import type { TrackCounts } from './track-counts.ts';

/** Unnamed layers; in the last of them, a map over a live mapping means that an unmap is missing. */
const MAX_LAYERS = 64;

/** What a {@link ListPlace} works with. */
export interface ListPlaceParts {
  readonly calls: CallMaker;
  readonly domains: DomainNames;
  readonly held: HeldUnmaps;
  readonly counts: TrackCounts;
  /** Receives maps of addresses that are mapped already. */
  readonly doubles: DoubleMapSink | undefined;
}

/** Maps lists into their domains. */
export class ListPlace {
  readonly #calls: CallMaker;
  readonly #live: LiveTable;
  readonly #domains: DomainNames;
  readonly #held: HeldUnmaps;
  readonly #counts: TrackCounts;
  readonly #doubles: DoubleMapSink | undefined;

  constructor({ calls, domains, held, counts, doubles }: ListPlaceParts) {
    this.#calls = calls;
    this.#live = calls.live;
    this.#domains = domains;
    this.#held = held;
    this.#counts = counts;
    this.#doubles = doubles;
  }

  /** Maps a list whose device a dma event names. */
  named(chain: Chain, device: number, direction: number): void {
    const domain = this.#domains.ofDevice(device);
    this.#clear(domain, chain, device);
    this.#counts.named++;
    this.#calls.map(chain, domain, device, direction, true);
  }

  /** Maps a list that nothing names. */
  unnamed(chain: Chain): void {
    const attached = this.#domains.ofAttacher(chain.pid);
    if (attached < 0) {
      this.#calls.map(chain, this.#freeLayer(chain), -1, -1, false);
      return;
    }
    const device = this.#domains.deviceOf(chain.pid);
    this.#clear(attached, chain, device);
    this.#counts.attached++;
    this.#calls.map(chain, attached, device, -1, false);
  }

  #overlap(domain: number, chain: Chain): number {
    return this.#live.overlap(domain, chain.start, chain.end);
  }

  /** The first unnamed layer where nothing is in the way. */
  #freeLayer(chain: Chain): number {
    const { layers } = this.#domains;
    for (let index = 0; index < layers.length; index++) {
      const layer = layers[index] as number;
      if (this.#overlap(layer, chain) < 0) return layer;
      this.#held.settleTouching(chain.start, chain.end);
      const over = this.#overlap(layer, chain);
      if (over < 0) return layer;
      if (index > 0) continue;
      this.#counts.mapsToNextLayer++;
      this.#double('another domain', layer, chain, -1, over);
    }
    if (layers.length < MAX_LAYERS) return this.#domains.addLayer();
    const last = layers[layers.length - 1] as number;
    this.#clear(last, chain, -1);
    return last;
  }

  /** Makes room in a domain: what is live there must have been unmapped, by a held unmap or by one that is missing. */
  #clear(domain: number, chain: Chain, device: number): void {
    if (this.#overlap(domain, chain) < 0) return;
    for (const held of this.#held.takeTouching(chain.start, chain.end))
      this.#calls.unmap(held, domain, false, 'traced');
    const over = this.#overlap(domain, chain);
    if (over < 0) return;
    this.#counts.mapsOverLive++;
    this.#double('same domain', domain, chain, device, over);
    for (let id = over; id >= 0; id = this.#overlap(domain, chain)) {
      const iova = Math.max(chain.start, this.#live.start(id));
      const size = Math.min(chain.end, this.#live.end(id)) - iova;
      const { time, task, pid, cpu } = chain;
      this.#calls.unmap({ who: 0, iova, size, time, task, pid, cpu }, domain, false, 'inferred');
    }
  }

  #double(kind: DoubleMapKind, domain: number, chain: Chain, device: number, over: number): void {
    if (this.#doubles === undefined) return;
    const live = this.#live;
    const { start: iova, end, time, task, pid } = chain;
    const was = { wasIova: live.start(over), wasSize: live.size(over), was: live.fields(over) };
    this.#doubles({ kind, domain, iova, size: end - iova, time, task, pid, device, ...was });
  }
}
