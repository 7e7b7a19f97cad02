/**
 * The data of a replay's answer, as its JSON document has it.
 * @module
 */
import { hex } from '../../address.ts';
import type { Profile } from '../../cost/profile.ts';
import type { Hardware } from '../../machine/hardware.ts';
import type { MachineNames } from '../../machine/names.ts';
import type { Replay } from '../../replay/replay.ts';
import { type LiveRange, rangeJson } from '../../replay/row-report.ts';
import type { AddressMapData } from '../../trace/address-map.ts';
import type { TraceDomain } from '../../trace/domain-names.ts';
import type { MappedBy } from '../../trace/double-maps.ts';
import type { TraceNames } from '../../trace/events.ts';
import { missingFor, type Need } from '../../trace/needs.ts';
import type { Leak, PairingReport, PartyCounts } from '../../trace/pairing.ts';
import type { PartyShape } from '../../trace/party-shapes.ts';
import type { SeriesPoint } from '../../trace/series.ts';
import type { Summary } from '../../trace/sketch.ts';
import type { ReadStats, Skipped } from '../../trace/stats.ts';
import type { TrackCounts } from '../../trace/track-counts.ts';
import { type NotUnderstood, notUnderstoodOf } from '../not-understood.ts';
import { aboutDevice, useOfAddress } from './machine-words.ts';
import { type RowData, rowsOf } from './rows.ts';

/** One mapping: who mapped what, when. Times are nanoseconds of the trace's clock. */
export interface MappingData {
  readonly iova: string;
  readonly bytes: string;
  readonly domain: string;
  /** Null where no event names it. */
  readonly device: string | null;
  readonly task: string;
  readonly pid: number;
  readonly mappedAtNs: number;
}

/** A mapping that the trace does not unmap. */
export interface StillMappedData extends MappingData {
  /** How long it had been mapped when the trace ended. */
  readonly ageNs: number;
  /** What the address or the memory is used for, where that is known. */
  readonly use: string | null;
}

/** A map of an address that was mapped already. */
export interface DoubleMapData extends MappingData {
  /** `same domain`: an unmap is missing from the trace; `another domain`: nothing names the two domains. */
  readonly kind: string;
  readonly over: Omit<MappingData, 'domain'>;
}

/** One device or task. Sums of bytes are numbers. */
export interface PartyData extends Omit<PartyCounts, 'id'> {
  /** What the machine's files say of a device; empty where they say nothing. */
  readonly about: string;
  /** Quantiles of the bytes of its lists, and of their lifetimes in nanoseconds; null beyond the first 256. */
  readonly listBytes: Summary | null;
  readonly lifetime: Summary | null;
}

/** A map of the address space over time; `bytes` of a row are the most that were mapped in each stretch of time. */
export interface AddressesData {
  /** Nanoseconds of the trace's clock. */
  readonly from: number;
  readonly to: number;
  /** Addresses that a row stands for. */
  readonly stretch: string;
  readonly rows: readonly { readonly domain: number; readonly start: string; readonly bytes: readonly number[] }[];
}

/** The data of a replay's answer. */
export interface ReplayData {
  readonly trace: {
    readonly reader: string;
    readonly events: number;
    readonly bytes: number;
    /** Between the first and the last event that was replayed. */
    readonly seconds: number;
    /** Lines that were not read into events, by reason: events that are not used, and what was not understood. */
    readonly skipped: readonly Skipped[];
    readonly notUnderstood: NotUnderstood;
    readonly lost: { readonly events: number; readonly gaps: number; readonly overwritten: number };
    readonly unordered: number;
    readonly truncatedLists: number;
    readonly files: number;
    /** The traced system, where a file says it. */
    readonly system: string | null;
    /** Release of the traced kernel, from a file of the trace or one beside it. */
    readonly release: string | null;
  };
  readonly calls: { readonly map: number; readonly unmap: number; readonly lists: number };
  readonly witnesses: {
    readonly total: number;
    readonly agree: number;
    readonly disagreements: readonly object[];
    readonly events: number;
  };
  readonly domains: readonly TraceDomain[];
  readonly ranges?: readonly object[];
  readonly live: {
    readonly peakBytes: number;
    readonly peakNs: number;
    readonly endBytes: number;
    readonly leaks: number;
    readonly unknownUnmaps: number;
    readonly doubleMaps: number;
    readonly series: readonly SeriesPoint[];
    /** The address space over time; null where nothing was mapped. */
    readonly addresses: AddressesData | null;
  };
  readonly devices: readonly PartyData[];
  /** Devices with dma events of which none has a map: they bypass the IOMMU (identity domains), or lines are missing. */
  readonly untranslated: readonly { readonly device: string; readonly dmaEvents: number }[];
  readonly tasks: readonly PartyData[];
  /** The oldest first, as many as `--limit` says; `live.leaks` is their number in all. */
  readonly stillMapped: readonly StillMappedData[];
  /** In the order of the trace, as many as `--limit` says; `live.doubleMaps` is their number in all. */
  readonly doubleMaps: readonly DoubleMapData[];
  /** Quantiles over all lists. */
  readonly lists: Pick<
    PairingReport,
    'listBytes' | 'listElements' | 'elementBytes' | 'lifetime' | 'reuse' | 'relativeError'
  >;
  readonly pairing: Pick<PairingReport, 'maps' | 'unmaps' | 'mappedBytes' | 'unmappedBytes' | 'inferredUnmaps'>;
  readonly track: TrackCounts;
  readonly needs: readonly Need[];
  readonly times: string;
  readonly profile: Profile['machine'] | null;
  /** Driver of the traced machine's IOMMU, as the files beside the trace have it. */
  readonly iommu: string | null;
  readonly rows: readonly RowData[];
}

