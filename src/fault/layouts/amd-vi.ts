/**
 * Lines of the AMD-Vi driver: the event log in all layouts since 3.x, commands that time out, the dump of a device table
 * entry. Linux, Xen and FreeBSD.
 * @module
 */
import type { FaultDriver, Layout } from '../contract.ts';
import type { Draft } from '../draft.ts';
import type { Decoded } from '../incident.ts';
import { decodeAmdEvent } from './amd-vi-events.ts';
import { decodeCommandTimeout } from './amd-vi-queue.ts';

const EVENT = 'event';
const QUEUE = 'queue';
const NAMES =
  'ILLEGAL_DEV_TABLE_ENTRY|IO_PAGE_FAULT|DEV_TAB_HARDWARE_ERROR|PAGE_TAB_HARDWARE_ERROR|ILLEGAL_COMMAND_ERROR|COMMAND_HARDWARE_ERROR|IOTLB_INV_TIMEOUT|INVALID_DEVICE_REQUEST|INVALID_PPR_REQUEST|EVENT_COUNTER_ZERO|RMP_PAGE_FAULT|RMP_HW_ERROR|UNKNOWN';
const XEN_NAMES =
  'ILLEGAL_DEV_TABLE_ENTRY|DEV_TABLE_HW_ERROR|PAGE_TABLE_HW_ERROR|ILLEGAL_COMMAND_ERROR|COMMAND_HW_ERROR|IOTLB_INV_TIMEOUT|INVALID_DEV_REQUEST|INVALID_PPR_REQUEST|EVENT_COUNTER_ZERO|UNKNOWN';
const WORDS = '{w0} {w1} {w2} {w3}';

const EVENTS: readonly Layout[] = [
  {
    id: 'time-out',
    group: QUEUE,
    seen: 'Linux',
    text: 'Event logged [IOTLB_INV_TIMEOUT device={device:pci} address={command}]',
    repeats: 64,
    same: ['device'],
    says: '{device} did not answer the invalidation at {command}',
  },
  {
    id: 'event-words',
    group: EVENT,
    seen: 'Linux, events without a name',
    text: 'Event logged [UNKNOWN event[0]={w0}<,> event[1]={w1}<,> event[2]={w2}<,> event[3]={w3}',
    starts: true,
  },
  {
    id: 'event',
    group: EVENT,
    seen: 'Linux',
    text: `Event logged [{event:${NAMES}} {pairs:text}]`,
    starts: true,
  },
  { id: 'event-head', group: EVENT, seen: 'Linux 4.9 to 4.19', text: 'Event logged< [>{nothing:end}', starts: true },
  {
    id: 'event-body',
    group: EVENT,
    seen: 'Linux 4.9 to 4.19; broken by mail',
    text: `{event:${NAMES}} {pairs:text}]`,
    headless: true,
  },
  { id: 'control', group: EVENT, seen: 'Linux 6.x', text: 'Control Reg : {control}' },
  { id: 'dte', group: EVENT, seen: 'Linux', text: 'DTE[{dteIndex:d}]: {dte}', repeats: 4 },
  { id: 'command', group: EVENT, seen: 'Linux', text: 'CMD[{commandIndex:d}]: {commandWord}', repeats: 4 },
  {
    id: 'unattached',
    group: 'unattached',
    seen: 'Linux',
    text: 'Device not attached to domain properly',
    starts: true,
  },
  {
    id: 'unattached-detail',
    group: 'unattached',
    seen: 'Linux',
    text: 'device={device:pci} domain={domain}',
    headless: true,
  },
];

