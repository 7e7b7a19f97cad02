/**
 * One domain's tables, read within the limits of a whole decoding: many domains may share few tables.
 * @module
 */
import type { PhysicalReader } from '../bus.ts';
import type { DomainTables } from '../hardware/iommu.ts';
import { eachLeaf, type LeafRun, type RunSink } from '../hardware/walk/leaf-run.ts';
import { DEFAULT_REVISITS, enumerateRuns, type TablePage, type TreeFinding } from '../hardware/walk/leaves.ts';
import { IntermediateReader } from '../hardware/walk/nested.ts';
import { ATTR } from '../hardware/walk/regime.ts';
import { Walker } from '../hardware/walk/walker.ts';
import { LeafColumns, MOST_ROWS } from './leaf-columns.ts';
import { MappedRanges } from './ranges.ts';
import { StageTwoCut } from './stage-two-cut.ts';

/** A finding in a domain's tables, with absolute input addresses. */
export interface DomainFinding extends Omit<TreeFinding, 'offset'> {
  readonly iova: bigint;
}

/** What is left of the limits of one decoding; reading a domain uses them up. */
export interface DecodeLimits {
  /** Tables read. */
  tables: number;
  /** Visits of tables that were visited before. */
  revisits: number;
  /** Ranges kept; more are counted. */
  rows: number;
  /** Leaves kept, where they are asked for; more are counted. */
  leaves: number;
  /** Findings kept; more are counted. */
  findings: number;
  /** Pieces that leaves of a first stage are cut into by a second one. */
  pieces: number;
}

/** Tables read in one decoding, at most: 1 GiB of 4 KiB tables. */
const MOST_TABLES = 1 << 18;
/** Findings kept in one decoding. */
export const MOST_FINDINGS: number = 1 << 16;
/** Pieces that the leaves of all nested domains are cut into, at most. */
const MOST_PIECES = 1 << 22;

/** The limits of one decoding. */
export function decodeLimits(): DecodeLimits {
  return {
    tables: MOST_TABLES,
    revisits: DEFAULT_REVISITS,
    rows: MOST_ROWS,
    leaves: MOST_ROWS,
    findings: MOST_FINDINGS,
    pieces: MOST_PIECES,
  };
}

/** What was read of a domain. */
export class DomainReader {
  readonly ranges: MappedRanges;
  readonly leaves: LeafColumns | undefined;
  /** Leaves by size. */
  readonly sizes: Map<number, number> = new Map();
  readonly tablePages: TablePage[] = [];
  readonly findings: DomainFinding[] = [];
  /** Findings that were counted and not kept. */
  dropped = 0;
  /** Leaves, and bytes that they map. */
  count = 0;
  mapped = 0;
  readonly #limits: DecodeLimits;
  #size = 0;
  #ofSize = 0;

  constructor(raw: boolean, limits: DecodeLimits) {
    this.#limits = limits;
    this.ranges = new MappedRanges(limits.rows);
    this.leaves = raw ? new LeafColumns(limits.leaves) : undefined;
  }

  /** Keeps a finding, or counts it where too many are kept. */
  find(finding: DomainFinding): void {
    if (this.#limits.findings-- > 0) this.findings.push(finding);
    else this.dropped++;
  }

  /** Keeps a finding that is about no entry, joined to the one before where it goes on there. */
  findOn(finding: DomainFinding): void {
    const last = this.findings.at(-1);
    if (last?.reason === finding.reason && last.iova + BigInt(last.bytes) === finding.iova) {
      this.findings[this.findings.length - 1] = { ...last, bytes: last.bytes + finding.bytes };
    } else this.find(finding);
  }

  /** Keeps the leaves of a run. */
  run(run: LeafRun, level: number, region: number): void {
    const { count, bytes, attributes, offset, pa } = run;
    this.ranges.addRun(run, attributes & ~ATTR.contiguous);
    if (this.leaves !== undefined) {
      for (let k = 0; k < count; k++) {
        this.leaves.push(offset + k * bytes, pa[k] ?? 0, bytes, level, run.lo(k), run.hi(k), region);
      }
    }
    this.#counted(count, bytes);
  }

  /** Keeps a leaf, or a piece of one. */
  leaf(
    offset: number,
    pa: number,
    bytes: number,
    level: number,
    lo: number,
    hi: number,
    attributes: number,
    region: number,
  ): void {
    this.ranges.add(offset, pa, bytes, attributes & ~ATTR.contiguous);
    this.leaves?.push(offset, pa, bytes, level, lo, hi, region);
    this.#counted(1, bytes);
  }

  /** Closes the counts, and takes what was kept from the limits. */
  finish(): void {
    this.#flushSize(0);
    this.#limits.rows -= this.ranges.length;
    this.#limits.leaves -= this.leaves?.length ?? 0;
  }

  #counted(count: number, bytes: number): void {
    if (bytes !== this.#size) this.#flushSize(bytes);
    this.#ofSize += count;
    this.mapped += count * bytes;
  }

  #flushSize(next: number): void {
    if (this.#ofSize > 0) this.sizes.set(this.#size, (this.sizes.get(this.#size) ?? 0) + this.#ofSize);
    this.count += this.#ofSize;
    this.#ofSize = 0;
    this.#size = next;
  }
}

/** Reads one domain's tables and uses up `limits`. */
export function readDomain(
  reader: PhysicalReader,
  tables: DomainTables,
  raw: boolean,
  limits: DecodeLimits,
): DomainReader {
  const out = new DomainReader(raw, limits);
  const { stage2 } = tables;
  const cut = stage2 === undefined ? undefined : new StageTwoCut(reader, stage2, out, limits);
  const memory = stage2 === undefined ? reader : new IntermediateReader(reader, new Walker(reader, stage2));
  for (const [index, region] of tables.regime.regions.entries()) {
    out.ranges.begin(region.base);
    const levels = region.descriptors.levels;
    const sink: RunSink = (run) => {
      const level = levels[run.depth]?.level ?? 0;
      if (cut === undefined) out.run(run, level, index);
      else {
        eachLeaf(run, (offset, pa, bytes, _depth, lo, hi, attributes) => {
          cut.cut(region.base, offset, pa, bytes, (at, to, size) => {
            out.leaf(at, to, size, level, lo, hi, attributes, index);
          });
        });
      }
    };
    const tree = enumerateRuns(memory, region, sink, { ...limits, findings: Math.max(0, limits.findings) });
    limits.tables = Math.max(0, limits.tables - tree.tables.length);
    limits.revisits = Math.max(0, limits.revisits - tree.revisits);
    for (const page of tree.tables) out.tablePages.push(page);
    for (const { offset, ...finding } of tree.findings) {
      out.find({ ...finding, iova: region.base + BigInt(offset) });
    }
    out.dropped += tree.dropped;
  }
  out.finish();
  return out;
}
