/**
 * What a trace knows of the addresses that faulted: when they were mapped and unmapped. Only calls near those addresses
 * are kept, so that a trace may be larger than memory.
 * @module
 */
import type { TraceCall } from '../trace/calls.ts';
import type { TraceDomain } from '../trace/domain-names.ts';
import { DomainTracker } from '../trace/domains.ts';
import { DIRECTIONS, type EventSink, type TraceNames } from '../trace/events.ts';
import { type Incident, requesterId } from './incident.ts';

const PAGE = 4096;
/** Mappings that end this close below a fault are kept, too. */
const NEAR = 1 << 16;
/** Calls kept a page, before its last fault and after. */
const BEFORE = 64;
const AFTER = 8;
const NANOSECONDS = 1e9;

/** One map or unmap near a fault. */
export interface HistoryEntry {
  readonly kind: 'map' | 'unmap';
  readonly iova: number;
  readonly bytes: number;
  /** Physical address of the first byte of a map with one element. */
  readonly pa: number | undefined;
  readonly seconds: number;
  readonly domain: number;
  /** Name of the domain: its devices, where the trace tells them. */
  readonly domainTitle: string;
  readonly task: string;
  /** DMA direction, where the trace has it. */
  readonly direction: string | undefined;
}

/** A mapping that was live when the fault was logged. */
export interface LiveMapping {
  readonly start: number;
  readonly end: number;
  readonly by: HistoryEntry;
}

/** The history of one fault's address. */
export interface AddressHistory {
  /** Calls that touch the address, in order of time. */
  readonly entries: readonly HistoryEntry[];
  /** The mapping that covers it, if one is live at the fault. */
  readonly live: LiveMapping | undefined;
  /** The unmap that took the address away, if it was mapped and is not live at the fault. */
  readonly unmapped: HistoryEntry | undefined;
  /** The last map of the address before the fault. */
  readonly mapped: HistoryEntry | undefined;
  /** The first call that touches the address after the fault. */
  readonly after: HistoryEntry | undefined;
  /** The live mapping that ends closest below the address, at most 64 KiB away. */
  readonly below: LiveMapping | undefined;
  /** Domains whose calls were looked at; more than one where the trace does not tell the fault's domain. */
  readonly domains: readonly string[];
  /** Where the trace leaves it open: each history that the address may have. */
  readonly possible?: readonly AddressHistory[];
  /** What it leaves open. */
  readonly open?: string;
}

interface Watched {
  readonly address: number;
  readonly lastFault: number;
  readonly calls: HistoryEntry[];
}

/** PCI devices have their requester id as stream, if the stream ids are not remapped by the firmware. */
function isDevice(name: string, fault: Incident): boolean {
  return name === fault.device || (fault.stream !== undefined && requesterId(name) === (fault.stream & 0xffff));
}

/** True if the trace says that the domain is the fault's device's. */
function isOf(domain: TraceDomain, fault: Incident): boolean {
  return domain.devices.some((name) => isDevice(name, fault));
}

/** True if the domain is known to be of other PCI devices only. */
function isOfOthers(domain: TraceDomain | undefined, fault: Incident): boolean {
  const devices = domain?.devices ?? [];
  return devices.length > 0 && devices.every((name) => requesterId(name) !== undefined && !isDevice(name, fault));
}

function faultPage(fault: Incident): number | undefined {
  if (fault.iova === undefined || fault.iova > BigInt(Number.MAX_SAFE_INTEGER)) return undefined;
  const address = Number(fault.iova);
  return address - (address % PAGE);
}

/** Devices that a trace names, and their requester ids. */
function namedDevices({ devices }: TraceNames): ReadonlySet<string | number> {
  const texts = Array.from({ length: devices.size }, (_, id) => devices.text(id));
  return new Set<string | number>([...texts, ...texts.flatMap((text) => requesterId(text) ?? [])]);
}

/** IOMMUs that identify devices by their PCI requester id. */
const PCI_NUMBERED: readonly string[] = ['intel-vtd', 'amd-vi'];