const XEN: readonly Layout[] = [
  {
    id: 'xen',
    group: EVENT,
    seen: 'Xen 4.14 on',
    text: 'IO_PAGE_FAULT: {device:pci} d{domain:s} addr {address} flags {flags}',
    starts: true,
  },
  {
    id: 'xen-old',
    group: EVENT,
    seen: 'Xen to 4.13',
    text: 'IO_PAGE_FAULT: domain<:>< = >{domain:d}, device id<:>< = >{deviceId}, fault address<:>< = >{address}<, flags = {flags}>',
    starts: true,
  },
  { id: 'xen-words', group: EVENT, seen: 'Xen', text: `{event:${XEN_NAMES}}<:> ${WORDS}`, starts: true },
  {
    id: 'xen-dump',
    group: EVENT,
    seen: 'Xen, iommu=verbose',
    text: [
      '{device:pci} root @ {root} ({levels:d} levels) dfn={dfn}',
      'L{level:d}[{index}] = {entry} {rights:rw|r-|-w|np}',
    ],
    headless: true,
    repeats: 8,
  },
  { id: 'freebsd', group: EVENT, seen: 'FreeBSD', text: `event type {code} ${WORDS}`, starts: true },
  {
    id: 'freebsd-detail',
    group: EVENT,
    seen: 'FreeBSD',
    text: ['Page Fault rid {rid} dom {dom:d}', 'gn {gn:d} nx {nx:d} us {us:d}', 'gaddr {gaddr}'],
    headless: true,
    repeats: 4,
  },
];

const QUEUES: readonly Layout[] = [
  {
    id: 'completion',
    group: QUEUE,
    seen: 'Linux',
    text: '<IOMMU {instance:pci}: >Completion-Wait loop timed out',
    repeats: 64,
    says: 'earlier commands were not completed in time',
  },
  { id: 'buffer', group: QUEUE, seen: 'Linux 7.x', text: 'CMD Buffer head={head:d} tail={tail:d}', repeats: 64 },
  { id: 'entry', group: QUEUE, seen: 'Linux 7.x', text: `{entry:d}: ${WORDS}`, repeats: 64 },
  {
    id: 'full',
    group: QUEUE,
    seen: 'Linux',
    text: 'Command buffer timeout',
    repeats: 64,
    says: 'no entry of the command buffer became free',
  },
  {
    id: 'lost',
    group: 'lost',
    seen: 'Linux',
    text: ['<IOMMU >{log:Event|PPR|GA} log {what:restarting|overflow}', '{what:No event written to event log}'],
    starts: true,
  },
  {
    id: 'page-request',
    group: 'page-request',
    seen: 'Linux',
    text: ['{words:Unknown PPR request received}', '{words:Invalid PASID} : {pasid}, device : {stream}'],
    starts: true,
  },
  {
    id: 'firmware',
    group: 'firmware',
    seen: 'Linux',
    text: [
      '<[Firmware Bug]: >{words:IOAPIC}[{ioapic:d}] not in IVRS table',
      '<[Firmware Bug]: >{words:No southbridge IOAPIC found}',
      '<[Firmware Bug]: >{words:IVRS invalid checksum}',
      '<[Firmware Bug]: >{words:IVRS table error: }{more:rest}',
      '<[Firmware Bug]: >{words:Unsupported IVHD type }{more:rest}',
      '<[Firmware Bug]: >{words:EFR mismatch. }{more:rest}',
      '{words:Disabling interrupt remapping}',
      '[Firmware Bug]: {words:rest}',
    ],
    repeats: 16,
  },
  {
    id: 'snp',
    group: 'snp',
    seen: 'Linux',
    text: ['{words:PSMASH failed for IOMMU PFN }{more:rest}', 'SNP: {words:rest}'],
    starts: true,
  },
];

function decodeOther(draft: Draft): Decoded {
  const text = `${draft.text('words') ?? ''}${draft.text('more') ?? ''}`.trim();
  if (draft.group === 'page-request') {
    const [pasid, stream] = [draft.hexNumber('pasid'), draft.hexNumber('stream')];
    return { kind: 'request', name: 'PPR', meaning: text, words: `page request refused: ${text}`, pasid, stream };
  }
  if (draft.group === 'snp') return { kind: 'software', name: 'SNP', meaning: text, words: `SNP set-up: ${text}` };
  return {
    kind: 'software',
    name: 'error in the firmware tables',
    meaning: text,
    words: `error in the firmware tables: ${text}`,
  };
}

