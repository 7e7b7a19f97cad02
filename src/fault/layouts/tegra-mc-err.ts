/**
 * Lines of the memory controller of Tegra in NVIDIA's kernels (L4T): `mc-err`, three lines an error.
 * @module
 */
import type { FaultDriver } from '../contract.ts';
import type { Draft } from '../draft.ts';
import type { Decoded, FaultKind } from '../incident.ts';
import { accessOfWord, printedFields } from './printed.ts';
import { NO_SMMU, refused } from './tegra-refusals.ts';

/** `nr-nw-ns`: the entry is not readable, not writable, not secure. */
function smmuFault(rights: string, access: string | undefined): { readonly kind: FaultKind; readonly meaning: string } {
  const parts = rights.split('-');
  if (parts.includes('nr') && parts.includes('nw')) {
    return { kind: 'translation', meaning: 'the page table entry is empty: not readable, not writable' };
  }
  const missing = access?.toLowerCase() === 'write' ? 'nw' : 'nr';
  if (parts.includes(missing))
    return { kind: 'permission', meaning: `the page table entry does not permit it: ${rights}` };
  return { kind: 'not-permitted', meaning: `rights of the page table entry: ${rights}` };
}

/** Without what stands behind a line that is quoted in a text, a table or a program. */
function bare(text: string | undefined): string | undefined {
  return text?.replace(/[\s`'"|,}]{1,20}$/, '');
}

function decode(draft: Draft): Decoded {
  const rights = bare(draft.text('rights'));
  const smmu = rights !== undefined && rights !== 'none';
  const access = draft.text('access');
  return {
    ...(smmu ? smmuFault(rights, access) : refused(draft.text('words') ?? '', '')),
    name: bare(draft.text('words')) ?? 'error',
    device: draft.text('client'),
    iova: draft.hex('iova'),
    access: accessOfWord(access),
    fields: printedFields(draft, {
      status: ['status', 'MC_ERR_STATUS'],
      swgroup: ['swgroup', 'group of clients'],
      secure: ['secure', ''],
      rights: ['SMMU fault', 'rights that the entry lacks'],
    }),
    notes: smmu ? [] : [NO_SMMU],
    complete: draft.has('status') && draft.has('access'),
  };
}

/** The mc-err driver of L4T. */
export const tegraMcErr: FaultDriver = {
  id: 'mc-err',
  title: 'NVIDIA Tegra memory controller and SMMU, L4T',
  origin: 'iommu',
  source: "NVIDIA's L4T kernels, drivers/platform/tegra/mc/mcerr.c; Tegra TRM, MC_ERR_STATUS",
  marks: ['mc-err: ', '[mcerr]'],
  heads: ['mc-err: <[mcerr] >', '[mcerr] '],
  layouts: [
    { id: 'status', text: ['status = {status}; addr = [{iova} -\\> {until}]', 'status = {status}; addr = {iova}'] },
    { id: 'access', text: 'secure: {secure:yes|no}, access-type: {access:read|write}<, SMMU fault: {rights:s}>' },
    { id: 'vpr', text: 'vpr base={base:s} ' },
    {
      id: 'client',
      starts: true,
      text: ['({swgroup:s}) {client:s}: {words:rest}', 'MC fault - {words:rest}', '{client:s}: {words:rest}'],
    },
  ],
  quiet: [
    'Too many MC errors',
    'mcerr: unknown intr source',
    'unknown intr source',
    'Set intmask',
    'mcerr ops',
    'Started MC error',
  ],
  decode,
};
