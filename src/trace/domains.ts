/**
 * From events to calls: which domain each map and unmap belongs to. A dma event names the device and comes just after
 * its `iommu:map` or `iommu:unmap` lines, from the same task: calls therefore leave with a delay, bounded by the open
 * lists, one held unmap a task, and the queue in which unnamed lists wait for their unmaps. What no dma event names goes to the domain that the task attached, or to unnamed
 * layers: a map over a live mapping opens another layer, which is probably another domain.
 * @module
 */
import { type CallSink, createCall, type TraceCall } from './calls.ts';
import { DomainNames, type TraceDomain } from './domain-names.ts';
import type { DoubleMapKind, DoubleMapSink } from './double-maps.ts';
import { refineElements } from './elements.ts';
import { KIND, type TraceEvent, type TraceNames } from './events.ts';
import { type HeldUnmap, HeldUnmaps } from './held.ts';
import { ListCuts } from './list-cuts.ts';
import { createFields, type LiveFields, LiveTable } from './live.ts';
import { type Chain, createChain, Regroup, splitBefore, whoOf } from './regroup.ts';

/** Unnamed layers; in the last of them, a map over a live mapping means that an unmap is missing. */
const MAX_LAYERS = 64;
/** Devices of which dma events without a map are counted. */
const MAX_UNTRANSLATED = 1024;

/** Counts of what the tracker had to decide; plain data. */
export interface TrackCounts {
  /** Lists mapped, of which named by a dma event, of which by the task's attach. */
  lists: number;
  named: number;
  attached: number;
  /** Map lines. */
  lines: number;
  unmaps: number;
  /** Unmaps that a dma event named. */
  namedUnmaps: number;
  /** Unmaps whose range was live in several domains, and no dma event decided. */
  ambiguous: number;
  /** Unmaps of which nothing, or not all, was live: the trace began later than the mapping, or events are missing. */
  unmapsOfNothing: number;
  unmapsOfPart: number;
  /** Bytes of unmaps that were not live. */
  bytesOfNothing: number;
  /** Maps over a live mapping of the same domain (named, or the last layer): its unmap is missing and was inferred. */
  mapsOverLive: number;
  /** Maps over a live mapping of an unnamed layer: another layer was taken. */
  mapsToNextLayer: number;
  /** dma events with no map line before them: devices that bypass the IOMMU, or lines lost. */
  dmaWithoutMap: number;
  /** Maps of size 0 and unmaps that removed nothing. */
  empty: number;
}

function createCounts(): TrackCounts {
  return {
    lists: 0,
    named: 0,
    attached: 0,
    lines: 0,
    unmaps: 0,
    namedUnmaps: 0,
    ambiguous: 0,
    unmapsOfNothing: 0,
    unmapsOfPart: 0,
    bytesOfNothing: 0,
    mapsOverLive: 0,
    mapsToNextLayer: 0,
    dmaWithoutMap: 0,
    empty: 0,
  };
}

/** Turns the events of one machine into calls. Feed it {@link event}, then {@link finish} once. */
export class DomainTracker {
  readonly counts: TrackCounts = createCounts();
  /** What is live now, all domains. */
  readonly live: LiveTable = new LiveTable();
  /** Device → its dma events that no map line came before: it bypasses the IOMMU, or lines were lost. */
  readonly untranslated: Map<number, number> = new Map();
  readonly #queue: ListCuts;
  readonly #domains: DomainNames;
  readonly #regroup: Regroup;
  readonly #held: HeldUnmaps;
  readonly #call: TraceCall = createCall();
  readonly #before: Chain = createChain();
  readonly #mapped: LiveFields = createFields();
  readonly #was: LiveFields = createFields();
  readonly #doubles: DoubleMapSink | undefined;
  #sawDma = false;

