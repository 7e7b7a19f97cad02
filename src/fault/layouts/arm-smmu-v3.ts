/**
 * Lines of the arm-smmu-v3 driver: event records as raw words and in words, errors of the command queue and of the unit,
 * page requests. Linux and Xen.
 * @module
 */
import type { FaultDriver, Layout } from '../contract.ts';
import type { Draft } from '../draft.ts';
import type { Decoded } from '../incident.ts';
import { decodeQueueError } from './arm-smmu-v3-errors.ts';
import { agreesWithRecord, decodeEventLines } from './arm-smmu-v3-events.ts';

const EVENT = 'event';
const ERROR = 'error';
const REQUEST = 'request';

const EVENTS: readonly Layout[] = [
  { id: 'head', group: EVENT, seen: 'Linux, Xen', text: 'event {code} received:', starts: true },
  {
    id: 'word',
    seen: 'Linux, Xen',
    text: ['{word:halves}', '0x{word}'],
    repeats: 4,
    notAfter: ['decoded', 'attributes'],
  },
  {
    id: 'decoded',
    group: EVENT,
    seen: 'Linux 6.13 on',
    text: 'event: {name:s} client: {client:text} sid: {sid} ssid: {ssid}< iova: {iova}< ipa: {ipa}>>< fetch_addr: {fetch}>',
  },
  {
    id: 'attributes',
    group: EVENT,
    seen: 'Linux 6.13 on',
    text: '{privilege:unpriv|priv} {what:data|inst} {direction:read|write} {stage:s1|s2} "{class:text}"< {ttd:ttd_read|ttd_write}>< {stall:stall}> stag: {stag}',
  },
  { id: 'decoded-rest', group: EVENT, headless: true, seen: 'broken by mail', text: 'iova: {iova} ipa: {ipa}' },
];

/** Errors that people quote without the driver's name too. */
const QUOTED: readonly Layout[] = [
  {
    id: 'global',
    group: ERROR,
    text: 'unexpected global error reported ({gerror}), this could be serious',
    says: 'global error {gerror}',
  },
  {
    id: 'command',
    group: ERROR,
    text: 'CMDQ error (cons {cons}): {why:rest}',
    says: 'the command queue stopped at {cons}: {why}',
  },
];

/** Without the driver's name: the first begins an incident, the others follow it. */
const BARE: readonly Layout[] = [
  ...QUOTED.map((each) => ({
    ...each,
    id: `${each.id}-bare`,
    seen: 'quoted without the head',
    headless: true as const,
    repeats: 64,
  })),
  ...QUOTED.map((each) => ({ ...each, id: `${each.id}-first`, headless: true as const, starts: true as const })),
];

const ERRORS: readonly Layout[] = [
  {
    id: 'sync-timeout',
    group: ERROR,
    seen: 'Linux, Xen',
    text: 'CMD_SYNC timeout at {at}< [hwprod {hwprod}, hwcons {hwcons}]>',
    repeats: 64,
    says: 'the driver waited 1 s for the CMD_SYNC at {at}',
  },
  {
    id: 'queue-timeout',
    group: ERROR,
    seen: 'Linux',
    text: 'CMDQ timeout',
    repeats: 64,
    says: 'no entry of the command queue became free',
  },
  ...QUOTED.map((each) => ({ ...each, seen: 'Linux, Xen', repeats: 64 })),
  {
    id: 'retry',
    group: ERROR,
    seen: 'Linux',
    text: 'retrying command fetch',
    repeats: 64,
    says: 'the fetch is retried',
  },
  {
    id: 'skip',
    group: ERROR,
    seen: 'Linux',
    text: 'skipping command in error state:',
    repeats: 64,
    says: 'the command is replaced by a CMD_SYNC',
  },
  {
    id: 'aborted',
    group: ERROR,
    seen: 'Linux',
    text: [
      '{queue:PRIQ|EVTQ} write aborted -- events may have been lost',
      '{queue:CMDQ|EVTQ|PRIQ|GERROR} MSI write aborted',
    ],
    repeats: 8,
  },
  {
    id: 'failure',
    group: ERROR,
    seen: 'Linux',
    text: 'device has entered Service Failure Mode!',
    says: 'the unit has entered service failure mode',
  },
  {
    id: 'overflow',
    group: 'overflow',
    seen: 'Linux',
    text: '{queue:EVTQ|PRIQ} overflow detected -- {lost:events|requests} lost',
    starts: true,
  },
];

