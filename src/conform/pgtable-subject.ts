/**
 * Vectors of io-pgtable on a {@link Domain} whose driver has no device behind it.
 * @module
 */

import { hex } from '../address.ts';
import { linuxInput, linuxNumber, linuxOffset } from '../core/checks.ts';
import { Domain } from '../core/domain.ts';
import { bareDriver } from '../drivers/bare.ts';
import type { Format, TableRequest } from '../formats/contract.ts';
import type { Semantics } from '../formats/rules.ts';
import { TableMemory } from '../memory/table-memory.ts';
import { type DirtyLeaves, setDirty } from '../pagetable/dirty.ts';
import { EINVAL } from '../pagetable/errno.ts';
import { Gather } from '../pagetable/gather.ts';
import type { Done } from '../pagetable/runs.ts';
import { cleansOf, entriesOf, tablesOf, walkerMapsOf } from './domain-state.ts';
import type { CleanTotals, DirtyAnswer, EntrySink, GatherUse, MapAnswer, RecordedEvent, Subject } from './subject.ts';
import type { PgtableConfig, Vector } from './vector.ts';

/** The request that a vector makes of its format. */
export function requestOf(cfg: PgtableConfig): TableRequest {
  return {
    ias: cfg.ias,
    oas: cfg.oas,
    pageSizes: linuxNumber('pgsize_bitmap', BigInt(cfg.pgsize_bitmap)),
    quirks: Number(cfg.quirks),
    coherent: cfg.coherent,
    cpuPageSize: cfg.cpu_page_size,
  };
}

/** A domain under one kernel's semantics, its tables placed as when the vectors were recorded. */
export class PgtableSubject implements Subject {
  readonly entryBits: 32 | 64;
  readonly #domain: Domain;
  readonly #memory: TableMemory;
  #events: RecordedEvent[] = [];
  /** What the engine left out of the input address of the call under way, where higher bits alias. */
  #above = 0n;

  /** @throws IommuError where the format refuses the configuration, or there is no memory for the root. */
  constructor(format: Format, vector: Vector, semantics: Semantics) {
    this.#memory = new TableMemory({ base: Number(vector.cfg.table_base), mode: 'bump' });
    this.#domain = new Domain({
      format,
      request: requestOf(vector.cfg),
      memory: this.#memory,
      semantics,
      driver: bareDriver({
        flushWalk: (iova, size, granule) => this.#events.push(['W', this.#public(iova), hex(size), hex(granule)]),
        addPages: (iova, granule, count) => this.#events.push(['A', this.#public(iova), hex(granule), count]),
        flushAll: () => this.#events.push(['F']),
        sync: () => this.#events.push(['S']),
      }),
    });
    this.entryBits = this.#domain.geometry.entryBytes === 8 ? 64 : 32;
  }

  granted(): Record<string, bigint | number> {
    const { pageSizes, ias, oas } = this.#domain.geometry;
    return { pgsize_bitmap: BigInt(pageSizes), ias, oas };
  }

  registers(): Readonly<Record<string, bigint>> {
    return this.#domain.registers;
  }

  /** Entries in use below the root, without those past the architectural end of a short root. */
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

  walkerMaps(): CleanTotals {
    return walkerMapsOf(this.#domain);
  }

  translate(iova: bigint): bigint {
    return BigInt(this.#domain.translate(iova) ?? 0);
  }

  failAfter(tables: number): void {
    this.#memory.failAfter(tables);
  }

  map(iova: bigint, pa: bigint, size: bigint, prot: number): number {
    this.#offset(iova);
    return this.#domain.map(iova, pa, size, prot).errno;
  }

  unmap(iova: bigint, size: bigint): bigint {
    this.#offset(iova);
    return BigInt(this.#domain.unmap(iova, size).bytes);
  }

  mapSg(iova: bigint, list: readonly (readonly [bigint, bigint])[], prot: number): MapAnswer {
    const elements = list.map(([address, length]) => ({
      address: linuxNumber('sg', address),
      length: linuxNumber('sg', length),
    }));
    this.#offset(iova);
    const { errno, bytes } = this.#domain.mapSg(iova, elements, prot);
    return { errno, bytes: BigInt(bytes) };
  }

  mapPages(iova: bigint, pa: bigint, size: bigint, count: number, prot: number): MapAnswer {
    const done: Done = { bytes: 0 };
    const { table } = this.#domain;
    const errno = table.mapPages(this.#offset(iova), linuxNumber('paddr', pa), Number(size), count, prot, done);
    return { errno, bytes: BigInt(done.bytes) };
  }

  unmapPages(iova: bigint, size: bigint, count: number, gather: GatherUse): bigint {
    const { table } = this.#domain;
    return BigInt(table.unmapPages(this.#offset(iova), Number(size), count, gather !== 'now'));
  }

  walk(iova: bigint): { readonly errno: number; readonly entries: readonly bigint[] } {
    const { tree } = this.#domain.table;
    const entries = [0n, 0n, 0n, 0n];
    const offset = Number(BigInt.asUintN(tree.geometry.ias, iova));
    let table = tree.rootOf(offset);
    for (let depth = 0; ; depth++) {
      const at = tree.entryAt(depth, table, offset);
      const lo = tree.lo(at);
      entries[tree.levelAt(depth).level] = (BigInt(tree.hi(at) >>> 0) << 32n) | BigInt(lo >>> 0);
      if (depth === tree.last || !tree.isTable(depth, lo)) return { errno: lo === 0 ? EINVAL : 0, entries };
      table = tree.tableAt(at);
    }
  }

  hardwareWrite(iova: bigint): boolean {
    return setDirty(this.#domain.table.tree, Number(BigInt.asUintN(this.#domain.geometry.ias, iova)));
  }

  readDirty(iova: bigint, size: bigint, flags: number, bitmap: boolean, withGather: boolean): DirtyAnswer {
    const gather = new Gather(!withGather);
    const dirty: (readonly [bigint, bigint])[] = [];
    const visit = (leaves: DirtyLeaves): void =>
      void (bitmap && dirty.push([BigInt(leaves.iova), BigInt(leaves.size)]));
    const errno = this.#domain.table.range.readDirty(iova, size, (flags & 1) !== 0, visit, gather);
    return { errno, dirty, gather: { start: gather.start, end: gather.end } };
  }

  #offset(iova: bigint): number {
    const { geometry, table } = this.#domain;
    const input = linuxInput(geometry, table.rules);
    const offset = linuxOffset(input, iova);
    this.#above = input.bits > 0 ? iova - input.iovaBase - BigInt(offset) : 0n;
    return offset;
  }

  #public(offset: number): string {
    return hex(BigInt.asUintN(64, this.#domain.geometry.iovaBase + this.#above + BigInt(offset)));
  }
}
