/**
 * Vectors of Linux's generic page table on a {@link Domain} whose driver has no device behind it.
 * @module
 */

import { hex } from '../address.ts';
import { Domain } from '../core/domain.ts';
import { bareDriver } from '../drivers/bare.ts';
import { IommuError, shown } from '../errors.ts';
import type { Format, TableRequest } from '../formats/contract.ts';
import { ALL_SIZES } from '../formats/generic-pt.ts';
import { QUIRK, type QuirkName } from '../formats/quirks.ts';
import { formatById } from '../formats/registry.ts';
import { TableMemory } from '../memory/table-memory.ts';
import { type DirtyLeaves, forEachDirty } from '../pagetable/dirty.ts';
import { Gather } from '../pagetable/gather.ts';
import type { RangeTable } from '../pagetable/range.ts';
import { nearNumber } from '../pagetable/range-checks.ts';
import { cleansOf, entriesOf, tablesOf } from './domain-state.ts';
import type {
  CleanTotals,
  DirtyAnswer,
  EntrySink,
  Gathered,
  MapAnswer,
  RecordedEvent,
  Subject,
  UnmapAnswer,
} from './subject.ts';
import type { GenericConfig, GenericVector } from './vector.ts';

/** Features by bit (include/linux/generic_pt/common.h); bit 0 stands for a walk that is not coherent. */
const COMMON: readonly (QuirkName | undefined)[] = [
  undefined,
  'FULL_VA',
  'DYNAMIC_TOP',
  'SIGN_EXTEND',
  'FLUSH_RANGE',
  'FLUSH_RANGE_NO_GAPS',
  'DETAILED_GATHER',
];
const INCOHERENT = 1n;
/** A flag that no format has, for bits that no kernel has. */
const UNKNOWN = 2 ** 30;

/** A format name of the vectors: features from bit 7 on, and the format here for an input width. */
interface Family {
  readonly features: readonly QuirkName[];
  format(ias: number): string;
}

const FAMILIES: ReadonlyMap<string, Family> = new Map<string, Family>([
  ['amdv1', { features: ['ENCRYPT_TABLES', 'FORCE_COHERENCE'], format: () => 'amd-v1' }],
  ['amdv1_mock', { features: [], format: () => 'amd-v1-mock' }],
  ['x86_64', { features: ['ENCRYPT_TABLES'], format: () => 'x86-64' }],
  ['vtdss', { features: ['FORCE_COHERENCE', 'FORCE_WRITEABLE'], format: () => 'vtd-ss' }],
  [
    'riscv_64',
    { features: ['SVNAPOT_64K', 'SVPBMT'], format: (ias) => `riscv-sv${[39, 48, 57].includes(ias) ? ias : 57}` },
  ],
]);

function familyOf(name: string): Family | undefined {
  return FAMILIES.get(name);
}

/** Whether a vector's format is known here. */
export function isKnown(name: string): boolean {
  return FAMILIES.has(name);
}

function quirksOf(features: bigint, names: readonly (QuirkName | undefined)[]): number {
  let quirks = 0;
  for (let bit = 1; bit < 64; bit++) {
    if (((features >> BigInt(bit)) & 1n) === 0n) continue;
    const name = names[bit];
    quirks |= name === undefined ? UNKNOWN : QUIRK[name];
  }
  return quirks;
}

function featuresOf(quirks: number, coherent: boolean, names: readonly (QuirkName | undefined)[]): bigint {
  return names.reduce(
    (sum, name, bit) => (name !== undefined && (quirks & QUIRK[name]) !== 0 ? sum | (1n << BigInt(bit)) : sum),
    coherent ? 0n : INCOHERENT,
  );
}

function requestOf(cfg: GenericConfig, format: string, names: readonly (QuirkName | undefined)[]): TableRequest {
  const features = BigInt(cfg.features);
  const encryption = BigInt(cfg.sme_mask);
  return {
    ias: cfg.max_vasz,
    oas: cfg.max_oasz,
    pageSizes: Number(BigInt(cfg.pgsize_mask) & BigInt(ALL_SIZES)),
    quirks: quirksOf(features, names),
    coherent: (features & INCOHERENT) === 0n,
    cpuPageSize: 4096,
    ...(format.startsWith('riscv') ? {} : { topLevel: cfg.top_level }),
    ...(encryption === 0n ? {} : { encryptionBit: encryption.toString(2).length - 1 }),
    debugKernel: cfg.debug === true,
  };
}

function gathered({ start, end, tables, leafLevels, tableLevels }: Gather, base: number, levels: boolean): Gathered {
  const bitmaps = levels ? { leaf: leafLevels, table: tableLevels } : {};
  const pages = tables.map(({ table }) => BigInt(table + base));
  return { start, end, pages, ...bitmaps };
}

/** Caches are cleaned for a device: without one, the kernel refuses walks that are not coherent. */
function noDevice(): IommuError {
  return new IommuError('BAD_GEOMETRY', 'coherent', 'expected a device where walks are not coherent, got none');
}

/** A domain under the kernel's semantics, its tables placed as when the vectors were recorded. */
export class GenericSubject implements Subject {
  readonly entryBits = 64;
  readonly #domain: Domain;
  readonly #range: RangeTable;
  readonly #memory: TableMemory;
  readonly #names: readonly (QuirkName | undefined)[];
  readonly #offered: bigint;
  readonly #levels: boolean;
  #events: RecordedEvent[] = [];
  #shared: Gather | undefined;

