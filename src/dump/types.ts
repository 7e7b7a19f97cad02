/**
 * What the readers of dumps give, and the vocabulary they share.
 * @module
 */
import type { PhysicalReader } from '../bus.ts';

/** Random access to the bytes of a file or buffer. Reads past the end give fewer bytes, never an error. */
export interface ByteSource {
  /** Length in bytes. */
  readonly size: number;
  /** The bytes from `offset`, at most `length`; the caller may keep but not change them. */
  read(offset: number, length: number): Uint8Array;
}

/** A run of physical memory that a dump holds: first address and length in bytes. */
export interface Extent {
  readonly start: number;
  readonly bytes: number;
}

/** Something a reader left out, met or assumed, with how often. */
export interface DumpNote {
  /** Stable name, such as `rows-skipped`. */
  readonly code: string;
  /** How many things it concerns. */
  readonly count: number;
  /** The same in words. */
  readonly text: string;
}

/** Registers of one IOMMU as they were when the dump was taken. */
export interface RegisterFile {
  /** Kind of IOMMU: `arm-smmu-v3`, `arm-smmu`, `intel-vtd`, `amd-vi`, `riscv-iommu`. */
  readonly iommu: string;
  /** Physical address of its registers. */
  readonly mmioBase: number | undefined;
  /** Registers by their specification's names; arrays as `NAME[i]`. */
  readonly named: ReadonlyMap<string, bigint>;
  /** 32-bit words by byte offset from `mmioBase`. */
  readonly words: ReadonlyMap<number, number>;
  /** Ranges of system memory, where the dump says so. */
  readonly ram: readonly Extent[];
}

/** The shape of the tables in a snapshot that one format and one or more roots describe. */
export interface SnapshotGeometry {
  /** Format id, the kernel's name with hyphens. */
  readonly format: string;
  /** Smallest page in bytes. */
  readonly granule: number;
  /** Input address bits. */
  readonly ias: number;
  /** Output address bits. */
  readonly oas: number;
  /** Physical addresses of the top-level tables. */
  readonly roots: readonly number[];
  /** Quirks, by the kernel's names in lower case with hyphens. */
  readonly quirks: readonly string[];
}

/** A dump opened for reading. */
export interface Dump {
  /** Which reader took it: `sparse-pages`, `raw`, `elf`, `kdump`, `snapshot`, `debugfs`. */
  readonly kind: string;
  /** Its physical memory. */
  readonly reader: PhysicalReader;
  /** The 4 KiB page at an aligned address with unknown bytes as zero, or `undefined` where nothing of it is known. */
  page(address: number): Uint8Array | undefined;
  /** Which bytes of that page are known, as [from, end) pairs; `undefined` where all or none are. */
  knownParts(address: number): readonly (readonly [number, number])[] | undefined;
  /** Whole pages of zeros from an aligned address on that the dump holds as one run; 0 where it holds none so. */
  zeroPages?(address: number): number;
  /** Its registers, if it or the caller brought any. */
  readonly registers: RegisterFile | undefined;
  /** True if its device tables hold entries of some devices only; nothing is known of the others. */
  readonly someDevices?: boolean | undefined;
  /** Its geometry, if it says so itself. */
  readonly geometry: SnapshotGeometry | undefined;
  /** What memory it holds, in ascending order, touching runs merged. */
  readonly extents: readonly Extent[];
  /** What was left out or assumed so far; reading broken pages adds to it. */
  readonly notes: readonly DumpNote[];
}

/** What a caller may add to a dump. */
export interface OpenOptions {
  /** Name of the file, for messages; default `dump`. */
  readonly name?: string;
  /** Physical address of the first byte: the file is a raw image. */
  readonly base?: number;
  /** Registers from elsewhere; they replace those in the dump. */
  readonly registers?: RegisterFile;
  /** Most bytes that unpacking a `.gz` may take; default 1 GiB. */
  readonly unpackLimit?: number;
}
