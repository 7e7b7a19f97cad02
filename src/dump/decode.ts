/**
 * From registers, or from a root and its geometry, to every domain's mappings.
 * @module
 */
import type { PhysicalReader } from '../bus.ts';
import { InputError, shown } from '../errors.ts';
import type { DeviceContext, DomainTables, IommuModel, TableGeometry } from '../hardware/iommu.ts';
import { createModel, MODEL_NAMES, missingRegisters } from '../hardware/models.ts';
import type { TablePage } from '../hardware/walk/leaves.ts';
import { permsText, TYPE_SHIFT } from '../hardware/walk/regime.ts';
import { type DecodeLimits, type DomainFinding, decodeLimits, MOST_FINDINGS, readDomain } from './domain-reader.ts';
import { type LeafColumns, MOST_ROWS } from './leaf-columns.ts';
import type { MappedRange, MappedRanges } from './ranges.ts';

export type { DomainFinding } from './domain-reader.ts';

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

/** A part of the answer that the dump does not hold, or that lies beyond the limits of a decoding. */
export interface UnknownPart {
  /** Id of the domain, where it is one domain's. */
  readonly domain: string | undefined;
  /** First input address; for device structures their physical address. */
  readonly iova: bigint;
  readonly bytes: number;
  readonly why: string;
  /** True where the dump may hold it, and a limit of the decoding left it out. */
  readonly overLimit: boolean;
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

/** The words of a range's permissions. */
export function rangePerms(range: MappedRange): string {
  return permsText(range.attributes);
}

/** The memory type of a range. */
export function rangeMemoryType(domain: DomainMappings, range: MappedRange): string {
  const descriptors = domain.tables.regime.regions[0]?.descriptors;
  return descriptors?.memoryType(range.attributes >>> TYPE_SHIFT) ?? '';
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
  const out = readDomain(reader, tables, options.raw === true, limits);
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
    if (why === undefined) continue;
    const overLimit = LIMIT_REASONS.has(finding.reason);
    unknown.push({ domain: domain.id, iova: finding.iova, bytes: finding.bytes, why, overLimit });
  }
  const { cutAt, length, total } = domain.ranges;
  if (cutAt !== undefined) {
    const why = `${total - length} of ${total} ranges from here on are counted and not kept (limit ${MOST_ROWS})`;
    unknown.push({ domain: domain.id, iova: cutAt, bytes: endOf(domain) - Number(cutAt), why, overLimit: true });
  }
  if (domain.dropped > 0) {
    const [region] = domain.tables.regime.regions;
    const why = `${domain.dropped} findings in its tables are counted and not kept (limit ${MOST_FINDINGS})`;
    unknown.push({ domain: domain.id, iova: region?.base ?? 0n, bytes: region?.size ?? 0, why, overLimit: true });
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
    overLimit: false,
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
