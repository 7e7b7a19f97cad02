/**
 * Errors of the invalidation queue of VT-d (VT-d 6.5, "Queued Invalidation Interface").
 * @module
 */
import { hex } from '../../address.ts';
import type { Layout } from '../contract.ts';
import type { Draft } from '../draft.ts';
import { type Decoded, type FaultField, functionOf } from '../incident.ts';

const QUEUE = 'queue';

/** Layouts of the errors, and of the entries of the queue that are printed with them. */
export const QUEUE_LAYOUTS: readonly Layout[] = [
  {
    id: 'queue-error',
    group: QUEUE,
    seen: 'Linux 5.18 on',
    text: 'VT-d detected Invalidation Queue Error: Reason {iqe}',
    says: 'invalidation queue error, reason {iqe}',
  },
  {
    id: 'time-out',
    group: QUEUE,
    seen: 'Linux 5.18 on',
    text: 'VT-d detected Invalidation Time-out Error: SID {ite}',
    says: 'invalidation time-out, source-id {ite}',
  },
  {
    id: 'completion',
    group: QUEUE,
    seen: 'Linux 5.18 on',
    text: 'VT-d detected Invalidation Completion Error: SID {ice}',
    says: 'invalidation completion error, source-id {ice}',
  },
  {
    id: 'queue-head',
    group: QUEUE,
    seen: 'Linux 5.18 on',
    text: 'QI HEAD: {head:text} qw0 = {head0}, qw1 = {head1}',
    says: 'at the head: {head}, {head0} {head1}',
  },
  {
    id: 'queue-prior',
    group: QUEUE,
    seen: 'Linux 5.18 on',
    text: 'QI PRIOR: {prior:text} qw0 = {prior0}, qw1 = {prior1}',
    says: 'before it: {prior}, {prior0} {prior1}',
  },
  {
    id: 'invalid',
    group: QUEUE,
    seen: 'Linux before 5.18',
    text: 'VT-d detected invalid descriptor: qw0 = {head0}, qw1 = {head1}',
    says: 'invalid descriptor {head0} {head1}',
  },
  {
    id: 'cleared',
    group: QUEUE,
    seen: 'Linux 5.18 on',
    text: 'Invalidation {cleared:text} cleared',
    repeats: 3,
    says: 'cleared: {cleared}',
  },
];

/** IQERCD_REG, IQEI, bits 3:0 (VT-d 11.4.9.9). */
const REASONS: readonly string[] = [
  'no reason given',
  'the tail is beyond the queue',
  'a descriptor could not be read',
  'a descriptor has a reserved type',
  'a descriptor has reserved bits set',
  'a descriptor has the wrong width',
  'the tail is not aligned',
  'the translation table mode is wrong',
];

/** Type of a descriptor, bits 3:0 of its first word (VT-d 6.5.2). */
const TYPES: readonly string[] = [
  'reserved',
  'context-cache invalidation',
  'IOTLB invalidation',
  'device-TLB invalidation',
  'interrupt entry cache invalidation',
  'invalidation wait',
  'PASID-based IOTLB invalidation',
  'PASID-cache invalidation',
  'PASID-based device-TLB invalidation',
  'page response',
];

const DEVICE_TLB: readonly bigint[] = [3n, 8n];

function descriptor(draft: Draft, name: string, key: string): FaultField[] {
  const [low, high] = [draft.hex(`${key}0`), draft.hex(`${key}1`)];
  if (low === undefined) return [];
  const type = TYPES[Number(low & 15n)] ?? 'reserved';
  return [{ name, value: `${hex(low, 16)} ${hex(high ?? 0n, 16)}`, meaning: low === 0n ? 'empty' : type }];
}

/** All ones were read: the unit does not answer. */
function isGone(draft: Draft): boolean {
  const reads = [draft.hex('iqe'), draft.hex('ite'), draft.hex('ice')];
  return reads[0] === 15n && reads[1] === 0xffffn && reads[2] === 0xffffn;
}

/** The device that did not answer: the source-id of the error, else that of the device-TLB invalidation before it. */
function silentDevice(draft: Draft): number | undefined {
  const sid = draft.hexNumber('ite') ?? draft.hexNumber('ice');
  if (sid !== undefined && sid !== 0) return sid;
  const suspects = [draft.hex('prior0'), draft.hex('head0')];
  const found = suspects.find((word) => word !== undefined && DEVICE_TLB.includes(word & 15n));
  if (found === undefined) return undefined;
  // VT-d 6.5.2.5 and 6.5.2.6: bits 47:32, and 31:16 of the PASID-based one
  return Number((found & 15n) === 3n ? (found >> 32n) & 0xffffn : (found >> 16n) & 0xffffn);
}

interface Verdict {
  readonly kind: 'unit' | 'device-timeout';
  readonly name: string;
  readonly meaning: string;
}

const GONE: Verdict = {
  kind: 'unit',
  name: 'unit does not answer',
  meaning: 'all its registers read as ones: the unit is gone, powered off, or not emulated; these are not three errors',
};

function verdictOf(draft: Draft): Verdict {
  if (isGone(draft)) return GONE;
  const silent = [
    'a device did not answer a device-TLB invalidation in time',
    'a device answered an invalidation wrongly',
  ];
  if (draft.has('time-out')) return { kind: 'device-timeout', name: 'ITE', meaning: silent[0] ?? '' };
  if (draft.has('completion')) return { kind: 'device-timeout', name: 'ICE', meaning: silent[1] ?? '' };
  const reason = draft.hexNumber('iqe');
  const why = reason === undefined ? 'the reason was not printed' : (REASONS[reason] ?? 'a reserved reason');
  return { kind: 'unit', name: 'IQE', meaning: `the invalidation queue stopped: ${why}` };
}

/** Decodes the lines of one error. */
export function decodeInvalidationError(draft: Draft): Decoded {
  const { kind, name, meaning } = verdictOf(draft);
  const stream = kind === 'device-timeout' ? silentDevice(draft) : undefined;
  const device = stream === undefined ? undefined : functionOf(stream);
  return {
    kind,
    name,
    meaning,
    words: `${device === undefined ? 'the unit' : device}: ${meaning}`,
    device,
    stream,
    fields: [...descriptor(draft, 'QI HEAD', 'head'), ...descriptor(draft, 'QI PRIOR', 'prior')],
    complete: draft.has('queue-error') || draft.has('time-out') || draft.has('completion') || draft.has('invalid'),
  };
}
