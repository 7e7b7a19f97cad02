/**
 * Lines of the arm-smmu driver: Linux from 3.x on, Qualcomm's and NVIDIA's kernels, Xen.
 * @module
 */
import type { FaultDriver, Layout } from '../contract.ts';
import type { Draft } from '../draft.ts';
import type { Decoded } from '../incident.ts';
import { agreesWithStream, decodeContextFault, decodeGlobalFault } from './arm-smmu-decode.ts';

const CONTEXT = 'context';
const GLOBAL = 'global';
const SYNC = 'sync';
const LOOKUP = 'lookup';

const LAYOUTS: readonly Layout[] = [
  {
    id: 'context',
    group: CONTEXT,
    seen: 'Linux 4.x on, Xen; Qualcomm 3.18 to 5.4; NVIDIA L4T 4.x; the oldest without FSR',
    text: [
      'Unhandled context fault: fsr={fsr}, iova={iova}, fsynr={fsynr}<, cbfrsynra={cbfrsynra}>, cb={cb:d}',
      'Unhandled context fault: iova={iova}, fsr={fsr}, fsynr={fsynr}, cb={cb:d}',
      'Unhandled context fault: iova={iova}, cb={cb:d}, fsr={fsr}, fsynr0={fsynr}, fsynr1={fsynr1}',
      'Unhandled context fault: iova={iova}, fsynr={fsynr}, cb={cb:d}<, sid={sidDecimal:d}({sid} - {client:s})><, pgd={pgd}, pud={pud}, pmd={pmd}, pte={leaf}>',
    ],
  },
  {
    id: 'from',
    group: CONTEXT,
    seen: 'Qualcomm 5.10 on',
    text: 'Unhandled arm-smmu context fault from {client:s}!',
    starts: true,
  },
  { id: 'far', group: CONTEXT, seen: 'Qualcomm', text: 'FAR = {far}' },
  { id: 'par', seen: 'Qualcomm', text: 'PAR = {par}' },
  {
    id: 'fsr',
    group: CONTEXT,
    seen: 'Linux 6.12 on, Qualcomm',
    text: 'FSR = {fsr} [{flags:text}]<, SID={sid}>',
  },
  { id: 'fsynr0', group: CONTEXT, seen: 'Linux 6.12 on, Qualcomm 5.10 on', text: 'FSYNR0 = {fsynr}' },
  { id: 'fsynr1', group: CONTEXT, seen: 'Qualcomm 5.10 on', text: 'FSYNR1 = {fsynr1}' },
  { id: 'bank', group: CONTEXT, seen: 'Qualcomm 5.10 on', text: 'context bank# = {bank}' },
  { id: 'ttbr0', group: CONTEXT, seen: 'Qualcomm', text: 'TTBR0 = {ttbr0}< TTBR1 = {ttbr1}>' },
  { id: 'ttbr1', group: CONTEXT, seen: 'Qualcomm', text: 'TTBR1 = {ttbr1}' },
  { id: 'sctlr', group: CONTEXT, seen: 'Qualcomm', text: 'SCTLR = {sctlr}< ACTLR = {actlr}>' },
  { id: 'cbar', group: CONTEXT, seen: 'Qualcomm', text: 'CBAR = {cbar}' },
  { id: 'mair', group: CONTEXT, seen: 'Qualcomm', text: 'MAIR0 = {mair0}< MAIR1 = {mair1}>' },
  { id: 'mair1', group: CONTEXT, seen: 'Qualcomm', text: 'MAIR1 = {mair1}' },
  {
    id: 'client',
    group: CONTEXT,
    seen: 'Qualcomm',
    text: ['Client info: BID={bid}, PID={pid}, MID={mid}'],
  },
  { id: 'pte', group: CONTEXT, seen: 'Qualcomm', text: 'PTE = {pte}' },
  { id: 'soft', group: CONTEXT, seen: 'Qualcomm, Linux 6.12 on', text: 'soft iova-to-phys={soft}' },
  {
    id: 'soft-failed',
    group: CONTEXT,
    seen: 'Qualcomm, Linux 6.12 on',
    text: 'SOFTWARE TABLE WALK FAILED! Looks like {smmu:s} accessed an unmapped address!',
  },
  {
    id: 'hard',
    group: CONTEXT,
    seen: 'Qualcomm, Linux 6.12 on',
    text: ['hard iova-to-phys (ATOS)={hard}', 'hard iova-to-phys (ATOS) {hard:failed}'],
  },
  {
    id: 'atos-differed',
    group: CONTEXT,
    seen: 'Qualcomm',
    text: 'ATOS results differed across {across:rest}',
    repeats: 4,
  },
  { id: 'sid', group: CONTEXT, seen: 'Qualcomm', text: ['<SSD={ssd} >SID={sid}', 'SID = {sid}'] },
  {
    id: 'unexpected',
    group: GLOBAL,
    seen: 'Linux, Xen',
    text: 'Unexpected global fault, this could be serious',
    starts: true,
  },
  {
    id: 'blocked',
    group: GLOBAL,
    seen: 'Linux 5.2 on',
    text: 'Blocked unknown Stream ID {blocked}<;>{advice:rest}',
    starts: true,
  },
  {
    id: 'gfsr',
    group: GLOBAL,
    seen: 'Linux, Xen',
    text: 'GFSR {gfsr}, GFSYNR0 {gfsynr0}, GFSYNR1 {gfsynr1}<, GFSYNR2 {gfsynr2}>',
  },
  {
    id: 'sync',
    group: SYNC,
    seen: 'Linux, Xen',
    text: 'TLB sync timed out -- SMMU may be deadlocked',
    says: 'a TLB sync was not completed',
  },
  {
    id: 'tbu',
    group: SYNC,
    seen: 'Qualcomm',
    text: 'TBU: power_status {power} sync_inv_ack {ack} sync_inv_progress {progress}',
    says: 'TBU power status {power}, acknowledged {ack}, in progress {progress}',
  },
  {
    id: 'lookup',
    group: LOOKUP,
    seen: 'Linux',
    text: ['iova to phys timed out on {iova}. Falling back to software table walk.', 'translation fault!'],
  },
];

