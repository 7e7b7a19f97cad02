/**
 * One stage of a RISC-V translation with its A and D updates: Sv32, Sv39, Sv48, Sv57 and their x4 forms (RISC-V privileged
 * architecture, 12.3 to 12.6, 21.5; RISC-V IOMMU 1.0, 3.5).
 * @module
 */
import { CAUSE } from './causes.ts';
import { fault, type ImplicitAddress, type RequestFault } from './directory.ts';
import type { RequestMemory } from './memory.ts';

/** What an access does. */
export type RiscvAccess = 'read' | 'write' | 'execute';

/** The tables of one stage. */
export interface StageTables {
  readonly bits: 32 | 39 | 48 | 57;
  readonly stage: 1 | 2;
  readonly root: bigint;
  readonly bigEndian: boolean;
  /** Hardware sets A and D (SADE, GADE). */
  readonly hardwareAd: boolean;
  readonly svpbmt: boolean;
  /** PTE bits 60:59 are for software. */
  readonly svrsw60t59b: boolean;
}

/** What a stage must allow, and for whom. */
export interface StageAccess {
  /** Access of the request: it decides the cause of a fault. */
  readonly original: RiscvAccess;
  /** Access that this stage must allow. */
  readonly needs: RiscvAccess;
  /**
   * D is set where the leaf allows writes, although a write is not needed: `always`, or `with-a` in an update that sets
   * A (a leaf of the second stage behind which a first-stage table lies whose entries hardware may update).
   */
  readonly mayWrite: 'never' | 'with-a' | 'always';
  readonly privileged: boolean;
  /** Privileged reads and writes of user pages are allowed (PC.ta.SUM). */
  readonly sum: boolean;
  /** Second stage: bits 1:0 of iotval2, 1 for an implicit read, 3 for an implicit write. */
  readonly implicit: 0n | 1n | 3n;
}

/** The leaf of a stage. */
export interface StageLeaf {
  readonly address: bigint;
  /** Bytes of the leaf; 0 for a stage that is Bare. */
  readonly size: bigint;
  readonly read: boolean;
  readonly write: boolean;
  readonly execute: boolean;
  /** D is set, so that a write needs no update. */
  readonly dirty: boolean;
  readonly global: boolean;
  readonly user: boolean;
  readonly pbmt: number;
  /** Physical address of the leaf entry. */
  readonly at: bigint;
  readonly entry: bigint;
  readonly level: number;
}

// 12.4.1 page table entries
const PTE = { V: 1n, R: 2n, W: 4n, X: 8n, U: 16n, G: 32n, A: 64n, D: 128n } as const;
const N = 1n << 63n;
const PBMT = 3n << 61n;
const SOFTWARE_60_59 = 3n << 59n;
const RESERVED_HIGH = 0x7fn << 54n;
/** PPN[3:0] of a 64 KiB NAPOT leaf, the one size that Svnapot defines. */
const NAPOT_64K = 8n;
const NAPOT_BITS = 16n;
const PAGE_BITS = 12n;

const CAUSES = {
  read: { access: CAUSE.readAccess, page: CAUSE.readPage, guest: CAUSE.readGuestPage },
  write: { access: CAUSE.writeAccess, page: CAUSE.writePage, guest: CAUSE.writeGuestPage },
  execute: { access: CAUSE.instructionAccess, page: CAUSE.instructionPage, guest: CAUSE.instructionGuestPage },
} as const;

/** The cause of an access fault of an access. */
export function accessFaultOf(access: RiscvAccess): number {
  return CAUSES[access].access;
}

/** The access fault of an access, or data corruption, for an entry that could not be read. */
function loadFault(failure: 'access' | 'corrupt', { original }: StageAccess, at: bigint): RequestFault {
  return fault(failure === 'corrupt' ? CAUSE.tableCorrupt : accessFaultOf(original), at);
}

/** The page fault of a stage; a guest-page fault says the guest address (4.2, iotval2). */
function pageFault(tables: StageTables, access: StageAccess, input: bigint, at?: bigint): RequestFault {
  if (tables.stage === 1) return fault(CAUSES[access.original].page, at);
  const iotval2 = (input & ~3n) | access.implicit;
  return { cause: CAUSES[access.original].guest, iotval2, ...(at === undefined ? {} : { at }) };
}

/** Whether an input address is within the width: sign-extended in the first stage, zero above in the second and Sv32. */
function inWidth({ bits, stage }: StageTables, input: bigint): boolean {
  if (stage === 2) return input >> BigInt(bits + 2) === 0n;
  return bits === 32 ? input >> 32n === 0n : BigInt.asUintN(64, BigInt.asIntN(bits, input)) === input;
}

/** Whether bits of an entry are set that are reserved, or combinations of them. */
function isReserved(entry: bigint, leaf: boolean, level: number, tables: StageTables): boolean {
  if ((entry & PTE.W) !== 0n && (entry & PTE.R) === 0n) return true;
  if (!leaf && (entry & (PTE.D | PTE.A | PTE.U)) !== 0n) return true;
  if (tables.bits === 32) return false;
  const reserved = tables.svrsw60t59b ? RESERVED_HIGH & ~SOFTWARE_60_59 : RESERVED_HIGH;
  if ((entry & reserved) !== 0n) return true;
  if (!leaf || !tables.svpbmt) return (entry & (leaf ? PBMT : PBMT | N)) !== 0n || badNapot(entry, leaf, level);
  return (entry & PBMT) === PBMT || badNapot(entry, leaf, level);
}