function decodeLost(draft: Draft): Decoded {
  const log = draft.text('log');
  const meaning =
    log === undefined
      ? 'an interrupt came, and its log entry was empty (erratum)'
      : `the ${log} log was full: records were lost, all counts are lower bounds`;
  return { kind: 'unit', name: log === undefined ? 'empty event' : `${log} log overflow`, meaning, words: meaning };
}

function decodeUnattached(draft: Draft): Decoded {
  return {
    kind: 'configuration',
    name: 'device not attached',
    meaning: 'a page fault of a device for which the driver has no domain',
    device: draft.text('device'),
    complete: draft.has('unattached-detail'),
  };
}

function decode(draft: Draft): Decoded {
  switch (draft.group) {
    case EVENT:
      return decodeAmdEvent(draft);
    case QUEUE:
      return decodeCommandTimeout(draft);
    case 'unattached':
      return decodeUnattached(draft);
    case 'lost':
      return decodeLost(draft);
    default:
      return decodeOther(draft);
  }
}

/** An event whose bracket is not closed, or not even open: mail broke it. */
function goesOn(text: string): boolean {
  const at = text.lastIndexOf('Event logged');
  return at >= 0 && !text.includes(']', at);
}

/** AMD-Vi. */
export const amdVi: FaultDriver = {
  id: 'amd-vi',
  title: 'AMD IOMMU (AMD-Vi)',
  origin: 'iommu',
  source:
    'AMD 48882, 2.5 (event logging), 2.2.2 (device table entry), 3.4 (control register); Linux, Xen and FreeBSD drivers',
  marks: ['AMD-Vi:', 'amdiommu'],
  heads: ['{driver:s} {eventDevice:pci}: AMD-Vi: ', 'iommu {unit:s}: AMD-Vi: ', 'AMD-Vi:< >', 'amdiommu{unit:d}: '],
  layouts: [...EVENTS, ...XEN, ...QUEUES],
  quiet: [
    'Found IOMMU ',
    'Extended features ',
    'Unknown option - ',
    'Using strict mode due to virtualization',
    'Interrupt remapping enabled',
    'Virtual APIC enabled',
    'Lazy IO/TLB flushing enabled',
    'IO/TLB flush on unmap enabled',
    'X2APIC enabled',
    'Using global IVHD EFR',
    'Using IVHD type',
    'ivrs, add hid:',
    'ivrs, UID:',
    'IOMMU performance counters supported',
    'v{version:d} page table enabled',
    'V{version:d} page table enabled',
    'Enabling {what:rest}',
    'Force to disable ',
    'Forced to disable ',
    'Initialized for Passthrough Mode',
    'Applying {what:rest}',
    'Unable to read/write to IOMMU perf counter',
    'Disabled',
    'AMD IOMMUv2 ',
    'Setup for {what:rest}',
    'Translation is {what:rest}',
    'Kdump {what:rest}',
    'Copied {what:rest}',
    'Cleared {what:rest}',
    'IOMMU SNP support enabled',
    'Host SATS enabled',
    'Restored {what:rest}',
    'Disabling IOMMU',
    'guest translation {what:rest}',
    'IOMMU not enabled{what:rest}',
    'IOMMU Extended Features:',
    '- {feature:rest}',
  ],
  functions: [
    'amd_iommu_report_page_fault',
    'amd_iommu_int_thread',
    'amd_iommu_int_thread_evtlog',
    'iommu_print_event',
    'amd_iommu_report_rmp_fault',
    'amd_iommu_report_rmp_hw_error',
    'iommu_completion_wait',
  ],
  window: { lines: 32, seconds: 2 },
  goesOn,
  decode,
};
