/**
 * Lines of the rk_iommu driver of mainline and of Rockchip's kernels.
 * @module
 */
import { hex } from '../../address.ts';
import { type BitField, decodeBits } from '../bit-fields.ts';
import type { CauseName } from '../cause-names.ts';
import type { FaultDriver } from '../contract.ts';
import type { Draft } from '../draft.ts';
import type { Decoded, Exclusion, FaultAccess, FaultKind } from '../incident.ts';
import { accessOfWord, printedFields } from './printed.ts';

/** RK_MMU_STATUS (Linux drivers/iommu/rockchip-iommu.c). */
const STATUS: readonly BitField[] = [
  { name: 'PAGING_ENABLED', at: 0, meaning: 'paging is on' },
  { name: 'PAGE_FAULT_ACTIVE', at: 1, meaning: 'stopped at a page fault' },
  { name: 'STALL_ACTIVE', at: 2, meaning: 'stalled' },
  { name: 'IDLE', at: 3, meaning: 'idle' },
  { name: 'REPLAY_BUFFER_EMPTY', at: 4, meaning: 'the replay buffer is empty' },
  { name: 'PAGE_FAULT_IS_WRITE', at: 5, meaning: 'the fault is a write' },
  { name: 'BUS_ID', at: 6, bits: 5, meaning: 'master of the fault' },
  { name: 'STALL_NOT_ACTIVE', at: 31, meaning: 'not stalled' },
];

/** Rights in a page table entry: bit 1 readable, bit 2 writable (RK_PTE_PAGE_READABLE, RK_PTE_PAGE_WRITABLE). */
const RIGHT: Readonly<Record<FaultAccess, bigint>> = { read: 2n, write: 4n, execute: 2n };

interface Walk {
  readonly kind: FaultKind;
  readonly meaning: string;
  readonly cause?: CauseName;
  readonly candidates?: readonly CauseName[];
  readonly excluded?: readonly Exclusion[];
}

const WHY = "the driver's own walk of its tables found no entry";
const EMPTY: readonly Exclusion[] = [
  { name: 'stale-tlb', why: WHY },
  { name: 'wrong-direction', why: WHY },
];

/** Bit 0 of an entry: valid. The word `valid` behind it may be cut. */
function validOf(draft: Draft, entry: string): number | undefined {
  const value = draft.hex(entry);
  return value === undefined ? undefined : Number(value & 1n);
}

/** What the third line, the driver's walk of its tables, comes to. */
function walkOf(draft: Draft, access: FaultAccess | undefined): Walk {
  const [base, dte, pte] = [draft.hex('base'), validOf(draft, 'dte'), validOf(draft, 'pte')];
  if (base === undefined || (dte === undefined && base !== 0n)) {
    return {
      kind: 'not-permitted',
      meaning: 'the address is not mapped, or not for this access: the entries are missing',
    };
  }
  if (base === 0n)
    return { kind: 'configuration', meaning: 'the IOMMU has no tables: mmu_dte_addr is 0', excluded: EMPTY };
  if (dte === 0) {
    return {
      kind: 'translation',
      meaning: 'no directory entry (dte): nothing is mapped in its 4 MiB',
      excluded: EMPTY,
    };
  }
  if (pte === 0)
    return { kind: 'translation', meaning: 'no page table entry (pte): the page is not mapped', excluded: EMPTY };
  const flags = draft.hex('flags');
  if (pte === undefined || flags === undefined) {
    return { kind: 'not-permitted', meaning: 'the line with the entries is cut: not mapped, or not for this access' };
  }
  if (access !== undefined && (flags & RIGHT[access]) === 0n) {
    return { kind: 'permission', meaning: `the page is mapped, but not for a ${access}` };
  }
  const meaning = 'the entries that the driver read after the fault permit the access';
  return { kind: 'not-permitted', meaning, candidates: ['stale-tlb', 'used-before-mapping'] };
}

