/**
 * The answer of `iommu replay` as JSON and as tables.
 * @module
 */
import { formatSize, hex } from '../../address.ts';
import { type Prediction, predictMeter } from '../../cost/predict.ts';
import type { Profile } from '../../cost/profile.ts';
import type { Counts } from '../../meter/meter.ts';
import { type Replay, type TimedRow, WITNESS_EVENTS } from '../../replay/replay.ts';
import { type LiveRange, type RowSpec, rangeJson } from '../../replay/row.ts';
import type { Table } from '../../report/index.ts';
import { missingFor } from '../../trace/needs.ts';
import { type ReadStats, secondsSpanned } from '../../trace/stats.ts';

/** Everything an answer is made of. */
export interface ReplayAnswer {
  readonly replay: Replay;
  readonly stats: readonly ReadStats[];
  readonly driver: string;
  readonly ranges: boolean;
  /** Prices to predict times with. */
  readonly profile: Profile | null;
}

/** Rows in order of what they cost: fewest crossings first. */
export function sortedRows(replay: Replay): TimedRow[] {
  return replay.rows.toSorted(
    (a, b) => crossings(a.row.counts) - crossings(b.row.counts) || a.milliseconds - b.milliseconds,
  );
}

/** Calls between layers, walks from the root, barriers and register writes: what a path can save. */
export function crossings(counts: Counts): number {
  const { coreTurns, driverCalls, tableCalls, powerGets, walks, wmb, cleanCalls, registerWrites } = counts;
  return coreTurns + driverCalls + tableCalls + powerGets + walks + wmb + cleanCalls + registerWrites;
}

/** Why the first row is best, in words. */
export function bestReason(rows: readonly TimedRow[]): string {
  const [best, ...others] = rows;
  const worst = others.at(-1);
  if (best === undefined || worst === undefined) return '';
  const a = best.row.counts;
  const b = worst.row.counts;
  const saved = (['driverCalls', 'tableCalls', 'powerGets', 'walks', 'wmb', 'registerWrites'] as const)
    .filter((name) => a[name] < b[name])
    .map((name) => `${name} ${a[name]} instead of ${b[name]}`);
  const differs = saved.length === 0 ? 'it does the same work as the others' : saved.join(', ');
  return `fewest crossings: ${titleOf(best)}; against ${titleOf(worst)}: ${differs}`;
}

/** A row's name, as short as it can be told apart. */
export function titleOf({ row }: TimedRow): string {
  return specTitle(row.spec);
}

/** A row's name, before it is replayed. */
export function specTitle(spec: RowSpec): string {
  const { path, dispatch, format, granule, iova, physical, tlb } = spec;
  const whatIf = [
    iova === 'keep' ? '' : `iova ${iova}`,
    physical === 'keep' ? '' : physical,
    tlb === 'strict' ? '' : tlb,
  ];
  return [path, dispatch, format, formatSize(granule), ...whatIf.filter((word) => word !== '')].join(' ');
}

function leavesJson(row: TimedRow): Record<string, number> {
  const sizes = [...row.row.leavesBySize()].toSorted(([a], [b]) => a - b);
  return Object.fromEntries(sizes.map(([size, count]) => [formatSize(size), count]));
}

/** What a profile says of a row's time; null without a profile. */
function predictionOf({ row }: TimedRow, profile: Profile | null): Prediction | null {
  return profile === null ? null : predictMeter(profile, row.work);
}

function rowJson(timed: TimedRow, profile: Profile | null): object {
  const predicted = predictionOf(timed, profile);
  const { spec, counts, peakTables, refusals } = timed.row;
  return {
    ...spec,
    granule: formatSize(spec.granule),
    measuredNs: Math.round(timed.milliseconds * 1e6),
    predictedNs: predicted?.ns ?? null,
    predicted,
    byLayer: {
      core: { turns: counts.coreTurns, calls: counts.driverCalls },
      driver: { calls: counts.tableCalls, registerWrites: counts.registerWrites, registerReads: counts.registerReads },
      power: {
        gets: counts.powerGets,
        puts: counts.powerPuts,
        resumes: counts.powerResumes,
        suspends: counts.powerSuspends,
      },
      pageTable: { walks: counts.walks, reads: counts.tableReads, writes: counts.entryWrites, splits: counts.splits },
      memory: { allocated: counts.tablesAllocated, freed: counts.tablesFreed, zeroedBytes: counts.zeroedBytes },
      cache: { cleans: counts.cleanCalls, bytes: counts.cleanBytes, wmb: counts.wmb, dmaWmb: counts.dmaWmb },
      tlb: { address: counts.tlbAddress, lastLevel: counts.tlbLastLevel, asid: counts.tlbAsid, sync: counts.tlbSync },
    },
    counts,
    tablePages: peakTables,
    leaves: leavesJson(timed),
    refused: refusals,
  };
}

