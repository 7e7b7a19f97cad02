/**
 * Tables on the trace itself: quantiles, devices, tasks, witnesses that disagree, lines left out.
 * @module
 */
import { formatSize, hex } from '../../address.ts';
import type { Replay } from '../../replay/replay.ts';
import { formatNs, formatNumber } from '../../report/number.ts';
import type { Table } from '../../report/table.ts';
import type { PartyCounts } from '../../trace/pairing.ts';
import type { Summary } from '../../trace/sketch.ts';
import type { ReadStats } from '../../trace/stats.ts';

/** Rows of a table that a person still reads; the JSON answer has all. */
const MOST_ROWS = 20;

function quantiles(what: string, summary: Summary, text: (value: number) => string): string[] {
  const { count, minimum, median, p90, p99, maximum } = summary;
  const values = [minimum, median, p90, p99, maximum].map((value) => (count === 0 ? '' : text(value)));
  return [what, String(count), ...values];
}

function bytes(value: number): string {
  return formatSize(Math.round(value / 512) * 512);
}

function count(value: number): string {
  return formatNumber(Math.round(value));
}

/** Sizes, lifetimes and reuse as quantiles. */
export function quantilesTable({ pairing }: Replay): Table {
  const { listBytes, listElements, elementBytes, lifetime, reuse, relativeError } = pairing;
  return {
    title: 'Lists, lifetimes, reuse of addresses',
    columns: ['', 'how many', 'least', 'median', '90 %', '99 %', 'most'].map((title, i) => ({
      title,
      align: i === 0 ? 'left' : 'right',
    })),
    rows: [
      quantiles('bytes of a list', listBytes, bytes),
      quantiles('elements of a list', listElements, count),
      quantiles('bytes of an element', elementBytes, bytes),
      quantiles('lifetime of a list', lifetime, formatNs),
      quantiles('maps until the same address is mapped again', reuse, count),
    ],
    notes: [
      `quantiles are right to ${formatNumber(100 * relativeError)} %; reuse is looked for in a window of ${reuse.window} maps: ${reuse.fresh} were of an address that is not in it`,
    ],
  };
}

function partiesTable(title: string, parties: readonly PartyCounts[]): Table {
  const further = parties.length - MOST_ROWS;
  return {
    title,
    columns: [
      { title: 'name' },
      { title: 'maps', unit: 'count' },
      { title: 'unmaps', unit: 'count' },
      { title: 'mapped', align: 'right' },
      { title: 'live at most', align: 'right' },
      { title: 'live at the end', align: 'right' },
    ],
    rows: parties
      .slice(0, MOST_ROWS)
      .map((one) => [
        one.name,
        one.maps,
        one.unmaps,
        bytes(one.mappedBytes),
        bytes(one.peakBytes),
        bytes(one.liveBytes),
      ]),
    notes: further > 0 ? [`${further} further ones stand in the JSON answer`] : [],
  };
}

/** Maps and unmaps by device and by task; most bytes first. */
export function partyTables({ pairing }: Replay): Table[] {
  const { devices, tasks } = pairing;
  if (pairing.maps === 0) return [];
  return [partiesTable('By device', devices), partiesTable('By task', tasks)];
}

/** Every list that the regrouping rule cut otherwise than its dma_map_sg event says; no table if there is none. */
export function disagreementTables({ agreement }: Replay): Table[] {
  const { disagreements, witnesses, agreed } = agreement;
  if (disagreements.length === 0) return [];
  const further = witnesses - agreed - disagreements.length;
  return [
    {
      title: 'Lists that the rule would cut otherwise than their dma_map_sg events',
      columns: [{ title: 'seconds', align: 'right' }, { title: 'task' }, { title: 'event' }, { title: 'rule' }],
      rows: disagreements.map(({ time, task, pid, start, end, ruleStart, ruleEnd }) => [
        (time / 1e9).toFixed(6),
        `${task}-${pid}`,
        `${hex(start)} to ${hex(end)}`,
        `${hex(ruleStart)} to ${hex(ruleEnd)}`,
      ]),
      notes: [
        'ends are exclusive; the replay itself takes the events as boundaries',
        ...(further > 0 ? [`${further} further ones were counted only`] : []),
      ],
    },
  ];
}

/** Lines left out, by reason, over all files. */
export function skippedTables(stats: readonly ReadStats[]): Table[] {
  const byReason = new Map<string, { count: number; first: string }>();
  for (const { reason, count, firstLine } of stats.flatMap((one) => one.skipped)) {
    const known = byReason.get(reason);
    if (known === undefined) byReason.set(reason, { count, first: firstLine });
    else known.count += count;
  }
  if (byReason.size === 0) return [];
  return [
    {
      title: 'Lines left out',
      columns: [{ title: 'lines', unit: 'count' }, { title: 'why' }, { title: 'the first' }],
      rows: [...byReason].map(([reason, { count, first }]) => [count, reason, shorten(first)]),
    },
  ];
}

function shorten(line: string): string {
  const text = line.trim().replace(/\s+/g, ' ');
  return text.length > 90 ? `${text.slice(0, 89)}…` : text;
}
