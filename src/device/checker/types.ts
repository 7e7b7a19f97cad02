/**
 * What the invalidation checker is told, and what it says.
 * @module
 */
import type { CommandDecoder, CommandLimits } from '../../hardware/command.ts';
import type { TranslationTag } from '../../hardware/iommu.ts';

/** Names of verdicts. */
export type InvalidationRule =
  | 'missing'
  | 'not-completed'
  | 'late'
  | 'wrong-order'
  | 'too-narrow'
  | 'unpredictable'
  | 'needless'
  | 'too-wide'
  | 'stale-use'
  | 'break-before-make'
  | 'tag-reuse';

/** `error`: a device may reach what it must not; `warning`: it may in a window that is allowed; `cost`: work for nothing. */
export type Severity = 'error' | 'warning' | 'cost';

/** One verdict; equal ones are counted. */
export interface InvalidationFinding {
  /** Another one where later events changed the verdict: `missing` becomes `late`. */
  rule: InvalidationRule;
  severity: Severity;
  /** What happened, in words, of the first of its kind. */
  readonly text: string;
  /** How often. */
  count: number;
  /** Number of the event at which it was first seen, from 1. */
  readonly at: number;
  /** What it costs. */
  readonly cost: InvalidationCost;
}

/** What verdicts cost, as far as it is known. */
export interface InvalidationCost {
  /** Pages of 4 KiB that can still be reached, or that are looked up again for nothing. */
  pages: number;
  /** Commands that need not have been sent. */
  commands: number;
  /** Accesses that stale translations served. */
  accesses: number;
}

/** What a table entry is. */
export type EntryKind = 'invalid' | 'leaf' | 'table';

/** A change of table entries that follow each other: same tag, level and kind before and after. */
export interface TableChange {
  readonly tag: TranslationTag;
  /** First page of 4 KiB, and their number. */
  readonly first: number;
  readonly pages: number;
  readonly before: EntryKind;
  readonly after: EntryKind;
  /** Level in the architecture's counting; −1 where it is not known. */
  readonly level: number;
  /** Bytes of the smallest page of the tables; 0 where it is not known. */
  readonly granule: number;
  /** Pages that one entry covers, at whose multiples entries begin; absent: 1. */
  readonly unit?: number;
  /** Output address of the first page before; undefined for a table, or where it is not known. */
  readonly output?: number;
  /** Of a leaf that stays a leaf: only rights were added, so that stale entries refuse too much and allow nothing more. */
  readonly raised?: boolean;
  /** Of a leaf that stays a leaf at the same address: its size, type and output address stay. */
  readonly sameOutput?: boolean;
  /**
   * A leaf was replaced by leaves of another size that translate as it did: no access is stale; with `sameOutput` only
   * break-before-make is concerned.
   */
  readonly resized?: boolean;
  /** Physical address of the table that the entry led to. */
  readonly table?: number;
}

/** A change of what a stream's configuration says. */
export interface ConfigChange {
  readonly stream: number;
  /** −1 for none. */
  readonly substream: number;
  /** Whether the entry was valid before. */
  readonly wasValid: boolean;
  readonly before?: TagUse;
  readonly after?: TagUse;
}

/** A tag, and the root of the tables that it stands for. */
export interface TagUse {
  readonly tag: TranslationTag;
  readonly root: number;
}

/** What differs from unit to unit. */
export interface CheckerRules {
  readonly unit: string;
  readonly decoder: CommandDecoder;
  /** Whether a valid entry must be made invalid, and be invalidated, before it is made another one. */
  readonly breakBeforeMake: boolean;
  /** Whether translations that are not present may be kept: never, of second-stage tables, of all. */
  readonly keepsAbsent: 'never' | 'second' | 'all';
  /** Which changes of the configuration need an invalidation: all, or those of entries that were valid. */
  readonly config: 'all' | 'valid';
  /** Whether an invalidation of one page takes all that was cached of the entry that maps it, however many pages that has. */
  readonly wholeEntry: boolean;
  /** The TLB of a device must be asked after the unit's own has completed. */
  readonly deviceLast: boolean;
  readonly limits: CommandLimits;
}
