/**
 * From events to calls: which domain each map and unmap belongs to. A dma event names the device and comes just after
 * its `iommu:map` or `iommu:unmap` lines, from the same task: calls therefore leave with a delay, bounded by the open
 * lists, one held unmap a task, and the queue in which unnamed lists wait for their unmaps. What no dma event names goes to the domain that the task attached, or to unnamed
 * layers: a map over a live mapping opens another layer, which is probably another domain.
 * @module
 */
import { CallMaker } from './call-maker.ts';
import type { CallSink } from './calls.ts';
import { DomainNames, type TraceDomain } from './domain-names.ts';
import type { DoubleMapSink } from './double-maps.ts';
import { refineElements } from './elements.ts';
import { KIND, type TraceEvent, type TraceNames } from './events.ts';
import { HeldUnmaps, type UnmapLine } from './held.ts';
import { ListPlace } from './list-place.ts';
import type { LiveTable } from './live.ts';
import { type Chain, createChain, Regroup, splitBefore, whoOf } from './regroup.ts';
import { createCounts, type TrackCounts } from './track-counts.ts';
import { UnmapPlace } from './unmap-place.ts';

/** Devices of which dma events without a map are counted. */
const MAX_UNTRANSLATED = 1024;

/** Turns the events of one machine into calls. Feed it {@link event}, then {@link finish} once. */
export class DomainTracker {
  readonly counts: TrackCounts = createCounts();
  /** Device → its dma events that no map line came before: it bypasses the IOMMU, or lines were lost. */
  readonly untranslated: Map<number, number> = new Map();
  readonly #calls: CallMaker;
  readonly #domains: DomainNames;
  readonly #regroup: Regroup;
  readonly #held: HeldUnmaps;
  readonly #lists: ListPlace;
  readonly #unmaps: UnmapPlace;
  readonly #before: Chain = createChain();
  #sawDma = false;

  /** `doubles`: receives maps of addresses that are mapped already. */
  constructor(sink: CallSink, names: TraceNames, doubles?: DoubleMapSink) {
    const { counts } = this;
    const calls = new CallMaker(sink, counts);
    const domains = new DomainNames(names);
    const held = new HeldUnmaps((unmap) => this.#unnamedUnmap(unmap));
    const lists = new ListPlace({ calls, domains, held, counts, doubles });
    this.#calls = calls;
    this.#domains = domains;
    this.#held = held;
    this.#lists = lists;
    this.#unmaps = new UnmapPlace(calls, domains, counts);
    this.#regroup = new Regroup((chain) => lists.unnamed(chain));
  }

  /** The domains met so far. */
  get domains(): readonly TraceDomain[] {
    return this.#domains.domains;
  }

  /** What is live now, all domains. */
  get live(): LiveTable {
    return this.#calls.live;
  }

  /** Takes one event. */
  event(event: TraceEvent): void {
    switch (event.kind) {
      case KIND.MAP:
        this.#map(event);
        break;
      case KIND.UNMAP:
        this.#unmap(event);
        break;
      case KIND.DMA_MAP:
      case KIND.DMA_MAP_SG:
      case KIND.DMA_ALLOC:
        this.#dmaMap(event);
        break;
      case KIND.DMA_UNMAP:
      case KIND.DMA_UNMAP_SG:
      case KIND.DMA_FREE:
        this.#dmaUnmap(event);
        break;
      case KIND.ADD_DEVICE:
        this.#domains.addDevice(event);
        break;
      case KIND.REMOVE_DEVICE:
        this.#domains.removeDevice(event);
        break;
      case KIND.ATTACH:
        this.#domains.attach(event);
        break;
      default:
    }
  }

  /** Ends: open lists and held unmaps become calls. The tracker may be fed on afterwards. */
  finish(): void {
    this.#held.finish();
    this.#regroup.finish();
    this.#calls.finish();
  }

  #map(event: TraceEvent): void {
    const who = whoOf(event);
    this.counts.lines++;
    this.#held.settle(who);
    if (event.size === 0) this.counts.empty++;
    else this.#regroup.map(event, who);
  }

  #unmap(event: TraceEvent): void {
    this.counts.unmaps++;
    if (event.unmapped === 0) {
      this.counts.empty++;
      return;
    }
    this.#closeLists(event);
    const who = whoOf(event);
    this.#held.settle(who);
    const unmap = this.#held.take(event, who);
    const freed = this.#held.freed(unmap);
    if (freed >= 0) this.#calls.unmap(unmap, this.#unmaps.ofDevice(unmap, freed), true, 'traced');
    else if (this.#sawDma) this.#held.hold();
    else this.#unnamedUnmap(unmap);
  }

  /** Open lists that an unmap takes from are complete. */
  #closeLists({ iova, unmapped }: TraceEvent): void {
    if (!this.#regroup.touches(iova, iova + unmapped)) return;
    this.#regroup.unmapped(iova, iova + unmapped, this.live.hasJust(iova, unmapped));
  }

  #unnamedUnmap(unmap: UnmapLine): void {
    this.#calls.unmap(unmap, this.#unmaps.guess(unmap, this.#sawDma), false, 'traced');
  }

  /** A dma event after map lines: names the list, or the part of it that it covers. */
  #dmaMap(event: TraceEvent): void {
    this.#sawDma = true;
    const who = whoOf(event);
    this.#held.settle(who);
    const chain = this.#regroup.find(who);
    const start = startOf(event);
    const end = endOf(event);
    if (chain === undefined || start < chain.start || end > chain.end || end <= start) {
      this.#countUntranslated(event.device);
      return;
    }
    if (start >= chain.start + (chain.length[0] as number)) {
      splitBefore(chain, start, this.#before);
      this.#lists.unnamed(this.#before);
    }
    const reachesEnd = end > chain.end - (chain.length[chain.count - 1] as number);
    if (event.list.truncated || reachesEnd) {
      this.#regroup.take(chain);
      this.#named(chain, event);
    } else {
      splitBefore(chain, end + chainSlack(chain, end), this.#before);
      this.#named(this.#before, event);
    }
  }

  #countUntranslated(device: number): void {
    this.counts.dmaWithoutMap++;
    const known = this.untranslated.get(device);
    if (known !== undefined || this.untranslated.size < MAX_UNTRANSLATED)
      this.untranslated.set(device, (known ?? 0) + 1);
  }

  #dmaUnmap(event: TraceEvent): void {
    this.#sawDma = true;
    const who = whoOf(event);
    const held = this.#held.matching(who, event);
    if (held !== undefined) {
      this.counts.namedUnmaps++;
      this.#calls.unmap(held, this.#unmaps.ofDevice(held, event.device), true, 'traced');
    } else if (event.kind === KIND.DMA_FREE) this.#held.announce(who, event);
  }

  /** A list that a dma event named. */
  #named(chain: Chain, event: TraceEvent): void {
    refineElements(chain, event.list);
    this.#lists.named(chain, event.device, event.direction);
  }
}

/** The first DMA address that an event is about, and the one behind the last. */
function startOf({ list, iova }: TraceEvent): number {
  return list.count === 0 ? iova : (list.dma[0] as number);
}

function endOf({ list, iova, size }: TraceEvent): number {
  if (list.count === 0) return iova + Math.max(1, size);
  return (list.dma[list.count - 1] as number) + (list.lengths[list.count - 1] as number);
}

/** Bytes from `end` to the end of the run that holds the byte before it: mappings are whole pages. */
function chainSlack(chain: Chain, end: number): number {
  let at = chain.start;
  for (let run = 0; run < chain.count && at < end; run++) at += chain.length[run] as number;
  return at - end;
}
