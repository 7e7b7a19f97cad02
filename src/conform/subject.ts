/**
 * What a vector needs of the page tables that it runs on, whatever engine is behind them. Addresses, sizes and entries
 * are `bigint` and 64 bits wide, input addresses are public ones (the upper half included); errnos are negative.
 * @module
 */

/** A recorded event: a TLB callback, a cache clean, a new top or a sync, in the form of the schema. */
export type RecordedEvent = readonly (string | number | readonly string[])[];

/** Where the vector says so, what an invalidation gathered: a range, tables to be freed, and on RISC-V level bitmaps. */
export interface Gathered {
  /** First address; 2^64 − 1 where nothing was gathered. */
  readonly start: bigint;
  /** Last address; 0 where nothing was gathered. */
  readonly end: bigint;
  /** Physical addresses of the tables to be freed, in list order. */
  readonly pages?: readonly bigint[];
  /** Levels at which leaves were removed, as a bitmap. */
  readonly leaf?: number;
  /** Levels of the entries whose table was removed, as a bitmap. */
  readonly table?: number;
}

/** What a map call of one layer did. */
export interface MapAnswer {
  /** 0 or a negative errno. */
  readonly errno: number;
  /** Bytes mapped; may be short with errno 0, and above 0 with an error. */
  readonly bytes: bigint;
}

/** What `unmapRange` or `endGather` did. */
export interface UnmapAnswer {
  /** Bytes unmapped by this call. */
  readonly bytes: bigint;
  /** The gather after it. */
  readonly gather: Gathered;
  /** Whether the core would sync now: something gathered, and not queued. */
  readonly sync: boolean;
}

/** What `readDirty` found. */
export interface DirtyAnswer {
  /** 0 or a negative errno. */
  readonly errno: number;
  /** Dirty pages as [input address, bytes], in order; reported where a bitmap was passed. */
  readonly dirty: readonly (readonly [bigint, bigint])[];
  /** The gather after it. */
  readonly gather: Gathered;
}

/** How the gather structure of an unmap call is given: with a sync to follow, with a deferred flush, or not at all. */
export type GatherUse = 'now' | 'queued' | 'none';

/** An entry in use: table, level in the vector's counting, index, value. */
export type EntrySink = (table: bigint, level: number, index: number, entry: bigint) => void;

/** Calls and bytes of one kind of cache maintenance. */
export interface CleanTotals {
  readonly calls: number;
  readonly bytes: number;
}

/**
 * The page tables of one vector. Calls that are optional belong to some schemas only; a vector that asks for one that is
 * missing fails by name. A call may throw `IommuError`: the vector then fails alone.
 */
export interface Subject {
  /** Bits of an entry. */
  readonly entryBits: 32 | 64;
  /** The granted configuration by the keys of `init`. */
  granted(): Readonly<Record<string, bigint | number | readonly bigint[]>>;
  /** What a driver programs now, by flat name. */
  registers(): Readonly<Record<string, bigint>>;
  /** Every entry in use of every table that the root reaches. */
  entries(sink: EntrySink): void;
  /** Events since the last call, those of creation included, in order. */
  takeEvents(): RecordedEvent[];
  /** Tables allocated and freed so far, roots included. */
  tables(): { readonly allocated: number; readonly freed: number };
  /** Cache cleans so far. */
  cleans(): CleanTotals;
  /** Tables mapped for a non-coherent walker so far (Linux 7.3's io-pgtable). */
  walkerMaps?(): CleanTotals;
  /** Output address of an input address, 0 where there is none. */
  translate(iova: bigint): bigint;
  /** So many further tables can be allocated, later ones fail; −1 ends it. */
  failAfter(tables: number): void;

  /** The core's map. */
  map(iova: bigint, pa: bigint, size: bigint, prot: number): number;
  /** The core's unmap; bytes. */
  unmap(iova: bigint, size: bigint): bigint;
  /** The core's map of a list. */
  mapSg(iova: bigint, list: readonly (readonly [bigint, bigint])[], prot: number): MapAnswer;

  /** The format's map_pages. */
  mapPages?(iova: bigint, pa: bigint, size: bigint, count: number, prot: number): MapAnswer;
  /** The format's unmap_pages; bytes. */
  unmapPages?(iova: bigint, size: bigint, count: number, gather: GatherUse): bigint;
  /** The format's pgtable_walk: entries of levels 0 to 3 on the way, 0 where not visited. */
  walk?(iova: bigint): { readonly errno: number; readonly entries: readonly bigint[] };
  /** The hardware writes to `iova`: sets the dirty state of its leaf; whether there was one that has it. */
  hardwareWrite?(iova: bigint): boolean;

  /** Generic page table: map_range. */
  mapRange?(iova: bigint, pa: bigint, bytes: bigint, prot: number): MapAnswer;
  /** Generic page table: unmap_range, into the shared gather where one was begun. */
  unmapRange?(iova: bigint, bytes: bigint, queued: boolean): UnmapAnswer;
  /** The `unmapRange` calls from here on share one gather. */
  beginGather?(queued: boolean): void;
  /** Ends it: the gather as it was, then synced or, queued, its pages freed. */
  endGather?(): Omit<UnmapAnswer, 'bytes'>;
  /** Generic page table: sets D in the entry of `iova`; errno. */
  setDirty?(iova: bigint): number;
  /** read_and_clear_dirty; `flags` 1: do not clear. `gather` false: none passed. */
  readDirty?(iova: bigint, size: bigint, flags: number, bitmap: boolean, gather: boolean): DirtyAnswer;
}
