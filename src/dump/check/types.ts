/**
 * What a check looks at, and what it says.
 * @module
 */
import type { Decoding, DomainMappings } from '../decode.ts';

/** How bad a finding is. Errors fail a check; Linux in health gives infos. */
export type Severity = 'error' | 'warning' | 'info';

/** Something that a rule found. */
export interface Finding {
  readonly rule: string;
  readonly severity: Severity;
  /** Id of the domain; `undefined` for the unit's own state. */
  readonly domain: string | undefined;
  /** First input address, where the finding is about input addresses. */
  readonly iova: bigint | undefined;
  readonly bytes: number;
  /** What is wrong, in words. */
  readonly meaning: string;
  /** Section of the specification, or where the rule comes from. */
  readonly source: string;
}

/** What a rule's function gives: the finding without what the rule itself says. */
export interface Hit {
  readonly domain?: string | undefined;
  readonly iova?: bigint | undefined;
  readonly bytes?: number;
  readonly meaning: string;
  /** A section finer than the rule's. */
  readonly source?: string;
}

/** A range of physical memory. */
export interface PhysicalRange {
  readonly start: number;
  readonly bytes: number;
}

/** A window of addresses that nothing should map. */
export interface ReservedWindow extends PhysicalRange {
  readonly name: string;
  /** The window is of input addresses (translated or not, they go elsewhere) or of output addresses. */
  readonly of: 'input' | 'output';
}

/** One table entry that is not zero. */
export interface Entry {
  readonly domain: DomainMappings;
  readonly depth: number;
  readonly lo: number;
  readonly hi: number;
  readonly kind: number;
  readonly iova: bigint;
  /** Bytes of input addresses that the entry covers. */
  readonly bytes: number;
  readonly index: number;
  readonly address: number;
  /** Offences against the architecture that hardware need not notice. */
  readonly offences: readonly string[];
  /** Words of the same table: two an entry, or one where entries have 32 bits. */
  readonly words: Uint32Array;
}

/** Everything that rules may look at. */
export interface CheckSubject {
  readonly decoding: Decoding;
  /** Ranges of system memory, where known. */
  readonly ram: readonly PhysicalRange[];
  readonly windows: readonly ReservedWindow[];
  /** True for a page that its allocator has back; only a live memory knows. */
  readonly isFree?: ((address: number) => boolean) | undefined;
  /** Entries of every table, without leaves that say what one before them says of another address. */
  readonly entries: () => Iterable<Entry>;
}

/** A rule: data, and a function that finds what breaks it. */
export interface Rule {
  readonly id: string;
  readonly severity: Severity;
  /** What the rule demands, in one line. */
  readonly text: string;
  readonly source: string;
  readonly find: (subject: CheckSubject) => Iterable<Hit>;
}
