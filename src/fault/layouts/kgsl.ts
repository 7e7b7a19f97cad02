/**
 * Faults of the SMMU of Qualcomm's GPUs, as the kgsl driver of vendor kernels prints them.
 * @module
 */
import type { FaultDriver } from '../contract.ts';
import type { Draft } from '../draft.ts';
import type { Decoded, FaultKind } from '../incident.ts';
import { accessOfWord, printedFields } from './printed.ts';

const TYPES: ReadonlyMap<string, readonly [FaultKind, string]> = new Map<string, readonly [FaultKind, string]>([
  ['translation', ['translation', 'no valid entry for the address']],
  ['permission', ['permission', 'the entry does not permit the access']],
  ['external', ['external-abort', 'a read of the tables failed on the bus']],
]);

function decode(draft: Draft): Decoded {
  const type = draft.text('type')?.toLowerCase() ?? '';
  const [kind, meaning] = TYPES.get(type) ?? ['unknown', 'the lines do not tell the type of the fault'];
  return {
    kind,
    name: 'GPU PAGE FAULT',
    meaning,
    device: draft.text('unit') ?? 'kgsl-3d0',
    iova: draft.hex('iova'),
    access: accessOfWord(draft.text('access')),
    fields: printedFields(draft, {
      pid: ['pid', 'process of the page tables'],
      process: ['name', 'process'],
      context: ['context', 'context bank'],
      ttbr0: ['TTBR0', 'tables of the process'],
      fsr: ['FSR', ''],
      type: ['type', ''],
      block: ['block', 'block of the GPU that made the access'],
    }),
    notes: draft.has('nearby')
      ? [
          'the lines "nearby memory" list the buffers before and after the address: an address directly past one is an overrun',
        ]
      : [],
    complete: draft.has('context'),
  };
}

/** The kgsl driver. */
export const kgsl: FaultDriver = {
  id: 'kgsl',
  title: 'Qualcomm Adreno (kgsl, vendor kernels): faults of its SMMU',
  origin: 'iommu',
  source: "Qualcomm's kernels, drivers/gpu/msm/kgsl_iommu.c",
  marks: ['GPU PAGE FAULT: addr'],
  sure: true,
  heads: [],
  layouts: [
    {
      id: 'fault',
      starts: true,
      headless: true,
      text: [
        'GPU PAGE FAULT: addr = {iova} {owner:pid|group id}< >= {pid:d}< name={process:text} drawctxt={drawctxt:d}>',
        'GPU PAGE FAULT: addr={iova} pid={pid:d}< name={process:text} contextidr={drawctxt:d}>',
      ],
    },
    {
      id: 'context',
      headless: true,
      text: [
        'context={context:text} TTBR0={ttbr0}< CIDR={cidr}> ({access:read|write} {type:translation|permission|external|transaction stalled|unknown} fault)',
        'context = {context:d}< TTBR0 = {ttbr0}> FSR = {fsr} FSYNR0 = {fsynr0} FSYNR1 = {fsynr1}({access:read|write} fault)',
        'context = {context:d} TTBR0 = {ttbr0} ({access:read|write} {type:translation|permission|external|transaction stalled|unknown} fault)',
      ],
    },
    { id: 'block', headless: true, text: 'FAULTING BLOCK: {block:rest}' },
    { id: 'nearby', headless: true, text: '---- nearby memory ----' },
  ],
  quiet: [],
  decode,
};
