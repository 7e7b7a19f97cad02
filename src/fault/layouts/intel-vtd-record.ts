/**
 * Fault records of VT-d: DMA and interrupt faults, and what the driver's dump of its tables proves about them.
 * @module
 */
import { hex } from '../../address.ts';
import { VTD_FAULT_FIELDS } from '../../hardware/vt-d/fault-record.ts';
import { type BitField, decodeBits, inRecord } from '../bit-fields.ts';
import type { CauseName } from '../cause-names.ts';
import type { Draft } from '../draft.ts';
import { type Decoded, type Exclusion, type FaultField, requesterId } from '../incident.ts';
import { dumpEvidence } from './intel-vtd-dump.ts';
import { VTD_REASONS } from './intel-vtd-reasons.ts';

/** FSTS_REG (VT-d, 11.4.7.1 "Fault Status Register"). */
const FSTS: readonly BitField[] = [
  { name: 'PFO', at: 0, meaning: 'primary fault overflow: faults were lost' },
  { name: 'PPF', at: 1, meaning: 'a primary fault is pending' },
  { name: 'AFO', at: 2, meaning: 'advanced fault overflow' },
  { name: 'APF', at: 3, meaning: 'an advanced fault is pending' },
  { name: 'IQE', at: 4, meaning: 'error in the invalidation queue' },
  { name: 'ICE', at: 5, meaning: 'a device answered an invalidation wrongly' },
  { name: 'ITE', at: 6, meaning: 'a device did not answer an invalidation in time' },
  { name: 'PRO', at: 7, meaning: 'page request overflow' },
  { name: 'FRI', at: 8, bits: 8, meaning: 'index of the first pending fault record' },
];

const ALL_ONES = 0xffffffffn;
/** The bits of FSTS_REG that report something: all but FRI, an index. */
const REPORTS = 0xffn;
const IDLE =
  'the unit raised its fault interrupt, and its status shows nothing pending: an earlier interrupt handled the record, which is in the log before it or was not printed';
/** A PASID has 20 bits (VT-d 3.2): 0xffffffff is the driver's "none". */
const PASIDS = 1 << 20;

/** Linux prints bare reasons in decimal, and in hex with `0x` since 5.13; Xen in hex, with or without `h` behind it. */
function reasonCode(draft: Draft): number | undefined {
  const xen = draft.hexNumber('xenReason');
  const text = draft.text('reason');
  if (text === undefined || xen !== undefined) return xen;
  if (/^[0-9a-f]{1,4}h$/i.test(text)) return Number.parseInt(text, 16);
  if (/^0x[0-9a-f]{1,4}$/i.test(text)) return Number.parseInt(text.slice(2), 16);
  return /^\d{1,4}$/.test(text) ? Number.parseInt(text, 10) : undefined;
}

function statusFields(draft: Draft): FaultField[] {
  const fsts = draft.hex('fsts');
  if (fsts === undefined) return [];
  return [{ name: 'FSTS', value: hex(fsts), meaning: '' }, ...(fsts === ALL_ONES ? [] : decodeBits(fsts, FSTS))];
}

function recordFields(draft: Draft, code: number | undefined): FaultField[] {
  const [direction, device] = [draft.text('direction')?.toLowerCase(), draft.text('device')];
  const [iova, index] = [draft.hex('iova'), draft.hex('index')];
  const meaning = direction === 'write' ? 'a write, or a page request' : 'a read, or an atomic operation';
  const put = (name: string, value: string, words: string, as?: string): FaultField =>
    inRecord({ name, value, meaning: words }, VTD_FAULT_FIELDS, as);
  return [
    ...(direction === undefined ? [] : [put('T', direction === 'write' ? '0x0' : '0x1', meaning, 'T1')]),
    ...(device === undefined ? [] : [put('SID', hex(requesterId(device) ?? 0, 4), 'source-id')]),
    ...(iova === undefined ? [] : [put('FI', hex(iova), 'address of the page')]),
    ...(index === undefined ? [] : [{ name: 'FI', value: hex(index), meaning: 'index of the interrupt' }]),
    ...statusFields(draft),
    ...(code === undefined ? [] : [put('FR', hex(code, 2), draft.text('printed') ?? '')]),
  ];
}

