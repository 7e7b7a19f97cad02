/**
 * Lines of the qcom_iommu driver: the contexts of the SMMU of MSM8916, 8939 and 8953.
 * @module
 */
import type { FaultDriver } from '../contract.ts';
import type { Draft } from '../draft.ts';
import type { Decoded } from '../incident.ts';
import { decodeContextFault } from './arm-smmu-decode.ts';

function decode(draft: Draft): Decoded {
  if (draft.has('sync')) {
    return {
      kind: 'unit',
      name: 'TLB sync timeout',
      meaning: 'a TLB sync was not completed: a clock or the power may be off',
    };
  }
  const decoded = decodeContextFault(draft);
  const fields = decoded.fields?.map((field) => (field.name === 'cb' ? { ...field, meaning: 'ASID' } : field)) ?? [];
  return { ...decoded, fields };
}

/** The qcom_iommu driver. */
export const qcomIommu: FaultDriver = {
  id: 'qcom-iommu',
  title: 'Qualcomm IOMMU (qcom_iommu)',
  origin: 'iommu',
  source: 'Arm IHI 0062 (SMMU_CBn_FSR, FSYNR0); Linux drivers/iommu/arm/arm-smmu/qcom_iommu.c',
  marks: ['qcom-iommu'],
  heads: ['qcom-iommu<-ctx> {unit:s}: '],
  layouts: [
    {
      id: 'context',
      seen: 'Linux 4.14 on',
      text: 'Unhandled context fault: fsr={fsr}, iova={iova}, fsynr={fsynr}, cb={cb:d}',
    },
    { id: 'sync', group: 'sync', starts: true, text: 'timeout waiting for TLB SYNC' },
  ],
  quiet: ['found asid ', 'Adding to iommu group', 'failed to '],
  functions: ['qcom_iommu_fault'],
  absorbs: ['msm-gpu'],
  decode,
};
