/**
 * Lines of the omap-iommu driver (TI OMAP, AM57xx, DRA7).
 * @module
 */
import { hex } from '../../address.ts';
import { type BitField, decodeBits, hasFlag } from '../bit-fields.ts';
import type { FaultDriver } from '../contract.ts';
import type { Draft } from '../draft.ts';
import type { Decoded, FaultKind } from '../incident.ts';
import { printedFields } from './printed.ts';

/** MMU_IRQSTATUS (OMAP TRM; Linux drivers/iommu/omap-iommu.h). */
const STATUS: readonly BitField[] = [
  { name: 'TLBMISS', at: 0, meaning: 'a TLB miss that no walk follows' },
  { name: 'TRANSLATIONFAULT', at: 1, meaning: 'no valid entry for the address' },
  { name: 'EMUMISS', at: 2, meaning: 'a TLB miss of the debugger' },
  { name: 'TABLEWALKFAULT', at: 3, meaning: 'a read of the tables failed' },
  { name: 'MULTIHITFAULT', at: 4, meaning: 'two entries of the TLB match' },
];

const KINDS: readonly (readonly [string, FaultKind])[] = [
  ['TRANSLATIONFAULT', 'translation'],
  ['TABLEWALKFAULT', 'external-abort'],
  ['MULTIHITFAULT', 'conflict'],
  ['TLBMISS', 'translation'],
  ['EMUMISS', 'translation'],
];

function decode(draft: Draft): Decoded {
  const status = draft.hex('errs');
  const [name, kind] = KINDS.find(([flag]) => status !== undefined && hasFlag(status, STATUS, flag)) ?? [
    'fault',
    'unknown' as const,
  ];
  const meaning = STATUS.find((field) => field.name === name)?.meaning;
  return {
    kind,
    name,
    meaning: typeof meaning === 'string' ? meaning : 'the line does not tell the kind of the fault',
    iova: draft.hex('iova'),
    fields: [
      ...(status === undefined
        ? []
        : [{ name: 'IRQSTATUS', value: hex(status), meaning: '' }, ...decodeBits(status, STATUS)]),
      ...printedFields(draft, {
        name: ['name', 'of the IOMMU: it names the processor behind it'],
        level1: ['*pgd', 'level-1 entry; in the short form of the line it leads to no table'],
        level2: ['*pte', 'level-2 entry'],
      }),
    ],
    notes: ['the driver does not report the direction'],
  };
}

/** The omap-iommu driver. */
export const omapIommu: FaultDriver = {
  id: 'omap-iommu',
  title: 'TI OMAP IOMMU',
  origin: 'iommu',
  source: 'Linux drivers/iommu/omap-iommu.c; OMAP TRM, MMU_IRQSTATUS',
  marks: ['omap-iommu '],
  heads: ['omap-iommu {unit:s}: '],
  layouts: [
    {
      id: 'fault',
      seen: 'Linux 3.x on',
      starts: true,
      text: [
        '{name:s}: errs:{errs} da:{iova} pgd:{pgd:s} *pgd:{level1} pte:{pte:s} *pte:{level2}',
        '{name:s}: errs:{errs} da:{iova} pgd:{pgd:s} *pgd:<px>{level1}',
        '{name:s}: da:{iova} pgd:{pgd:s} *pgd:{level1} pte:{pte:s} *pte:{level2}',
        '{name:s}: da:{iova} pgd:{pgd:s} *pgd:<px>{level1}',
      ],
    },
  ],
  quiet: ['{name:s} registered', '{name:s}: version ', '{name:s} removed', 'Adding to iommu group', 'iommu_get: '],
  functions: ['iommu_fault_handler'],
  decode,
};