function badNapot(entry: bigint, leaf: boolean, level: number): boolean {
  return leaf && (entry & N) !== 0n && (level !== 0 || ((entry >> 10n) & 15n) !== NAPOT_64K);
}

/** Whether privilege and permission bits allow the access. */
function isAllowed(entry: bigint, { stage }: StageTables, { needs, privileged, sum }: StageAccess): boolean {
  const user = (entry & PTE.U) !== 0n;
  if (stage === 2 || !privileged ? !user : user && (!sum || needs === 'execute')) return false;
  return (entry & (needs === 'read' ? PTE.R : needs === 'write' ? PTE.W : PTE.X)) !== 0n;
}

function mayDirty({ mayWrite }: StageAccess, entry: bigint): boolean {
  if (mayWrite === 'never' || (entry & PTE.W) === 0n) return false;
  return mayWrite === 'always' || (entry & PTE.A) === 0n;
}

/** Walks one stage to a leaf that allows the access, and sets A and D in it where hardware does. */
export class StageWalk {
  readonly #memory: RequestMemory;
  readonly #tables: StageTables;
  readonly #entryBytes: 4 | 8;
  readonly #indexBits: bigint;

  constructor(memory: RequestMemory, tables: StageTables) {
    this.#memory = memory;
    this.#tables = tables;
    this.#entryBytes = tables.bits === 32 ? 4 : 8;
    this.#indexBits = tables.bits === 32 ? 10n : 9n;
  }

  /**
   * @param physical where an entry lies: behind a second stage, or where it says
   * @param writable the same for an update of the entry
   */
  translate(
    input: bigint,
    access: StageAccess,
    physical: ImplicitAddress,
    writable: ImplicitAddress,
  ): StageLeaf | RequestFault {
    const tables = this.#tables;
    if (!inWidth(tables, input)) return pageFault(tables, access, input);
    const levels = tables.bits === 32 ? 2 : Math.floor((tables.bits - 12) / 9);
    let table = tables.root;
    for (let level = levels - 1; level >= 0; level--) {
      const guest = table + this.#index(input, level, levels) * BigInt(this.#entryBytes);
      const at = physical(guest);
      if (typeof at !== 'bigint') return at;
      const entry = this.#memory.load(at, this.#entryBytes, tables.bigEndian);
      if (typeof entry === 'string') return loadFault(entry, access, at);
      const leaf = (entry & (PTE.R | PTE.X)) !== 0n;
      if ((entry & PTE.V) === 0n || isReserved(entry, leaf, level, tables)) return pageFault(tables, access, input, at);
      if (leaf) return this.#leaf(input, access, { entry, at, level }, () => writable(guest));
      table = this.#target(entry);
    }
    return pageFault(tables, access, input);
  }

  /** The fault of an address that this stage does not take for a reason of its caller. */
  refuse(input: bigint, access: StageAccess): RequestFault {
    return pageFault(this.#tables, access, input);
  }

  #index(input: bigint, level: number, levels: number): bigint {
    const extra = this.#tables.stage === 2 && level === levels - 1 ? 2n : 0n;
    const shift = PAGE_BITS + BigInt(level) * this.#indexBits;
    return (input >> shift) & ((1n << (this.#indexBits + extra)) - 1n);
  }

  #target(entry: bigint): bigint {
    return BigInt.asUintN(this.#entryBytes === 4 ? 22 : 44, entry >> 10n) << PAGE_BITS;
  }

  #leaf(
    input: bigint,
    access: StageAccess,
    { entry, at, level }: { readonly entry: bigint; readonly at: bigint; readonly level: number },
    writable: () => bigint | RequestFault,
  ): StageLeaf | RequestFault {
    const tables = this.#tables;
    const napot = tables.bits !== 32 && (entry & N) !== 0n;
    const spanBits = napot ? NAPOT_BITS : PAGE_BITS + BigInt(level) * this.#indexBits;
    const target = this.#target(entry);
    const within = (1n << spanBits) - 1n;
    const misaligned = !napot && (target & within) !== 0n;
    if (misaligned || !isAllowed(entry, tables, access)) return pageFault(tables, access, input, at);
    const updated = this.#accessed(input, access, entry, at, writable);
    if (typeof updated !== 'bigint') return updated;
    return {
      address: (target & ~within) | (input & within),
      size: within + 1n,
      read: (entry & PTE.R) !== 0n,
      write: (entry & PTE.W) !== 0n,
      execute: (entry & PTE.X) !== 0n,
      dirty: (updated & PTE.D) !== 0n,
      global: (entry & PTE.G) !== 0n,
      user: (entry & PTE.U) !== 0n,
      pbmt: tables.bits === 32 ? 0 : Number((entry >> 61n) & 3n),
      at,
      entry: updated,
      level,
    };
  }

  /** The entry with A, and D for a write: set by hardware, or the page fault that asks software for it (3.5). */
  #accessed(
    input: bigint,
    access: StageAccess,
    entry: bigint,
    at: bigint,
    writable: () => bigint | RequestFault,
  ): bigint | RequestFault {
    const tables = this.#tables;
    const dirties = access.needs === 'write' || (mayDirty(access, entry) && tables.hardwareAd);
    const wanted = entry | PTE.A | (dirties ? PTE.D : 0n);
    if (wanted === entry) return entry;
    if (!tables.hardwareAd) return pageFault(tables, access, input, at);
    const target = writable();
    if (typeof target !== 'bigint') return target;
    this.#memory.update(target, this.#entryBytes, tables.bigEndian, wanted);
    return wanted;
  }
}
