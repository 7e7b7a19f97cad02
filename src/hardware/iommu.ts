/**
 * What every IOMMU model answers: which device contexts there are, which tables they lead to, and what a device's
 * access becomes.
 * @module
 */
import type { Address } from '../address.ts';
import type { PhysicalReader } from '../bus.ts';
import { NestedWalker } from './walk/nested.ts';
import type { Regime } from './walk/regime.ts';
import { type Access, type Fault, faultClass, type Leaf, READ, type Reason, type Walk } from './walk/types.ts';
import { Walker } from './walk/walker.ts';

/** Table geometry in the words of the command line. */
export interface TableGeometry {
  /** Format id: the kernel's name with hyphens where it has one. */
  readonly format: string;
  /** Smallest page in bytes. */
  readonly granule: number;
  /** Input address bits. */
  readonly ias: number;
  /** Output address bits. */
  readonly oas: number;
}

/** The tables of one domain. */
export interface DomainTables {
  /** Same for two contexts exactly if they share tables and geometry. */
  readonly key: string;
  /** Name as the device knows it: `asid 3`, `vmid 2`, `did 7`. */
  readonly id: string;
  /** Physical address of the (first) root table; for nested tables an intermediate address. */
  readonly root: number;
  readonly geometry: TableGeometry;
  /** The stage that the device's addresses enter. */
  readonly regime: Regime;
  /** Stage 2 behind a stage 1. */
  readonly stage2?: Regime;
  /** What cached translations of these tables are tagged with, where a unit's context gave them. */
  readonly tag?: TranslationTag;
}

/** The tag of cached translations: VMID, domain id or GSCID; ASID, PASID or PSCID (−1: none); the stage entered. */
export interface TranslationTag {
  readonly domain: number;
  readonly space: number;
  /** `STAGES.first` or `STAGES.second`. */
  readonly stages: number;
}

/** What one stream's (or requester's) context makes of its accesses. */
export interface DeviceContext {
  /** Stream id or requester id. */
  readonly stream: number;
  /** Substream id (PASID), where the context is one of several. */
  readonly substream?: number;
  /** `fault`: every access faults, for `reason`. */
  readonly action: 'translate' | 'bypass' | 'abort' | 'fault';
  readonly reason?: Reason;
  /** What is wrong, in words. */
  readonly why?: string;
  readonly tables?: DomainTables;
  /** Physical address of the context's entry. */
  readonly entryAddress: number;
  /** Fields of the context by their names in the architecture document. */
  readonly fields: Readonly<Record<string, string | number>>;
}

/** A part of a device table that is not in memory, or was not looked at because the table is too large. */
export interface MissingPart {
  readonly address: number;
  readonly bytes: number;
  readonly why: string;
}

/** All contexts of a device table, and how much of it was passed over. */
export interface ContextList {
  readonly contexts: readonly DeviceContext[];
  /** Entries that abort every access. */
  readonly aborting: number;
  readonly missing: readonly MissingPart[];
}

/** Contexts listed, and entries of device tables looked at, at most: registers may say anything. */
export const LISTING_LIMITS = { contexts: 65_536, entries: 1_048_576 } as const;

/** Adds a missing part, joined to the one before where it goes on there. */
export function addMissing(missing: MissingPart[], address: number, bytes: number, why: string): void {
  const last = missing.at(-1);
  if (last !== undefined && last.why === why && last.address + last.bytes === address) {
    missing[missing.length - 1] = { ...last, bytes: last.bytes + bytes };
  } else if (missing.length < LISTING_LIMITS.contexts) missing.push({ address, bytes, why });
}

/** Something of an IOMMU's state that is not as a working system has it. */
export interface StateNote {
  /** Name of a rule. */
  readonly rule: 'translation-off' | 'queue-off' | 'error-pending' | 'fault-pending' | 'device-table-missing';
  readonly text: string;
  /** Section of the specification. */
  readonly section: string;
}

/** One IOMMU as its registers and memory describe it. */
export interface IommuModel {
  /** `arm-smmu-v3`, `intel-vtd`, `amd-vi`, `riscv-iommu`. */
  readonly name: string;
  /** Every context that the device table leads to, by ascending stream. */
  contexts(): ContextList;
  /** What the registers say about the unit's health. */
  state(): readonly StateNote[];
  /** The context of one stream. */
  context(stream: number, substream?: number): DeviceContext;
  /** What an access becomes, a fault under the name that the unit reports it by. */
  translate(stream: number, iova: Address, access?: Access, substream?: number): { readonly result: Leaf | Fault };
  /** Where the device table and the queues lie, so that nothing else may be there. */
  structures(): readonly Structure[];
}

/** Memory that the unit reads or writes for itself. */
export interface Structure {
  readonly name: string;
  readonly address: number;
  readonly bytes: number;
}

/** A walker of either kind. */
export type AnyWalker = Walker | NestedWalker;

/** A walker for a domain's tables, one or two stages. */
export function walkerOf(reader: PhysicalReader, tables: DomainTables): AnyWalker {
  if (tables.stage2 === undefined) return new Walker(reader, tables.regime);
  return new NestedWalker(reader, tables.regime, tables.stage2);
}

/** A fault that a context gives before any table is read. */
export function contextFault(context: DeviceContext, iova: Address, syndrome: string): Fault {
  const reason = context.reason ?? 'stream-aborts';
  return {
    ok: false,
    reason,
    class: faultClass(reason),
    stage: 1,
    level: 0,
    entryAddress: context.entryAddress,
    entry: undefined,
    syndrome,
    iova: BigInt(iova),
  };
}

/** The leaf that stands for an access which is passed through unchanged. */
export function bypassLeaf(iova: Address, bits: number): Leaf | undefined {
  const address = BigInt(iova);
  if (address >> BigInt(bits) !== 0n) return undefined;
  const pa = Number(address);
  return {
    ok: true,
    iova: 0n,
    pa,
    output: address,
    base: 0,
    size: 2 ** bits,
    level: 0,
    perms: 'rwx',
    attributes: 63,
    memoryType: 'as the device says',
    entryAddress: 0,
    entry: 0n,
  };
}

/** The walk of an address in a context that translates; `undefined` for other contexts. */
export function walkContext(
  reader: PhysicalReader,
  context: DeviceContext,
  iova: Address,
  access: Access = READ,
): Walk | undefined {
  return context.tables === undefined ? undefined : walkerOf(reader, context.tables).walk(iova, access);
}