function sum(stats: readonly ReadStats[], of: (one: ReadStats) => number): number {
  return stats.reduce((total, one) => total + of(one), 0);
}

function traceJson(stats: readonly ReadStats[]): object {
  const first = Math.min(...stats.map((one) => one.firstTime).filter((time) => !Number.isNaN(time)));
  const last = Math.max(...stats.map((one) => one.lastTime).filter((time) => !Number.isNaN(time)));
  return {
    reader: [...new Set(stats.map((one) => one.reader))].join(', '),
    events: sum(stats, (one) => one.events),
    bytes: sum(stats, (one) => one.bytes),
    seconds: stats.some((one) => one.events > 0) ? (last - first) / 1e9 : 0,
    skipped: stats.flatMap((one) => one.skipped),
    lost: {
      events: sum(stats, (one) => one.lost.events),
      gaps: sum(stats, (one) => one.lost.gaps),
      overwritten: sum(stats, (one) => one.lost.overwritten),
    },
    unordered: sum(stats, (one) => one.unordered),
    truncatedLists: sum(stats, (one) => one.truncatedLists),
    files: stats.length,
  };
}

/** Ranges of the first row that keeps the traced addresses. */
function rangesOf(replay: Replay): readonly LiveRange[] {
  return replay.rows.find(({ row }) => row.spec.iova === 'keep')?.row.liveRanges() ?? [];
}

/** The JSON answer. */
export function replayJson({ replay, stats, driver, ranges, profile }: ReplayAnswer): object {
  const { track, agreement, pairing } = replay;
  const titles = replay.domains.map((domain) => domain.title);
  return {
    schema: 'iommu.replay',
    version: 1,
    trace: traceJson(stats),
    calls: { map: track.lines, unmap: track.unmaps, lists: track.lists },
    witnesses: {
      total: agreement.witnesses,
      agree: agreement.agreed,
      disagreements: agreement.disagreements,
      events: replay.witnessEvents,
    },
    domains: replay.domains,
    ...(ranges ? { ranges: rangesOf(replay).map((range) => rangeJson(range, titles[range.domain] ?? '')) } : {}),
    live: {
      peakBytes: pairing.peakBytes,
      endBytes: pairing.liveBytes,
      leaks: pairing.leakCount,
      unknownUnmaps: track.unmapsOfNothing,
      doubleMaps: track.mapsOverLive + track.mapsToNextLayer,
    },
    pairing,
    track,
    assumptions: [...assumptionsOf(replay), ...predictionNotes(profile)],
    needs: missingFor(stats, track),
    driver,
    times: 'measuredNs: time of this engine on this machine, no claim about the traced one',
    profile: profile === null ? null : profile.machine,
    rows: sortedRows(replay).map((timed) => rowJson(timed, profile)),
  };
}

/** What was assumed, in words. */
export function assumptionsOf(replay: Replay): string[] {
  const notes = ['every row drives an Arm SMMUv2 in this engine, whatever IOMMU the trace comes from'];
  const { assumedProtection } = replay;
  if (assumedProtection > 0) {
    notes.push(
      `iommu:map carries no protection: read-write is assumed for ${assumedProtection} calls whose direction no dma event gives`,
    );
  }
  if (replay.witnessEvents >= WITNESS_EVENTS) {
    notes.push(`the regrouping rule was judged on the first ${WITNESS_EVENTS} events, to save time`);
  }
  if (replay.rows.some(({ row }) => row.spec.granule > 4096)) {
    notes.push('with a granule above 4K, elements are rounded to it and input addresses are handed out anew');
  }
  return notes;
}

