/**
 * What a semantics decides where the architecture leaves it open, as data: one record for `safe`, and one for each kernel
 * and family of formats. The engine reads these fields and never the name of a kernel.
 * @module
 */
import { hex } from '../address.ts';
import { IommuError } from '../errors.ts';
import { QUIRK } from './quirks.ts';

/** Kernels whose page-table code is reproduced. */
export type Kernel = 'linux-6.1' | 'linux-7.3';

/** Refuse and undo, or do as a kernel does. */
export type Semantics = 'safe' | Kernel;

/** All semantics. */
export const SEMANTICS: readonly Semantics[] = ['safe', 'linux-6.1', 'linux-7.3'];

/** A check of the arguments of a map call. */
export type MapCheck = 'pageSize' | 'range' | 'protection' | 'count' | 'root';

/** What one semantics does with tables of one family. */
export interface Rules {
  /** What one call of the format covers: equal pages to the end of a table, one page, or a whole range. */
  readonly request: 'run' | 'page' | 'range';
  /** Argument checks of a map call of equal pages, in order. */
  readonly mapChecks: readonly MapCheck[];
  /** Which sizes the check `pageSize` lets through: any sum of the sizes granted, exactly the one size, or anything. */
  readonly sizeRule: 'subset' | 'exact' | 'any';
  /** The count of pages of a call. */
  readonly counts: 'exact' | 'signed 32 bits';
  /** Calls outside the input range: refused, reaching what their low bits index, or finding no root (ENOMEM). */
  readonly inputRange: 'refused' | 'aliases' | 'no root';
  /** Sizes that pages are chosen from: all granted, or those that the tree has. */
  readonly pageSizes: 'granted' | 'in the tree';
  /** How a list is joined: as Linux does, elements of no bytes included, or as if those were not there. */
  readonly lists: 'linux' | 'plain';
  /** Write barriers of the `map_sg` hook posted in 2021. */
  readonly mapSgBarriers: 'none' | 'each page';
  /** What of a run of pages is written where one of its entries is in use. */
  readonly inUse: 'nothing of the run' | 'the pages before it';
  /** Errno where an entry is in use. */
  readonly inUseErrno: 'EEXIST' | 'EADDRINUSE';
  /** What a larger page does with a table that holds mappings. */
  readonly tableInUse: 'refused' | 'dropped';
  /** Unmapping a part of a block or contiguous page. */
  readonly partOfPage: 'split' | 'refused' | 'whole page';
  /** What the pieces of a split block map. */
  readonly splitAddress: 'kept' | 'lost';
  /**
   * How the pieces of a split are written, and which of a contiguous page can be split further: each by its address, and any;
   * or, as sums of the one before and the bytes of a page, and the first of the group.
   */
  readonly splitOfGroup: 'any' | 'first';
  /** Which pages a larger contiguous page is turned into on unmap: any smaller one, or single entries only. */
  readonly separates: 'any' | 'single entries';
  /**
   * How the entries of one table are unmapped: each page cleaned, and announced where it is a leaf; or as a run, with one clean,
   * and every entry announced, tables included, once the invalidations of tables are done.
   */
  readonly unmapped: 'page by page' | 'as a run';
  /** When the core syncs: after every unmap call, or where bytes were unmapped. */
  readonly syncs: 'every unmap' | 'unmapped bytes';
  /** What is cleaned of a new table where walks are not coherent. */
  readonly newTable: 'entry' | 'table and entry';
  /** What follows for leaves that a read of dirty bits made clean: cache cleans and invalidation, or a gather by the caller. */
  readonly dirtyCleared: 'cleaned and invalidated' | 'gathered';
  /** Ranges in which dirty pages are read: any, or up to the first hole; or none (EINVAL). */
  readonly dirtyRange: 'any' | 'to a hole' | 'none';
  /** Arm stage 2: where the root is up to 16 tables side by side. */
  readonly concatenation: 'where it saves a level' | 'where demanded';
  /** DART: levels below the roots. */
  readonly dartLevels: 'two' | 'two or three';
  /** DART: roots at most, by granule. */
  readonly dartRoots: 'four' | 'four of 4K, one of 16K';
  /** DART, second encoding: which leaves have NO_CACHE. */
  readonly dartNoCache: 'all' | 'not cacheable';
  /** Quirks that the kernel refuses, a sum of `QUIRK` flags. */
  readonly refusedQuirks: number;
}

/** Rules of one format; a kernel that is not there does not have it, and where `safe` is not there {@link SAFE} holds. */
export type RulesBySemantics = Readonly<Partial<Record<Semantics, Rules>>>;

/** What of a geometry says which rules hold. */
interface RuledGeometry {
  readonly format: string;
  readonly quirks: number;
  readonly rules: RulesBySemantics;
}

