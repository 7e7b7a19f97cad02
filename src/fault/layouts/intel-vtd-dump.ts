/**
 * What the DMAR driver's dump of its own tables, printed behind a fault record, says about the fault.
 * @module
 */
import { hex } from '../../address.ts';
import type { CauseName } from '../cause-names.ts';
import type { Draft } from '../draft.ts';
import type { Exclusion } from '../incident.ts';

/** What follows from the dump. */
export interface DumpEvidence {
  readonly notes: readonly string[];
  readonly cause: CauseName | undefined;
  readonly candidates: readonly CauseName[] | undefined;
  readonly excluded: readonly Exclusion[];
}

const NOTHING: DumpEvidence = { notes: [], cause: undefined, candidates: undefined, excluded: [] };

/** Structures whose present bit a fault reason found clear (VT-d, chapter 7), with the printed entry and its name. */
const ABSENT: ReadonlyMap<number, readonly [value: string, name: string]> = new Map<number, readonly [string, string]>([
  [0x01, ['rootLow', 'root entry']],
  [0x02, ['contextLow', 'context entry']],
  [0x39, ['rootLow', 'root entry']],
  [0x41, ['contextLow', 'context entry']],
  [0x51, ['directory', 'PASID directory entry']],
  [0x59, ['pasidEntry', 'PASID table entry']],
]);

/** Reasons that say the walk found no entry, or none with the right. */
const WALK_REASONS: readonly number[] = [0x05, 0x06, 0x71, 0x79, 0x85, 0x86];
const WRITES: readonly number[] = [0x05, 0x85];

/** PASID table entry, PGTT in bits 8:6 (VT-d 9.6); context entry, TT in bits 3:2 of its low half (VT-d 9.3). */
const PGTT_PASS_THROUGH = 4n;
const TT_PASS_THROUGH = 2n;

/** True if the context bypasses translation: the driver then walks physical page 0, and its lines mean nothing. */
function isPassThrough(draft: Draft): boolean {
  const pasid = draft.hex('pasidEntry');
  if (pasid !== undefined) return ((pasid >> 6n) & 7n) === PGTT_PASS_THROUGH;
  const context = draft.hex('contextLow');
  return draft.hex('rootHigh') === undefined && context !== undefined && ((context >> 2n) & 3n) === TT_PASS_THROUGH;
}

/** The entry that the hardware found absent is there in the driver's tables. */
function olderCopy(draft: Draft, code: number): DumpEvidence | undefined {
  const [value, name] = ABSENT.get(code) ?? [];
  const entry = value === undefined ? undefined : draft.hex(value);
  if (entry === undefined || name === undefined) return undefined;
  if ((entry & 1n) === 0n) return { ...NOTHING, notes: [`the driver's ${name} is ${hex(entry)}: not present either`] };
  return {
    notes: [
      `the driver's ${name} is ${hex(entry)}, present: the hardware used an older copy, or it was written after the fault`,
    ],
    cause: 'stale-tlb',
    candidates: ['stale-tlb', 'used-before-mapping'],
    excluded: [{ name: 'no-context', why: `the driver's ${name} is present in the dump` }],
  };
}

const OWN_WALK = "the driver's own walk of its tables";

/** What the last entry of the driver's walk says: an entry with the right, one without it, or none. */
function walkEvidence(draft: Draft, code: number): DumpEvidence {
  const pte = draft.hexes('pte').at(-1);
  if (pte === undefined && !draft.has('absent')) return NOTHING;
  if (pte === undefined || pte === 0n || draft.has('absent')) {
    const why = `${OWN_WALK} found no entry`;
    const names: readonly CauseName[] = ['wrong-direction', 'stale-tlb'];
    return { ...NOTHING, notes: [why], excluded: names.map((name) => ({ name, why })) };
  }
  const right = WRITES.includes(code) ? 2n : 1n;
  const why = `${OWN_WALK} ends at ${hex(pte, 16)}`;
  const mapped: readonly CauseName[] = ['never-mapped', 'overrun'];
  if ((pte & right) !== 0n) {
    return {
      notes: [`${why}, which permits the access: a stale TLB entry, or mapped after the fault`],
      cause: 'stale-tlb',
      candidates: ['stale-tlb', 'used-before-mapping'],
      excluded: ['wrong-direction' as const, ...mapped].map((name) => ({ name, why })),
    };
  }
  return {
    notes: [`${why}, which does not permit the access`],
    cause: 'wrong-direction',
    candidates: ['wrong-direction'],
    excluded: mapped.map((name) => ({ name, why })),
  };
}

/** What the dump of the tables behind a fault says; nothing where there is none. */
export function dumpEvidence(draft: Draft, code: number | undefined): DumpEvidence {
  if (code === undefined) return NOTHING;
  const passes = isPassThrough(draft);
  const entry = olderCopy(draft, code);
  const walked = draft.has('pte') || draft.has('absent');
  const notes = passes && walked ? ['the context is pass-through: the dumped page-table lines mean nothing'] : [];
  if (entry !== undefined) return { ...entry, notes: [...entry.notes, ...notes] };
  if (passes || !WALK_REASONS.includes(code)) return { ...NOTHING, notes };
  return walkEvidence(draft, code);
}
