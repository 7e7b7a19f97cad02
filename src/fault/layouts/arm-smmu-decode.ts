/**
 * Context faults and global faults of SMMUv1 and SMMUv2 by the bits of their registers, for all drivers that print them.
 * @module
 */
import { hex } from '../../address.ts';
import { type BitField, decodeBits, hasFlag } from '../bit-fields.ts';
import { type Draft, parseHex } from '../draft.ts';
import type { Decoded, Exclusion, FaultAccess, FaultField, FaultKind } from '../incident.ts';
import type { Values } from '../template.ts';

/** SMMU_CBn_FSR (Arm IHI 0062, 17.3 "Context bank registers"). */
const FSR: readonly BitField[] = [
  { name: 'TF', at: 1, meaning: 'translation fault: no valid entry for the address' },
  { name: 'AFF', at: 2, meaning: 'access flag fault: the access flag of the leaf is clear' },
  { name: 'PF', at: 3, meaning: 'permission fault: the leaf does not permit the access' },
  { name: 'EF', at: 4, meaning: 'external fault: a read of the tables failed on the bus' },
  { name: 'TLBMCF', at: 5, meaning: 'TLB match conflict: two entries of the TLB match' },
  { name: 'TLBLKF', at: 6, meaning: 'TLB lock fault' },
  { name: 'ASF', at: 7, meaning: 'address size fault: an output address is larger than configured' },
  { name: 'UUT', at: 8, meaning: 'unsupported upstream transaction' },
  {
    name: 'FORMAT',
    at: 9,
    bits: 2,
    meaning: { 0: 'AArch32 short descriptors', 1: 'AArch32 long descriptors', 2: 'AArch64', 3: 'reserved' },
    always: true,
  },
  { name: 'SS', at: 30, meaning: 'the transaction is stalled' },
  { name: 'MULTI', at: 31, meaning: 'more faults came before this one was cleared' },
];

/** SMMU_CBn_FSYNR0 (IHI 0062, 17.3). */
const FSYNR0: readonly BitField[] = [
  { name: 'PLVL', at: 0, bits: 2, meaning: { 0: 'level 0', 1: 'level 1', 2: 'level 2', 3: 'level 3' }, always: true },
  { name: 'WNR', at: 4, meaning: { 0: 'a read', 1: 'a write' }, always: true },
  { name: 'PNU', at: 5, meaning: { 0: 'unprivileged', 1: 'privileged' }, always: true },
  { name: 'IND', at: 6, meaning: { 0: 'data', 1: 'instruction' }, always: true },
  { name: 'NSSTATE', at: 7, meaning: 'from the non-secure state' },
  { name: 'NSATTR', at: 8, meaning: 'the transaction is non-secure' },
  { name: 'ITF', at: 9, meaning: 'a fault of ATS or of an invalidation' },
  { name: 'PTWF', at: 10, meaning: 'the fault came on a read of the tables' },
  { name: 'AFR', at: 11, meaning: 'recorded asynchronously' },
  { name: 'S1CBNDX', at: 16, bits: 8, meaning: 'context bank of stage 1' },
];

/** SMMU_sGFSR (IHI 0062, 10.6 "Global fault status"). */
const GFSR: readonly BitField[] = [
  { name: 'ICF', at: 0, meaning: 'invalid context fault' },
  { name: 'USF', at: 1, meaning: 'unidentified stream fault: no stream match register knows the stream' },
  { name: 'SMCF', at: 2, meaning: 'stream match conflict fault: more than one matches' },
  { name: 'UCBF', at: 3, meaning: 'unimplemented context bank fault' },
  { name: 'UCIF', at: 4, meaning: 'unimplemented context interrupt fault' },
  {
    name: 'CAF',
    at: 5,
    meaning: "configuration access fault: an access to the SMMU's own registers that is not allowed",
  },
  { name: 'EF', at: 6, meaning: 'external fault' },
  { name: 'PF', at: 7, meaning: 'permission fault' },
  { name: 'UUT', at: 8, meaning: 'unsupported upstream transaction' },
  { name: 'MULTI', at: 31, meaning: 'more faults came before this one was cleared' },
];

const KINDS: readonly (readonly [string, FaultKind])[] = [
  ['TF', 'translation'],
  ['PF', 'permission'],
  ['AFF', 'access-flag'],
  ['ASF', 'address-size'],
  ['EF', 'external-abort'],
  ['TLBMCF', 'conflict'],
  ['TLBLKF', 'unknown'],
  ['UUT', 'request'],
];

const FSR_FLAGS = KINDS.map(([flag]) => flag);

