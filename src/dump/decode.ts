/**
 * From registers, or from a root and its geometry, to every domain's mappings.
 * @module
 */
import type { PhysicalReader } from '../bus.ts';
import { InputError, shown } from '../errors.ts';
import type { DeviceContext, DomainTables, IommuModel, TableGeometry } from '../hardware/iommu.ts';
import { createModel, MODEL_NAMES, missingRegisters } from '../hardware/models.ts';
import { eachLeaf, type LeafRun, type RunSink } from '../hardware/walk/leaf-run.ts';
import { DEFAULT_REVISITS, enumerateRuns, type TablePage, type TreeFinding } from '../hardware/walk/leaves.ts';
import { IntermediateReader } from '../hardware/walk/nested.ts';
import { ATTR, permsText, type Regime, TYPE_SHIFT } from '../hardware/walk/regime.ts';
import { Walker } from '../hardware/walk/walker.ts';
import { LeafColumns, MOST_ROWS } from './leaf-columns.ts';
import { type MappedRange, MappedRanges } from './ranges.ts';

/** What `decode` needs of a dump. */
export interface DecodeInput {
  readonly reader: PhysicalReader;
  readonly registers?:
    | {
        /** Kind of IOMMU. */
        readonly iommu: string;
        /** Registers by their specification's names. */
        readonly named: ReadonlyMap<string, bigint>;
      }
    | undefined;
  /** The device tables hold entries of some devices only: what is missing in them is not listed as unknown. */
  readonly someDevices?: boolean | undefined;
}

/** Where a geometry came from. */
export type GeometrySource = 'given' | 'from dump' | 'guessed';

/** Wishes for a decoding. */
export interface DecodeOptions {
  /** Keep every leaf ({@link DomainMappings.leaves}); otherwise only merged ranges. */
  readonly raw?: boolean;
}

/** A finding in a domain's tables, with absolute input addresses. */
export interface DomainFinding extends Omit<TreeFinding, 'offset'> {
  readonly iova: bigint;
}

/** A domain: who uses it, its geometry and its mappings. */
export interface DomainMappings {
  readonly id: string;
  readonly streams: readonly number[];
  readonly root: number;
  readonly geometry: TableGeometry & { readonly from: GeometrySource };
  /** The geometry in one line. */
  readonly summary: string;
  readonly tables: DomainTables;
  readonly ranges: MappedRanges;
  readonly leaves: LeafColumns | undefined;
  readonly leafCount: number;
  readonly mappedBytes: number;
  /** Leaves by size. */
  readonly leafSizes: ReadonlyMap<number, number>;
  readonly tablePages: readonly TablePage[];
  readonly findings: readonly DomainFinding[];
  /** Findings beyond the limit kept. */
  readonly dropped: number;
}

/** A part of the answer that the dump does not hold. */
export interface UnknownPart {
  /** Id of the domain, where it is one domain's. */
  readonly domain: string | undefined;
  /** First input address; for device structures their physical address. */
  readonly iova: bigint;
  readonly bytes: number;
  readonly why: string;
}

/** The whole answer. */
export interface Decoding {
  readonly iommu: string;
  readonly model: IommuModel | undefined;
  readonly contexts: readonly DeviceContext[];
  /** Streams whose accesses are all aborted. */
  readonly aborting: number;
  readonly domains: readonly DomainMappings[];
  readonly unknown: readonly UnknownPart[];
}

/** Tables read in one decoding, at most: 1 GiB of 4 KiB tables. */
const MOST_TABLES = 1 << 18;
/** Findings kept of one domain. */
const MOST_FINDINGS = 1 << 14;
/** Pieces that one nested domain's leaves are cut into, at most. */
const MOST_PIECES = 1 << 22;

/** The words of a range's permissions. */
export function rangePerms(range: MappedRange): string {
  return permsText(range.attributes);
}

/** The memory type of a range. */
export function rangeMemoryType(domain: DomainMappings, range: MappedRange): string {
  const descriptors = domain.tables.regime.regions[0]?.descriptors;
  return descriptors?.memoryType(range.attributes >>> TYPE_SHIFT) ?? '';
}

class DomainReader {
  readonly ranges: MappedRanges;
  readonly leaves: LeafColumns | undefined;
  readonly sizes = new Map<number, number>();
  readonly tablePages: TablePage[] = [];
  readonly findings: DomainFinding[] = [];
  dropped = 0;
  count = 0;
  mapped = 0;
  #size = 0;
  #ofSize = 0;

  constructor(raw: boolean, rowLimit: number) {
    this.ranges = new MappedRanges(rowLimit);
    this.leaves = raw ? new LeafColumns(rowLimit) : undefined;
  }

