/**
 * What the TLB what-if of `replay` found, for people: tables and a picture.
 * @module
 */
import { chartSection, type Section, tableSection } from '../../report/answer.ts';
import type { BarChart } from '../../report/chart.ts';
import { formatNumber } from '../../report/number.ts';
import type { Table } from '../../report/table.ts';
import { rowTitle, varyingParts } from './rows.ts';
import type { ReplayTlbData, TlbRowData } from './tlb-data.ts';

/** The rows' names: by what varies, addresses and memory as traced left out. */
export function tlbTitles(rows: readonly TlbRowData[]): string[] {
  const varying = varyingParts(rows);
  return rows.map((row) => {
    const parts = varying.filter((part) => row[part] !== 'keep');
    return parts.length === 0 ? 'as traced' : rowTitle(row, parts);
  });
}

/** The size of most bytes' leaves, and how much of the bytes they are. */
export function mainLeaf({ leaves }: TlbRowData): { readonly leaf: string; readonly share: number } | undefined {
  const total = leaves.reduce((sum, { made, bytes }) => sum + made * bytes, 0);
  const [first] = leaves.toSorted((a, b) => b.made * b.bytes - a.made * a.bytes);
  return first === undefined ? undefined : { leaf: first.leaf, share: (first.made * first.bytes) / total };
}

function entriesText(entries: number | null): string {
  return entries === null ? 'no limit' : formatNumber(entries);
}

function sizesOf({ tlbs }: TlbRowData): (number | null)[] {
  return [...new Set(tlbs.map(({ entries }) => entries))];
}

function hitTable({ rows, accesses: { orders } }: ReplayTlbData): Table {
  const titles = tlbTitles(rows);
  return {
    columns: [
      { title: 'what if' },
      { title: 'leaves', drop: 2 },
      { title: 'entries', align: 'right' },
      { title: 'reach', unit: 'bytes', drop: 1 },
      ...orders.map((order) => ({ title: order, unit: 'share' as const })),
    ],
    rows: rows.flatMap((row, i) =>
      sizesOf(row).map((entries, k) => {
        const own = row.tlbs.filter((one) => one.entries === entries);
        const rates = orders.map((order) => own.find((one) => one.order === order)?.hitRate ?? null);
        const name = k === 0 ? [titles[i] ?? '', mainLeaf(row)?.leaf ?? null] : ['', ''];
        return [...name, entriesText(entries), own[0]?.reachBytes ?? null, ...rates];
      }),
    ),
    notes: [
      'leaves: the size of which most mapped bytes are; reach: entries × the mean leaf of the row; shares of requests that hit; misses of a TLB without limit are first reads and what invalidations took out',
    ],
  };
}

function reachTable({ rows }: ReplayTlbData): Table {
  const titles = tlbTitles(rows);
  const sizes = rows[0] === undefined ? [] : sizesOf(rows[0]).filter((one) => one !== null);
  return {
    columns: [
      { title: 'what if' },
      { title: 'leaf', align: 'right' },
      { title: 'made', unit: 'count' },
      { title: 'mapped', unit: 'bytes' },
      ...sizes.map((size) => ({ title: `reach of ${formatNumber(size)}`, unit: 'bytes' as const })),
    ],
    rows: rows.flatMap(({ leaves }, i) =>
      leaves.map(({ leaf, bytes, made }, k) => [
        k === 0 ? (titles[i] ?? '') : '',
        leaf,
        made,
        bytes * made,
        ...sizes.map((size) => size * bytes),
      ]),
    ),
    notes: ['leaves made over the whole trace, and what a TLB covers whose entries all hold leaves of that size'],
  };
}

function hitChart({ rows, accesses: { orders } }: ReplayTlbData): BarChart {
  const entries = rows[0]?.tlbs[0]?.entries ?? null;
  return {
    kind: 'bar',
    title: `Hit rate with ${entriesText(entries)} entries, by order of accesses`,
    category: 'what if',
    categories: tlbTitles(rows),
    value: { label: 'requests that hit', unit: 'share' },
    series: orders.map((name) => ({
      name,
      evidence: 'predicted' as const,
      values: rows.map(
        ({ tlbs }) => tlbs.find((one) => one.order === name && one.entries === entries)?.hitRate ?? null,
      ),
    })),
    notes: ['accesses are assumed: a trace records maps'],
  };
}

/** One line a row, order and TLB. */
export function tlbCsv({ rows }: ReplayTlbData): Table {
  const texts = ['driver', 'format', 'granule', 'iova', 'physical', 'tlb', 'order'] as const;
  return {
    columns: [
      ...texts.map((title) => ({ title })),
      { title: 'entries', name: 'entries' },
      { title: 'reach', unit: 'bytes' },
      { title: 'requests', unit: 'count', name: 'requests' },
      { title: 'hits', unit: 'count', name: 'hits' },
      { title: 'misses', unit: 'count', name: 'misses' },
      { title: 'evictions', unit: 'count', name: 'evictions' },
      { title: 'invalidated', unit: 'count', name: 'invalidated' },
      { title: 'mapped', unit: 'bytes' },
    ],
    rows: rows.flatMap((row) =>
      row.tlbs.map(({ order, entries, reachBytes, hits, misses, evictions, invalidated }) => [
        ...texts.map((name) => (name === 'order' ? order : row[name])),
        entries,
        reachBytes,
        hits + misses,
        hits,
        misses,
        evictions,
        invalidated,
        row.mappedBytes,
      ]),
    ),
  };
}

/** The sections. */
export function tlbSections(data: ReplayTlbData): Section[] {
  return [
    tableSection('hits', 'Hit rate by TLB and order of accesses', hitTable(data)),
    tableSection('reach', 'Reach by leaf size', reachTable(data)),
    chartSection('hits-chart', hitChart(data)),
  ];
}