/** Kinds of global faults by flag. */
const GLOBAL_KINDS: ReadonlyMap<string, FaultKind> = new Map<string, FaultKind>([
  ['ICF', 'configuration'],
  ['USF', 'configuration'],
  ['SMCF', 'conflict'],
  ['UCBF', 'configuration'],
  ['UCIF', 'configuration'],
  ['CAF', 'request'],
  ['EF', 'external-abort'],
  ['PF', 'permission'],
  ['UUT', 'request'],
]);

/** SMMU_sGFSYNR0 (IHI 0062, 10.6). */
const GFSYNR0: readonly BitField[] = [
  { name: 'Nested', at: 0, meaning: 'the fault came in the second stage of a nested translation' },
  { name: 'WNR', at: 1, meaning: { 0: 'a read', 1: 'a write' }, always: true },
  { name: 'PNU', at: 2, meaning: { 0: 'unprivileged', 1: 'privileged' }, always: true },
  { name: 'IND', at: 3, meaning: { 0: 'data', 1: 'instruction' }, always: true },
  { name: 'NSSTATE', at: 4, meaning: 'from the non-secure state' },
  { name: 'NSATTR', at: 5, meaning: 'the transaction is non-secure' },
  { name: 'ATS', at: 6, meaning: 'a translation request' },
];

function register(name: string, value: bigint, bits: readonly BitField[]): FaultField[] {
  return [{ name, value: hex(value), meaning: '' }, ...decodeBits(value, bits)];
}

function plain(draft: Draft, key: string, name: string, meaning: string): FaultField[] {
  const value = draft.hex(key);
  return value === undefined ? [] : [{ name, value: hex(value), meaning }];
}

function accessOf(synr: bigint | undefined, bits: readonly BitField[]): FaultAccess | undefined {
  if (synr === undefined) return undefined;
  if (hasFlag(synr, bits, 'WNR')) return 'write';
  return hasFlag(synr, bits, 'IND') ? 'execute' : 'read';
}

/** Stream id in bits 15:0 of CBFRSYNRA and sGFSYNR1 (IHI 0062, 10.6), or printed by itself. */
function streamOf(draft: Draft, register: string): number | undefined {
  const value = draft.hex(register);
  if (value !== undefined) return Number(value & 0xffffn);
  return draft.hexNumber('sid') ?? draft.decimal('sidDecimal') ?? draft.hexNumber('blocked');
}

/** False where the stream of one line is not that of CBFRSYNRA in another: two banks print at the same time. */
export function agreesWithStream(draft: Draft, values: Values): boolean {
  const sid = parseHex(values.get('sid') ?? draft.text('sid'));
  const register = parseHex(values.get('cbfrsynra') ?? draft.text('cbfrsynra'));
  return sid === undefined || register === undefined || (sid & 0xffffn) === (register & 0xffffn);
}

interface WalkEvidence {
  readonly notes: string[];
  readonly excluded: Exclusion[];
}

/** What the driver's own walk of its tables found (Qualcomm). A failed hardware lookup (ATOS) alone proves nothing. */
function walkEvidence(draft: Draft): WalkEvidence {
  const soft = draft.hex('soft');
  const notes: string[] = [];
  if (soft === 0n) {
    notes.push("the driver's own walk of the tables found no mapping");
    const why = "the driver's own walk of its tables found no entry";
    return { notes, excluded: ['stale-tlb', 'wrong-direction'].map((name) => ({ name, why }) as Exclusion) };
  }
  if (soft !== undefined) {
    notes.push(`the driver's own walk, some time after the fault, found ${hex(soft)}`);
  }
  if (draft.has('atos-differed'))
    notes.push('a lookup by the hardware gave another result after the TLB was invalidated');
  return { notes, excluded: [] };
}

function fieldsOfContext(draft: Draft, fsr: bigint | undefined, fsynr: bigint | undefined): FaultField[] {
  return [
    ...(fsr === undefined ? [] : register('FSR', fsr, FSR)),
    ...(fsynr === undefined ? [] : register('FSYNR0', fsynr, FSYNR0)),
    ...plain(draft, 'fsynr1', 'FSYNR1', 'implementation defined'),
    ...plain(draft, 'cbfrsynra', 'CBFRSYNRA', 'stream of the transaction'),
    ...plain(draft, 'far', 'FAR', 'address of the access'),
    ...plain(draft, 'ttbr0', 'TTBR0', ''),
    ...plain(draft, 'ttbr1', 'TTBR1', ''),
    ...LEVELS.flatMap(([key, name]) => plain(draft, key, name, 'entry that the driver printed')),
    ...(draft.text('cb') === undefined ? [] : [{ name: 'cb', value: draft.text('cb') ?? '', meaning: 'context bank' }]),
  ];
}