/** What was asked for beside the usual. */
export interface Asked {
  readonly leaks: boolean;
  readonly doubleMaps: boolean;
}

/** What the data is made from. */
export interface ReplayFindings {
  readonly replay: Replay;
  readonly names: TraceNames;
  readonly stats: readonly ReadStats[];
  readonly machine: MachineNames;
  readonly profile: Profile | null;
  /** Add the ranges that are mapped at the end. */
  readonly ranges: boolean;
  /** Mappings listed at most. */
  readonly limit: number;
  /** What the files beside the trace say. */
  readonly hardware: Hardware | undefined;
}

function sum(stats: readonly ReadStats[], of: (one: ReadStats) => number): number {
  return stats.reduce((total, one) => total + of(one), 0);
}

/** Skipped lines of all files, one row a reason. */
function skippedOf(stats: readonly ReadStats[]): Skipped[] {
  const byReason = new Map<string, Skipped>();
  for (const one of stats.flatMap(({ skipped }) => skipped)) {
    const known = byReason.get(one.reason);
    if (known === undefined) byReason.set(one.reason, { ...one });
    else known.count += one.count;
  }
  return [...byReason.values()];
}

/** `uname` as trace.dat has it: system, host, release, machine. */
const RELEASE = /^Linux \S+ (\d{1,3}\.\d{1,3}\S*)/;

function traceData(
  stats: readonly ReadStats[],
  { firstTime, lastTime }: Replay,
  release: string | undefined,
): ReplayData['trace'] {
  const system = stats.find((one) => one.system !== undefined)?.system ?? null;
  return {
    reader: [...new Set(stats.map(({ reader }) => reader))].join(', '),
    events: sum(stats, ({ events }) => events),
    bytes: sum(stats, ({ bytes }) => bytes),
    seconds: Number.isNaN(firstTime) ? 0 : (lastTime - firstTime) / 1e9,
    skipped: skippedOf(stats),
    notUnderstood: notUnderstoodOf(stats),
    lost: {
      events: sum(stats, ({ lost }) => lost.events),
      gaps: sum(stats, ({ lost }) => lost.gaps),
      overwritten: sum(stats, ({ lost }) => lost.overwritten),
    },
    unordered: sum(stats, ({ unordered }) => unordered),
    truncatedLists: sum(stats, ({ truncatedLists }) => truncatedLists),
    files: stats.length,
    system,
    release: RELEASE.exec(system ?? '')?.[1] ?? release ?? null,
  };
}

function mapping({ iova, size, time, task, pid, device }: MappedBy): Omit<MappingData, 'domain'> {
  const named = device === '' ? null : device;
  return { iova: hex(iova), bytes: hex(size), device: named, task, pid, mappedAtNs: time };
}

/** Ranges of the first row that keeps the traced addresses. */
function rangesOf(replay: Replay): readonly LiveRange[] {
  return replay.reports.find(({ ranges }) => ranges !== undefined)?.ranges ?? [];
}

/** The range that holds an address; ranges stand by domain, then by address. */
function rangeAt(ranges: readonly LiveRange[], domain: number, iova: number): LiveRange | undefined {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const range = ranges[middle];
    const isAfter = range === undefined || range.domain > domain || (range.domain === domain && range.iova > iova);
    if (isAfter) high = middle;
    else low = middle + 1;
  }
  const found = ranges[low - 1];
  return found?.domain === domain && iova < Number(found.iova) + found.bytes ? found : undefined;
}

/** Physical address of the start of a mapping; undefined where no row has it. */
function physicalOf(replay: Replay): (leak: Leak) => number | undefined {
  const ranges = rangesOf(replay);
  return ({ domain, iova }) => {
    const range = rangeAt(ranges, domain, iova);
    return range === undefined ? undefined : range.pa + iova - Number(range.iova);
  };
}

function useOf(leak: Leak, machine: MachineNames, physical: (leak: Leak) => number | undefined): string | null {
  const use = leak.device === '' ? useOfAddress(machine, leak.iova) : undefined;
  if (use !== undefined || machine.memory.regions.length === 0) return use ?? null;
  const address = physical(leak);
  return address === undefined ? null : (machine.memory.at(address)?.name ?? null);
}