  /** Keeps a finding, or counts it where too many are kept. */
  find(finding: DomainFinding): void {
    if (this.findings.length < MOST_FINDINGS) this.findings.push(finding);
    else this.dropped++;
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

  #counted(count: number, bytes: number): void {
    if (bytes !== this.#size) this.#flushSize(bytes);
    this.#ofSize += count;
    this.mapped += count * bytes;
  }

  /** Closes the counts. */
  finish(): void {
    this.#flushSize(0);
  }

  #flushSize(next: number): void {
    if (this.#ofSize > 0) this.sizes.set(this.#size, (this.sizes.get(this.#size) ?? 0) + this.#ofSize);
    this.count += this.#ofSize;
    this.#ofSize = 0;
    this.#size = next;
  }
}

/** Cuts stage 1 leaves by stage 2 leaves. */
class StageTwoCut {
  readonly #stage2: Walker;
  readonly #out: DomainReader;
  #left = MOST_PIECES;

  constructor(reader: PhysicalReader, stage2: Regime, out: DomainReader) {
    this.#stage2 = new Walker(reader, stage2);
    this.#out = out;
  }

  cut(
    base: bigint,
    offset: number,
    ipa: number,
    bytes: number,
    give: (offset: number, pa: number, bytes: number) => void,
  ) {
    for (let done = 0; done < bytes; ) {
      const answer = this.#stage2.translate(ipa + done);
      if (this.#left-- <= 0) {
        this.#missing('table-limit', base, offset + done, bytes - done);
        return;
      }
      if (answer.ok) {
        const rest = Math.min(answer.size - (answer.pa - answer.base), bytes - done);
        give(offset + done, answer.pa, rest);
        done += rest;
      } else {
        this.#missing(answer.reason, base, offset + done, 4096);
        done += 4096;
      }
    }
  }

  #missing(reason: DomainFinding['reason'], base: bigint, offset: number, bytes: number): void {
    const iova = base + BigInt(offset);
    const last = this.#out.findings.at(-1);
    if (last?.reason === reason && last.iova + BigInt(last.bytes) === iova) {
      this.#out.findings[this.#out.findings.length - 1] = { ...last, bytes: last.bytes + bytes };
    } else this.#out.find({ reason, iova, bytes, level: 0, entryAddress: 0, entry: undefined });
  }
}

function readRegions(reader: PhysicalReader, tables: DomainTables, out: DomainReader, limits: DecodeLimits): void {
  const cut = tables.stage2 === undefined ? undefined : new StageTwoCut(reader, tables.stage2, out);
  const memory =
    tables.stage2 === undefined ? reader : new IntermediateReader(reader, new Walker(reader, tables.stage2));
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
    const { tables: most, revisits } = limits;
    const tree = enumerateRuns(memory, region, sink, { tables: most, revisits });
    limits.tables = Math.max(0, most - tree.tables.length);
    limits.revisits = Math.max(0, revisits - tree.revisits);
    for (const page of tree.tables) out.tablePages.push(page);
    for (const { offset, ...finding } of tree.findings) {
      out.find({ ...finding, iova: region.base + BigInt(offset) });
    }
    out.dropped += tree.dropped;
  }
  out.finish();
}

/** What is left of the limits of one decoding; reading a domain uses them up. */
export interface DecodeLimits {
  /** Tables read. */
  tables: number;
  /** Visits of tables that were visited before. */
  revisits: number;
  /** Ranges kept; more are counted. */
  rows: number;
}

/** The limits of one decoding. */
export function decodeLimits(): DecodeLimits {
  return { tables: MOST_TABLES, revisits: DEFAULT_REVISITS, rows: MOST_ROWS };
}

/** Reads one domain's tables within `limits`. */
export function decodeTables(
  reader: PhysicalReader,
  tables: DomainTables,
  streams: readonly number[],
  from: GeometrySource,
  options: DecodeOptions = {},
  limits: DecodeLimits = decodeLimits(),
): DomainMappings {
  const out = new DomainReader(options.raw === true, limits.rows);
  readRegions(reader, tables, out, limits);
  limits.rows = Math.max(0, limits.rows - out.ranges.length);
  return {
    id: tables.id,
    streams,
    root: tables.root,
    geometry: { ...tables.geometry, from },
    summary: tables.regime.summary,
    tables,
    ranges: out.ranges,
    leaves: out.leaves,
    leafCount: out.count,
    mappedBytes: out.mapped,
    leafSizes: out.sizes,
    tablePages: out.tablePages,
    findings: out.findings,
    dropped: out.dropped,
  };
}

const LIMIT_REASONS: ReadonlySet<DomainFinding['reason']> = new Set(['table-limit', 'shared-table-limit']);

function whyUnknown({ reason, level, entryAddress }: DomainFinding): string | undefined {
  const where = `table of level ${level} at 0x${entryAddress.toString(16)}`;
  if (reason === 'table-outside-memory') return `${where} is not in the dump`;
  return LIMIT_REASONS.has(reason) ? `${where} is not read: the limit of tables is reached` : undefined;
}