function decodePage(draft: Draft): Decoded {
  const access = accessOfWord(draft.text('access'));
  return {
    name: 'page fault',
    ...walkOf(draft, access),
    iova: draft.hex('iova'),
    access,
    fields: printedFields(draft, {
      base: ['mmu_dte_addr', 'address of the directory'],
      dte: ['dte', 'directory entry; bit 0 valid'],
      pte: ['pte', 'page table entry; bit 0 valid, bit 1 readable, bit 2 writable'],
    }),
    notes: ['the lines do not name the device: the address of this IOMMU in the device tree does'],
    complete: draft.has('fault') && draft.has('walk'),
  };
}

function decodeTimeout(draft: Draft): Decoded {
  const status = draft.hex('status') ?? 0n;
  return {
    kind: 'unit',
    name: draft.has('unexpected') ? 'unexpected interrupt' : 'command timeout',
    meaning: draft.has('unexpected')
      ? 'an interrupt that is neither a page fault nor a bus error'
      : 'the IOMMU did not follow a command in time: its clock or power may be off',
    fields: [
      { name: 'status', value: hex(status), meaning: '' },
      ...(draft.has('unexpected') ? [] : decodeBits(status, STATUS)),
    ],
  };
}

function decode(draft: Draft): Decoded {
  if (draft.group === 'unit') return decodeTimeout(draft);
  if (draft.has('bus') && !draft.has('fault')) {
    return {
      kind: 'external-abort',
      name: 'BUS_ERROR',
      meaning: 'a read of the tables failed on the bus',
      iova: draft.hex('iova'),
    };
  }
  if (draft.has('detached') && !draft.has('fault')) {
    return {
      kind: 'configuration',
      name: 'page fault',
      meaning: 'the device made an access while no domain was attached',
    };
  }
  return decodePage(draft);
}

/** The same line cut at the right edge by journalctl or a pager. */
function cut(text: string): string[] {
  return [`${text}{cut:text}\\>`, `${text}{cut:text}…`];
}

/** The rk_iommu driver. */
export const rockchip: FaultDriver = {
  id: 'rk_iommu',
  title: 'Rockchip IOMMU',
  origin: 'iommu',
  source: 'Linux drivers/iommu/rockchip-iommu.c',
  marks: ['rk_iommu '],
  heads: ['rk_iommu {unit:s}: '],
  layouts: [
    { id: 'fault', group: 'page', starts: true, text: 'Page fault at {iova} of type {access:read|write}' },
    { id: 'indices', group: 'page', text: 'iova = {iova}: dte_index: ' },
    {
      id: 'walk',
      group: 'page',
      text: [
        'mmu_dte_addr: {base} dte@{dteAt}: {dte} valid: {dteValid:d} pte@{pteAt}: {pte} valid: {pteValid:d} page@{page} flags: {flags}',
        ...cut('mmu_dte_addr: {base} dte@{dteAt}: {dte} valid: {dteValid:d} pte@{pteAt}: {pte} valid:'),
        ...cut('mmu_dte_addr: {base} dte@{dteAt}: {dte} valid:'),
        ...cut('mmu_dte_addr: {base} dte@'),
      ],
    },
    { id: 'detached', group: 'page', text: 'Page fault while iommu not attached to domain?' },
    { id: 'bus', group: 'page', text: 'BUS_ERROR occurred at {iova}' },
    { id: 'unexpected', group: 'unit', starts: true, text: 'unexpected int_status: {status}' },
    {
      id: 'timeout',
      group: 'unit',
      starts: true,
      text: '{command:Enable stall|Disable stall|Enable paging|Disable paging} request timed out, status: {status}',
    },
    { id: 'reset', group: 'unit', starts: true, text: ['FORCE_RESET command timed out', 'Error during raw reset'] },
  ],
  quiet: ['version = ', 'Adding to iommu group', 'iommu domain ', 'Failed to get', "can't get", 'probe ', 'link '],
  functions: ['rk_iommu_irq', 'log_iova'],
  decode,
};
