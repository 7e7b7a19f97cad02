/**
 * What a table walk answers: steps, a leaf, or a fault with a reason finer than the architecture's syndrome.
 * @module
 */

/** Why a translation ended without an output address. One reason a cause; several reasons share a syndrome. */
export type Reason =
  | 'never-mapped'
  | 'permission-read'
  | 'permission-write'
  | 'permission-execute'
  | 'permission-privileged'
  | 'access-flag'
  | 'dirty-flag'
  | 'output-too-large'
  | 'input-outside-region'
  | 'skipped-bits-set'
  | 'reserved-bits'
  | 'reserved-type'
  | 'block-not-allowed'
  | 'misaligned-block'
  | 'table-outside-memory'
  | 'loop'
  | 'walk-disabled'
  | 'start-level-inconsistent'
  | 'bad-geometry'
  | 'translation-off'
  | 'no-stream-match'
  | 'stream-out-of-range'
  | 'stream-outside-memory'
  | 'stream-invalid'
  | 'stream-aborts'
  | 'context-outside-memory'
  | 'context-invalid'
  | 'substream-out-of-range'
  | 'not-supported';

/** What kind of fault the architectures see in a {@link Reason}. */
export type FaultClass =
  | 'translation'
  | 'address-size'
  | 'access-flag'
  | 'permission'
  | 'external-abort'
  | 'configuration';

const CLASSES: Readonly<Record<Reason, FaultClass>> = {
  'never-mapped': 'translation',
  'permission-read': 'permission',
  'permission-write': 'permission',
  'permission-execute': 'permission',
  'permission-privileged': 'permission',
  'access-flag': 'access-flag',
  'dirty-flag': 'permission',
  'output-too-large': 'address-size',
  'input-outside-region': 'translation',
  'skipped-bits-set': 'translation',
  'reserved-bits': 'translation',
  'reserved-type': 'translation',
  'block-not-allowed': 'translation',
  'misaligned-block': 'translation',
  'table-outside-memory': 'external-abort',
  loop: 'translation',
  'walk-disabled': 'translation',
  'start-level-inconsistent': 'translation',
  'bad-geometry': 'translation',
  'translation-off': 'configuration',
  'no-stream-match': 'configuration',
  'stream-out-of-range': 'configuration',
  'stream-outside-memory': 'configuration',
  'stream-invalid': 'configuration',
  'stream-aborts': 'configuration',
  'context-outside-memory': 'configuration',
  'context-invalid': 'configuration',
  'substream-out-of-range': 'configuration',
  'not-supported': 'configuration',
};

/** The class of fault that a reason belongs to. */
export function faultClass(reason: Reason): FaultClass {
  return CLASSES[reason];
}

/** What a device asks for. `privileged` is the transaction's privilege, unprivileged where not given. */
export interface Access {
  readonly kind: 'read' | 'write' | 'execute';
  readonly privileged?: boolean;
}

/** A read without privilege. */
export const READ: Access = { kind: 'read' };
/** A write without privilege. */
export const WRITE: Access = { kind: 'write' };

/** One table entry on the way down. */
export interface Step {
  /** Stage of translation, 1 or 2. */
  readonly stage: 1 | 2;
  /** Level in the architecture's own counting. */
  readonly level: number;
  /** Index into the table. */
  readonly index: number;
  /** Physical address of the entry (for a nested stage 1: after stage 2). */
  readonly entryAddress: number;
  /** The raw entry, 32 or 64 bits. */
  readonly entry: bigint;
  /** `table`, `leaf`, or the reason why the walk ends here. */
  readonly kind: string;
  /** The entry's fields by their names in the architecture document. */
  readonly fields: Readonly<Record<string, string | number>>;
}

/** The page or block that translates an input address. */
export interface Leaf {
  readonly ok: true;
  /** First input address of the leaf. */
  readonly iova: bigint;
  /** Output address of the input address that was asked for; rounded from 2^53 on, where {@link output} is exact. */
  readonly pa: number;
  /** The same, exact. */
  readonly output: bigint;
  /** Output address of the leaf's first byte. */
  readonly base: number;
  /** Bytes that the leaf translates. */
  readonly size: number;
  /** Level in the architecture's own counting. */
  readonly level: number;
  /** Letters of the accesses allowed: `r`, `w`, `x`, and `p` last where only privileged ones are. */
  readonly perms: string;
  /** The same as an attribute word: bits of `ATTR`. */
  readonly attributes: number;
  /** Memory type in the architecture's words. */
  readonly memoryType: string;
  /** Physical address of the leaf entry. */
  readonly entryAddress: number;
  /** The raw entry. */
  readonly entry: bigint;
}

/** Why an input address has no translation. */
export interface Fault {
  readonly ok: false;
  readonly reason: Reason;
  readonly class: FaultClass;
  /** Stage of translation at which it stopped. */
  readonly stage: 1 | 2;
  /** Level in the architecture's own counting. */
  readonly level: number;
  /** Physical address of the entry at which it stopped, where there is one. */
  readonly entryAddress: number | undefined;
  /** The raw entry, where it could be read. */
  readonly entry: bigint | undefined;
  /** The architecture's name for it. */
  readonly syndrome: string;
  /** Input address that was asked for. */
  readonly iova: bigint;
  /** In a nested walk, for a stage 2 fault: the intermediate address, and what was being fetched. */
  readonly ipa?: bigint;
  /** In a nested walk: `table` if stage 2 stopped the fetch of a stage 1 entry, `input` for the final address. */
  readonly during?: 'table' | 'input';
}

/** A walk, step by step. */
export interface Walk {
  readonly steps: readonly Step[];
  readonly result: Leaf | Fault;
}
