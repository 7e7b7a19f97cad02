/**
 * Errors of an SMMUv3 and of its command queue: time-outs, global errors and the reason of the queue are one story.
 * @module
 */
import { hex } from '../../address.ts';
import { type BitField, decodeBits } from '../bit-fields.ts';
import type { Draft } from '../draft.ts';
import type { Decoded, FaultField, FaultKind } from '../incident.ts';

/** SMMU_GERROR (Arm IHI 0070, 6.3.17). */
const GERROR: readonly BitField[] = [
  { name: 'CMDQ_ERR', at: 0, meaning: 'the command queue stopped at a command' },
  { name: 'EVTQ_ABT_ERR', at: 2, meaning: 'a write to the event queue was aborted: events may be lost' },
  { name: 'PRIQ_ABT_ERR', at: 3, meaning: 'a write to the page request queue was aborted' },
  { name: 'MSI_CMDQ_ABT_ERR', at: 4, meaning: 'an interrupt message of the command queue was aborted' },
  { name: 'MSI_EVTQ_ABT_ERR', at: 5, meaning: 'an interrupt message of the event queue was aborted' },
  { name: 'MSI_PRIQ_ABT_ERR', at: 6, meaning: 'an interrupt message of the page request queue was aborted' },
  { name: 'MSI_GERROR_ABT_ERR', at: 7, meaning: 'an interrupt message of the global errors was aborted' },
  { name: 'SFM_ERR', at: 8, meaning: 'the SMMU has entered service failure mode and translates nothing' },
  { name: 'CMDQP_ERR', at: 9, meaning: 'a command queue of the second kind (ECMDQ) stopped' },
  { name: 'DPT_ERR', at: 10, meaning: 'an error in the device permission table' },
];

interface QueueError {
  readonly name: string;
  readonly kind: FaultKind;
  readonly meaning: string;
}

/** Codes in SMMU_CMDQ_CONS.ERR, bits 30:24 (IHI 0070, 7.1). */
const CERRORS: ReadonlyMap<number, QueueError> = new Map<number, QueueError>([
  [1, { name: 'CERROR_ILL', kind: 'unit', meaning: 'a command in the queue is illegal' }],
  [2, { name: 'CERROR_ABT', kind: 'external-abort', meaning: 'a command could not be read from memory' }],
  [
    3,
    {
      name: 'CERROR_ATC_INV_SYNC',
      kind: 'device-timeout',
      meaning:
        'a CMD_SYNC could not complete earlier ATC invalidations: a device did not answer; the record does not say which device',
    },
  ],
]);

/** Bits 30:24 of the consumer index. */
function codeOf(cons: bigint): number {
  return Number((cons >> 24n) & 0x7fn);
}

function consFields(name: string, cons: bigint | undefined): FaultField[] {
  if (cons === undefined) return [];
  const meaning = `code ${codeOf(cons)}, index ${hex(cons & 0xfffffn)}`;
  return [{ name, value: hex(cons), meaning }];
}

const NOT_PRINTED: QueueError = {
  name: 'CMD_SYNC timeout',
  kind: 'unit',
  meaning: 'the command queue made no progress for 1 s; its reason was not printed',
};

function globalError(gerror: bigint): QueueError {
  const fields = decodeBits(gerror, GERROR);
  const names = fields.map((field) => field.name).join(' ');
  const kind = (gerror & 0xfcn) === 0n ? 'unit' : 'external-abort';
  return { name: names, kind, meaning: fields.map((field) => field.meaning).join('; ') };
}

/** Words that the driver prints for the codes. */
const PRINTED: ReadonlyMap<string, number> = new Map([
  ['Illegal command', 1],
  ['Abort on command fetch', 2],
  ['ATC invalidate timeout', 3],
]);

interface QueueCode {
  readonly code: number;
  readonly notes: readonly string[];
}

/** The code of the command queue: by the driver's words, else by the register. */
function queueCode(draft: Draft): QueueCode | undefined {
  const registers = [...draft.hexes('cons'), ...draft.hexes('hwcons')].map(codeOf);
  const register = registers.find((candidate) => candidate !== 0);
  const known = [...PRINTED.keys()];
  const words = draft.texts('why').flatMap((text) => known.find((one) => text.trimStart().startsWith(one)) ?? [])[0];
  const code = PRINTED.get(words ?? '') ?? register;
  if (code === undefined) return undefined;
  const differs = register !== undefined && register !== code;
  const note = `the printed register has code ${register}, the driver's words say "${words}": the words are taken`;
  return { code, notes: differs ? [note] : [] };
}

/** The reason that the command queue gives, else the global error, else only that something timed out. */
function reasonOf(draft: Draft, queue: QueueCode | undefined): QueueError {
  if (queue !== undefined) {
    const unknown: QueueError = { name: `CERROR ${queue.code}`, kind: 'unit', meaning: 'a reserved error code' };
    return CERRORS.get(queue.code) ?? unknown;
  }
  const gerror = draft.hexes('gerror').reduce((all, value) => all | value, 0n);
  return gerror === 0n ? NOT_PRINTED : globalError(gerror);
}

/** Decodes the lines of one error. */
export function decodeQueueError(draft: Draft): Decoded {
  const queue = queueCode(draft);
  const { name, kind, meaning } = reasonOf(draft, queue);
  const gerror = draft.hex('gerror');
  const timeouts = draft.texts('at').length;
  return {
    kind,
    name,
    meaning,
    words: `${draft.unit ?? 'the SMMU'}: ${meaning}`,
    fields: [
      ...(gerror === undefined
        ? []
        : [{ name: 'GERROR', value: hex(gerror), meaning: '' }, ...decodeBits(gerror, GERROR)]),
      ...consFields('CMDQ_CONS', draft.hex('cons') ?? draft.hex('hwcons')),
    ],
    notes: [...(queue?.notes ?? []), ...(timeouts > 1 ? [`${timeouts} CMD_SYNC time-outs in a row`] : [])],
  };
}