  /** `doubles`: receives maps of addresses that are mapped already. */
  constructor(sink: CallSink, names: TraceNames, doubles?: DoubleMapSink) {
    this.#doubles = doubles;
    this.#queue = new ListCuts(sink, (piece) => this.#countPiece(piece));
    this.#domains = new DomainNames(names);
    this.#regroup = new Regroup((chain) => this.#unnamed(chain));
    this.#held = new HeldUnmaps((unmap) => this.#unmapIn(this.#guess(unmap), unmap, false));
  }

  /** The domains met so far. */
  get domains(): readonly TraceDomain[] {
    return this.#domains.domains;
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
    this.#queue.finish();
  }

  #map(event: TraceEvent): void {
    this.counts.lines++;
    this.#held.settle(whoOf(event));
    if (event.size === 0) this.counts.empty++;
    else this.#regroup.map(event);
  }

  #unmap(event: TraceEvent): void {
    this.counts.unmaps++;
    if (event.unmapped === 0) {
      this.counts.empty++;
      return;
    }
    this.#regroup.unmapped(event.iova, event.iova + event.unmapped, this.#fitsLive(event.iova, event.unmapped));
    const who = whoOf(event);
    this.#held.settle(who);
    const unmap = this.#held.take(event, who);
    const freed = this.#held.freed(who, event.iova, event.unmapped);
    if (freed >= 0) this.#unmapIn(this.#placeOf(unmap, freed), unmap, true);
    else if (this.#sawDma) this.#held.hold();
    else this.#unmapIn(this.#guess(unmap), unmap, false);
  }

  /** True if a list of just this range is live. */
  #fitsLive(start: number, size: number): boolean {
    let id = this.live.firstAt(start);
    while (id >= 0 && this.live.size(id) !== size) id = this.live.nextAt(id);
    return id >= 0;
  }

  /** A dma event after map lines: names the list, or the part of it that it covers. */
  #dmaMap(event: TraceEvent): void {
    this.#sawDma = true;
    const who = whoOf(event);
    this.#held.settle(who);
    const { start, end } = rangeOf(event);
    const chain = this.#regroup.find(who);
    if (chain === undefined || start < chain.start || end > chain.end) {
      this.#countUntranslated(event.device);
      return;
    }
    if (start >= chain.start + (chain.length[0] as number)) {
      splitBefore(chain, start, this.#before);
      this.#unnamed(this.#before);
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
      this.#unmapIn(this.#placeOf(held, event.device), held, true);
    } else if (event.kind === KIND.DMA_FREE) this.#held.announce(who, event);
  }

  /** A list that a dma event named. */
  #named(chain: Chain, event: TraceEvent): void {
    const domain = this.#domains.ofDevice(event.device);
    this.#clear(domain, chain, event.device);
    this.counts.named++;
    refineElements(chain, event.list);
    this.#emitMap(chain, domain, event.device, event.direction, true);
  }

  /** A list that nothing named. */
  #unnamed(chain: Chain): void {
    const attached = this.#domains.ofAttacher(chain.pid);
    if (attached >= 0) {
      const device = this.#domains.deviceOf(chain.pid);
      this.#clear(attached, chain, device);
      this.counts.attached++;
      this.#emitMap(chain, attached, device, -1, false);
      return;
    }
    this.#emitMap(chain, this.#freeLayer(chain), -1, -1, false);
  }

  /** The first unnamed layer where nothing is in the way. */
  #freeLayer(chain: Chain): number {
    let first = true;
    for (const layer of this.#domains.layers) {
      if (this.live.overlap(layer, chain.start, chain.end) >= 0) this.#held.settleTouching(chain.start, chain.end);
      const over = this.live.overlap(layer, chain.start, chain.end);
      if (over < 0) return layer;
      if (first) {
        this.counts.mapsToNextLayer++;
        this.#double('another domain', layer, chain, -1, over);
      }
      first = false;
    }
    const { layers } = this.#domains;
    if (layers.length < MAX_LAYERS) return this.#domains.addLayer();
    const last = layers[layers.length - 1] as number;
    this.#clear(last, chain, -1);
    return last;
  }

  /** Makes room in a domain: what is live there must have been unmapped, by a held unmap or by one that is missing. */
  #clear(domain: number, chain: Chain, device: number): void {
    const { live } = this;
    if (live.overlap(domain, chain.start, chain.end) < 0) return;
    for (const held of this.#held.takeTouching(chain.start, chain.end)) this.#unmapIn(domain, held, false);
    const over = live.overlap(domain, chain.start, chain.end);
    if (over < 0) return;
    this.counts.mapsOverLive++;
    this.#double('same domain', domain, chain, device, over);
    for (let id = over; id >= 0; id = live.overlap(domain, chain.start, chain.end)) {
      const start = Math.max(chain.start, live.start(id));
      const end = Math.min(chain.end, live.end(id));
      const { time, task, pid, cpu } = chain;
      this.#emitUnmap({ iova: start, size: end - start, time, task, pid, cpu, who: 0 }, domain, false, 'inferred');
    }
  }

  #double(kind: DoubleMapKind, domain: number, chain: Chain, device: number, over: number): void {
    if (this.#doubles === undefined) return;
    const { start: iova, end, time, task, pid } = chain;
    const was = { wasIova: this.live.start(over), wasSize: this.live.size(over), was: this.live.fields(over) };
    this.#doubles({ kind, domain, iova, size: end - iova, time, task, pid, device, ...was });
  }

  #emitMap(chain: Chain, domain: number, device: number, direction: number, named: boolean): void {
    const call = this.#call;
    this.counts.lists++;
    call.kind = chain.count > 1 ? 'mapSg' : 'map';
    call.domain = domain;
    call.iova = chain.start;
    call.size = chain.end - chain.start;
    call.count = chain.count;
    call.pa = chain.pa;
    call.length = chain.length;
    call.device = device;
    call.direction = direction;
    call.covered = 0;
    call.was = undefined;
    setOrigin(call, chain, named);
    this.live.insert(domain, chain.start, call.size, this.#mappedBy(call));
    this.#queue.push(call, this.counts.lists);
  }

  /** A list that its unmaps cut is several: each piece counts as a list. Named lists are not cut. */
  #countPiece({ device }: TraceCall): void {
    this.counts.lists++;
    if (device >= 0) this.counts.attached++;
  }

  #mappedBy({ time, task, pid, device, size }: TraceCall): LiveFields {
    const fields = this.#mapped;
    fields.time = time;
    fields.task = task;
    fields.pid = pid;
    fields.device = device;
    fields.total = size;
    fields.list = this.counts.lists;
    return fields;
  }

  /** The domain of an unmap whose device is known: the device's, unless only an unnamed layer has such a list. */
  #placeOf(unmap: HeldUnmap, device: number): number {
    const domain = this.#domains.ofDevice(device);
    const end = unmap.iova + unmap.size;
    if (this.live.overlap(domain, unmap.iova, end) >= 0) return domain;
    for (let id = this.live.firstAt(unmap.iova); id >= 0; id = this.live.nextAt(id)) {
      const other = this.live.domain(id);
      if (this.domains[other]?.source === 'layer' && this.live.size(id) === unmap.size) return other;
    }
    return domain;
  }

  /**
   * The domain of an unmap that nothing names: among the live lists at its start the one that it covers exactly (of
   * several, a whole one; of several of those, the newest); else of those one with a run that ends where the
   * unmap ends, that covers most of it, the oldest of equals; else the domain where most of its bytes are live. A task that attached a device unmaps from what it mapped there.
   */
  #guess(unmap: HeldUnmap): number {
    const { live } = this;
    const own = this.#domains.openedBy(unmap.pid);
    if (own >= 0 && live.overlap(own, unmap.iova, unmap.iova + unmap.size) >= 0) return own;
    let best = -1;
    let rivals = 0;
    for (let id = live.firstAt(unmap.iova); id >= 0; id = live.nextAt(id)) {
      if (live.size(id) !== unmap.size) continue;
      rivals++;
      if (best < 0 || this.#better(id, best)) best = id;
    }
    if (rivals > 1) this.counts.ambiguous++;
    if (best >= 0) return live.domain(best);
    return this.#mostCovered(unmap);
  }

  #better(id: number, than: number): boolean {
    const { live } = this;
    const unnamed = this.#sawDma ? Number(this.#isUnnamed(id)) - Number(this.#isUnnamed(than)) : 0;
    if (unnamed !== 0) return unnamed > 0;
    if (live.isWhole(id) !== live.isWhole(than)) return live.isWhole(id);
    return live.time(id) > live.time(than);
  }

  #isUnnamed(id: number): boolean {
    return this.domains[this.live.domain(id)]?.source !== 'dma';
  }

  #mostCovered(unmap: HeldUnmap): number {
    const { live } = this;
    const end = unmap.iova + unmap.size;
    let best = -1;
    let fits = 0;
    let most = 0;
    for (let id = live.firstAt(unmap.iova); id >= 0; id = live.nextAt(id)) {
      const bytes = live.covered(live.domain(id), unmap.iova, end);
      const mayEnd = this.#queue.mayEndAt(live.list(id), end);
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
    for (const { id } of this.domains) {
      const bytes = this.live.covered(id, start, end);
      if (bytes <= most) continue;
      most = bytes;
      best = id;
    }
    return best >= 0 ? best : (this.#domains.layers[0] ?? this.#domains.addLayer());
  }

  #unmapIn(domain: number, unmap: HeldUnmap, named: boolean): void {
    this.#emitUnmap(unmap, domain, named, 'traced');
  }

  #emitUnmap(unmap: Omit<HeldUnmap, 'live'>, domain: number, named: boolean, cause: TraceCall['cause']): void {
    const call = this.#call;
    const end = unmap.iova + unmap.size;
    call.kind = 'unmap';
    call.domain = domain;
    call.iova = unmap.iova;
    call.size = unmap.size;
    call.count = 0;
    call.direction = -1;
    const first = this.live.overlap(domain, unmap.iova, end);
    call.was = first < 0 ? undefined : this.live.fields(first, this.#was);
    call.device = call.was?.device ?? -1;
    call.covered = this.#remove(domain, first, unmap.iova, end);
    setOrigin(call, unmap, named);
    call.cause = cause;
    this.#countCovered(call);
    this.#queue.push(call, call.was?.list ?? 0);
  }

  #countCovered(call: TraceCall): void {
    if (call.covered === call.size) return;
    if (call.covered === 0) this.counts.unmapsOfNothing++;
    else this.counts.unmapsOfPart++;
    this.counts.bytesOfNothing += call.size - call.covered;
  }

  /** Takes a range out of what is live, from the first record in it on. @returns the bytes that were. */
  #remove(domain: number, first: number, start: number, end: number): number {
    const { live } = this;
    let bytes = 0;
    for (let id = first; id >= 0; ) {
      const from = live.start(id);
      const to = live.end(id);
      bytes += Math.min(end, to) - Math.max(start, from);
      if (from === start && to === end) live.remove(id);
      else live.cut(id, start, end);
      id = to < end ? live.overlap(domain, to, end) : -1;
    }
    return bytes;
  }
}

function setOrigin(
  call: TraceCall,
  from: { time: number; task: number; pid: number; cpu: number },
  named: boolean,
): void {
  call.time = from.time;
  call.task = from.task;
  call.pid = from.pid;
  call.cpu = from.cpu;
  call.named = named;
  call.cause = 'traced';
}

/** The DMA addresses that an event is about. */
function rangeOf(event: TraceEvent): { start: number; end: number } {
  const { list } = event;
  if (list.count === 0) return { start: event.iova, end: event.iova + Math.max(1, event.size) };
  const last = list.count - 1;
  return { start: list.dma[0] as number, end: (list.dma[last] as number) + (list.lengths[last] as number) };
}

/** Bytes from `end` to the end of the run that holds the byte before it: mappings are whole pages. */
function chainSlack(chain: Chain, end: number): number {
  let at = chain.start;
  for (let run = 0; run < chain.count && at < end; run++) at += chain.length[run] as number;
  return at - end;
}
