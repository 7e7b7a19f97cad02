/**
 * What a replay assumes, lacks or is limited by; each said once.
 * @module
 */
import { formatSize, parseSize } from '../../address.ts';
import { DRIVERS, driverById } from '../../drivers/registry.ts';
import { formatById } from '../../formats/registry.ts';
import type { Hardware } from '../../machine/hardware.ts';
import { type Replay, WITNESS_EVENTS } from '../../replay/replay.ts';
import { formatNs, formatNumber } from '../../report/number.ts';
import type { ReadStats } from '../../trace/stats.ts';
import { plural } from '../tables/subject.ts';
import { USUAL_PAGE } from './choices.ts';
import type { Asked, ReplayData } from './data.ts';
import { type RowData, rowTitle, varyingParts } from './rows.ts';
import { kernelPath } from './verdict.ts';

/** Steps back of the clock that two processors of one machine explain, nanoseconds. */
const SMALL_STEP = 1e6;

function kernelWords(kernel: string | null, standsFor: string | null): string {
  if (kernel === null) return standsFor === null ? '' : `, which is modelled alike for every kernel, ${standsFor} too`;
  const stands = standsFor === null ? '' : `, the modelled release that stands for ${standsFor},`;
  return ` as Linux ${kernel}${stands} drives it`;
}

/** The device of a row in words. */
function deviceWords({ driver, driverKernel, driverKernelFor, features }: RowData): string {
  const kernel = kernelWords(driverKernel, driverKernelFor);
  const words = Object.entries(features).map(([name, value]) => {
    const words = name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
    return `${words} ${typeof value === 'number' ? value : value ? 'on' : 'off'}`;
  });
  return `${driver}${kernel}${words.length === 0 ? '' : ` (${words.join(', ')})`}`;
}

function driverNote(row: RowData, hardware: Hardware | undefined): string[] {
  const { driver, driverKernel, deviceAssumed, kernelAssumed } = row;
  if (driver === 'bare') return ['bare: the rows of this driver drive no device; they have no power and TLB work'];
  const requests =
    driver === 'virtio-iommu'
      ? [`virtio-iommu: the device takes requests; the tables of its rows (${row.format}) are this engine's only`]
      : [];
  const from = hardware?.driver === driver ? `, from ${hardware.from.join(' and ')}` : '';
  const ids = DRIVERS.map(({ id }) => id).join(', ');
  const { kernels } = driverById(driver);
  const assumed =
    hardware?.driver === undefined
      ? `nothing beside the trace names its IOMMU: ${deviceWords(row)} is assumed, and the commands are its; the log of its boot, a register file or metadata.json beside the trace would name it, and --iommu names another (${ids})`
      : `the traced machine has ${hardware.driver}, which does not walk ${row.format}: ${deviceWords(row)} stands in, and the commands are its`;
  return [
    deviceAssumed ? assumed : `the rows drive ${deviceWords(row)}${from}`,
    ...requests,
    ...(kernelAssumed && driverKernel !== null
      ? [
          `which kernel sent the commands is not known: Linux ${driverKernel} is assumed; --kernel names another (${kernels.join(', ')})`,
        ]
      : []),
  ];
}

/** Which devices the rows drive, and how that is known or that it is assumed. */
export function driverNotes(rows: readonly RowData[], hardware: Hardware | undefined): string[] {
  const first = rows.filter((row, i) => rows.findIndex(({ driver }) => driver === row.driver) === i);
  return first.flatMap((row) => driverNote(row, hardware));
}

function pathNotes(data: ReplayData): string[] {
  const { path, evidence } = kernelPath(data);
  if (!data.rows.some((row) => row.path === path)) return [];
  if (evidence !== '') return [`the traced kernel's path is ${path}: ${evidence}`];
  return [
    'the trace does not say which kernel it is from: map-pages, the path of Linux since 5.15, is assumed to be its own',
  ];
}