/** The trace and what its calls are, as a table. */
export function traceTable({ replay, stats }: ReplayAnswer): Table {
  const { track, pairing, agreement } = replay;
  const span = stats.map(secondsSpanned).reduce((total, seconds) => total + seconds, 0);
  return {
    title: 'Trace',
    columns: [{ title: 'what' }, { title: 'value', align: 'right' }],
    rows: [
      ['events read', String(sum(stats, (one) => one.events))],
      ['lines left out', String(sum(stats, (one) => one.skipped.reduce((n, row) => n + row.count, 0)))],
      ['seconds in the files', span.toFixed(3)],
      ['map lines, regrouped to lists', `${track.lines} → ${track.lists}`],
      ['unmap lines', String(track.unmaps)],
      [
        'scatter-list witnesses that agree',
        agreement.witnesses === 0 ? 'none in this trace' : `${agreement.agreed} of ${agreement.witnesses}`,
      ],
      ['bytes live at most', hexAndSize(pairing.peakBytes)],
      ['bytes live at the end', hexAndSize(pairing.liveBytes)],
      ['lists never unmapped', String(pairing.leakCount)],
      ['unmaps of nothing', String(track.unmapsOfNothing)],
      ['maps over a live mapping of the same domain', String(track.mapsOverLive)],
      ['maps over a live mapping, taken for another domain', String(track.mapsToNextLayer)],
    ],
  };
}

function hexAndSize(bytes: number): string {
  return `${formatSize(bytes)} (${hex(bytes)})`;
}

/** Rows with their counts. */
export function rowsTable(replay: Replay): Table {
  const rows = sortedRows(replay);
  return {
    title: 'Replay, fewest crossings first',
    columns: [
      { title: '' },
      { title: 'path' },
      { title: 'dispatch' },
      { title: 'format' },
      { title: 'what-if' },
      ...['core', 'driver', 'table', 'power', 'walks', 'wmb', 'TLBI', 'syncs', 'tables'].map((title) => ({
        title,
        unit: 'count' as const,
      })),
      { title: 'this engine', unit: 'ns' as const },
    ],
    rows: rows.map((timed, i) => {
      const { spec, counts, peakTables } = timed.row;
      const { tlbAddress, tlbLastLevel, tlbAsid } = counts;
      const whatIf = [spec.iova, spec.physical, spec.tlb]
        .filter((word) => word !== 'keep' && word !== 'strict')
        .join(' ');
      return [
        i === 0 && rows.length > 1 ? 'best' : '',
        spec.path,
        spec.dispatch,
        `${spec.format} ${formatSize(spec.granule)}`,
        whatIf,
        counts.coreTurns,
        counts.driverCalls,
        counts.tableCalls,
        counts.powerGets,
        counts.walks,
        counts.wmb,
        tlbAddress + tlbLastLevel + tlbAsid,
        counts.tlbSync,
        peakTables,
        timed.milliseconds * 1e6,
      ];
    }),
    notes: ['counts are facts of the work done; the last column is time of this engine on this machine'],
  };
}

/** What a prediction rests on, in words; nothing without a profile. */
export function predictionNotes(profile: Profile | null): string[] {
  if (profile === null) return [];
  const ops = Object.keys(profile.ops).join(' and ');
  return [
    `predicted: counts × the profile of ${profile.machine.name} (${profile.machine.kind}), which prices ${ops}; it holds for that machine only`,
    "predicted: TLB work is counted by SMMUv2's model, whatever IOMMU the trace comes from",
  ];
}

/** Predicted times by layer, with their range, as a table. */
export function predictionTable(replay: Replay, profile: Profile): Table {
  const rows = sortedRows(replay).flatMap((timed) => {
    const { ns, low, high, layers, unpriced } = predictMeter(profile, timed.row.work);
    const layerRows = layers.map((one) => [`  ${one.layer}`, one.ns, one.low, one.high, '']);
    const missing = unpriced.length === 0 ? '' : `without ${unpriced.join(', ')}`;
    return [[titleOf(timed), ns, low, high, missing], ...layerRows];
  });
  return {
    title: `Predicted for ${profile.machine.name}`,
    columns: [
      { title: 'row' },
      { title: 'time', unit: 'ns' },
      { title: 'low', unit: 'ns' },
      { title: 'high', unit: 'ns' },
      { title: 'no price' },
    ],
    rows,
    notes: predictionNotes(profile),
  };
}

/** Leaves at the end, by size. */
export function leavesTable(replay: Replay): Table {
  const rows = sortedRows(replay).map((timed) => [
    titleOf(timed),
    Object.entries(leavesJson(timed))
      .map(([size, n]) => `${n} × ${size}`)
      .join(', ') || 'none',
  ]);
  return { title: 'Leaves at the end', columns: [{ title: 'row' }, { title: 'leaves' }], rows };
}
