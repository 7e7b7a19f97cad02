/**
 * Root, context and PASID tables of a VT-d unit. Intel VT-d specification, 9.1 to 9.6.
 * @module
 */
import type { Registers } from '../../formats/contract.ts';
import type { SharedPages } from '../queue/shared-pages.ts';

const PAGE = 4096;
const PRESENT = 1n;
/** Entries are pointers to whole pages. */
const POINTER = ~0xfffn;
/** Legacy context entry (9.3): TT 3:2, AW 66:64, DID 87:72; sizes of entries. */
const LEGACY = { bytes: 16, deviceTlb: 1n << 2n, didShift: 8n } as const;
/** Scalable-mode context entry (9.4): DTE 2. */
const SCALABLE = { bytes: 32, deviceTlb: 1n << 2n } as const;
/** PASID table entry (9.6): AW 4:2, PGTT 8:6, FSPM 131:130, PWSNP 87, PGSNP 88. */
const PASID = {
  bytes: 64,
  awShift: 2n,
  first: 1n << 6n,
  second: 2n << 6n,
  level5: 1n << 2n,
  pageSnoop: 1n << 24n,
} as const;

/** What a device is attached to. */
export interface Attachment {
  /** Domain id. */
  readonly did: number;
  /** Whether the tables are of the first stage. */
  readonly firstStage: boolean;
  /** Registers of the format. */
  readonly registers: Registers;
  /** Whether the device has a TLB of its own. */
  readonly ats: boolean;
}

/** The tables that lead from a source-id to page tables. */
export class VtdStructures {
  /** Physical address of the root table. */
  readonly root: number;
  readonly #pages: SharedPages;
  readonly #scalable: boolean;

  constructor(pages: SharedPages, scalable: boolean) {
    this.#pages = pages;
    this.#scalable = scalable;
    this.root = pages.take(PAGE);
  }

  /** Makes the entries of a source-id lead to tables. @throws IommuError `NO_MEMORY`. */
  enter(source: number, attachment: Attachment): void {
    const context = this.#contextAt(source, (entry) => this.#child(entry, 0n));
    if (this.#scalable) this.#enterPasid(context, attachment);
    else this.#enterLegacy(context, attachment);
  }

  /** Makes a source-id lead nowhere. */
  clear(source: number): void {
    const context = this.#contextAt(source, (entry) => this.#known(entry));
    const entry = this.#scalable ? this.#pasidEntry(context) : context;
    const bytes = this.#scalable ? PASID.bytes : LEGACY.bytes;
    // What makes it present goes first: the rest must not be seen changed under it
    if (entry >= 0) for (let i = 0; i < bytes; i += 8) this.#pages.write64(entry + i, 0n);
  }

  #enterLegacy(context: number, { did, registers, ats }: Attachment): void {
    const low = PRESENT | (ats ? LEGACY.deviceTlb : 0n) | pointer(registers, 'ssptptr');
    this.#fill(context, [low, aw(registers) | (BigInt(did) << LEGACY.didShift)], LEGACY.bytes);
  }

  #enterPasid(context: number, { did, firstStage, registers, ats }: Attachment): void {
    const directory = this.#child(context, ats ? SCALABLE.deviceTlb : 0n);
    const entry = this.#child(directory, 0n);
    const words = firstStage
      ? [PASID.first, BigInt(did) | PASID.pageSnoop, pointer(registers, 'gcr3_pt') | fspm(registers)]
      : [PASID.second | (aw(registers) << PASID.awShift) | pointer(registers, 'ssptptr'), BigInt(did)];
    this.#fill(entry, words, PASID.bytes);
    this.#pages.write64(entry, (words[0] ?? 0n) | PRESENT);
  }

  /** Address of the PASID table entry that a context entry leads to; negative where it leads nowhere. */
  #pasidEntry(context: number): number {
    const directory = context < 0 ? context : this.#known(context);
    return directory < 0 ? directory : this.#known(directory);
  }

  /** Address of a source-id's context entry; `next` gives the page that an entry leads to, negative where it leads nowhere. */
  #contextAt(source: number, next: (entry: number) => number): number {
    const root = this.root + 16 * (source >>> 8);
    const devfn = source & 0xff;
    const table = next(this.#scalable ? root + 8 * (devfn >>> 7) : root);
    if (table < 0) return table;
    return table + (this.#scalable ? SCALABLE.bytes * (devfn & 0x7f) : LEGACY.bytes * devfn);
  }

  #known(entry: number): number {
    const found = this.#pages.read64(entry);
    return (found & PRESENT) === 0n ? -1 : Number(found & POINTER);
  }

  /** The page that an entry leads to, made where there is none; `bits` are set in a new entry. */
  #child(entry: number, bits: bigint): number {
    const known = this.#known(entry);
    if (known >= 0) return known;
    const page = this.#pages.take(PAGE);
    this.#pages.write64(entry, BigInt(page) | bits | PRESENT);
    return page;
  }

  #fill(at: number, words: readonly bigint[], bytes: number): void {
    for (let i = bytes / 8 - 1; i >= 0; i--) this.#pages.write64(at + 8 * i, words[i] ?? 0n);
  }
}

function pointer(registers: Registers, name: string): bigint {
  return registers[name] ?? 0n;
}

/** Address width, as the number of levels less two. */
function aw(registers: Registers): bigint {
  return registers['aw'] ?? 0n;
}

function fspm(registers: Registers): bigint {
  return registers['levels'] === 5n ? PASID.level5 : 0n;
}
