/**
 * What a page-table format says of itself: its geometry as data, and small pure functions from and to entry bits. The
 * engine in `pagetable/` does the rest, once for all formats.
 * @module
 */
import type { QuirkName } from './quirks.ts';
import type { RulesBySemantics, Semantics } from './rules.ts';

/** One entry as two 32-bit halves (a 4-byte entry uses `lo` only); the engine reuses these objects. */
export interface Entry {
  /** Bits 31:0. */
  lo: number;
  /** Bits 63:32. */
  hi: number;
}

/** What is asked of a format. */
export interface TableRequest {
  /** Input address bits. */
  readonly ias: number;
  /** Output address bits. */
  readonly oas: number;
  /** Page sizes offered, in bytes, as a sum of powers of two (a bitmap; exact up to 2^53). */
  readonly pageSizes: number;
  /** Quirks, a sum of {@link QUIRK} flags. */
  readonly quirks: number;
  /** Whether the device's walks snoop the CPU's caches. */
  readonly coherent: boolean;
  /** Page size of the CPU that allocates the tables; tables are rounded up to it. */
  readonly cpuPageSize: number;
  /** Whose choice of levels and roots it is where the architecture leaves one: `safe` by default. */
  readonly semantics?: Semantics | undefined;
  /** Level of the root to begin with, 0 the lowest; for formats that let it be chosen. */
  readonly topLevel?: number;
  /** Address bit that encrypts memory (AMD's C-bit), which tables and leaves then hold. */
  readonly encryptionBit?: number;
  /** Whether a kernel's semantics is that of its debug build (`CONFIG_DEBUG_GENERIC_PT`), which refuses less. */
  readonly debugKernel?: boolean;
}

/** One level of a table tree, from the root down. */
export interface Level {
  /** The level's number in the architecture. */
  readonly level: number;
  /** log2 of the bytes that one entry spans. */
  readonly shift: number;
  /** Entries that the index can reach. */
  readonly entries: number;
  /** Entries after which a run is cut: where the kernel's index wraps (a short root's differs from `entries`). */
  readonly runEntries: number;
  /** Bytes of a table, as the architecture counts them. */
  readonly tableBytes: number;
  /** Bytes that one table takes in memory; the same for all levels below the root. */
  readonly allocBytes: number;
  /** An entry is a table entry where `(lo & tableMask) === tableValue`; a last level has `tableValue` 1, `tableMask` 0. */
  readonly tableMask: number;
  /** See `tableMask`. */
  readonly tableValue: number;
}

/** A register value that a driver programs, by flat name (`ttbr`, `tcr.ips`, …). */
export type Registers = Readonly<Record<string, bigint>>;

/** How an entry says that a device wrote to its page. */
export interface DirtyState {
  /** An entry is dirty where its bits under this mask … */
  readonly maskLo: number;
  /** See `maskLo`. */
  readonly maskHi: number;
  /** … are these; a leaf is made clean, and dirty, by turning over the bits of `flip`. */
  readonly valueLo: number;
  /** See `valueLo`. */
  readonly valueHi: number;
  /** The bit, of `lo`, in which a dirty and a clean entry differ. */
  readonly flip: number;
}

/** A format as configured for one request: data, and pure functions over entries. */
export interface Geometry {
  /** Format id. */
  readonly format: FormatId;
  /** Input bits granted. */
  readonly ias: number;
  /** Output bits granted. */
  readonly oas: number;
  /** log2 of the smallest page. */
  readonly pageShift: number;
  /** Page sizes granted, as a bitmap. */
  readonly pageSizes: number;
  /** Quirks in force. */
  readonly quirks: number;
  /** Whether walks are coherent. */
  readonly coherent: boolean;
  /** Levels from the root down. */
  readonly levels: readonly Level[];
  /** Depth of the first root: above 0 where the root grows. */
  readonly top: number;
  /** Roots, each a table of the first level (DART has up to four). */
  readonly roots: number;
  /** Bytes of an entry. */
  readonly entryBytes: 4 | 8;
  /** Lowest input address: 0, or 2^64 − 2^ias for an upper-half region. */
  readonly iovaBase: bigint;
  /** Whether the upper half of the input range lies below 2^64. */
  readonly signExtends: boolean;
  /** Bits of `lo` and `hi` that hold the (shifted) address of a smallest page. */
  readonly leafFieldLo: number;
  /** See `leafFieldLo`. */
  readonly leafFieldHi: number;
  /**
   * Bits of `lo` that hold address bits of a table; shifted left by `tableFieldShift` they are bits 31:0 of its address (shifted
   * right where that is negative, with bits of `hi` above). That is enough: the engine's memory spans 4 GiB.
   */
  readonly tableField: number;
  /** See `tableField`. */
  readonly tableFieldShift: number;
  /** Table addresses must lie below this. */
  readonly tableLimit: number;
  /** Output bits that an entry holds, where fewer than `oas`: `safe` refuses what lies above, Linux cuts it off. */
  readonly outputBits: number;
  /** Output stride breaks at multiples of this: a run is cut there. */
  readonly outputBreak: number;
  /** Address bits in an entry are the output address shifted right by this. */
  readonly addressShift: number;
  /** Most neighbouring entries that one page takes at any level. */
  readonly maxSlots: number;
  /** Bits of `lo` and `hi` that mark a table entry as cleaned on a non-coherent walk; 0 where the format has none. */
  readonly syncedLo: number;
  /** See `syncedLo`. */
  readonly syncedHi: number;
  /**
   * Bits of `lo` and `hi` that are all set in each entry of a last-level leaf of several entries, and in no other leaf there;
   * undefined where a format has no such leaves or marks them in another way.
   */
  readonly contiguous?: Entry | undefined;
  /** Whether each entry of a leaf of several holds its own part's output address; else all hold that of the first byte. */
  readonly ownAddresses?: boolean | undefined;
  /** How entries tell what was written to; undefined where they do not. */
  readonly dirty?: DirtyState | undefined;
  /** What each semantics decides; one that is not there has no such tables, but `safe` has all. */
  readonly rules: RulesBySemantics;