/** A status whose records are not in the log. */
function decodeStatus(draft: Draft): Decoded {
  const fsts = draft.hex('fsts') ?? 0n;
  const fields = statusFields(draft);
  if (fsts === ALL_ONES) {
    const meaning = "the unit's registers read as all ones: it does not answer (gone, powered off)";
    return { kind: 'unit', name: 'FSTS', meaning, fields };
  }
  if ((fsts & REPORTS) === 0n) return { kind: 'unknown', name: 'FSTS', meaning: IDLE, words: IDLE, fields };
  const pending = (fsts & 2n) !== 0n;
  const kind = pending ? 'unknown' : (fsts & 0x60n) !== 0n ? 'device-timeout' : 'unit';
  const meaning = fields
    .slice(1)
    .filter(({ name }) => name !== 'FRI')
    .map((field) => field.meaning)
    .join('; ');
  const words = pending ? 'the unit announced a fault whose record is not in the log' : undefined;
  return { kind, name: 'FSTS', meaning, words, fields, complete: !pending };
}

function pasidOf(draft: Draft): number | undefined {
  const pasid = draft.hexNumber('pasid');
  return pasid === undefined || pasid >= PASIDS ? undefined : pasid;
}

/** Reasons about a missing write right, and about a missing read right. */
const NO_WRITE = [0x05, 0x85];
const NO_READ = [0x06, 0x86];

/** A read may ask for the write right: atomic operations are reported as reads. The reverse is a contradiction. */
function contradiction(code: number | undefined, direction: string | undefined): string[] {
  if (code === undefined) return [];
  if (direction === 'read' && NO_WRITE.includes(code)) {
    return [
      'reported as a read, refused for want of the write bit: an atomic operation, or a line that contradicts itself',
    ];
  }
  return direction === 'write' && NO_READ.includes(code)
    ? ['reported as a write, refused for want of the read bit: the line contradicts itself']
    : [];
}

/** What else may be where the reason names the cause: an older entry, unless the tables themselves were out of reach. */
function ownCandidates(cause: CauseName): readonly CauseName[] {
  return cause === 'tables-refused' ? ['table-corrupted'] : ['stale-tlb'];
}

function hiddenNote(draft: Draft): string[] {
  const hidden = draft.text('hidden');
  return hidden === undefined ? [] : [`the address cannot be read: ${hidden}`];
}

const NO_REASON = 'the line with the fault reason is missing: the cause cannot be known';

/** Decodes one fault record with its status and its dump. */
export function decodeFault(draft: Draft): Decoded {
  if (draft.text('device') === undefined && draft.text('reason') === undefined) return decodeStatus(draft);
  const code = reasonCode(draft);
  const reason = code === undefined ? undefined : VTD_REASONS.get(code);
  const isInterrupt = draft.has('interrupt');
  const name =
    code === undefined ? (isInterrupt ? 'interrupt remapping fault' : 'DMA fault') : `fault reason ${hex(code, 2)}`;
  const unknown =
    code === undefined ? NO_REASON : `a reserved fault reason; the driver prints "${draft.text('printed') ?? ''}"`;
  const direction = draft.text('direction')?.toLowerCase();
  const evidence = dumpEvidence(draft, code);
  const excluded: Exclusion[] = [...evidence.excluded];
  return {
    kind: reason?.kind ?? (isInterrupt ? 'interrupt' : 'unknown'),
    name,
    meaning: reason?.meaning ?? unknown,
    device: draft.text('device'),
    stream: requesterId(draft.text('device')),
    pasid: pasidOf(draft),
    iova: draft.hex('iova'),
    access: direction === undefined ? undefined : direction === 'write' ? 'write' : 'read',
    fields: recordFields(draft, code),
    notes: [...hiddenNote(draft), ...contradiction(code, direction), ...evidence.notes],
    cause: evidence.cause ?? reason?.cause,
    candidates: evidence.candidates ?? (reason?.cause === undefined ? undefined : ownCandidates(reason.cause)),
    excluded,
    complete: code !== undefined,
  };
}