  /** @throws IommuError where the format refuses the configuration, or there is no memory for the root. */
  constructor(vector: GenericVector) {
    const { cfg } = vector;
    const family = familyOf(vector.fmt);
    if (family === undefined)
      throw new IommuError('UNKNOWN_FORMAT', 'fmt', `expected a format of the engine, got ${shown(vector.fmt)}`);
    this.#names = [...COMMON, ...family.features];
    const format: Format = formatById(family.format(cfg.max_vasz));
    const request = requestOf(cfg, format.id, this.#names);
    if (vector.tags?.includes('no_device') === true && !request.coherent) throw noDevice();
    this.#offered = BigInt(format.configure({ ...request, pageSizes: ALL_SIZES }).pageSizes);
    this.#memory = new TableMemory({ base: Number(cfg.table_base), mode: 'bump' });
    this.#domain = this.#makeDomain(format, request);
    this.#range = this.#domain.table.range;
    this.#levels = (this.#domain.geometry.quirks & QUIRK.DETAILED_GATHER) !== 0;
  }

  granted(): Readonly<Record<string, bigint | number | readonly bigint[]>> {
    const { quirks, coherent, ias, oas, levels, top, signExtends } = this.#domain.geometry;
    const last = (1n << BigInt(signExtends ? ias - 1 : ias)) - 1n;
    return {
      features: featuresOf(quirks, coherent, this.#names),
      max_vasz: ias,
      max_oasz: oas,
      top_level: levels[top]?.level ?? 0,
      pgsize_bitmap: this.#offered,
      aperture: [0n, last],
    };
  }

  registers(): Readonly<Record<string, bigint>> {
    return this.#domain.registers;
  }

  entries(sink: EntrySink): void {
    entriesOf(this.#domain, this.#memory.base, sink);
  }

  takeEvents(): RecordedEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  tables(): { readonly allocated: number; readonly freed: number } {
    return tablesOf(this.#domain);
  }

  cleans(): CleanTotals {
    return cleansOf(this.#domain);
  }

  translate(iova: bigint): bigint {
    return this.#range.translate(iova) ?? 0n;
  }

  failAfter(tables: number): void {
    this.#memory.failAfter(tables);
  }

  map(iova: bigint, pa: bigint, size: bigint, prot: number): number {
    return this.#domain.map(iova, pa, size, prot).errno;
  }

  unmap(iova: bigint, size: bigint): bigint {
    return BigInt(this.#domain.unmap(iova, size).bytes);
  }

  mapSg(iova: bigint, list: readonly (readonly [bigint, bigint])[], prot: number): MapAnswer {
    const elements = list.map(([address, length]) => ({
      address: BigInt(nearNumber(address)),
      length: Number(length),
    }));
    const { errno, bytes } = this.#domain.mapSg(iova, elements, prot);
    return { errno, bytes: BigInt(bytes) };
  }

  mapRange(iova: bigint, pa: bigint, bytes: bigint, prot: number): MapAnswer {
    const done = { bytes: 0 };
    const errno = this.#range.map(iova, pa, bytes, prot, done);
    return { errno, bytes: BigInt(done.bytes) };
  }

  unmapRange(iova: bigint, bytes: bigint, queued: boolean): UnmapAnswer {
    const gather = this.#shared ?? new Gather(queued);
    const unmapped = this.#range.unmap(iova, bytes, gather);
    const answer = { bytes: unmapped, gather: this.#gathered(gather), sync: gather.wantsSync };
    if (this.#shared === undefined) this.#range.drop(gather);
    return answer;
  }

  beginGather(queued: boolean): void {
    this.#shared = new Gather(queued);
  }

  endGather(): Omit<UnmapAnswer, 'bytes'> {
    const gather = this.#shared ?? new Gather(false);
    const answer = { gather: this.#gathered(gather), sync: gather.wantsSync };
    this.#range.finish(gather);
    this.#shared = undefined;
    return answer;
  }

  setDirty(iova: bigint): number {
    return this.#range.setDirty(iova);
  }

  readDirty(iova: bigint, size: bigint, flags: number, bitmap: boolean, _gather: boolean): DirtyAnswer {
    const gather = new Gather(false);
    const dirty: (readonly [bigint, bigint])[] = [];
    const visit = (leaves: DirtyLeaves): void => {
      if (!bitmap) return;
      forEachDirty(leaves, (index) =>
        dirty.push([this.#range.addressOf(iova, leaves.iova + index * leaves.size), BigInt(leaves.size)]),
      );
    };
    const errno = this.#range.readDirty(iova, size, (flags & 1) !== 0, visit, gather);
    return { errno, dirty, gather: { start: gather.start, end: gather.end } };
  }

  #makeDomain(format: Format, request: TableRequest): Domain {
    return new Domain({
      format,
      request,
      memory: this.#memory,
      semantics: 'linux-7.3',
      driver: bareDriver({
        flushWalk() {},
        addPages() {},
        flushAll() {},
        sync() {},
        changeTop: (root, level) => this.#events.push(['T', hex(root), level]),
        clean: (physical, bytes) => this.#events.push(['C', hex(physical), bytes]),
        syncGather: (gather) => this.#events.push(this.#synced(gather)),
      }),
    });
  }

  #gathered(gather: Gather): Gathered {
    return gathered(gather, this.#memory.base, this.#levels);
  }

  #synced(gather: Gather): RecordedEvent {
    const { start, end, tables, leafLevels, tableLevels } = gather;
    const pages = tables.map(({ table }) => hex(table + this.#memory.base));
    const levels = this.#levels ? [leafLevels, tableLevels] : [];
    return ['S', hex(start), hex(end), pages, ...levels];
  }
}
