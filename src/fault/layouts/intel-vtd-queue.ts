/**
 * Errors of the invalidation queue of VT-d (VT-d 6.5, "Queued Invalidation Interface").
 * @module
 */
import { hex } from '../../address.ts';
import { IQE_REASONS, vtdDescriptorName, vtdDeviceOf } from '../../hardware/vt-d/descriptors.ts';
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
    text: ['QI HEAD: {head:text} qw0 = {head0}, qw1 = {head1}', 'QI HEAD: {head:text} qw0 = {head0}, '],
    says: 'at the head: {head}, {head0} {head1}',
  },
  {
    id: 'queue-prior',
    group: QUEUE,
    seen: 'Linux 5.18 on',
    text: ['QI PRIOR: {prior:text} qw0 = {prior0}, qw1 = {prior1}', 'QI PRIOR: {prior:text} qw0 = {prior0}, '],
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

function wordsOf(low: bigint, high: bigint): Uint32Array {
  return Uint32Array.from([low, low >> 32n, high, high >> 32n], (half) => Number(half & 0xffff_ffffn));
}

function descriptor(draft: Draft, name: string, key: string): FaultField[] {
  const [low, high] = [draft.hex(`${key}0`), draft.hex(`${key}1`)];
  if (low === undefined) return [];
  const type = vtdDescriptorName(Number(low & 15n));
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
  const suspects = ['prior', 'head'].map((key) => draft.hex(`${key}0`));
  for (const word of suspects) {
    const device = word === undefined ? undefined : vtdDeviceOf(wordsOf(word, 0n));
    if (device !== undefined) return device;
  }
  return undefined;
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
  const why = reason === undefined ? 'the reason was not printed' : (IQE_REASONS[reason] ?? 'a reserved reason');
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
