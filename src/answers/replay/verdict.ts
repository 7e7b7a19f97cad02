/**
 * What a replay found, in one to three sentences.
 * @module
 */
import { formatSize } from '../../address.ts';
import type { Path } from '../../core/paths.ts';
import type { MachineNames } from '../../machine/names.ts';
import { formatBytes, formatNs, formatNumber } from '../../report/number.ts';
import { commandWords } from './commands.ts';
import type { Asked, ReplayData } from './data.ts';
import { KERNELS, type RowData, refusedCalls } from './rows.ts';

/** The path that the traced kernel takes, and how that is known. */
export interface KernelPath {
  readonly path: Path;
  /** Linux's release, or what shows it; empty where it is assumed. */
  readonly evidence: string;
}

/** Release of Linux. */
const RELEASE = /^(\d{1,3})\.(\d{1,3})/;

/** The path of the traced kernel: by its release, else by events that only later kernels have, else assumed. */
export function kernelPath({ trace, track }: Pick<ReplayData, 'trace' | 'track'>): KernelPath {
  const release = RELEASE.exec(trace.release ?? '');
  if (release !== null) {
    const [, major = 0, minor = 0] = release.map(Number);
    const isNew = major > 5 || (major === 5 && minor >= 15);
    return { path: isNew ? 'map-pages' : 'per-page', evidence: `Linux ${trace.release ?? ''}` };
  }
  const hasDma = track.named + track.dmaWithoutMap > 0;
  return { path: 'map-pages', evidence: hasDma ? 'dma:* events, which Linux has from 6.12 on' : '' };
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${formatNumber(count)} ${count === 1 ? one : many}`;
}

/** `14.6 MiB for A, 11.4 MiB for B and 2M for 3 further ones`. */
function shares(parts: readonly { readonly bytes: number; readonly whom: string }[], further: string): string {
  const shown = parts.slice(0, 3).map(({ bytes, whom }) => `${formatBytes(bytes)} ${whom}`);
  const rest = parts.slice(3);
  const bytes = rest.reduce((sum, one) => sum + one.bytes, 0);
  const all = rest.length === 0 ? shown : [...shown, `${formatBytes(bytes)} for ${counted(rest.length, further)}`];
  return all.length < 2 ? all.join('') : `${all.slice(0, -1).join(', ')} and ${all.at(-1) ?? ''}`;
}

function whoMapped({ devices, tasks }: ReplayData, machine: MachineNames): string {
  const named = devices.filter(({ name }) => !name.startsWith('('));
  if (named.length === 0) {
    const parts = tasks.map((one) => ({ bytes: one.mappedBytes, whom: `by ${one.name}` }));
    return `${shares(parts, 'further task')}; the trace names no device`;
  }
  const parts = devices.map(({ name, mappedBytes: bytes }) => {
    const isNamed = !name.startsWith('(');
    return { bytes, whom: isNamed ? `for ${machine.title(name)}` : 'for devices that no event names' };
  });
  return shares(parts, 'further device');
}

function mappedBy(data: ReplayData, machine: MachineNames): string {
  const { calls, pairing, trace } = data;
  const lists = `${counted(calls.lists, 'list was', 'lists were')} mapped in ${formatNs(trace.seconds * 1e9)}`;
  return `${lists} (${formatBytes(pairing.mappedBytes)}): ${whoMapped(data, machine)}`;
}

function stillMapped({ live, stillMapped: [oldest] }: ReplayData): string {
  const peak = `At most ${formatBytes(live.peakBytes)} was mapped at once`;
  if (oldest === undefined) return `${peak}, nothing at the end.`;
  const where = `${oldest.iova} (${formatSize(Number(oldest.bytes))}, ${oldest.device ?? oldest.use ?? `by ${oldest.task}`})`;
  const rest = live.leaks === 1 ? `one list, at ${where}` : `${counted(live.leaks, 'list')}, the oldest at ${where}`;
  return `${peak}, ${formatBytes(live.endBytes)} at the end: ${rest}.`;
}

function against(row: RowData, own: RowData): string {
  const share = row.crossings / own.crossings - 1;
  const percent = `${Math.abs(Math.round(100 * share))} %`;
  const where = KERNELS[row.path] === '' ? 'in no kernel' : KERNELS[row.path];
  if (Math.round(100 * share) === 0) return `${row.path} (${where}) the same`;
  return `${row.path} (${where}) ${percent} ${share < 0 ? 'fewer' : 'more'}`;
}

/** One row a path: those that differ from the first one in the path only. */
export function pathRows(rows: readonly RowData[], path: Path, driver: string | null = null): RowData[] {
  const taken = rows.filter((row) => row.path === path);
  const driven = taken.filter((row) => row.driver === driver);
  const own = driven.length === 0 ? taken : driven;
  const base = own.find((row) => row.dispatch === 'indirect' && row.iova === 'keep' && row.tlb === 'strict') ?? own[0];
  if (base === undefined) return [];
  const same = ['driver', 'dispatch', 'format', 'granule', 'iova', 'physical', 'tlb'] as const;
  const like = rows.filter((row) => row !== base && same.every((part) => row[part] === base[part]));
  return [base, ...like.filter((row) => refusedCalls(row) === refusedCalls(base))];
}

/** The rows that differ from one in the device alone. */
function otherDevices(own: RowData, rows: readonly RowData[]): RowData[] {
  return rows.filter(
    (row) => row.driver !== own.driver && row.path === own.path && row.dispatch === own.dispatch && row.tlb === own.tlb,
  );
}

/** What goes to the devices' queues. */
function sent(own: RowData, rows: readonly RowData[]): string {
  const words = [own, ...otherDevices(own, rows)].map(commandWords).filter((one) => one !== '');
  return words.length === 0 ? '' : ` and sends ${words.join('; ')}`;
}

/** Which IOMMU was assumed, and why; empty where it is known or was asked for. */
function assumedDevice({ deviceAssumed, driver, format }: RowData, traced: string | null): string {
  if (!deviceAssumed || driver === 'bare') return '';
  return traced === null
    ? ` (${driver} is assumed: no log, register file or metadata.json beside the trace names its IOMMU)`
    : ` (${driver} stands in: the traced machine has ${traced}, which does not walk ${format})`;
}

function costs(data: ReplayData): string {
  const { path, evidence } = kernelPath(data);
  const [own, ...others] = pathRows(data.rows, path, data.iommu);
  const [only] = data.rows;
  if (own === undefined) {
    if (only === undefined) return '';
    const where = KERNELS[only.path] === '' ? 'which is in no kernel' : `the path of ${KERNELS[only.path]}`;
    return `${only.path}, ${where}, takes ${counted(only.crossings, 'crossing')} between layers.`;
  }
  const whose = evidence === '' ? `${path}, the path of ${KERNELS[path]}` : `This kernel's own path, ${path}`;
  const takes = `${whose}, takes ${counted(own.crossings, 'crossing')} between layers for this${assumedDevice(own, data.iommu)}${sent(own, data.rows)}`;
  return others.length === 0 ? `${takes}.` : `${takes}; ${others.map((row) => against(row, own)).join(', ')}.`;
}

