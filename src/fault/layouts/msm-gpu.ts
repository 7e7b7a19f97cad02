/**
 * Faults of the IOMMU of Qualcomm's GPUs and displays, as the msm DRM driver prints them: no prefix, no device.
 * @module
 */
import { hex } from '../../address.ts';
import type { FaultDriver } from '../contract.ts';
import type { Draft } from '../draft.ts';
import type { Decoded, FaultAccess, FaultField, FaultKind } from '../incident.ts';
import { accessOfWord, nullNote, printedFields } from './printed.ts';

/** Types by the first bit of FSR that is set (Linux drivers/gpu/drm/msm/adreno/adreno_gpu.c). */
const TYPES: ReadonlyMap<string, readonly [FaultKind, string]> = new Map<string, readonly [FaultKind, string]>([
  ['TRANSLATION', ['translation', 'no valid entry for the address']],
  ['PERMISSION', ['permission', 'the entry does not permit the access']],
  ['EXTERNAL', ['external-abort', 'a read of the tables failed on the bus']],
]);

/** Flag of a write, IOMMU_FAULT_WRITE (include/linux/iommu.h); some IOMMU drivers pass 0 whatever the access was. */
const WRITE = 1;

function accessOf(draft: Draft): FaultAccess | undefined {
  const word = accessOfWord(draft.text('dir'));
  if (word !== undefined) return word;
  const flags = draft.decimal('flags');
  return flags !== undefined && (flags & WRITE) !== 0 ? 'write' : undefined;
}

function fieldsOf(draft: Draft): FaultField[] {
  const ttbr0 = draft.hex('ttbr0');
  const asid = ttbr0 === undefined ? [] : [{ name: 'ASID', value: hex(ttbr0 >> 48n), meaning: 'TTBR0 63:48' }];
  return [
    ...printedFields(draft, {
      ttbr0: ['TTBR0', 'tables of the process'],
      type: ['type', ''],
      source: ['source', 'block of the GPU that made the access'],
      flags: ['flags', 'IOMMU_FAULT_READ 0, IOMMU_FAULT_WRITE 1'],
      scratch: ['scratch', 'scratch registers 4 to 7 of the command processor: markers, no fault data'],
    }),
    ...asid,
  ];
}

/** The lines name no device: it is the GPU, or one of its blocks. */
function wordsOf(draft: Draft, what: string, access: FaultAccess | undefined): string {
  const source = draft.text('source');
  const who = source === undefined ? 'the GPU' : `the GPU (${source})`;
  const verb = access === undefined ? 'used' : access === 'write' ? 'wrote' : 'read';
  return `${who} ${verb} ${hex(draft.hex('iova') ?? 0n)}; ${what}`;
}

function decode(draft: Draft): Decoded {
  const type = draft.text('type')?.toUpperCase() ?? '';
  const [kind, meaning] = TYPES.get(type) ?? ['unknown', 'the line does not tell the type of the fault'];
  const access = accessOf(draft);
  return {
    kind,
    name: type === '' ? 'gpu fault' : type,
    meaning,
    words: wordsOf(draft, type === '' ? meaning : `${type}: ${meaning}`, access),
    iova: draft.hex('iova'),
    access,
    fields: fieldsOf(draft),
    notes: [
      ...nullNote(draft.hex('iova')),
      ...(access === undefined ? ['flags 0 is a read, or an IOMMU driver that does not know the direction'] : []),
    ],
  };
}

/** The msm DRM driver. */
export const msmGpu: FaultDriver = {
  id: 'msm-gpu',
  title: 'Qualcomm Adreno and display (msm DRM): faults of their SMMU',
  origin: 'iommu',
  source: 'Linux drivers/gpu/drm/msm/adreno/adreno_gpu.c, msm_iommu.c',
  marks: ['*** gpu fault:', '*** fault: iova='],
  sure: true,
  heads: [],
  layouts: [
    {
      id: 'fault',
      seen: 'Linux 4.x on; with ttbr0 from 5.14',
      starts: true,
      headless: true,
      text: [
        '*** gpu fault:< >ttbr0={ttbr0} iova={iova} dir={dir:READ|WRITE} type={type:s} source={source:text} ({scratch:text})',
        '*** <gpu >fault:< >iova={iova}<,> flags={flags:d}< ({scratch:text})>',
      ],
    },
  ],
  quiet: [],
  functions: [
    'adreno_fault_handler',
    'msm_fault_handler',
    'a5xx_fault_handler',
    'a6xx_fault_handler',
    'msm_gpu_fault_handler',
  ],
  decode,
};