/** Collects the history of the addresses of some faults. */
export class FaultHistory {
  readonly #pages: readonly Watched[];
  readonly #names: TraceNames;
  readonly #tracker: DomainTracker;
  readonly #offsetNs: number | null;
  #known: ReadonlySet<string | number> | undefined;
  /** Seconds of the first and the last event, and how many there were. */
  readonly span: { first: number; last: number; events: number } = { first: Number.NaN, last: Number.NaN, events: 0 };

  /** @param offsetNs - nanoseconds that make a time of the log out of a time of the trace; null where it is not known */
  constructor(faults: readonly Incident[], names: TraceNames, offsetNs: number | null = 0) {
    this.#offsetNs = offsetNs;
    const pages = new Map<number, number>();
    for (const fault of faults) {
      const page = faultPage(fault);
      const seconds = offsetNs === null ? undefined : fault.seconds;
      if (page !== undefined) pages.set(page, Math.max(pages.get(page) ?? 0, seconds ?? Number.POSITIVE_INFINITY));
    }
    this.#pages = [...pages]
      .sort((a, b) => a[0] - b[0])
      .map(([address, lastFault]) => ({ address, lastFault, calls: [] }));
    this.#names = names;
    this.#tracker = new DomainTracker((call) => this.#call(call), names);
  }

  /** Where the events of the trace go. */
  readonly sink: EventSink = (event) => {
    const seconds = this.#seconds(event.time);
    if (this.span.events++ === 0) this.span.first = seconds;
    this.span.last = seconds;
    this.#tracker.event(event);
  };

  /** Says that the trace ended. */
  finish(): void {
    this.#tracker.finish();
  }

  /** The history of a fault's address; `undefined` for a fault without address, or without any event in the trace. */
  of(fault: Incident): AddressHistory | undefined {
    const page = faultPage(fault);
    if (page === undefined || this.span.events === 0) return undefined;
    const watched = this.#pages[this.#firstPage(page)];
    if (watched?.address !== page) return undefined;
    const address = Number(fault.iova);
    const calls = this.#callsOf(watched.calls, fault);
    const domains = new Set(calls.map(({ domain }) => domain));
    const history = (own: readonly HistoryEntry[]): AddressHistory =>
      this.#offsetNs === null ? unorderedHistory(address, own) : historyOf(address, fault.seconds, own);
    return domains.size > 1 ? severalDomains(history, calls, [...domains]) : history(calls);
  }

  /**
   * The calls of the device's own domain; where the trace does not tell which it is, those of no other device's. Streams of
   * Arm and RISC-V may be numbered by the firmware: unless the trace names a device of that number, any may be it.
   */
  #callsOf(calls: readonly HistoryEntry[], fault: Incident): HistoryEntry[] {
    const own = this.#tracker.domains.find((domain) => isOf(domain, fault));
    if (own !== undefined) return calls.filter((entry) => entry.domain === own.id);
    const isNumbered =
      PCI_NUMBERED.includes(fault.iommu) || requesterId(fault.device) !== undefined || this.#namesDevice(fault);
    return isNumbered ? calls.filter((entry) => !isOfOthers(this.#tracker.domains[entry.domain], fault)) : [...calls];
  }

  /** True if the trace names the device that made the fault. */
  #namesDevice({ device, stream }: Incident): boolean {
    const known = this.#known ?? namedDevices(this.#names);
    this.#known = known;
    return (device !== undefined && known.has(device)) || (stream !== undefined && known.has(stream & 0xffff));
  }

  #seconds(time: number): number {
    return (time + (this.#offsetNs ?? 0)) / NANOSECONDS;
  }

  #firstPage(address: number): number {
    let low = 0;
    let high = this.#pages.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#pages[middle]?.address ?? 0) < address) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #call(call: TraceCall): void {
    let entry: HistoryEntry | undefined;
    for (let i = this.#firstPage(call.iova - PAGE + 1); i < this.#pages.length; i++) {
      const page = this.#pages[i];
      if (page === undefined || page.address >= call.iova + call.size + NEAR) break;
      entry ??= this.#entry(call);
      keep(page, entry);
    }
  }