/** True for a finding that says what is not known, not what is wrong. */
export function isUnknown(finding: DomainFinding): boolean {
  return whyUnknown(finding) !== undefined;
}

/** What of a domain's input addresses is not known, in ascending order. */
function unknownOf(domain: DomainMappings): UnknownPart[] {
  const unknown: UnknownPart[] = [];
  for (const finding of domain.findings) {
    const why = whyUnknown(finding);
    if (why !== undefined) unknown.push({ domain: domain.id, iova: finding.iova, bytes: finding.bytes, why });
  }
  const { cutAt, length, total } = domain.ranges;
  if (cutAt !== undefined) {
    const why = `${total - length} of ${total} ranges from here on are counted and not kept (limit ${MOST_ROWS})`;
    unknown.push({ domain: domain.id, iova: cutAt, bytes: endOf(domain) - Number(cutAt), why });
  }
  if (domain.dropped > 0) {
    const [region] = domain.tables.regime.regions;
    const why = `${domain.dropped} findings in its tables are counted and not kept (limit ${MOST_FINDINGS})`;
    unknown.push({ domain: domain.id, iova: region?.base ?? 0n, bytes: region?.size ?? 0, why });
  }
  return unknown;
}

/** First address behind a domain's regions, rounded to a number. */
function endOf({ tables }: DomainMappings): number {
  return Math.max(...tables.regime.regions.map(({ base, size }) => Number(base) + size));
}

/** Tables and the streams that use them. */
export interface DomainGroup {
  readonly tables: DomainTables;
  readonly streams: readonly number[];
}

/** Contexts that share tables, by the tables' key, in order of first use. */
export function groupContexts(contexts: readonly DeviceContext[]): DomainGroup[] {
  const groups = new Map<string, { tables: DomainTables; streams: Set<number> }>();
  for (const { tables, stream } of contexts) {
    if (tables === undefined) continue;
    const group = groups.get(tables.key);
    if (group === undefined) groups.set(tables.key, { tables, streams: new Set([stream]) });
    else group.streams.add(stream);
  }
  return [...groups.values()].map(({ tables, streams }) => ({ tables, streams: [...streams] }));
}

/** The model that a dump's registers describe. @throws InputError `MISSING_VALUE`, `UNSUPPORTED_INPUT`. */
export function modelOf(input: DecodeInput): IommuModel {
  const { registers } = input;
  if (registers === undefined) {
    throw new InputError(
      'MISSING_VALUE',
      'dump',
      'expected the registers that lead to its tables, got none: the file that `iommu acquire` saves beside the dump (--regs; on the page, drop it too), or a root with its geometry (--root, --format, --granule, --ias)',
    );
  }
  const missing = missingRegisters(registers.iommu, registers.named);
  if (missing.length > 0) {
    const message = `expected ${missing.join(' and ')}, got none: without it the device tables cannot be found; \`iommu acquire\` reads it`;
    throw new InputError('MISSING_VALUE', 'registers', message, { missing: missing.join(' ') });
  }
  const model = createModel(registers.iommu, input.reader, registers.named);
  if (model !== undefined) return model;
  const known = MODEL_NAMES.join(', ');
  throw new InputError('UNSUPPORTED_INPUT', 'registers', `expected ${known}, got ${shown(registers.iommu)}`);
}

/**
 * Decodes every domain that the registers lead to.
 * @throws InputError `MISSING_VALUE` without registers, `UNSUPPORTED_INPUT` for an IOMMU that is not read here.
 */
export function decodeDump(input: DecodeInput, options: DecodeOptions = {}): Decoding {
  const model = modelOf(input);
  const list = model.contexts();
  const domains: DomainMappings[] = [];
  const limits = decodeLimits();
  for (const { tables, streams } of groupContexts(list.contexts)) {
    domains.push(decodeTables(input.reader, tables, streams, 'from dump', options, limits));
  }
  const parts = input.someDevices === true ? [] : list.missing;
  const missing = parts.map(({ address, bytes, why }) => ({
    domain: undefined,
    iova: BigInt(address),
    bytes,
    why: `${why} at 0x${address.toString(16)} is not in the dump`,
  }));
  return {
    iommu: model.name,
    model,
    contexts: list.contexts,
    aborting: list.aborting,
    domains,
    unknown: [...missing, ...domains.flatMap(unknownOf)],
  };
}

/** Decodes given tables, without any device table. */
export function decodeGiven(
  input: DecodeInput,
  tables: DomainTables,
  from: GeometrySource,
  options: DecodeOptions = {},
): Decoding {
  const domain = decodeTables(input.reader, tables, [], from, options);
  const rest = { model: undefined, contexts: [], aborting: 0 };
  return { iommu: input.registers?.iommu ?? 'given', ...rest, domains: [domain], unknown: unknownOf(domain) };
}
