/**
 * The virtio-iommu driver: requests in a virtqueue instead of tables (drivers/iommu/virtio-iommu.c). The domain's page table is what
 * the driver knows of its mappings; no device reads it.
 * @module
 */
import { formatSize, hex } from '../../address.ts';
import { IommuError } from '../../errors.ts';
import type { Geometry, Registers } from '../../formats/contract.ts';
import { PROT } from '../../formats/protection.ts';
import { PageSizeChooser } from '../../pagetable/page-size.ts';
import { NO_TLB, type TlbOps } from '../../pagetable/tlb-ops.ts';
import { checkNeeds } from '../capability.ts';
import type { DomainContext, Driver, DriverFactory, DriverHooks } from '../contract.ts';
import type { DriverKind } from '../kind.ts';
import { checkMemory, deviceIds, driverOptions, unitOf, whole } from '../options.ts';
import type { Holder } from '../queue/attachments.ts';
import { DeviceAddress } from '../queue/iova.ts';
import { type Mapping, MappingList } from './mapping-list.ts';
import { FLAGS, KIND, VIRTIO_NAMES } from './requests.ts';
import { VirtioUnit, type VirtioUnitOptions } from './unit.ts';

/** Settings of the driver. */
export interface VirtioIommuOptions extends VirtioUnitOptions {
  /** The unit, where several domains share one; the options of a unit are then not looked at. Default one of its own. */
  readonly unit?: VirtioUnit;
  /** Endpoints behind this domain; default [0]. */
  readonly endpoints?: readonly number[];
  /** Domain id; default the lowest that is free. */
  readonly domainId?: number;
  /** Sizes of mappings, as a bitmap (`page_size_mask`); default those of the device, without one every power of two from 4K on. */
  readonly pageSizes?: number;
}

const OPTIONS: readonly (keyof VirtioIommuOptions)[] = ['unit', 'endpoints', 'domainId', 'pageSizes', 'port'];
const EVERY_SIZE = 2 ** 53 - 2 ** 12;

class VirtioIommu implements Driver, Holder {
  readonly name = 'virtio-iommu';
  readonly hooks: DriverHooks;
  readonly tlb: TlbOps;
  readonly #unit: VirtioUnit;
  readonly #owned: boolean;
  readonly #endpoints: readonly number[];
  readonly #domain: number;
  readonly #chooser: PageSizeChooser;
  /** Whether the device has the domain: requests of another one are refused. */
  #known = false;
  readonly #first: DeviceAddress;
  readonly #last: DeviceAddress;
  readonly #mappings = new MappingList();
  /** A run that was mapped, and a range that was unmapped, and of which no request was made yet. */
  #run: Mapping | undefined;
  #gone: { readonly start: number; readonly end: number } | undefined;

