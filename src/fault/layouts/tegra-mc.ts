/**
 * Lines of the memory controller of Tegra, mainline driver: faults of the SMMU inside it, and accesses that it refused.
 * @module
 */
import type { FaultDriver, Layout } from '../contract.ts';
import type { Draft } from '../draft.ts';
import type { Decoded, FaultKind } from '../incident.ts';
import { accessOfWord, printedFields } from './printed.ts';
import { NO_SMMU, refused } from './tegra-refusals.ts';

/** Names of the interrupt bits (Linux drivers/memory/tegra/mc.c). Each prints a line of its own from one error register. */
const STATUS: readonly string[] = [
  'External interrupt',
  'EMEM address decode error',
  'GART page fault',
  'Security violation',
  'EMEM arbitration error',
  'Page fault',
  'Invalid APB ASID update',
  'VPR violation',
  'Secure carveout violation',
  'MTS carveout violation',
  'Generalized carveout violation',
  'Route Sanity error',
];

const LAYOUTS: readonly Layout[] = STATUS.map((words, i) => ({
  id: `status${i}`,
  group: 'fault',
  seen: 'Linux 3.18 on',
  text: `{client:s}: <{secure:secure|non-secure} >{access:read|write} @{iova}: {status${i}:${words}} (<{type:text}>< [{rights:s}]>)`,
}));

function statusOf(draft: Draft): string[] {
  return STATUS.flatMap((_, i) => draft.text(`status${i}`) ?? []);
}

const SMMU_TYPE = 'SMMU translation error';

/** `[RWS]`: readable, writable, secure only; `-` where the entry lacks it. */
function smmuFault(draft: Draft): { readonly kind: FaultKind; readonly meaning: string } {
  const rights = draft.text('rights');
  if (rights === undefined) return { kind: 'not-permitted', meaning: 'the rights of the entry were not printed' };
  if (!/[RW]/i.test(rights))
    return { kind: 'translation', meaning: `the page table entry is empty: rights [${rights}]` };
  const needed = draft.text('access')?.toLowerCase() === 'write' ? 'W' : 'R';
  if (!rights.toUpperCase().includes(needed)) {
    return { kind: 'permission', meaning: `the page table entry does not permit it: rights [${rights}]` };
  }
  if (/S/i.test(rights))
    return { kind: 'request', meaning: `the entry is for secure accesses only: rights [${rights}]` };
  return { kind: 'not-permitted', meaning: `the rights of the entry, [${rights}], permit the access` };
}

/** A client of this name is one that the driver does not know. */
const NO_CLIENT = 'unknown';

const WHO = 'the driver does not know the client that made the access';

function decode(draft: Draft): Decoded {
  const type = draft.text('type');
  const client = draft.text('client');
  const smmu = type === SMMU_TYPE || draft.has(`status${STATUS.indexOf('Page fault')}`);
  const status = statusOf(draft).join(', ');
  return {
    ...(smmu ? smmuFault(draft) : refused(`${status} ${type ?? ''}`, type ?? '')),
    name: smmu ? SMMU_TYPE : status === '' ? (draft.text('hub') ?? 'error') : status,
    device: client === NO_CLIENT ? undefined : client,
    iova: draft.hex('iova'),
    access: accessOfWord(draft.text('access')),
    fields: [
      ...(status === '' ? [] : [{ name: 'status', value: status, meaning: '' }]),
      ...printedFields(draft, {
        type: ['type', ''],
        rights: ['rights', 'of the page table entry'],
        secure: ['secure', ''],
      }),
    ],
    notes: [...(smmu ? [] : [NO_SMMU]), ...(client === NO_CLIENT ? [WHO] : [])],
  };
}

/** The tegra-mc driver. */
export const tegraMc: FaultDriver = {
  id: 'tegra-mc',
  title: 'NVIDIA Tegra memory controller and SMMU',
  origin: 'iommu',
  source: 'Linux drivers/memory/tegra/mc.c; Tegra K1 TRM, MC_ERR_STATUS',
  marks: ['tegra-mc '],
  heads: ['tegra-mc {unit:s}: '],
  layouts: [
    ...LAYOUTS,
    {
      id: 'hub',
      group: 'hub',
      starts: true,
      seen: 'Linux 7.x',
      text: '{client:s}: @{iova}: {hub:text} status: {hubStatus}',
    },
    { id: 'gsc', seen: 'Linux 7.x', text: 'gsc_apr_id={apr:d} gsc_co_apr_id={coApr:d}' },
  ],
  quiet: ['no memory timings', 'failed to ', 'missing ', 'FAILED to', 'hot reset'],
  functions: ['tegra30_mc_handle_irq', 'tegra20_mc_handle_irq', 'tegra_mc_irq'],
  decode,
};
