/**
 * What a dump says of a faulting address: the device's context and the walk as they are in the dump.
 * @module
 */
import type { PhysicalReader } from '../bus.ts';
import type { Dump } from '../dump/types.ts';
import { givenTables } from '../hardware/given.ts';
import type { DeviceContext, DomainTables, IommuModel } from '../hardware/iommu.ts';
import { walkerOf } from '../hardware/iommu.ts';
import { createModel } from '../hardware/models.ts';
import type { Access, Leaf, Walk } from '../hardware/walk/types.ts';
import type { Incident } from './incident.ts';

const PAGE = 4096n;

/** The state of the tables for one fault. */
export interface TableView {
  /** The context of the fault's stream; `undefined` where the tables are given without one. */
  readonly context: DeviceContext | undefined;
  /** The walk of the address for the access; `undefined` where no context leads to tables. */
  readonly walk: Walk | undefined;
  /** The leaf that ends where the fault's page begins. */
  readonly below: Leaf | undefined;
  /** True if another input address is mapped in the same tables. */
  readonly maps: (iova: number) => boolean;
  /** True if an address is in the machine's memory, where the dump knows its ranges. */
  readonly inMemory: (address: number) => boolean | undefined;
}

/** Looks up faults in one dump. */
export class FaultTables {
  readonly #reader: PhysicalReader;
  readonly #dump: Dump;
  readonly #model: IommuModel | undefined;
  readonly #tables: DomainTables | undefined;

  constructor(dump: Dump) {
    this.#dump = dump;
    this.#reader = dump.reader;
    const { registers, geometry } = dump;
    this.#model = registers && createModel(registers.iommu, dump.reader, registers.named);
    this.#tables = this.#model === undefined && geometry !== undefined ? givenTables(geometry) : undefined;
  }

  /** The kind of IOMMU that the registers are of; `undefined` where only a geometry is given. */
  get iommu(): string | undefined {
    return this.#dump.registers?.iommu;
  }

  /** True if the dump has registers or a geometry that lead to tables. */
  get usable(): boolean {
    return this.#model !== undefined || this.#tables !== undefined;
  }

  /** The state of the tables for a fault; `undefined` if the fault does not say which stream or address. */
  of(fault: Incident): TableView | undefined {
    const context = fault.stream === undefined ? undefined : this.#model?.context(fault.stream, fault.pasid);
    const tables = context?.tables ?? this.#tables;
    if (context === undefined && tables === undefined) return undefined;
    const inMemory = (address: number): boolean | undefined => this.#inMemory(address);
    if (tables === undefined || fault.iova === undefined) {
      return { context, walk: undefined, below: undefined, maps: () => false, inMemory };
    }
    const access: Access = { kind: fault.access ?? 'read' };
    const walker = walkerOf(this.#reader, tables);
    const walk = walker.walk(fault.iova, access);
    const start = fault.iova - (fault.iova % PAGE);
    const before = start === 0n ? undefined : walker.walk(start - 1n, access).result;
    const below = before?.ok === true && before.iova + BigInt(before.size) === start ? before : undefined;
    return { context, walk, below, maps: (iova) => walker.walk(iova, access).result.ok, inMemory };
  }

  #inMemory(address: number): boolean | undefined {
    const ram = this.#dump.registers?.ram ?? [];
    return ram.length === 0 ? undefined : ram.some(({ start, bytes }) => start <= address && address < start + bytes);
  }
}
