/**
 * Faults of the MMU of Arm Mali GPUs: one print of several lines, alike in panfrost, panthor and Arm's own driver.
 * @module
 */
import { hex } from '../../address.ts';
import type { FaultDriver, Layout } from '../contract.ts';
import type { Draft } from '../draft.ts';
import type { Decoded, FaultAccess, FaultField, FaultKind } from '../incident.ts';
import { accessOfWord, deviceMmu } from './printed.ts';

interface Class {
  readonly from: number;
  readonly to: number;
  readonly kind: FaultKind;
  readonly meaning: string;
}

/** Exception codes of the MMU (bits 7:0 of AS_FAULTSTATUS; Linux drivers/gpu/drm/panfrost/panfrost_device.h). */
const CLASSES: readonly Class[] = [
  { from: 0xc0, to: 0xc7, kind: 'translation', meaning: 'the address is not mapped on the GPU' },
  { from: 0xc8, to: 0xcf, kind: 'permission', meaning: 'the entry does not permit the access' },
  { from: 0xd0, to: 0xd7, kind: 'external-abort', meaning: 'a read of the tables failed on the bus' },
  { from: 0xd8, to: 0xdf, kind: 'access-flag', meaning: 'the access flag of the entry is clear' },
  { from: 0xe0, to: 0xe3, kind: 'input-range', meaning: 'the address is beyond the input range of the tables' },
  { from: 0xe4, to: 0xe7, kind: 'address-size', meaning: 'an output address is larger than the GPU has bits' },
  { from: 0xe8, to: 0xef, kind: 'reserved-bits', meaning: 'the memory attributes of the entry are not valid' },
];

/** AS_FAULTSTATUS, bits 9:8. 0 is an atomic access, or not known. */
const ACCESS: readonly (FaultAccess | undefined)[] = [undefined, 'execute', 'read', 'write'];

const STUCK = 'stuck';

const LAYOUTS: readonly Layout[] = [
  {
    id: 'fault',
    starts: true,
    text: ['<Unhandled >Page fault in AS{as:d} at VA {iova}'],
  },
  { id: 'bus', starts: true, text: 'GPU bus fault in AS{as:d} at {space:PA|VA} {address}' },
  { id: 'reason', headless: true, text: 'Reason: {reason:rest}' },
  { id: 'raw', headless: true, text: 'raw fault status<:> {raw}' },
  { id: 'decoded', headless: true, text: 'decoded fault status' },
  { id: 'exception', headless: true, text: 'exception type {exception}<:> <(>{exceptionName:s}' },
  { id: 'access', headless: true, text: 'access type {accessCode}<:> <(>{access:ATOMIC|EXECUTE|READ|WRITE|UNKNOWN}' },
  { id: 'source', headless: true, text: 'source id {source}< (core_id:utlb:IR {ids:s}): {client:rest}>' },
  { id: 'pid', headless: true, text: 'pid<:> {pid:d}' },
  {
    id: 'stuck',
    group: STUCK,
    repeats: 64,
    text: [
      'AS_ACTIVE bit stuck< for as {as:d}>',
      'Wait for AS_ACTIVE bit failed for as {as:d}',
      'Flush for GPU page table update did not complete',
    ],
  },
];

function levelOf(code: number): string {
  return (code & 7) <= 4 ? `, level ${code & 7}` : '';
}

function fieldsOf(draft: Draft, raw: bigint | undefined, code: number | undefined, meaning: string): FaultField[] {
  const of = (key: string, name: string, about: string): FaultField[] => {
    const value = draft.text(key);
    return value === undefined ? [] : [{ name, value, meaning: about }];
  };
  const source = raw === undefined ? draft.hex('source') : raw >> 16n;
  return [
    ...of('as', 'AS', 'address space'),
    ...(raw === undefined ? [] : [{ name: 'AS_FAULTSTATUS', value: hex(raw), meaning: '' }]),
    ...(code === undefined ? [] : [{ name: 'exception', value: hex(code), meaning }]),
    ...of('access', 'access', ''),
    ...(source === undefined ? [] : [{ name: 'source id', value: hex(source), meaning: draft.text('client') ?? '' }]),
    ...of('pid', 'pid', 'process'),
    ...of('address', draft.text('space') ?? 'PA', 'address of the access'),
  ];
}

/** The lines "Reason: TODO" and "SLAVE FAULT" of panfrost say nothing. */
function reasonNote(draft: Draft): string[] {
  const reason = draft.text('reason')?.trim();
  return reason === undefined || reason === 'TODO' || reason === '' ? [] : [`the driver says: ${reason}`];
}

function decodeStuck(draft: Draft): Decoded {
  return {
    kind: 'unit',
    name: 'AS_ACTIVE',
    meaning: "the GPU's MMU did not complete a command in time: its clock or power may be off, or the GPU hangs",
    device: draft.unit,
    fields: fieldsOf(draft, undefined, undefined, ''),
  };
}

function decode(draft: Draft): Decoded {
  if (draft.group === STUCK) return decodeStuck(draft);
  const raw = draft.hex('raw');
  const code = draft.hexNumber('exception') ?? (raw === undefined ? undefined : Number(raw & 0xffn));
  const bus = draft.has('bus');
  const known = CLASSES.find(({ from, to }) => code !== undefined && code >= from && code <= to);
  const meaning = known === undefined ? 'no code of the MMU' : `${known.meaning}${levelOf(code ?? 0)}`;
  const printed = accessOfWord(draft.text('access'));
  return {
    kind: known?.kind ?? (bus ? 'external-abort' : 'unknown'),
    name: draft.text('exceptionName')?.replace(/\)$/, '') ?? (bus ? 'GPU bus fault' : 'page fault'),
    meaning: code === undefined ? 'the lines with the status are missing' : meaning,
    device: draft.unit,
    iova: draft.hex('iova'),
    access: printed ?? (draft.has('access') || raw === undefined ? undefined : ACCESS[Number((raw >> 8n) & 3n)]),
    fields: fieldsOf(draft, raw, code, meaning),
    notes: reasonNote(draft),
    complete: code !== undefined,
  };
}

/** One of the drivers of Mali. */
export function maliDriver(about: Pick<FaultDriver, 'id' | 'title' | 'source' | 'heads' | 'functions'>): FaultDriver {
  return deviceMmu({
    ...about,
    marks: ['age fault in AS', 'GPU bus fault in AS', 'AS_ACTIVE bit', 'page table update did not complete'],
    layouts: LAYOUTS,
    quiet: [],
    decode,
  });
}
