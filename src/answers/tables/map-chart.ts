/**
 * A domain's address space as a picture: mapped bytes by part of the address space, gaps left out.
 * @module
 */
import { hex } from '../../address.ts';
import type { DomainMappings } from '../../dump/decode.ts';
import type { BarChart } from '../../report/chart.ts';

/** Parts that a picture shows at most. */
const MOST_PARTS = 24;

interface Part {
  readonly from: bigint;
  end: bigint;
  mapped: number;
}

/** Stretches joined to parts wherever the gap between two is smaller than `gap`. */
function partsOf(domain: DomainMappings, gap: bigint): Part[] {
  const parts: Part[] = [];
  for (const { iova, bytes } of domain.ranges.stretches()) {
    const last = parts.at(-1);
    const end = iova + BigInt(bytes);
    if (last !== undefined && iova >= last.end && iova - last.end < gap) {
      last.end = end;
      last.mapped += bytes;
    } else parts.push({ from: iova, end, mapped: bytes });
    if (parts.length > 4096) break;
  }
  return parts;
}

/** The finest cut that gives few enough parts. */
function cut(domain: DomainMappings): Part[] {
  for (let gap = 1n << 16n; gap < 1n << 64n; gap <<= 2n) {
    const parts = partsOf(domain, gap);
    if (parts.length <= MOST_PARTS) return parts;
  }
  return partsOf(domain, 1n << 64n).slice(0, MOST_PARTS);
}

/** Mapped bytes by part of the address space, lowest addresses first. */
export function mapChart(domain: DomainMappings, devices: string): BarChart {
  const parts = cut(domain);
  return {
    kind: 'bar',
    title: `Address space of ${domain.id} (${devices})`,
    category: 'input addresses',
    categories: parts.map(({ from, end }) => `${hex(from)} to ${hex(end - 1n)}`),
    value: { label: 'mapped', unit: 'bytes' },
    series: [{ name: 'mapped', evidence: 'count', values: parts.map(({ mapped }) => mapped) }],
    notes: ['a part is a stretch of addresses without a large gap; ends are inclusive'],
  };
}