/** Flags beside the one that names the fault. */
function otherNotes(
  value: bigint | undefined,
  bits: readonly BitField[],
  name: string,
  flags: readonly string[],
): string[] {
  if (value === undefined) return [];
  const others = flags.filter((flag) => flag !== name && hasFlag(value, bits, flag));
  const also = others.length === 0 ? [] : [`the register also reports ${others.join(', ')}`];
  const lost = 'MULTI: further faults came before this one was cleared, and their records are lost';
  return hasFlag(value, bits, 'MULTI') ? [...also, lost] : also;
}

const NO_FSR = 'the line has no FSR: an old kernel, which does not say what kind of fault it was';

/** Entries that NVIDIA's kernels print behind the fault, by level. */
const LEVELS: readonly (readonly [string, string])[] = [
  ['pgd', 'pgd'],
  ['pud', 'pud'],
  ['pmd', 'pmd'],
  ['leaf', 'pte'],
];

/** The first level whose entry is empty. Below a block the driver prints nothing of use: only an entry of zero counts. */
function emptyLevel(draft: Draft): string | undefined {
  return LEVELS.find(([key]) => draft.hex(key) === 0n)?.[1];
}

interface Kind {
  readonly name: string;
  readonly kind: FaultKind;
  readonly meaning: string;
}

/** By FSR; without it, by the entries that the driver printed. */
function kindOfContext(draft: Draft, fsr: bigint | undefined): Kind {
  const [name, kind] = KINDS.find(([flag]) => fsr !== undefined && hasFlag(fsr, FSR, flag)) ?? [];
  const meaning = FSR.find((field) => field.name === name)?.meaning;
  if (name !== undefined && kind !== undefined)
    return { name, kind, meaning: typeof meaning === 'string' ? meaning : '' };
  const empty = fsr === undefined ? emptyLevel(draft) : undefined;
  if (empty === undefined) return { name: 'context fault', kind: 'unknown', meaning: '' };
  const words = `the tables that the driver prints have no entry for the address (${empty} is 0)`;
  return { name: 'context fault', kind: 'translation', meaning: words };
}

/** Decodes a context fault: FSR, FSYNR0, address, stream. */
export function decodeContextFault(draft: Draft): Decoded {
  const [fsr, fsynr] = [draft.hex('fsr'), draft.hex('fsynr')];
  const { name, kind, meaning } = kindOfContext(draft, fsr);
  const { notes, excluded } = walkEvidence(draft);
  const access = accessOf(fsynr, FSYNR0);
  const iova = draft.hex('iova') ?? draft.hex('far');
  const noTables = draft.hex('ttbr0') === 0n && draft.hex('ttbr1') === 0n;
  return {
    kind,
    name,
    meaning,
    device: draft.text('client'),
    stream: streamOf(draft, 'cbfrsynra'),
    iova,
    access,
    fields: fieldsOfContext(draft, fsr, fsynr),
    notes: [...(fsr === undefined ? [NO_FSR] : []), ...otherNotes(fsr, FSR, name, FSR_FLAGS), ...notes],
    ...(name === 'TLBLKF' ? { candidates: [] } : {}),
    cause: noTables ? 'no-context' : kind === 'permission' && access === 'execute' ? 'no-execute' : undefined,
    excluded,
    complete: iova !== undefined,
  };
}

/** Decodes a global fault: sGFSR, sGFSYNR0, the stream in sGFSYNR1. */
export function decodeGlobalFault(draft: Draft): Decoded {
  const [gfsr, gfsynr] = [draft.hex('gfsr'), draft.hex('gfsynr0')];
  const name = [...GLOBAL_KINDS.keys()].find((flag) => gfsr !== undefined && hasFlag(gfsr, GFSR, flag));
  const flag = name ?? (draft.has('blocked') ? 'USF' : undefined);
  const meaning = GFSR.find((field) => field.name === flag)?.meaning;
  return {
    kind: flag === undefined ? 'unknown' : (GLOBAL_KINDS.get(flag) ?? 'unknown'),
    name: flag ?? 'global fault',
    meaning: typeof meaning === 'string' ? meaning : 'the lines with its registers are missing',
    stream: streamOf(draft, 'gfsynr1'),
    access: accessOf(gfsynr, GFSYNR0),
    notes: otherNotes(gfsr, GFSR, flag ?? '', [...GLOBAL_KINDS.keys()]),
    fields: [
      ...(gfsr === undefined ? [] : register('GFSR', gfsr, GFSR)),
      ...(gfsynr === undefined ? [] : register('GFSYNR0', gfsynr, GFSYNR0)),
      ...plain(draft, 'gfsynr1', 'GFSYNR1', 'stream of the transaction'),
      ...plain(draft, 'gfsynr2', 'GFSYNR2', 'implementation defined'),
    ],
    complete: gfsr !== undefined,
  };
}
