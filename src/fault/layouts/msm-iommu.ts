/**
 * Lines of the msm_iommu driver (MSM8x60, APQ8064): a register file of its own, older than the SMMU architecture.
 * @module
 */
import { hex } from '../../address.ts';
import { type BitField, decodeBits, hasFlag } from '../bit-fields.ts';
import type { FaultDriver } from '../contract.ts';
import type { Draft } from '../draft.ts';
import type { Decoded, FaultKind } from '../incident.ts';
import { printedFields } from './printed.ts';

/** FSR (Linux drivers/iommu/msm_iommu_hw-8xxx.h): bits 5 and 6 are not those of the SMMU architecture. */
const FSR: readonly BitField[] = [
  { name: 'TF', at: 1, meaning: 'translation fault: no valid entry for the address' },
  { name: 'AFF', at: 2, meaning: 'access flag fault' },
  { name: 'APF', at: 3, meaning: 'access permission fault: the entry does not permit the access' },
  { name: 'TLBMF', at: 4, meaning: 'TLB match fault: two entries of the TLB match' },
  { name: 'HTWDEEF', at: 5, meaning: 'the table walk got a decode error from the bus' },
  { name: 'HTWSEEF', at: 6, meaning: 'the table walk got a slave error from the bus' },
  { name: 'MHF', at: 7, meaning: 'multiple hit fault' },
  { name: 'SL', at: 16, meaning: 'the second-level walk' },
  { name: 'SS', at: 30, meaning: 'the transaction is stalled' },
  { name: 'MULTI', at: 31, meaning: 'more faults came before this one was cleared' },
];

const KINDS: readonly (readonly [string, FaultKind])[] = [
  ['TF', 'translation'],
  ['APF', 'permission'],
  ['AFF', 'access-flag'],
  ['HTWDEEF', 'external-abort'],
  ['HTWSEEF', 'external-abort'],
  ['TLBMF', 'conflict'],
  ['MHF', 'conflict'],
];

function decode(draft: Draft): Decoded {
  const fsr = draft.hex('fsr') ?? 0n;
  const [name, kind] = KINDS.find(([flag]) => hasFlag(fsr, FSR, flag)) ?? ['page fault', 'unknown' as const];
  const meaning = FSR.find((field) => field.name === name)?.meaning;
  return {
    kind,
    name,
    meaning: typeof meaning === 'string' ? meaning : 'the lines with the registers are missing',
    device: draft.has('context') ? `context ${draft.text('context') ?? ''}` : undefined,
    iova: draft.hex('far'),
    fields: [
      { name: 'FSR', value: hex(fsr), meaning: '' },
      ...decodeBits(fsr, FSR),
      ...printedFields(draft, {
        context: ['context', 'context bank'],
        par: ['PAR', ''],
        fsynr0: ['FSYNR0', 'implementation defined'],
        fsynr1: ['FSYNR1', 'implementation defined'],
        ttbr0: ['TTBR0', ''],
        ttbr1: ['TTBR1', ''],
      }),
    ],
    notes: ['these registers do not tell a read from a write'],
    complete: draft.has('far') && draft.has('fsr'),
  };
}

/** The msm_iommu driver. */
export const msmIommu: FaultDriver = {
  id: 'msm_iommu',
  title: 'Qualcomm MSM IOMMU (msm_iommu)',
  origin: 'iommu',
  source: 'Linux drivers/iommu/msm_iommu.c, msm_iommu_hw-8xxx.h',
  marks: ['Unexpected IOMMU page fault'],
  heads: [],
  layouts: [
    { id: 'head', starts: true, headless: true, text: 'Unexpected IOMMU page fault!' },
    { id: 'base', headless: true, text: 'base = {base}' },
    { id: 'context', headless: true, text: 'Fault occurred in context {context:d}.' },
    { id: 'registers', headless: true, text: 'Interesting registers:' },
    { id: 'far', headless: true, text: 'FAR = {far} PAR = {par}' },
    { id: 'fsr', headless: true, text: 'FSR = {fsr} [' },
    { id: 'fsynr', headless: true, text: 'FSYNR0 = {fsynr0} FSYNR1 = {fsynr1}' },
    { id: 'ttbr', headless: true, text: 'TTBR0 = {ttbr0} TTBR1 = {ttbr1}' },
    { id: 'sctlr', headless: true, text: 'SCTLR = {sctlr} ACTLR = {actlr}' },
  ],
  quiet: [],
  functions: ['msm_iommu_fault_handler'],
  decode,
};
