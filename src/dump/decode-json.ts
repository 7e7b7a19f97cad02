/**
 * A decoding as data of the answer `iommu.decode`.
 * @module
 */
import { hex } from '../address.ts';
import { type Decoding, type DomainMappings, rangeMemoryType, rangePerms } from './decode.ts';
import { LISTED } from './listed.ts';

/** Merged ranges of a domain, at most `most` of them. */
export function rangeRows(domain: DomainMappings, most: number = LISTED): object[] {
  return domain.ranges.map(
    (range) => ({
      iova: hex(range.iova),
      pa: hex(range.pa),
      bytes: hex(range.bytes),
      perms: rangePerms(range),
      memoryType: rangeMemoryType(domain, range),
      leafBytes: hex(range.leafBytes),
    }),
    most,
  );
}

/** A leaf as text. */
export interface LeafRow {
  readonly iova: string;
  readonly pa: string;
  readonly size: string;
  readonly level: number;
  readonly entry: string;
}

/** The leaves of a domain in ascending order, at most `most` of them; none if they were not kept. */
export function leafRows(domain: DomainMappings, most: number = LISTED): LeafRow[] {
  const { leaves } = domain;
  if (leaves === undefined) return [];
  const bases = domain.tables.regime.regions.map((region) => region.base);
  const rows: LeafRow[] = [];
  for (let i = 0; i < Math.min(most, leaves.length); i++) {
    const base = bases[leaves.region[i] ?? 0] ?? 0n;
    rows.push({
      iova: hex(base + BigInt(leaves.offset[i] ?? 0)),
      pa: hex(leaves.pa[i] ?? 0),
      size: hex(leaves.bytes[i] ?? 0),
      level: leaves.level[i] ?? 0,
      entry: hex((BigInt(leaves.hi[i] ?? 0) << 32n) | BigInt(leaves.lo[i] ?? 0)),
    });
  }
  return rows;
}

/** Bytes of table memory whose entries are zero. */
export function wastedBytes(domain: DomainMappings): number {
  const entryBytes = domain.tables.regime.regions[0]?.descriptors.entryBytes ?? 8;
  return domain.tablePages.reduce((sum, page) => sum + page.bytes - page.used * entryBytes, 0);
}

/** Bytes of table memory. */
export function tableBytes(domain: DomainMappings): number {
  return domain.tablePages.reduce((sum, page) => sum + page.bytes, 0);
}

function domainJson(domain: DomainMappings, most: number): object {
  const { format, granule, ias, oas, from } = domain.geometry;
  return {
    id: domain.id,
    streams: domain.streams,
    root: hex(domain.root),
    geometry: { format, granule, ias, oas, from },
    summary: domain.summary,
    mappedBytes: hex(domain.mappedBytes),
    leafCount: domain.leafCount,
    leafSizes: Object.fromEntries([...domain.leafSizes].map(([size, count]) => [hex(size), count])),
    tables: { pages: domain.tablePages.length, bytes: tableBytes(domain), emptyBytes: wastedBytes(domain) },
    rangeCount: domain.ranges.total,
    ranges: rangeRows(domain, most),
    ...(domain.leaves === undefined ? {} : { leaves: leafRows(domain, most) }),
    findings: domain.findings.map((finding) => ({
      reason: finding.reason,
      iova: hex(finding.iova),
      bytes: hex(finding.bytes),
      level: finding.level,
      entryAddress: hex(finding.entryAddress),
      ...(finding.entry === undefined ? {} : { entry: hex(finding.entry) }),
    })),
    findingsDropped: domain.dropped,
  };
}

/** What each domain may list of `limit` rows for all of them, in their order. */
export function rowShares(decoding: Decoding, limit: number): number[] {
  let left = limit;
  return decoding.domains.map(({ ranges, leaves }) => {
    const share = Math.min(left, Math.max(ranges.length, leaves?.length ?? 0));
    left -= share;
    return share;
  });
}

/**
 * The data of the answer `iommu.decode`. It lists `limit` ranges (and leaves) at most; `rangeCount` and `leafCount` of a
 * domain count all.
 */
export function decodeData(decoding: Decoding, limit: number = LISTED): object {
  const shares = rowShares(decoding, limit);
  return {
    iommu: decoding.iommu,
    domains: decoding.domains.map((domain, i) => domainJson(domain, shares[i] ?? 0)),
    contextCount: decoding.contexts.length,
    contexts: decoding.contexts.slice(0, limit).map(({ stream, substream, action, reason, why, tables }) => ({
      stream,
      ...(substream === undefined ? {} : { substream }),
      action,
      ...(reason === undefined ? {} : { reason, why }),
      ...(tables === undefined ? {} : { domain: tables.id }),
    })),
    aborting: decoding.aborting,
    unknownCount: decoding.unknown.length,
    unknown: decoding.unknown.slice(0, limit).map(({ domain, iova, bytes, why }) => ({
      ...(domain === undefined ? {} : { domain }),
      iova: hex(iova),
      bytes: hex(bytes),
      why,
    })),
  };
}
