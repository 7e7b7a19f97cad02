/**
 * Lines of the exynos-sysmmu driver from 3.x on, and of Samsung's vendor kernels.
 * @module
 */
import { hex } from '../../address.ts';
import type { FaultDriver } from '../contract.ts';
import type { Draft } from '../draft.ts';
import type { Decoded, FaultField, FaultKind } from '../incident.ts';
import { accessOfWord, printedFields } from './printed.ts';

/** Names of faults (sysmmu_fault_info tables, Linux drivers/iommu/exynos-iommu.c), without the direction before them. */
const FAULTS: ReadonlyMap<string, readonly [FaultKind, string]> = new Map<string, readonly [FaultKind, string]>([
  ['PAGE', ['translation', 'no valid entry for the address']],
  ['PTW', ['external-abort', 'the walk of the tables failed']],
  ['BUS ERROR', ['external-abort', 'a read of the tables failed on the bus']],
  ['MULTI-HIT', ['conflict', 'two entries of the TLB match']],
  ['ACCESS', ['permission', 'the entry does not permit the access']],
  ['ACCESS PROTECTION', ['permission', 'the entry does not permit the access']],
  ['SECURITY', ['request', 'a non-secure access to a secure page']],
  ['SECURITY PROTECTION', ['request', 'a non-secure access to a secure page']],
  ['CONTEXT', ['configuration', 'the context is not valid']],
  ['RESERVED', ['unknown', 'a reserved fault']],
]);

/** Type of a level-1 entry: its two low bits. */
const LEVEL1: readonly string[] = ['no entry', 'a table of pages', 'a section of 1 MiB', 'no entry'];

const NO_DIRECTION =
  'a page fault is called READ by versions 1 to 3 of the System MMU whatever the access was: the direction is not known';

/** No Exynos has memory below this address. */
const LEAST_MEMORY = 0x2000_0000n;

/**
 * From version 5 on, entries hold bits 35:4 of an address. A pointer to a table that would lie below all memory shows it, and
 * these versions report the direction.
 */
function isShifted(level1: bigint | undefined): boolean {
  return level1 !== undefined && (level1 & 3n) === 1n && (level1 & ~0x3ffn) < LEAST_MEMORY;
}

function entryFields(draft: Draft): FaultField[] {
  const level1 = draft.hex('level1');
  const fields = printedFields(draft, { base: ['page table base', ''], level2: ['Lv2 entry', ''], axid: ['AxID', ''] });
  if (level1 === undefined) return fields;
  return [{ name: 'Lv1 entry', value: hex(level1), meaning: LEVEL1[Number(level1 & 3n)] ?? '' }, ...fields];
}

function decodeUnit(draft: Draft): Decoded {
  const bit = draft.text('bit') ?? '?';
  return { kind: 'unit', name: 'interrupt', meaning: `an interrupt that the driver does not know, bit ${bit}` };
}

function decode(draft: Draft): Decoded {
  if (draft.has('interrupt')) return decodeUnit(draft);
  const name = (draft.text('fault') ?? 'unknown').toUpperCase();
  const [kind, meaning] = FAULTS.get(name) ?? ['unknown', 'the driver gives no reason'];
  const printed = accessOfWord(draft.text('access'));
  const unsure = name === 'PAGE' && printed === 'read' && draft.has('fault') && !isShifted(draft.hex('level1'));
  return {
    kind,
    name: `${name} FAULT`,
    meaning,
    device: draft.text('master'),
    iova: draft.hex('iova'),
    access: unsure ? undefined : printed,
    fields: entryFields(draft),
    notes: [
      ...(unsure ? [NO_DIRECTION] : []),
      ...(draft.has('elsewhere') ? ['the kernel says: the fault is not caused by this System MMU'] : []),
    ],
  };
}

const NAME =
  '{fault:PAGE|PTW|BUS ERROR|MULTI-HIT|ACCESS PROTECTION|ACCESS|SECURITY PROTECTION|SECURITY|CONTEXT|RESERVED|UNKNOWN}';

/** The exynos-sysmmu driver. */
export const exynos: FaultDriver = {
  id: 'exynos-sysmmu',
  title: 'Samsung Exynos System MMU',
  origin: 'iommu',
  source: 'Linux drivers/iommu/exynos-iommu.c',
  marks: ['exynos-sysmmu ', 'samsung-sysmmu ', ', SysMMU ', 'Unrecoverable System MMU Fault'],
  heads: ['exynos-sysmmu {unit:s}: ', 'samsung-sysmmu{version:text} {unit:s}: '],
  layouts: [
    {
      id: 'fault',
      seen: 'Linux 3.x on; [READ] and [WRITE] from 6.7',
      starts: true,
      text: [
        `<{master:s}: ><[>{access:READ|WRITE}<]> ${NAME} FAULT occurred at {iova}`,
        `<{master:s}: ><{access:AR|AW} >${NAME}< FAULT> occur<r>ed at {iova}< by {master:s}>< (page table base: {base})>`,
      ],
    },
    {
      id: 'vendor',
      seen: "Samsung's kernels",
      starts: true,
      headless: true,
      text: `From [{master:text}], SysMMU {access:READ|WRITE} ${NAME}< FAULT> at {iova}`,
    },
    { id: 'base', headless: true, text: ['Page table base: {base}', '(page table @ {base})'] },
    { id: 'level1', headless: true, text: 'Lv1 entry: {level1}' },
    { id: 'level2', headless: true, text: 'Lv2 entry: {level2}' },
    { id: 'axid', headless: true, text: 'AxID: {axid}, AxLEN: {axlen}' },
    { id: 'elsewhere', headless: true, text: 'The fault is not caused by this System MMU.' },
    { id: 'panic', headless: true, text: 'Unrecoverable System MMU Fault' },
    { id: 'interrupt', starts: true, text: 'Unhandled interrupt bit {bit:d}' },
  ],
  quiet: ['hardware version: ', 'Adding to iommu group', 'Unable to find', 'Failed to ', '----'],
  functions: ['exynos_sysmmu_irq'],
  decode,
};