const REQUESTS: readonly Layout[] = [
  { id: 'request', group: REQUEST, seen: 'Linux', text: 'unexpected PRI request received:', starts: true },
  {
    id: 'request-detail',
    group: REQUEST,
    seen: 'Linux',
    text: 'sid {sid}.{ssid}: [{last:s}] {privilege:unprivileged|privileged}< {rights:R|W|X|RW|RX|WX|RWX}> access at iova {iova}',
  },
];

function decodeRequest(draft: Draft): Decoded {
  const rights = draft.text('rights');
  const pasid = draft.hexNumber('ssid');
  return {
    kind: 'request',
    name: 'PRI request',
    meaning: 'the device asked for a page, and nobody handles its page requests',
    stream: draft.hexNumber('sid'),
    pasid: pasid === 0 ? undefined : pasid,
    iova: draft.hex('iova'),
    access: rights === undefined ? undefined : rights.includes('W') ? 'write' : rights === 'X' ? 'execute' : 'read',
    fields: [{ name: 'rights', value: rights ?? '', meaning: 'rights that the device asked for' }],
    complete: draft.has('request-detail'),
  };
}

function decodeOverflow(draft: Draft): Decoded {
  const queue = draft.text('queue') === 'PRIQ' ? 'page request queue' : 'event queue';
  return {
    kind: 'unit',
    name: `${draft.text('queue')} overflow`,
    meaning: `the ${queue} was full: records were lost, all counts are lower bounds`,
  };
}

function decode(draft: Draft): Decoded {
  if (draft.group === ERROR) return decodeQueueError(draft);
  if (draft.group === REQUEST) return decodeRequest(draft);
  return draft.group === 'overflow' ? decodeOverflow(draft) : decodeEventLines(draft);
}

/** The arm-smmu-v3 driver. */
export const armSmmuV3: FaultDriver = {
  id: 'arm-smmu-v3',
  title: 'Arm SMMUv3',
  origin: 'iommu',
  source: 'Arm IHI 0070, 6.3.17 (SMMU_GERROR), 7.1 (command queue errors), 7.3 (event records); Linux and Xen drivers',
  marks: [
    'arm-smmu-v3 ',
    'arm-smmu-v3: ',
    'SMMUv3: /',
    'unexpected global error reported (',
    'CMDQ error (cons ',
    ': CMD_SYNC timeout at 0x',
  ],
  heads: ['arm-smmu-v3 {unit:s}: ', 'arm-smmu-v3: ', 'SMMUv3: {unit:s}: ', 'platform {unit:s}: '],
  layouts: [...EVENTS, ...ERRORS, ...BARE, ...REQUESTS],
  quiet: [
    'option {name:s}',
    'option mask',
    'ias {ias:d}-bit, oas {oas:d}-bit',
    'allocated {entries:d} entries for {queue:s}',
    'msi_domain absent',
    'SMMU currently enabled! Resetting',
    'failed to allocate MSIs',
    'no evtq irq',
    'no priq irq',
    'no gerr irq',
    'using full virtual address space',
    '2-level strtab only covers',
    'IDR0.{bit:s} overridden',
    'found companion CMDQV device',
    'Adding to iommu group',
    'VMID width too small',
  ],
  functions: ['arm_smmu_evtq_thread', 'arm_smmu_handle_event', 'arm_smmu_print_event', 'arm_smmu_dump_event'],
  window: { lines: 64, seconds: 2.5 },
  agrees: agreesWithRecord,
  decode,
};