/** This project's own semantics, for every format. */
export const SAFE: Rules = {
  request: 'run',
  mapChecks: [],
  sizeRule: 'any',
  counts: 'exact',
  inputRange: 'refused',
  pageSizes: 'in the tree',
  lists: 'plain',
  mapSgBarriers: 'none',
  inUse: 'nothing of the run',
  inUseErrno: 'EEXIST',
  tableInUse: 'refused',
  partOfPage: 'split',
  splitAddress: 'kept',
  splitOfGroup: 'any',
  separates: 'any',
  unmapped: 'page by page',
  syncs: 'every unmap',
  newTable: 'entry',
  dirtyCleared: 'cleaned and invalidated',
  dirtyRange: 'any',
  concatenation: 'where it saves a level',
  dartLevels: 'two or three',
  dartRoots: 'four',
  dartNoCache: 'all',
  refusedQuirks: 0,
};

/** What no kernel's io-pgtable does: contiguous entries of the long descriptors, and their 52 bits with 4K and 16K. */
const OWN_QUIRKS = QUIRK.ARM_CONTIGUOUS | QUIRK.ARM_LPA2;

/** Linux 6.1, io-pgtable-arm: LPAE and Mali. Also for formats that have nothing of their own there. */
export const LPAE_61: Rules = {
  ...SAFE,
  mapChecks: ['pageSize', 'range', 'protection'],
  sizeRule: 'subset',
  counts: 'signed 32 bits',
  pageSizes: 'granted',
  lists: 'linux',
  tableInUse: 'dropped',
  separates: 'single entries',
  dirtyRange: 'none',
  refusedQuirks: OWN_QUIRKS | QUIRK.ARM_HD | QUIRK.ARM_S2FWB | QUIRK.NO_WARN,
};

/** Linux 7.3, io-pgtable-arm: LPAE and Mali. */
export const LPAE_73: Rules = {
  ...LPAE_61,
  partOfPage: 'refused',
  unmapped: 'as a run',
  syncs: 'unmapped bytes',
  refusedQuirks: OWN_QUIRKS,
};

/** Linux 7.3, stage 2. */
export const LPAE_S2_73: Rules = { ...LPAE_73, concatenation: 'where demanded' };

/** Linux 7.3, stage 1 of the 64-bit format, which alone has dirty tracking. */
export const LPAE_S1_73: Rules = { ...LPAE_73, dirtyRange: 'to a hole', dirtyCleared: 'gathered' };

/** Linux 6.1, io-pgtable-arm-v7s. */
export const V7S_61: Rules = {
  ...LPAE_61,
  request: 'page',
  mapChecks: ['range', 'protection', 'count'],
  sizeRule: 'any',
  counts: 'exact',
  mapSgBarriers: 'each page',
  splitAddress: 'lost',
  splitOfGroup: 'first',
};

/** Linux 7.3, io-pgtable-arm-v7s. */
export const V7S_73: Rules = { ...V7S_61, partOfPage: 'refused', syncs: 'unmapped bytes', refusedQuirks: 0 };

/** `safe` with short descriptors: only the barriers of the hook of 2021 differ. */
export const V7S_SAFE: Rules = { ...SAFE, mapSgBarriers: 'each page' };

/** Linux 7.3, generic page table (drivers/iommu/generic_pt). */
export const GENERIC_73: Rules = {
  ...SAFE,
  request: 'range',
  pageSizes: 'granted',
  lists: 'linux',
  inUse: 'the pages before it',
  inUseErrno: 'EADDRINUSE',
  partOfPage: 'whole page',
  newTable: 'table and entry',
  dirtyCleared: 'gathered',
};

/** Linux 6.1, io-pgtable-dart. */
export const DART_61: Rules = { ...LPAE_61, sizeRule: 'exact', inputRange: 'aliases', dartLevels: 'two' };

/** Linux 7.3, io-pgtable-dart. */
export const DART_73: Rules = {
  ...DART_61,
  mapChecks: [...LPAE_61.mapChecks, 'root'],
  inputRange: 'no root',
  syncs: 'unmapped bytes',
  dartLevels: 'two or three',
  dartRoots: 'four of 4K, one of 16K',
  refusedQuirks: 0,
};

/** Linux 7.3, the second encoding. */
export const DART2_73: Rules = { ...DART_73, dartNoCache: 'not cacheable' };

/**
 * The rules of a semantics for a format's tables.
 * @throws IommuError `BAD_OPTION` where that kernel does not have the format; `UNSUPPORTED_GEOMETRY` for quirks that it refuses.
 */
export function rulesOf({ format, rules, quirks }: RuledGeometry, semantics: Semantics): Rules {
  const found = rules[semantics] ?? (semantics === 'safe' ? SAFE : undefined);
  if (found === undefined) {
    const known = SEMANTICS.filter((each) => each === 'safe' || rules[each] !== undefined);
    throw new IommuError(
      'BAD_OPTION',
      'semantics',
      `expected one of ${known.join(', ')} for ${format}, got ${semantics}`,
    );
  }
  const refused = quirks & found.refusedQuirks;
  if (refused === 0) return found;
  const got = hex(refused);
  throw new IommuError(
    'UNSUPPORTED_GEOMETRY',
    'quirks',
    `expected no quirk of ${hex(found.refusedQuirks)}, which ${semantics} refuses for ${format}, got ${got}`,
    { got },
  );
}