function stillMapped({ replay, machine }: ReplayFindings, leaks: readonly Leak[]): StillMappedData[] {
  const physical = machine.memory.regions.length > 0 ? physicalOf(replay) : () => undefined;
  return leaks.map((leak) => ({
    ...mapping(leak),
    domain: replay.domains[leak.domain]?.title ?? '',
    ageNs: replay.lastTime - leak.time,
    use: useOf(leak, machine, physical),
  }));
}

function doubleMapsData({ doubleMaps, domains }: Replay): DoubleMapData[] {
  return doubleMaps.first.map((one) => ({
    kind: one.kind,
    ...mapping(one),
    domain: domains[one.domain]?.title ?? '',
    over: mapping(one.over),
  }));
}

function partyData(
  parties: readonly PartyCounts[],
  about: (name: string) => string,
  shape: (id: number) => PartyShape | undefined,
): PartyData[] {
  return parties.map(({ id, ...counts }) => {
    const { listBytes = null, lifetime = null } = shape(id) ?? {};
    return { ...counts, about: about(counts.name), listBytes, lifetime };
  });
}

function witnessData({ agreement, witnessEvents }: Replay): ReplayData['witnesses'] {
  const disagreements = agreement.disagreements.map(({ time, task, pid, start, end, ruleStart, ruleEnd }) => ({
    timeNs: time,
    task,
    pid,
    start: hex(start),
    end: hex(end),
    ruleStart: hex(ruleStart),
    ruleEnd: hex(ruleEnd),
  }));
  return { total: agreement.witnesses, agree: agreement.agreed, disagreements, events: witnessEvents };
}

/** IOMMUs allocate their own tables and queues by the DMA API, and translate nothing of it (names as Linux's drivers give them). */
const IOMMU_DEVICE = /smmu|iommu|\bdart\b/i;

function untranslatedData(
  { replay, names, machine }: ReplayFindings,
  { devices }: PairingReport,
): ReplayData['untranslated'] {
  const mapped = new Set(devices.map(({ id }) => id));
  return [...replay.untranslated]
    .filter(([id]) => !mapped.has(id))
    .map(([id, dmaEvents]) => ({ device: names.devices.text(id), dmaEvents }))
    .filter(({ device }) => !IOMMU_DEVICE.test(`${device} ${aboutDevice(machine, device)}`))
    .toSorted((a, b) => b.dmaEvents - a.dmaEvents);
}

function addressesData({ from, to, stretch, rows }: AddressMapData): AddressesData {
  return { from, to, stretch: hex(stretch), rows: rows.map((row) => ({ ...row, start: hex(row.start) })) };
}

function liveData({ replay }: ReplayFindings, pairing: PairingReport): ReplayData['live'] {
  const { addresses } = replay.findings;
  return {
    peakBytes: pairing.peakBytes,
    peakNs: pairing.peakTime,
    endBytes: pairing.liveBytes,
    leaks: pairing.leakCount,
    unknownUnmaps: replay.track.unmapsOfNothing,
    doubleMaps: replay.doubleMaps.count,
    series: pairing.live,
    addresses: addresses === undefined ? null : addressesData(addresses),
  };
}

/** Makes the data; plain, and independent of what it was made from. */
export function replayData(findings: ReplayFindings): ReplayData {
  const { replay, stats, machine, profile, ranges, limit } = findings;
  const pairing = replay.pairingReport(limit);
  const { parties } = replay.findings;
  const { listBytes, listElements, elementBytes, lifetime, reuse, relativeError } = pairing;
  const { maps, unmaps, mappedBytes, unmappedBytes, inferredUnmaps } = pairing;
  const title = (id: number): string => replay.domains[id]?.title ?? '';
  const { track } = replay;
  return {
    trace: traceData(stats, replay, findings.hardware?.release),
    calls: { map: track.lines, unmap: track.unmaps, lists: track.lists },
    witnesses: witnessData(replay),
    domains: replay.domains,
    ...(ranges ? { ranges: rangesOf(replay).map((range) => rangeJson(range, title(range.domain))) } : {}),
    live: liveData(findings, pairing),
    devices: partyData(
      pairing.devices,
      (name) => aboutDevice(machine, name),
      (id) => parties.devices.get(id),
    ),
    untranslated: untranslatedData(findings, pairing),
    tasks: partyData(
      pairing.tasks,
      () => '',
      (id) => parties.tasks.get(id),
    ),
    stillMapped: stillMapped(findings, pairing.leaks),
    doubleMaps: doubleMapsData(replay),
    lists: { listBytes, listElements, elementBytes, lifetime, reuse, relativeError },
    pairing: { maps, unmaps, mappedBytes, unmappedBytes, inferredUnmaps },
    track,
    needs: missingFor(stats, track),
    times: 'measuredNs: time of this engine on this machine, no claim about the traced one',
    profile: profile?.machine ?? null,
    iommu: findings.hardware?.driver ?? null,
    rows: rowsOf(replay.reports, profile),
  };
}