function assumptions(data: ReplayData, replay: Replay, tracedPage: number): string[] {
  const { assumedProtection, witnessEvents } = replay;
  const wide = data.rows.some(({ granule }) => parseSize(granule) > tracedPage);
  return [
    ...(assumedProtection > 0
      ? [
          `iommu:map carries no protection: read-write is assumed for ${plural(assumedProtection, 'call')} whose direction no dma event gives`,
        ]
      : []),
    ...(witnessEvents >= WITNESS_EVENTS
      ? [`the regrouping rule was judged on the first ${formatNumber(WITNESS_EVENTS)} events, to save time`]
      : []),
    ...(wide
      ? [
          `with a granule above ${formatSize(tracedPage)}, the page size of the kernel, elements are rounded to it and input addresses are handed out anew`,
        ]
      : []),
  ];
}

/** Maps from which on it is unlikely that a kernel with 4K pages mapped multiples of a larger granule alone. */
const TELLING_MAPS = 16;

/** Says that the granule of the rows may not be that of the traced kernel. */
function granuleNotes({ rows, pairing: { maps } }: ReplayData, { pairing: { granule } }: Replay): string[] {
  const smaller = rows.filter(
    (row) => parseSize(row.granule) < granule && formatById(row.format).granules.includes(granule),
  );
  if (maps < TELLING_MAPS || smaller.length === 0) return [];
  const size = formatSize(granule);
  return [
    `every traced address and size is a multiple of ${size}: if the traced kernel has pages above 4K, its tables have such a granule, and rows of ${smaller[0]?.granule} count more pages than it mapped; --granule ${size} shows that`,
  ];
}

function clockNotes(stats: readonly ReadStats[]): string[] {
  const odd = stats.filter(({ largestStepBack }) => largestStepBack > SMALL_STEP);
  const steps = odd.reduce((sum, { unordered }) => sum + unordered, 0);
  if (steps === 0) return [];
  const largest = Math.max(...odd.map(({ largestStepBack }) => largestStepBack));
  return [
    `the clock goes back ${formatNumber(steps)} times within a file, by ${formatNs(largest)} at most: events were replayed in the order of the file; are these several recordings?`,
  ];
}

function refusalNotes(rows: readonly RowData[]): string[] {
  const varying = varyingParts(rows);
  return rows.flatMap((row) =>
    row.refused.map(
      ({ code, count, first }) =>
        `${rowTitle(row, varying.length === 0 ? ['path'] : varying)}: ${plural(count, 'call')} refused (${code}); the first: ${first}`,
    ),
  );
}

function predictionNotes({ profile, rows }: ReplayData): string[] {
  if (profile === null) return [];
  const note = `predicted: counts × the profile of ${profile.name} (${profile.kind}); it holds for that machine only`;
  const queues = 'predicted: a profile has no price for commands of a queue; those rows have TLB work of 0 in it';
  if (rows.length === 0) return [];
  return rows.some(({ commands }) => commands !== null) ? [note, queues] : [note];
}

/** The notes of an answer. */
export function replayNotes(
  data: ReplayData,
  replay: Replay,
  stats: readonly ReadStats[],
  { leaks }: Asked,
  hardware: Hardware | undefined,
): string[] {
  const needs = data.needs.map(({ question, why, advice }) => `not known: ${question}: ${why}; ${advice}`);
  if (data.calls.map === 0) return [...needs, ...clockNotes(stats)];
  const kept = data.live.leaks > 0;
  return [
    ...pathNotes(data),
    ...driverNotes(data.rows, hardware),
    ...granuleNotes(data, replay),
    ...assumptions(data, replay, hardware?.pageSize ?? USUAL_PAGE),
    ...(kept
      ? [
          `a list that is still mapped may be in use: rings and buffers of a driver stay mapped while it runs${leaks ? '' : '; --leaks lists them'}`,
        ]
      : []),
    ...refusalNotes(data.rows),
    ...predictionNotes(data),
    ...clockNotes(stats),
    ...needs,
  ];
}
