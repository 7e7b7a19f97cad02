/**
 * What every set of kernels offers, and where in memory kernels leave answers and find what they know.
 * @module
 */

/** Byte offset at which a kernel leaves answers of more than one value, as doubles: within the page left to kernels. */
export const STATE_OFFSET = 64;

/** Byte offset and bytes of the room in which compiled kernels keep constants while they run; nobody else reads it. */
export const KEPT: Readonly<{ offset: number; bytes: number }> = { offset: 128, bytes: 128 };

/**
 * Byte offsets of what `follow` knows of the tree that it walks, as 32-bit words; set by whoever walks. `tree`: physical
 * address of byte 0 (low half), field and shift of a table address in an entry, log2 of an entry's bytes, in two words each
 * the bits that mark a cleaned entry and the field of an output address in a leaf, that field's shift, and from word 10 on the
 * bits of which all are set in a leaf of several entries (0 where no bits tell one). `calls`, for whole calls: three doubles
 * (where input and output addresses end, 2^52 times the bytes of a page), the root, the last depth, the shift of the index above it, and
 * from word 10 on, in two words, where input addresses below 2^52 end. `levels`, four words a depth, at most six
 * depths: shift and mask of the index, mask and value that tell a table entry. `walked`: the last address in two words, the depth
 * reached (0 makes the next walk begin at the root), entries counted that had no mark. `path`: byte offset of the table at each
 * depth. `unmarked`: for each depth, entries above it that had no mark.
 */
export const WALK = { tree: 256, calls: 304, levels: 352, walked: 448, path: 464, unmarked: 496 } as const;

