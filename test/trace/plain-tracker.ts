import { DomainNames } from '../../src/trace/domain-names.ts';
import { KIND, type TraceDomain, type TraceEvent, type TraceNames } from '../../src/trace/index.ts';
import { bounds, type PlainCall, PlainCalls, type Was } from './plain-calls.ts';
import { boundariesOf, cutBefore, endOf, type List, originOf, sum, type Unmap } from './plain-lists.ts';

interface Live extends Was {
  readonly domain: number;
  readonly start: number;
  readonly end: number;
}

/**
 * The rules of DomainTracker written plainly: arrays that are searched from end to end and copied, for a few hundred events.
 * No list grows old in it, and no table is full.
 */
export class PlainTracker {
  readonly counts: Record<string, number> = {
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
  readonly doubles: string[] = [];
  /** The newest last. */
  live: Live[] = [];
  readonly #names: DomainNames;
  #open: List[] = [];
  #held: Unmap[] = [];
  readonly #announced = new Map<number, { device: number; address: number }>();
  readonly #calls = new PlainCalls((name) => this.#count(name));
  #sawDma = false;

  constructor(names: TraceNames) {
    this.#names = new DomainNames(names);
  }

  get calls(): readonly PlainCall[] {
    return this.#calls.calls;
  }

  get domains(): readonly TraceDomain[] {
    return this.#names.domains;
  }

  event(event: TraceEvent): void {
    const { kind } = event;
    if (kind === KIND.MAP) this.#mapLine(event);
    else if (kind === KIND.UNMAP) this.#unmapLine(event);
    else if (kind === KIND.DMA_MAP || kind === KIND.DMA_MAP_SG || kind === KIND.DMA_ALLOC) this.#dmaMap(event);
    else if (kind === KIND.DMA_UNMAP || kind === KIND.DMA_UNMAP_SG || kind === KIND.DMA_FREE) this.#dmaUnmap(event);
    else if (kind === KIND.ADD_DEVICE) this.#names.addDevice(event);
    else if (kind === KIND.REMOVE_DEVICE) this.#names.removeDevice(event);
    else if (kind === KIND.ATTACH) this.#names.attach(event);
  }

  finish(): void {
    for (const unmap of this.#held) this.#guessed(unmap);
    this.#held = [];
    for (const list of this.#open) this.#unnamed(list);
    this.#open = [];
    this.#calls.finish();
  }

  #count(name: string, by = 1): void {
    this.counts[name] = (this.counts[name] ?? 0) + by;
  }

  #mapLine(event: TraceEvent): void {
    const origin = originOf(event);
    const { who } = origin;
    this.#count('lines');
    this.#settle((held) => held.who === who);
    if (event.size === 0) {
      this.#count('empty');
      return;
    }
    const run = { pa: event.pa, size: event.size };
    const at = this.#open.findIndex((list) => list.who === who);
    const open = this.#open[at];
    if (open !== undefined && endOf(open) === event.iova) {
      this.#open[at] = { ...open, runs: [...open.runs, run] };
      return;
    }
    if (open !== undefined) this.#close(open);
    this.#open.push({ ...origin, start: event.iova, runs: [run] });
  }

  #close(list: List): void {
    this.#open = this.#open.filter((one) => one !== list);
    this.#unnamed(list);
  }

  #unmapLine(event: TraceEvent): void {
    const origin = originOf(event);
    const unmap = { ...origin, start: event.iova, end: event.iova + event.unmapped };
    this.#count('unmaps');
    if (event.unmapped === 0) {
      this.#count('empty');
      return;
    }
    this.#closeLists(unmap);
    this.#settle((held) => held.who === origin.who);
    const announced = this.#announced.get(origin.who);
    this.#announced.delete(origin.who);
    if (announced !== undefined && announced.address >= unmap.start && announced.address < unmap.end)
      this.#unmap(unmap, this.#ofDevice(unmap, announced.device), true);
    else if (this.#sawDma) this.#held.push(unmap);
    else this.#guessed(unmap);
  }