  constructor(context: DomainContext, options: VirtioIommuOptions) {
    const { geometry, memory, meter, semantics } = context;
    if (semantics !== 'safe') throw noTables(semantics);
    this.#endpoints = deviceIds('endpoints', options.endpoints, 0xffffffff);
    this.#first = new DeviceAddress(geometry);
    this.#last = new DeviceAddress(geometry);
    this.#owned = options.unit === undefined;
    this.#unit = unitOf(options.unit, VirtioUnit) ?? new VirtioUnit(memory, meter, options);
    try {
      checkMemory(this.#unit.pages, memory);
      this.#chooser = chooserOf(options.pageSizes, this.#unit.pageSizes, geometry);
      this.#domain = this.#unit.domains.take(options.domainId);
    } catch (error) {
      if (this.#owned) this.#unit.abandon();
      throw error;
    }
    this.tlb = { ...NO_TLB, flushAll: () => this.sync() };
    this.hooks = {
      mapSg: false,
      unmapRange: false,
      syncMap: () => this.sync(),
      mapped: (iova, pa, bytes, prot) => this.#mapped(iova, pa, bytes, prot),
      unmapped: (iova, bytes) => this.#unmapped(iova, bytes),
    };
  }

  attach(_registers: Registers): void {
    for (const endpoint of this.#endpoints) {
      this.#unit.attachments.attach(endpoint, this);
      this.#request(KIND.attach, endpoint);
    }
    this.#known = true;
    this.#unit.queue.wait();
  }

  sync(): void {
    this.#sendGone();
    this.#sendRun();
    this.#unit.queue.wait();
  }

  /** The last endpoint that leaves takes the mappings with it. */
  detach(): void {
    this.#run = undefined;
    this.#gone = undefined;
    for (const endpoint of this.#held) this.#request(KIND.detach, endpoint);
    this.#unit.queue.wait();
  }

  release(): void {
    if (this.#owned) this.#unit.free();
    this.#unit.attachments.detachAll(this);
    this.#unit.domains.give(this.#domain);
  }

  /**
   * The device itself takes an endpoint out of its domain when another one gets it; with the last endpoint the mappings go, and
   * the domain is not known any more (5.13.6.3, 5.13.6.4).
   */
  leave(endpoint: number): void {
    this.#known = this.#held.some((other) => other !== endpoint);
  }

  #request(kind: number, endpoint: number): void {
    this.#unit.queue.add(kind, this.#domain, endpoint, 0, 0, 0, 0, 0, 0);
  }

  /** The endpoints that were not attached elsewhere since. */
  get #held(): readonly number[] {
    return this.#endpoints.filter((endpoint) => this.#unit.attachments.has(endpoint, this));
  }

  #mapped(iova: number, pa: number, bytes: number, prot: number): void {
    if (bytes === 0) return;
    this.#sendGone();
    const flags = flagsOf(prot);
    const run = this.#run;
    const joins = run !== undefined && run.end === iova && run.pa + (run.end - run.start) === pa && run.flags === flags;
    if (!joins) this.#sendRun();
    const [start, base] = joins ? [run.start, run.pa] : [iova, pa];
    this.#run = { start, end: iova + bytes, pa: base, flags };
  }

  #unmapped(iova: number, bytes: number): void {
    if (bytes === 0) return;
    this.#sendRun();
    const gone = this.#gone;
    const joins = gone !== undefined && gone.end === iova;
    if (!joins) this.#sendGone();
    this.#gone = { start: joins ? gone.start : iova, end: iova + bytes };
  }

  /** Requests a run in pieces of the sizes that the device has, as the core cuts it. */
  #sendRun(): void {
    const run = this.#run;
    this.#run = undefined;
    if (run === undefined) return;
    for (let at = run.start; at < run.end; ) {
      this.#chooser.choose(at, run.pa + (at - run.start), run.end - at);
      const end = at + this.#chooser.size * this.#chooser.count;
      this.#map({ start: at, end, pa: run.pa + (at - run.start), flags: run.flags });
      at = end;
    }
  }

  /** Removes whole mappings; what of them reaches beyond the range is mapped anew. */
  #sendGone(): void {
    const gone = this.#gone;
    this.#gone = undefined;
    if (gone === undefined) return;
    const taken = this.#mappings.take(gone.start, gone.end);
    const [first] = taken;
    const last = taken.at(-1);
    if (first === undefined || last === undefined) return;
    this.#removeEach(taken);
    if (first.start < gone.start) this.#map({ ...first, end: gone.start });
    if (last.end > gone.end) this.#map({ ...last, start: gone.end, pa: last.pa + (gone.end - last.start) });
  }

  /** One request for neighbouring mappings that the core would unmap as one piece. */
  #removeEach(mappings: readonly Mapping[]): void {
    for (let i = 0; i < mappings.length; ) {
      const { start } = mappings[i] as Mapping;
      let end = (mappings[i] as Mapping).end;
      const piece = this.#pieceEnd(start, mappings);
      for (i++; i < mappings.length && end < piece && (mappings[i] as Mapping).start === end; i++) {
        end = (mappings[i] as Mapping).end;
      }
      this.#range(start, end);
      if (!this.#known) continue;
      this.#unit.queue.add(
        KIND.unmap,
        this.#domain,
        this.#first.lo,
        this.#first.hi,
        this.#last.lo | 0xfff,
        this.#last.hi,
        0,
        0,
        0,
      );
    }
  }

  /** Where the piece ends that the core cuts off at `start`. */
  #pieceEnd(start: number, mappings: readonly Mapping[]): number {
    this.#chooser.chooseFor(start, (mappings.at(-1) as Mapping).end - start);
    return start + this.#chooser.size * this.#chooser.count;
  }

  #map(mapping: Mapping): void {
    const { start, end, pa, flags } = mapping;
    this.#mappings.add(mapping);
    this.#range(start, end);
    if (!this.#known) return;
    this.#unit.queue.add(
      KIND.map,
      this.#domain,
      this.#first.lo,
      this.#first.hi,
      this.#last.lo | 0xfff,
      this.#last.hi,
      pa % 0x100000000,
      Math.floor(pa / 0x100000000),
      flags,
    );
  }

  #range(start: number, end: number): void {
    this.#first.set(start);
    this.#last.set(end - 4096);
  }
}