/** What every set of kernels offers. Offsets are bytes in the memory, counts are entries, values are 32-bit halves. */
export interface Kernels {
  /** Writes 8-byte entries: a value, each further one `stride` more. */
  fill8(dest: number, count: number, lo: number, hi: number, strideLo: number, strideHi: number): void;
  /** Writes 4-byte entries. */
  fill4(dest: number, count: number, value: number, stride: number): void;
  /** First index in [from, to) whose 8-byte entry is not zero, or `to`. */
  firstSet8(table: number, from: number, to: number): number;
  /** First index in [from, to) whose 8-byte entry is zero, or `to`. */
  firstClear8(table: number, from: number, to: number): number;
  /** First index in [from, to) whose 8-byte entry has all bits of a mask set, or `to`. */
  firstWith8(table: number, from: number, to: number, maskLo: number, maskHi: number): number;
  /**
   * Which of `count` 8-byte entries are dirty: whose bits under the mask are the value. Leaves a bit for each entry, from bit 0
   * of the word at `bits` on, and zeros to the end of the last word; turns over the bits of `flip`, of the low half, in the dirty ones.
   * @returns how many are dirty
   */
  dirty8(
    from: number,
    count: number,
    bits: number,
    maskLo: number,
    maskHi: number,
    valueLo: number,
    valueHi: number,
    flip: number,
  ): number;
  /** First index in [from, to) whose 4-byte entry is not zero, or `to`. */
  firstSet4(table: number, from: number, to: number): number;
  /** First index in [from, to) whose 4-byte entry is zero, or `to`. */
  firstClear4(table: number, from: number, to: number): number;
  /**
   * Checks that all addresses and lengths are whole, below 2^52 and inside the allowed bits; leaves the sum of the
   * lengths and the greatest end at {@link STATE_OFFSET}. Returns 1 where all is well.
   */
  checkList(addresses: number, lengths: number, count: number, allowedLo: number, allowedHi: number): number;
  /** As `checkList`, where every element must be exactly one page; leaves no answers. Returns 1 where all is well. */
  checkPages(
    addresses: number,
    lengths: number,
    count: number,
    page: number,
    allowedLo: number,
    allowedHi: number,
  ): number;
  /** Gathers `count` elements of one page each into 8-byte entries. */
  gatherPages8(
    addresses: number,
    index: number,
    dest: number,
    count: number,
    shift: number,
    maskLo: number,
    maskHi: number,
    bitsLo: number,
    bitsHi: number,
  ): void;
  /**
   * Gathers `count` elements of a list that was not checked into the 8-byte entries that smallest pages have in the tree of {@link WALK},
   * and checks meanwhile that each element is exactly one such page, in range of the output addresses.
   * @returns 1 where all are; 0 where one is not, and then what was written means nothing
   */
  takePages8(addresses: number, lengths: number, dest: number, count: number, bitsLo: number, bitsHi: number): number;
  /** Gathers `count` pages of a checked list into 8-byte entries; leaves the next element and offset in it. */
  gather8(
    addresses: number,
    lengths: number,
    index: number,
    offset: number,
    dest: number,
    count: number,
    pageShift: number,
    shift: number,
    maskLo: number,
    maskHi: number,
    bitsLo: number,
    bitsHi: number,
  ): void;
  /**
   * Pages of a checked list, from element `index` and `offset` bytes into it, that come before a larger page of `next` smallest
   * ones may begin: where input and output address are multiples of it and the list goes on without a break for some way. The
   * first page lies `phase` pages behind such an input address, and counts in any case; `limit` pages are left in the list;
   * `single` (1, not 0) says that each element is one page.
   * @returns pages, at most `count`
   */
  smallPages(
    addresses: number,
    lengths: number,
    index: number,
    offset: number,
    count: number,
    limit: number,
    pageShift: number,
    next: number,
    phase: number,
    single: number,
  ): number;
  /**
   * Follows table entries from `root` (a byte offset, with the root's depth in bits 3:0) towards the table at depth `target`,
   * from the deepest table of the last walk that also leads to `iova`. What it answers and counts is that of a walk from the root;
   * with `keep` (1, not 0) that of the part that was walked. Knows the tree by {@link WALK}.
   * @returns byte offset of the table reached, a multiple of 1 KiB, as a signed number, with the depth reached in bits 3:0
   * and the depth begun at in bits 7:4
   */
  follow(root: number, iova: number, target: number, keep: number): number;
  /**
   * Output address behind `iova` where 8-byte leaves hold it as a field: −1 where nothing is mapped, NaN where the leaf is one of
   * several entries. Walks as `follow` does without `keep`.
   */
  translate8(root: number, iova: number, last: number): number;
  /**
   * As `follow` to the table at depth `depth`; writes `count` neighbouring 8-byte leaves of that table, of one entry each, for one
   * output range from `pa` on, where their entries are all zero.
   * @returns as `follow`, with bit 8 set where the leaves were written
   */
  mapPages8(
    root: number,
    iova: number,
    pa: number,
    count: number,
    depth: number,
    keep: number,
    bitsLo: number,
    bitsHi: number,
  ): number;
  /**
   * Maps `bytes` bytes from `iova` to `pa` where these are whole pages of a depth in range, of one table that is there, and their
   * 8-byte entries are all zero. The root, and the ends of the ranges, are those of {@link WALK}; any number may come.
   * @returns byte offset of the table; 0 where nothing was done
   */
  mapCall8(depth: number, iova: number, pa: number, bytes: number, bitsLo: number, bitsHi: number): number;
  /**
   * Maps the physically contiguous runs of a checked list from `iova` on, beginning with element `index`, each as
   * {@link Kernels.mapCall8} maps smallest pages where it is one page or has less than `below` bytes, to the end of a table, or to a run
   * that is not so. Elements of no bytes belong to the run before them.
   * Leaves as doubles at {@link STATE_OFFSET}: the element behind the last run mapped, runs, pages.
   * @returns byte offset of the table; 0 where nothing was done
   */
  mapRuns8(
    addresses: number,
    lengths: number,
    index: number,
    end: number,
    iova: number,
    below: number,
    bitsLo: number,
    bitsHi: number,
  ): number;
  /**
   * Unmaps `bytes` bytes from `iova` where these are whole pages in range, of one last-level table, each mapped by an entry of its own.
   * @returns byte offset of the table; 0 where nothing was done
   */
  unmapCall8(iova: number, bytes: number): number;
  /**
   * Finds the last-level tables behind `bytes` bytes from `iova`, where these are whole tables whose entries lie in one table. Leaves
   * their byte offsets as 32-bit words from `dest` on.
   * @returns byte offset of the first of the entries; 0 where one of them is not an entry for a table, and for numbers out of range
   */
  tablesCall8(iova: number, bytes: number, dest: number): number;
  /** As `translate8` of the root in {@link WALK}; NaN too where the address is not a whole number in range. */
  translateCall8(iova: number): number;
  /** Zeroes bytes. */
  clear(at: number, bytes: number): void;
  /**
   * Output addresses of `count` 8-byte leaf entries, as doubles from `dest` on; −1 for an entry of zero. The address is what
   * the mask leaves of an entry, shifted left by `shift`; the field must span at most 52 bits.
   */
  decode8(from: number, count: number, dest: number, shift: number, maskLo: number, maskHi: number): void;
  /** Gathers `count` pages of a checked list into 4-byte entries. */
  gather4(
    addresses: number,
    lengths: number,
    index: number,
    offset: number,
    dest: number,
    count: number,
    pageShift: number,
    mask: number,
    bits: number,
  ): void;
}