  #closeLists({ start, end }: Unmap): void {
    const touching = this.#open.filter((list) => list.start < end && start < endOf(list));
    const exact = this.live.some((one) => one.start === start && one.end === end);
    const fitting = touching.filter((list) => {
      if (exact) return list.start === start && endOf(list) === end;
      const bounds = boundariesOf(list);
      return bounds.slice(0, -1).includes(start) && bounds.includes(end);
    });
    for (const list of fitting.length > 0 || exact ? fitting : touching) this.#closeUpTo(list, end);
  }

  #closeUpTo(list: List, end: number): void {
    const [before, rest] = cutBefore(list, end);
    if (before.runs.length === 0 || rest.runs.length === 0) {
      this.#close(list);
      return;
    }
    this.#open = this.#open.map((one) => (one === list ? rest : one));
    this.#unnamed(before);
  }

  #dmaMap(event: TraceEvent): void {
    const { who } = originOf(event);
    const { list: sg, iova, size } = event;
    const lengths = [...sg.lengths.subarray(0, sg.count)];
    const dma = [...sg.dma.subarray(0, sg.count)];
    const start = dma[0] ?? iova;
    const end = sg.count === 0 ? iova + Math.max(1, size) : (dma.at(-1) ?? 0) + (lengths.at(-1) ?? 0);
    this.#sawDma = true;
    this.#settle((held) => held.who === who);
    let list = this.#open.find((one) => one.who === who);
    if (list === undefined || start < list.start || end > endOf(list) || end <= start) {
      this.#count('dmaWithoutMap');
      return;
    }
    const others = this.#open.filter((one) => one !== list);
    const at = this.#open.indexOf(list);
    if (start >= (boundariesOf(list)[1] ?? 0)) {
      const [before, rest] = cutBefore(list, start);
      this.#unnamed(before);
      list = rest;
    }
    if (sg.truncated || end > (boundariesOf(list).at(-2) ?? 0)) {
      this.#open = others;
      this.#named(list, event);
      return;
    }
    const [before, rest] = cutBefore(list, boundariesOf(list).find((bound) => bound >= end) ?? end);
    this.#open = others.toSpliced(at, 0, rest);
    this.#named(before, event);
  }

  #dmaUnmap(event: TraceEvent): void {
    const { who } = originOf(event);
    const { kind, device, iova } = event;
    this.#sawDma = true;
    const held = this.#held.find((one) => one.who === who);
    this.#held = this.#held.filter((one) => one !== held);
    if (held !== undefined && (kind === KIND.DMA_UNMAP_SG || (iova >= held.start && iova < held.end))) {
      this.#count('namedUnmaps');
      this.#unmap(held, this.#ofDevice(held, device), true);
      return;
    }
    if (held !== undefined) this.#guessed(held);
    if (kind === KIND.DMA_FREE) this.#announced.set(who, { device, address: iova });
  }

  #settle(whose: (held: Unmap) => boolean): void {
    const settled = this.#held.filter(whose);
    this.#held = this.#held.filter((held) => !whose(held));
    for (const unmap of settled) this.#guessed(unmap);
  }

  #overlapping(domain: number, start: number, end: number): Live[] {
    const touched = this.live.filter((one) => one.domain === domain && one.start < end && start < one.end);
    return touched.toSorted((a, b) => a.start - b.start);
  }

  #named(list: List, event: TraceEvent): void {
    const domain = this.#names.ofDevice(event.device);
    this.#clear(domain, list, event.device);
    this.#count('named');
    this.#map(list, { domain, device: event.device, direction: event.direction, named: true });
  }

  #unnamed(list: List): void {
    const attached = this.#names.ofAttacher(list.pid);
    const device = attached < 0 ? -1 : this.#names.deviceOf(list.pid);
    if (attached >= 0) {
      this.#clear(attached, list, device);
      this.#count('attached');
    }
    const domain = attached < 0 ? this.#freeLayer(list) : attached;
    this.#map(list, { domain, device, direction: -1, named: false });
  }

  #freeLayer(list: List): number {
    const end = endOf(list);
    for (const [index, layer] of this.#names.layers.entries()) {
      if (this.#overlapping(layer, list.start, end).length > 0)
        this.#settle((held) => held.start < end && list.start < held.end);
      const over = this.#overlapping(layer, list.start, end)[0];
      if (over === undefined) return layer;
      if (index > 0) continue;
      this.#count('mapsToNextLayer');
      this.doubles.push(`another domain ${layer} ${list.start} ${over.start} -1`);
    }
    return this.#names.addLayer();
  }

  #clear(domain: number, list: List, device: number): void {
    const { start } = list;
    const end = endOf(list);
    if (this.#overlapping(domain, start, end).length === 0) return;
    const touching = this.#held.filter((held) => held.start < end && start < held.end);
    this.#held = this.#held.filter((held) => !touching.includes(held));
    for (const held of touching) this.#unmap(held, domain, false);
    const over = this.#overlapping(domain, start, end);
    if (over.length === 0) return;
    this.#count('mapsOverLive');
    this.doubles.push(`same domain ${domain} ${start} ${over[0]?.start} ${device}`);
    const { runs: _, ...origin } = list;
    for (const one of over) {
      const part = { ...origin, start: Math.max(start, one.start), end: Math.min(end, one.end) };
      this.#unmap(part, domain, false, 'inferred');
    }
  }

  #map(list: List, to: Pick<PlainCall, 'domain' | 'device' | 'direction' | 'named'>): void {
    const { who: _, start: iova, runs, ...origin } = list;
    this.#count('lists');
    const number = this.counts['lists'] ?? 0;
    const { time, task, pid } = list;
    const { domain, device } = to;
    this.live.push({ domain, start: iova, end: endOf(list), time, task, pid, device, total: sum(runs), list: number });
    const kind = runs.length > 1 ? 'mapSg' : 'map';
    const [pa, length] = [runs.map((run) => run.pa), runs.map((run) => run.size)];
    const call = { kind, ...origin, ...to, iova, size: sum(runs), pa, length, covered: 0 } as const;
    this.#calls.push({ ...call, was: undefined, cause: 'traced' }, number);
  }

  #unmap(unmap: Unmap, domain: number, named: boolean, cause: PlainCall['cause'] = 'traced'): void {
    const { who: _, start, end, ...origin } = unmap;
    const taken = this.#overlapping(domain, start, end);
    const covered = taken.reduce((bytes, one) => bytes + Math.min(end, one.end) - Math.max(start, one.start), 0);
    for (const one of taken) {
      this.live = this.live.filter((other) => other !== one);
      if (one.start < start) this.live.push({ ...one, end: start });
      if (one.end > end) this.live.push({ ...one, start: end });
    }
    const size = end - start;
    if (covered < size) {
      this.#count(covered === 0 ? 'unmapsOfNothing' : 'unmapsOfPart');
      this.#count('bytesOfNothing', size - covered);
    }
    const was = taken[0] === undefined ? undefined : wasOf(taken[0]);
    const what = { kind: 'unmap', domain, iova: start, size, pa: [], length: [], device: was?.device ?? -1 } as const;
    this.#calls.push({ ...what, ...origin, direction: -1, named, covered, was, cause }, was?.list ?? 0);
  }

  #ofDevice({ start, end }: Unmap, device: number): number {
    const domain = this.#names.ofDevice(device);
    if (this.#overlapping(domain, start, end).length > 0) return domain;
    const layers = this.live.filter((one) => this.domains[one.domain]?.source === 'layer');
    return layers.findLast((one) => one.start === start && one.end === end)?.domain ?? domain;
  }

  #guessed(unmap: Unmap): void {
    this.#unmap(unmap, this.#guess(unmap), false);
  }

  #guess({ start, end, pid }: Unmap): number {
    const own = this.#names.openedBy(pid);
    if (own >= 0 && this.#overlapping(own, start, end).length > 0) return own;
    const at = this.live.filter((one) => one.start === start).toReversed();
    const exact = at.filter((one) => one.end === end);
    if (exact.length > 1) this.#count('ambiguous');
    const rank = (one: Live): number[] => [
      Number(this.#sawDma && this.domains[one.domain]?.source !== 'dma'),
      Number(one.end - one.start === one.total),
      one.time,
    ];
    const best = highest(exact, rank) ?? highest(at, (one) => this.#coverRank(one, start, end));
    if (best !== undefined) return best.domain;
    const most = highest(this.domains, ({ id }) => [this.#covered(id, start, end)]);
    if (most !== undefined && this.#covered(most.id, start, end) > 0) return most.id;
    return this.#names.layers[0] ?? this.#names.addLayer();
  }

  #coverRank(one: Live, start: number, end: number): number[] {
    const list = this.#calls.waiting(one.list);
    const ends = list === undefined ? 0.5 : Number(end <= list.iova || bounds(list).includes(end));
    return [ends, this.#covered(one.domain, start, end), -one.time];
  }

  #covered(domain: number, start: number, end: number): number {
    const touched = this.#overlapping(domain, start, end);
    return touched.reduce((bytes, one) => bytes + Math.min(end, one.end) - Math.max(start, one.start), 0);
  }
}

function wasOf({ time, task, pid, device, total, list }: Live): Was {
  return { time, task, pid, device, total, list };
}

/** The first of those whose rank is highest: numbers compared from the left. */
function highest<T>(all: readonly T[], rank: (one: T) => readonly number[]): T | undefined {
  return all.toSorted((a, b) => {
    const [x, y] = [rank(a), rank(b)];
    const differs = x.findIndex((value, index) => value !== y[index]);
    return differs < 0 ? 0 : (y[differs] ?? 0) - (x[differs] ?? 0);
  })[0];
}