function flagsOf(prot: number): number {
  return (
    ((prot & PROT.READ) !== 0 ? FLAGS.read : 0) |
    ((prot & PROT.WRITE) !== 0 ? FLAGS.write : 0) |
    ((prot & PROT.MMIO) !== 0 ? FLAGS.mmio : 0)
  );
}

/**
 * The sizes of mappings: those asked for, else those of the device (`offered`, 0 where it says none).
 * @throws IommuError `BAD_OPTION`; `UNSUPPORTED` where the smallest page of the domain, or the smallest size asked for, is below the
 *   device's granule. Linux refuses a granule above the CPU's pages in the same way.
 */
function chooserOf(asked: number | undefined, offered: number, { pageShift }: Geometry): PageSizeChooser {
  const chooser = new PageSizeChooser(
    whole('pageSizes', asked, 4096, EVERY_SIZE, offered === 0 ? EVERY_SIZE : offered),
  );
  const granule = offered === 0 ? 0 : new PageSizeChooser(offered).smallest;
  const smallest = asked === undefined ? 2 ** pageShift : Math.min(2 ** pageShift, chooser.smallest);
  const expected = `sizes from the granule ${formatSize(granule)} (page_size_mask) on`;
  checkNeeds('virtio-iommu', [
    { argument: 'pageSizes', met: smallest >= granule, expected, got: formatSize(smallest) },
  ]);
  if (chooser.smallest > 2 ** pageShift) throw largerPages(chooser.smallest, pageShift);
  return chooser;
}

function largerPages(smallest: number, shift: number): IommuError {
  const got = hex(smallest);
  const expected = hex(2 ** shift);
  return new IommuError('BAD_OPTION', 'pageSizes', `expected a smallest page up to ${expected}, got ${got}`, { got });
}

function noTables(got: string): IommuError {
  const message = `expected 'safe', since the virtio-iommu driver has no tables that a kernel writes, got '${got}'`;
  return new IommuError('UNSUPPORTED', 'semantics', message, { got });
}

/**
 * The virtio-iommu driver. Its paths are `per-page` and `map-pages`: it takes no lists and no ranges.
 * @throws IommuError `BAD_OPTION`; when the domain is made: `UNSUPPORTED`, `NO_MEMORY`; from calls `DEVICE` where the device refuses.
 */
export function virtioIommu(options: VirtioIommuOptions = {}): DriverFactory {
  const given = driverOptions('virtio-iommu', OPTIONS, options);
  return (context) => new VirtioIommu(context, given);
}

/** The virtio-iommu driver in the registry: it takes every format, whose tables only say what is mapped. */
export const VIRTIO_IOMMU: DriverKind = {
  id: 'virtio-iommu',
  title: 'virtio-iommu: requests instead of tables',
  formats: undefined,
  kernels: [],
  options: OPTIONS,
  commands: VIRTIO_NAMES,
  make: (options) => virtioIommu(options),
};
