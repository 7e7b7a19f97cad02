/**
 * `bench --rings`: receive rings over an IOMMU's caches, beside the figures of "Fast & Safe IO Memory Protection".
 * @module
 */
import { comparePoint, PAPER_POINTS, type RingComparison } from '../../replay/ring-paper.ts';
import { PAPER_PRICES } from '../../replay/ring-workload.ts';
import type { CacheSizes } from '../../replay/walk-caches.ts';
import { type Answer, tableSection } from '../../report/answer.ts';
import type { Column, Table } from '../../report/table.ts';

function fixed(value: number, digits = 3): string {
  return value.toFixed(digits);
}

function percent(got: number, paper: number): string {
  const share = (100 * (got - paper)) / paper;
  return `${share >= 0 ? '+' : '−'}${Math.abs(share).toFixed(1)} %`;
}

/** Columns of numbers behind a first one of text; those with a rank are dropped where the table is too wide. */
function columns(titles: readonly string[], drops: Readonly<Record<string, number>> = {}): Column[] {
  return titles.map((title, i) => {
    const drop = drops[title];
    return { title, align: i === 0 ? 'left' : 'right', ...(drop === undefined ? {} : { drop }) };
  });
}

/** Misses a page: the paper's beside those counted. */
export function missesTable(rows: readonly RingComparison[]): Table {
  return {
    columns: columns(['load', 'IOTLB', 'paper', 'L1', 'paper', 'L3', 'paper', 'reads', 'paper'], { L1: 1 }),
    rows: rows.map(({ paper, linux, paperReads }) => [
      paper.name,
      fixed(linux.iotlb),
      fixed(paper.iotlb, 2),
      fixed(linux.level1),
      fixed(paper.level1),
      fixed(linux.level3),
      fixed(paper.level3, 2),
      fixed(linux.reads),
      fixed(paperReads, 2),
    ]),
  };
}

/** Throughput: the paper's measurements, its model over its own counts, its model over the counts here. */
export function throughputTable(rows: readonly RingComparison[]): Table {
  return {
    columns: columns(['load', 'no IOMMU', 'strict', 'its model', 'counted', 'off by', 'Fast & Safe', 'counted'], {
      'no IOMMU': 2,
      'its model': 1,
    }),
    rows: rows.map(({ paper, paperModel, linuxThroughput, fastAndSafeThroughput }) => [
      paper.name,
      fixed(paper.off, 1),
      fixed(paper.strict, 1),
      fixed(paperModel, 1),
      fixed(linuxThroughput, 1),
      percent(linuxThroughput, paper.strict),
      fixed(paper.fastAndSafe, 1),
      fixed(fastAndSafeThroughput, 1),
    ]),
  };
}

/** What each change does alone: reads, level 3 misses, invalidations and address ranges a page. */
export function changesTable({ linux, keepsTables, together, fastAndSafe }: RingComparison): Table {
  const rows = [
    ['as Linux 6.0', linux],
    ['tables kept (A)', keepsTables],
    ['addresses together, one invalidation a descriptor (B)', together],
    ['both', fastAndSafe],
  ] as const;
  return {
    columns: columns(['change', 'reads', 'L1', 'L3', 'invalidations', 'ranges']),
    rows: rows.map(([name, counts]) => [
      name,
      fixed(counts.reads),
      fixed(counts.level1),
      fixed(counts.level3),
      fixed(counts.invalidations),
      fixed(counts.allocations),
    ]),
  };
}

/** What cannot come out of counting. */
const LIMITS: readonly string[] = [
  'sizes of IOTLB and table caches are not published: those here are assumed, and level 3 misses follow them',
  'the IOTLB count is a floor of one miss a page and acknowledgement: descriptor rings and completions are not in it',
  'drops, latency, acknowledgements that depend on both, and CPU limits need a transport and a machine',
  `throughput is p / (l0 + M · lm) with the authors' prices: ${PAPER_PRICES.packetNs} ns, ${PAPER_PRICES.readNs} ns, packets of ${PAPER_PRICES.packetBytes} bytes; it holds for their machine`,
];

/** Counts all points of the paper and sets them beside its figures. */
export function ringsAnswer(sizes: CacheSizes, pages: number, seed: number): Answer {
  const rows = PAPER_POINTS.map((paper) => comparePoint(paper, sizes, pages, seed));
  const near = rows.filter(({ paper, linuxThroughput }) => Math.abs(linuxThroughput / paper.strict - 1) <= 0.1);
  const first = rows[0] as RingComparison;
  return {
    schema: 'iommu.bench-rings',
    version: 1,
    outcome: 'fine',
    verdict:
      `Counting gives the throughput of ${near.length} of ${rows.length} loads of the paper within 10 %: ` +
      `${near.map(({ paper }) => paper.name).join('; ')}. ` +
      `Addresses that lie together and kept tables bring the reads of table memory from ${fixed(first.linux.reads, 2)} to ${fixed(first.fastAndSafe.reads, 2)} a page.`,
    data: { sizes, pages, seed, rows },
    sections: [
      tableSection('throughput', 'Gbit/s', throughputTable(rows)),
      tableSection('misses', 'Misses a page, strict', missesTable(rows)),
      tableSection('changes', `What each change does: ${first.paper.name}`, changesTable(first)),
    ],
    notes: LIMITS,
    records: rows,
  };
}