/** Devices that have dma events and no map. */
function untranslated({ untranslated: list }: ReplayData, machine: MachineNames): string {
  const names = list.slice(0, 3).map(({ device }) => machine.title(device));
  const more = list.length - names.length;
  const all = more > 0 ? [...names, counted(more, 'further device')] : names;
  return all.length < 2 ? all.join('') : `${all.slice(0, -1).join(', ')} and ${all.at(-1) ?? ''}`;
}

function bypassSentence(data: ReplayData, machine: MachineNames): string {
  const { length } = data.untranslated;
  if (length === 0) return '';
  const verb = length === 1 ? 'seems' : 'seem';
  return `${untranslated(data, machine)} ${verb} to bypass the IOMMU: dma events, but no map.`;
}

function nothingMapped(data: ReplayData, machine: MachineNames): string {
  const { track, trace } = data;
  if (trace.events === 0) {
    return trace.notUnderstood.count === 0
      ? 'The trace has no iommu or dma event: nothing can be replayed.'
      : 'No iommu or dma event was understood in the trace: nothing can be replayed.';
  }
  if (track.dmaWithoutMap > 0) {
    const whose = untranslated(data, machine);
    return `Nothing was mapped: ${counted(track.dmaWithoutMap, 'dma event')}${whose === '' ? '' : ` of ${whose}`}, but no iommu:map. These devices bypass the IOMMU (identity domains), or iommu:* was not recorded.`;
  }
  if (track.unmaps > 0)
    return `${counted(track.unmaps, 'unmap')} and no map: the trace began too late, or iommu:map was not recorded.`;
  return `Nothing was mapped: ${counted(trace.events, 'event')}, none of them a map, an unmap or a dma event.`;
}

/** Whether the trace holds anything that a replay is about. */
export function isUsable({ calls, track }: Pick<ReplayData, 'calls' | 'track'>): boolean {
  return calls.map > 0 || calls.unmap > 0 || track.dmaWithoutMap > 0;
}

/** Of the mappings still there: how many are older than any that the trace unmapped. */
function leakSentence({ live, lists, stillMapped }: ReplayData): string {
  if (live.leaks === 0) return 'Every list that was mapped is unmapped in this trace.';
  const longest = lists.lifetime.maximum;
  const older = stillMapped.filter(({ ageNs }) => ageNs > longest).length;
  const many = older === stillMapped.length && older < live.leaks ? 'at least ' : '';
  const known =
    lists.lifetime.count === 0
      ? ''
      : `; ${many}${formatNumber(older)} of them for longer than any list that was unmapped lived (${formatNs(longest)})`;
  return `${counted(live.leaks, 'list is', 'lists are')} never unmapped in this trace (${formatBytes(live.endBytes)})${known}.`;
}

function doubleSentence({ live, track }: ReplayData): string {
  if (live.doubleMaps === 0) return 'No address was mapped twice.';
  const parts = [
    track.mapsOverLive === 0
      ? []
      : [`${formatNumber(track.mapsOverLive)} in the same domain, so that an unmap is missing from the trace`],
    track.mapsToNextLayer === 0
      ? []
      : [`${formatNumber(track.mapsToNextLayer)} probably in another domain, as no event names either`],
  ].flat();
  return `${counted(live.doubleMaps, 'map was', 'maps were')} of an address already mapped: ${parts.join('; ')}.`;
}

/** The verdict: one to three sentences. */
export function replayVerdict(data: ReplayData, machine: MachineNames, { leaks, doubleMaps }: Asked): string {
  if (data.calls.map === 0) return nothingMapped(data, machine);
  const asked = [...(leaks ? [leakSentence(data)] : []), ...(doubleMaps ? [doubleSentence(data)] : [])];
  if (asked.length > 0) return [`${mappedBy(data, machine)}.`, ...asked].join(' ');
  return [`${mappedBy(data, machine)}.`, bypassSentence(data, machine), stillMapped(data), costs(data)]
    .filter((one) => one !== '')
    .join(' ');
}
