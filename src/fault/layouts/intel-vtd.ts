/**
 * Lines of Intel's DMAR driver, and of Xen's for VT-d: faults of all layouts, the dump of the tables behind them, errors of the
 * invalidation queue, errors of the driver and of the firmware's tables.
 * @module
 */
import type { FaultDriver, Layout } from '../contract.ts';
import type { Draft } from '../draft.ts';
import type { Decoded } from '../incident.ts';
import { DRIVER_ERRORS, decodeDriverError } from './intel-vtd-driver.ts';
import { decodeInvalidationError, QUEUE_LAYOUTS } from './intel-vtd-queue.ts';
import { decodeFault } from './intel-vtd-record.ts';

const RECORD = 'record';
const STATUS = 'handling fault status reg {fsts}';
const DMA =
  '[DMA {direction:Read|Write}< NO_PASID>< PASID {pasid}>] Request device [{device:pci}]< PASID {pasid}>< >fault addr';
const REASON = '<[fault >reason {reason:s}] {printed:rest}';

const RECORDS: readonly Layout[] = [
  { id: 'status', group: RECORD, seen: 'Linux 4.2 on', text: `DRHD: ${STATUS}`, starts: true },
  { id: 'status-bare', group: RECORD, seen: 'Linux 3.x', text: `DRHD: ${STATUS}`, starts: true, headless: true },
  {
    id: 'dma',
    group: RECORD,
    seen: 'Linux, Xen',
    text: `${DMA} {iova}<, iommu reg = {reg:s}> [fault reason {reason:s}]< {printed:rest}>`,
  },
  {
    id: 'dma-hidden',
    group: RECORD,
    seen: 'as people post it, with an address that cannot be read',
    text: `${DMA} {hidden:text} [fault reason {reason:s}]< {printed:rest}>`,
  },
  {
    id: 'dma-alone',
    group: RECORD,
    seen: 'Linux 3.x, Xen; the reason on the next line',
    text: `${DMA} {iova}<, iommu reg = {reg:s}>`,
  },
  {
    id: 'interrupt',
    group: RECORD,
    seen: 'Linux, Xen',
    text: [
      '<[INTR-REMAP<:>] >Request device [<[>{device:pci}] fault index {index}<, iommu reg = {reg:s}> [fault reason {reason:s}] {printed:rest}',
      '<[INTR-REMAP<:>] >Request device [<[>{device:pci}] fault index {index}<, iommu reg = {reg:s}>',
    ],
  },
  {
    id: 'reason',
    group: RECORD,
    seen: 'Linux 3.x, Xen; broken by mail',
    text: [REASON, 'reason {xenReason} - {printed:text}< on iommu:{instance:d}>{tail:end}'],
  },
  { id: 'reason-bare', group: RECORD, seen: 'broken by mail', text: REASON, headless: true },
];

const DUMP: readonly Layout[] = [
  { id: 'dump', group: RECORD, seen: 'Linux 5.18 on', text: 'Dump {dumped:s} table entries for IOVA {iova}' },
  {
    id: 'root',
    group: RECORD,
    seen: 'Linux 5.18 on',
    text: ['scalable mode root entry: hi {rootHigh}, low {rootLow}', 'root entry: {rootLow}'],
  },
  { id: 'context', group: RECORD, seen: 'Linux 5.18 on', text: 'context entry: hi {contextHigh}, low {contextLow}' },
  { id: 'directory', group: RECORD, seen: 'Linux 5.18 on', text: 'pasid dir entry: {directory}' },
  {
    id: 'pasid',
    group: RECORD,
    seen: 'Linux 5.18 on',
    text: 'pasid table entry[{pasidIndex:d}]: {pasidEntry}',
    repeats: 8,
  },
  { id: 'pte', group: RECORD, seen: 'Linux 5.18 on', text: 'pte level: {level:d}, pte value: {pte}', repeats: 6 },
  {
    id: 'absent',
    group: RECORD,
    seen: 'Linux 5.18 on',
    text: [
      '{absent:root table|context table|pasid directory table|pasid table|legacy mode page table|scalable mode page table} is not present',
      'PTE not present at level {absentLevel:d}',
      'page table not present at level {absentBelow:d}',
    ],
  },
  {
    id: 'xen-dump',
    group: RECORD,
    seen: 'Xen, iommu=verbose',
    text: '<[VT-D]>print_vtd_entries: iommu #{instance:d} dev {device:pci} gmfn {gmfn}',
    headless: true,
  },
  {
    id: 'xen-entry',
    group: RECORD,
    seen: 'Xen, iommu=verbose',
    text: [
      'root_entry[{bus}] = {xenRoot}',
      'context[{devfn}] = {xenContext:s}',
      'l{xenLevel:d}[{xenIndex}] = {xenEntry}',
    ],
    headless: true,
    repeats: 8,
  },
];