  #entry(call: TraceCall): HistoryEntry {
    return {
      kind: call.kind === 'unmap' ? 'unmap' : 'map',
      iova: call.iova,
      bytes: call.size,
      pa: call.kind === 'map' ? call.pa[0] : undefined,
      seconds: this.#seconds(call.time),
      domain: call.domain,
      domainTitle: this.#tracker.domains[call.domain]?.title ?? '',
      task: this.#names.tasks.text(call.task),
      direction: DIRECTIONS[call.direction],
    };
  }
}

function keep(page: Watched, entry: HistoryEntry): void {
  const { calls, lastFault } = page;
  if (entry.seconds <= lastFault) {
    if (calls.length >= BEFORE) calls.shift();
    calls.push(entry);
  } else if (calls.length < BEFORE + AFTER) calls.push(entry);
}

/** Live ranges of one domain after a call. */
function applyCall(live: LiveMapping[], entry: HistoryEntry): LiveMapping[] {
  const end = entry.iova + entry.bytes;
  const rest = live.flatMap((range) => {
    if (range.end <= entry.iova || range.start >= end) return [range];
    const parts: LiveMapping[] = [];
    if (range.start < entry.iova) parts.push({ ...range, end: entry.iova });
    if (range.end > end) parts.push({ ...range, start: end });
    return parts;
  });
  return entry.kind === 'unmap' ? rest : [...rest, { start: entry.iova, end, by: entry }];
}

function touches(entry: HistoryEntry, address: number): boolean {
  return entry.iova <= address && address < entry.iova + entry.bytes;
}

/** The history of an address out of the calls near it: domain by domain, then the domain that knows most of it. */
export function historyOf(
  address: number,
  faultSeconds: number | undefined,
  calls: readonly HistoryEntry[],
): AddressHistory {
  const limit = faultSeconds ?? Number.POSITIVE_INFINITY;
  const live = new Map<number, LiveMapping[]>();
  let mapped: HistoryEntry | undefined;
  let unmapped: HistoryEntry | undefined;
  for (const entry of calls) {
    if (entry.seconds > limit) break;
    live.set(entry.domain, applyCall(live.get(entry.domain) ?? [], entry));
    if (!touches(entry, address)) continue;
    if (entry.kind === 'map') mapped = entry;
    else unmapped = entry;
  }
  const ranges = [...live.values()].flat();
  const covering = ranges.find((range) => range.start <= address && address < range.end);
  const below = ranges
    .filter((range) => range.end <= address && address - range.end < NEAR)
    .sort((a, b) => b.end - a.end)[0];
  return {
    entries: calls.filter((entry) => touches(entry, address)),
    live: covering,
    unmapped: covering === undefined ? unmapped : undefined,
    mapped,
    after: calls.find((entry) => entry.seconds > limit && touches(entry, address)),
    below,
    domains: [...new Set(calls.map((entry) => entry.domainTitle))],
  };
}

/** The history where no order of the fault and the calls is known: one for each place that it may have between them. */
function unorderedHistory(address: number, calls: readonly HistoryEntry[]): AddressHistory {
  const times = [Number.NEGATIVE_INFINITY, ...calls.map(({ seconds }) => seconds)];
  const possible = times.map((time) => historyOf(address, time, calls));
  const whole = historyOf(address, undefined, calls);
  const open = "how the trace's clock stands to the log's is not known: no order of calls and fault is claimed";
  return { ...whole, possible, open };
}

/** The history where the trace does not tell the device's domain: one for each that it may be. */
function severalDomains(
  history: (calls: readonly HistoryEntry[]) => AddressHistory,
  calls: readonly HistoryEntry[],
  domains: readonly number[],
): AddressHistory {
  const each = domains.map((id) => history(calls.filter(({ domain }) => domain === id)));
  const open = `the trace does not tell the domain of the device: ${domains.length} are possible`;
  return { ...history(calls), possible: each.flatMap((one) => one.possible ?? [one]), open };
}