  /** Neighbouring entries that a page of `size` takes at a depth (index into `levels`); 0: not there. */
  slots(depth: number, size: number): number;
  /** Neighbouring entries that this leaf takes. */
  leafSlots(lo: number, hi: number, depth: number): number;
  /** Type and attribute bits of a leaf, without its address. */
  leaf(depth: number, slots: number, prot: number, out: Entry): void;
  /** Adds the address bits of a leaf to `out`; the output address comes as bits 31:0 and 51:32. */
  addAddress(paLo: number, paHi: number, depth: number, out: Entry): void;
  /** Output address of a leaf. */
  address(lo: number, hi: number, depth: number): number;
  /** A table entry, in a table at `depth`, that points at `physical`. */
  table(physical: number, out: Entry, depth: number): void;
  /** Bits, without the address, of the pieces into which a split leaf goes; `slots` each, at depth `to`. */
  pieces(lo: number, hi: number, from: number, to: number, slots: number, out: Entry): void;
  /**
   * Protection that the entry for `prot` really holds: flags that the format cannot express are gone or, like READ beside
   * WRITE, have come. Two protections have equal entries exactly where this is equal.
   */
  granted(prot: number): number;
  /** What a driver programs for these roots, which lie at depth `top`. */
  registers(roots: readonly number[], top: number): Registers;
}

/** The commonest of all that a geometry may be: one root that never grows, from address 0 on, and one entry a page. */
export const PLAIN_GEOMETRY: Readonly<
  Pick<
    Geometry,
    | 'quirks'
    | 'top'
    | 'roots'
    | 'iovaBase'
    | 'signExtends'
    | 'maxSlots'
    | 'syncedLo'
    | 'syncedHi'
    | 'rules'
    | 'leafSlots'
  >
> = {
  quirks: 0,
  top: 0,
  roots: 1,
  iovaBase: 0n,
  signExtends: false,
  maxSlots: 1,
  syncedLo: 0,
  syncedHi: 0,
  rules: {},
  leafSlots: () => 1,
};

/** One configuration of a format, for its tests and listings. */
export interface FormatConfiguration {
  /** Short name, as in `4K ias 48`. */
  readonly name: string;
  /** The request. */
  readonly request: TableRequest;
}

/** Ids of the formats: the kernel's names with hyphens. */
export type FormatId = string;

/** A page-table format. */
export interface Format {
  /** Id. */
  readonly id: FormatId;
  /** One line of description. */
  readonly title: string;
  /** Where the facts come from. */
  readonly source: string;
  /** Smallest pages that it offers. */
  readonly granules: readonly number[];
  /** Input widths that it accepts, in words. */
  readonly inputs: string;
  /** Output widths that it accepts, in words. */
  readonly outputs: string;
  /** Quirks that it knows. */
  readonly quirks: readonly QuirkName[];
  /** Configurations that every test of the suite runs on. */
  readonly configurations: readonly FormatConfiguration[];
  /**
   * A plain request for a granule, with the format's usual widths where they are not given.
   * @param quirks those that bring page sizes are followed
   */
  request(granule: number, ias: number | undefined, oas: number | undefined, quirks?: number): TableRequest;
  /**
   * The geometry for a request.
   * @throws IommuError `BAD_GEOMETRY` or `BAD_QUIRK` where the format refuses it, as Linux's allocator does.
   */
  configure(request: TableRequest): Geometry;
}
