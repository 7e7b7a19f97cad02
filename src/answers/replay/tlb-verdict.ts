/**
 * What the TLB what-if of `replay` found, in a few sentences, and what it assumes.
 * @module
 */
import type { AccessOrder } from '../../replay/access-order.ts';
import { formatBytes, formatNumber, formatShare } from '../../report/number.ts';
import type { ReplayTlbData, TlbData, TlbRowData } from './tlb-data.ts';
import { mainLeaf, tlbTitles } from './tlb-sections.ts';

/** Hit rates that differ by less are called the same. */
const SAME = 0.005;

const ORDER_WORDS: Readonly<Record<AccessOrder, string>> = {
  'in-order': 'in order',
  'by-element': 'by element',
  interleaved: 'with all live lists in turn',
  random: 'in random order',
};

function rateOf({ tlbs }: TlbRowData, { order, entries }: Pick<TlbData, 'order' | 'entries'>): number {
  return tlbs.find((one) => one.order === order && one.entries === entries)?.hitRate ?? 0;
}

function leafWords(row: TlbRowData): string {
  const main = mainLeaf(row);
  if (main === undefined) return 'no leaves';
  return main.share > 0.9 ? `${main.leaf} leaves` : `leaves of ${row.leaves[0]?.leaf} to ${row.leaves.at(-1)?.leaf}`;
}

/** The row that would hit most. */
function betterRow(rows: readonly TlbRowData[], base: TlbRowData, at: TlbData): string {
  const titles = tlbTitles(rows);
  const others = rows.map((row, i) => ({ row, title: titles[i] ?? '', rate: rateOf(row, at) }));
  const best = others.toSorted((a, b) => b.rate - a.rate)[0];
  const own = rateOf(base, at);
  if (rows.length < 2) return '';
  if (best === undefined || best.rate < own + SAME) return '; no other granule or memory that was tried does better';
  const cost = best.row.mappedBytes / base.mappedBytes;
  const more = cost > 1.05 ? `, for ${formatNumber(cost, 2)} × the mapped bytes` : '';
  return `; ${best.title} (${leafWords(best.row)}) would hit ${formatShare(best.rate)}${more}`;
}

/** Whether more entries help the base row. */
function sizeWords(base: TlbRowData, at: TlbData): string {
  const own = rateOf(base, at);
  const sizes = base.tlbs.filter((one) => one.order === at.order && one.entries !== at.entries);
  const largest = sizes.findLast(({ entries }) => entries !== null);
  const limit = rateOf(base, { order: at.order, entries: null });
  if (limit < own + SAME) return `More entries would not help ${ORDER_WORDS[at.order]}.`;
  const rate = largest === undefined ? own : rateOf(base, largest);
  const one = largest === undefined ? '' : `${formatNumber(largest.entries ?? 0)} entries hit ${formatShare(rate)}, `;
  const words = `${one}a TLB without limit ${formatShare(limit)}.`;
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** One order, and what the largest TLB makes of it where that differs. */
function orderRate(base: TlbRowData, { order, entries }: TlbData): string {
  const rate = rateOf(base, { order, entries });
  const largest = base.tlbs.findLast((one) => one.order === order && one.entries !== null);
  const large = largest === undefined ? rate : rateOf(base, largest);
  const more =
    large < rate + SAME ? '' : ` (${formatShare(large)} with ${formatNumber(largest?.entries ?? 0)} entries)`;
  return `${ORDER_WORDS[order]} ${formatShare(rate)}${more}`;
}

/** What other orders make of the base row. */
function orderWords(base: TlbRowData, at: TlbData): string {
  const others = base.tlbs.filter((one) => one.entries === at.entries && one.order !== at.order);
  const differing = others.filter(({ hitRate }) => Math.abs((hitRate ?? 0) - rateOf(base, at)) >= SAME);
  if (others.length === 0) return '';
  if (differing.length === 0) return 'The order of accesses makes no difference.';
  return `Other orders hit ${differing.map((one) => orderRate(base, one)).join(', ')}.`;
}

/** The verdict: the assumption first. */
export function tlbVerdict({ rows, accesses: { requestBytes } }: ReplayTlbData): string {
  const [base] = rows;
  const at = base?.tlbs[0];
  if (base === undefined || at === undefined || at.hitRate === null) {
    return 'The trace maps nothing: there is nothing that a TLB could hold.';
  }
  const size = at.entries === null ? 'a TLB without limit' : `a TLB of ${formatNumber(at.entries)} entries`;
  return [
    `Assumed accesses (the trace records maps only): each list is read once, right after its map, ${formatBytes(requestBytes)} a request.`,
    `With ${size}, ${leafWords(base)} hit ${formatShare(at.hitRate)} ${ORDER_WORDS[at.order]}${betterRow(rows, base, at)}.`,
    sizeWords(base, at),
    orderWords(base, at),
  ]
    .filter((one) => one !== '')
    .join(' ');
}

function lazyNotes(rows: readonly TlbRowData[]): string[] {
  if (!rows.some(({ tlb }) => tlb === 'lazy')) return [];
  const reused = rows.reduce((sum, { reusedAddresses }) => sum + reusedAddresses, 0);
  const words =
    'lazy: an unmap takes nothing out; a flush after 256 unmaps or 10 ms takes out everything, live lists too';
  const note = `lazy: ${formatNumber(reused)} lists were mapped where entries of an older list waited for the flush, which a lazy kernel avoids by other addresses: those entries were taken out`;
  return reused === 0 ? [words] : [words, note];
}

/** What is assumed and left out. */
export function tlbNotes({ rows, ways, accesses }: ReplayTlbData): string[] {
  const { orders, requestBytes, seed } = accesses;
  const titles = tlbTitles(rows);
  const cut = rows.reduce((most, { cutLists }) => Math.max(most, cutLists), 0);
  const peak = Math.max(0, ...rows.map(({ peakLists }) => peakLists));
  const wide = rows.some(({ granule }) => granule !== rows[0]?.granule);
  return [
    'no event that is read (iommu:*, dma:*) records an access of a device: what a list is read for, how often and when is assumed; --access-order, --access-bytes and --access-seed assume otherwise',
    `requests are ${formatBytes(requestBytes)} long (512 B is the largest read request of PCIe after reset); shorter ones raise every rate, as more of them read one leaf`,
    `one TLB serves all domains, ${ways === null ? 'fully associative' : `${formatNumber(ways)} entries a set`}, least recently used out first; prefetch, caches of tables and TLBs in devices are left out, and a real TLB may split large leaves`,
    ...(orders.includes('interleaved')
      ? [
          `interleaved: at each map as many requests as its list has, of all live lists in turn (at most ${formatNumber(peak)} at once)`,
        ]
      : []),
    ...(orders.includes('random') ? [`random: the requests of one list in an order of seed ${seed}`] : []),
    ...(wide ? ['with another granule, elements are rounded to it and input addresses are handed out anew'] : []),
    ...lazyNotes(rows),
    ...(cut > 0
      ? [
          `${formatNumber(cut)} lists were read in part or not at all: at most 131,072 requests a list and 16,777,216 in all are made`,
        ]
      : []),
    ...rows.flatMap(({ refused }, i) =>
      refused.map(
        ({ code, count, first }) =>
          `${titles[i] ?? ''}: ${formatNumber(count)} calls refused (${code}); the first: ${first}`,
      ),
    ),
  ];
}