function decodeSync(draft: Draft): Decoded {
  return {
    kind: 'unit',
    name: 'TLB sync timeout',
    meaning: 'the SMMU did not complete a TLB sync: a clock or the power of a translation unit may be off',
    fields: ['power', 'ack', 'progress'].flatMap((name) => {
      const value = draft.text(name);
      return value === undefined ? [] : [{ name, value, meaning: '' }];
    }),
  };
}

function decodeLookup(draft: Draft): Decoded {
  return {
    kind: 'software',
    name: 'address lookup',
    meaning: 'a lookup by the CPU in the hardware (ATOS) failed; no device made an access',
    iova: draft.hex('iova'),
  };
}

function decode(draft: Draft): Decoded {
  if (draft.group === GLOBAL) return decodeGlobalFault(draft);
  if (draft.group === SYNC) return decodeSync(draft);
  return draft.group === LOOKUP ? decodeLookup(draft) : decodeContextFault(draft);
}

/** The arm-smmu driver. */
export const armSmmu: FaultDriver = {
  id: 'arm-smmu',
  title: 'Arm SMMUv1 and SMMUv2',
  origin: 'iommu',
  source: 'Arm IHI 0062 (SMMU_CBn_FSR, FSYNR0, CBFRSYNRA, sGFSR, sGFSYNR); Linux, Qualcomm, NVIDIA and Xen drivers',
  marks: ['arm-smmu ', 'smmu: /'],
  heads: ['arm-smmu {unit:s}: ', 'smmu: {unit:s}: '],
  layouts: LAYOUTS,
  quiet: [
    'probing hardware configuration',
    'SMMUv{version:d} with:',
    'stage {stage:d} translation',
    'nested translation',
    'address translation ops',
    '<non->coherent table walk',
    '(IDR0.CTTW overridden by FW configuration)',
    'stream matching with {groups:d} register groups',
    '{banks:d} context banks ({s2:d} stage-2 only)',
    'Supported page sizes: {sizes}',
    'Stage-{stage:d}: {bits:d}-bit',
    'preserved {boot:d} boot mapping',
  ],
  functions: [
    'arm_smmu_context_fault',
    'arm_smmu_global_fault',
    'arm_smmu_print_context_fault_info',
    'qcom_smmu_context_fault',
    'nvidia_smmu_context_fault_bank',
  ],
  agrees: agreesWithStream,
  decode,
};