function decode(draft: Draft): Decoded {
  if (draft.group === 'queue') return decodeInvalidationError(draft);
  return draft.group === RECORD ? decodeFault(draft) : decodeDriverError(draft);
}

/** A record whose last bracket is not closed: the fault reason was broken. */
function goesOn(text: string): boolean {
  return text.includes('Request device') && text.lastIndexOf('[') > text.lastIndexOf(']');
}

/** Intel VT-d. */
export const intelVtd: FaultDriver = {
  id: 'intel-vtd',
  title: 'Intel VT-d (DMAR)',
  origin: 'iommu',
  source:
    'Intel VT-d Architecture Specification, chapters 7 (faults), 6.5 (invalidation queue), 11.4 (FSTS, IQERCD); Linux and Xen drivers',
  marks: [
    'DMAR:',
    'DMAR-IR: ',
    'DRHD: handling',
    'INTR-REMAP:',
    'is not sufficient for the mapped address',
    'Your BIOS is broken; ',
    'platform RMRR requirement',
    'has requested this device have a 1:1',
  ],
  heads: ['<[VT-D]>DMAR:< >', 'DMAR-IR: ', '<[VT-D]>INTR-REMAP:< >'],
  layouts: [...RECORDS, ...DUMP, ...QUEUE_LAYOUTS, ...DRIVER_ERRORS],
  quiet: [
    'Host address width {bits:d}',
    'DRHD base: ',
    'RMRR base: ',
    'ATSR flags: ',
    'SATC flags: ',
    'RHSA base: ',
    'ANDD device: ',
    'No {table:RMRR|ATSR|SATC} found',
    'dmar{unit:d}: reg_base_addr',
    'dmar{unit:d}: Using {way:Queued|Register based} invalidation',
    '<Intel->IOMMU<:> {state:enabled|disabled}',
    'IOMMU {unit:d}: ',
    'IOMMU feature {feature:s} ',
    'IOMMU batching ',
    'dmar{unit:d} does not support EIM',
    'IOMMU hardware ',
    'Intel(R) Virtualization Technology for Directed I/O',
    'Using Queued invalidation',
    'Using Register based invalidation',
    'Setting RMRR:',
    'Setting identity map for device',
    'Hardware identity mapping for device',
    'Software identity mapping for device',
    'Ignoring identity map for HW passthrough device',
    'Device {device:s} uses a private ',
    'Prepare 0-16MiB unity mapping for LPC',
    'Identity mapping {what:rest}',
    '32-bit {device:text} uses non-identity mapping',
    '64-bit {device:text} uses identity mapping',
    'Disable {what:rest}',
    'Disabling {what:rest}',
    'Enabled IRQ remapping in {mode:s} mode',
    'Enable {what:rest}',
    'Enabling {what:rest}',
    'Queued invalidation will be enabled',
    'x2apic is disabled because BIOS',
    "Use 'intremap=no_x2apic_optout'",
    'IOAPIC id {id:d} under DRHD base',
    'HPET id {id:d} under DRHD base',
    'Parse {table:s} ',
    'Forcing write-buffer flush',
    'Copied {what:rest}',
    'Copying {what:rest}',
    'Translation was enabled for {unit:s} but we are not in kdump mode',
    'Translation already enabled - trying to copy',
    'Intel-IOMMU force enabled due to platform opt in',
    'Intel-IOMMU: ',
    'Passthrough {what:rest}',
    'Unknown DMAR structure type',
    'BIOS vendor: ',
  ],
  functions: ['dmar_fault', 'dmar_fault_do_one', 'qi_dump_fault', 'intel_iommu_map', 'prq_event_thread'],
  goesOn,
  decode,
};
