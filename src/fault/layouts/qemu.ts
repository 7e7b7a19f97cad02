/**
 * What QEMU prints about its emulated IOMMUs: VT-d and virtio-iommu. The tables are the guest's.
 * @module
 */
import { hex } from '../../address.ts';
import type { FaultDriver, Layout } from '../contract.ts';
import type { Draft } from '../draft.ts';
import { type Decoded, type FaultAccess, type FaultKind, functionOf, requesterId } from '../incident.ts';
import { VTD_REASONS } from './intel-vtd-reasons.ts';
import { printedFields } from './printed.ts';

const WALK = '{walk:vtd_iova_to_slpte|vtd_iova_to_sspte|vtd_iova_to_flpte|vtd_iova_to_fspte}: detected';
const FAILURE =
  'vtd_iommu_translate: detected translation failure (dev={bus}:{slot}:{fn}, <pasid={pasid:text}, >iova={iova}';
const TRACE = 'vtd_dmar_fault sid {sid} fault {reason:d} addr {iova} write {write:0|1}';

/** A line that follows another about the same access, or stands alone. */
function either(id: string, text: string, seen: string): readonly Layout[] {
  const group = 'access';
  return [
    { id, group, seen, text, headless: true },
    { id: `${id}-alone`, group, text, headless: true, starts: true },
  ];
}

const LAYOUTS: readonly Layout[] = [
  {
    id: 'refused',
    group: 'access',
    seen: 'QEMU 2.x on',
    text: `${WALK} {table:slpte|sspte|flpte|fspte} permission error (iova={iova}, level={level}, {entryName:s}pte={entry}, write={write:0|1}`,
    headless: true,
    starts: true,
  },
  {
    id: 'overflow',
    group: 'access',
    seen: 'QEMU 2.x on',
    text: [`${WALK} IOVA overflow (iova={iova}`, `${WALK} non canonical IOVA (iova={iova}`],
    headless: true,
    starts: true,
  },
  {
    id: 'reserved',
    group: 'access',
    seen: 'QEMU 2.x on',
    text: `${WALK} {table:splte|slpte|sspte|flpte|fspte} reserve non-zero iova={iova}, level={levelText:text}pte={entry}`,
    headless: true,
    starts: true,
  },
  ...either('failure', FAILURE, 'QEMU 2.x on'),
  ...either('trace', TRACE, 'QEMU, trace event vtd_dmar_fault'),
  {
    id: 'compressed',
    group: 'access',
    text: 'New fault is not recorded due to {lost:rest}',
    headless: true,
  },
  {
    id: 'unmapped',
    group: 'virtio',
    seen: 'QEMU, virtio-iommu',
    text: 'virtio_iommu_translate no mapping for {iova} for sid={endpoint:d}',
    headless: true,
    starts: true,
  },
  {
    id: 'unattached',
    group: 'virtio',
    seen: 'QEMU, virtio-iommu',
    text: 'virtio_iommu_translate sid={endpoint:d} is not known!!',
    headless: true,
    starts: true,
  },
  {
    id: 'irte',
    group: 'interrupt',
    seen: 'QEMU 2.7 on',
    text: 'vtd_irte_get: detected non-present IRTE (index={index:d}, high={high}, low={low})',
    headless: true,
    starts: true,
  },
  {
    id: 'msi',
    group: 'interrupt',
    seen: 'QEMU 2.7 on',
    text: 'vtd_interrupt_remap_msi: invalid IR MSI (sid={source:d}, address={address}, data={data})',
    headless: true,
    starts: true,
  },
];

/** The device: `dev=bus:device:function` in hex, or a requester id. */
function deviceOf(draft: Draft): string | undefined {
  const [bus, slot, fn] = ['bus', 'slot', 'fn'].map((name) => draft.hexNumber(name));
  if (bus !== undefined && slot !== undefined && fn !== undefined) return functionOf(bus * 256 + slot * 8 + fn);
  const requester = draft.hexNumber('sid') ?? draft.decimal('endpoint') ?? draft.decimal('source');
  return requester === undefined ? undefined : functionOf(requester);
}

function accessOf(draft: Draft): FaultAccess | undefined {
  const write = draft.text('write');
  return write === undefined ? undefined : write === '1' ? 'write' : 'read';
}

interface Judged {
  readonly kind: FaultKind;
  readonly name: string;
  readonly meaning: string;
}

const NO_REASON: Judged = {
  kind: 'unknown',
  name: 'translation failure',
  meaning: 'the translation failed; the line with the reason is missing',
};

/** What a line says by itself, by a field that only it has. */
const SAID: readonly (readonly [string, Judged])[] = [
  ['unmapped', { kind: 'translation', name: 'no mapping', meaning: 'the guest has not mapped the address' }],
  [
    'unattached',
    {
      kind: 'configuration',
      name: 'endpoint not known',
      meaning: 'the guest has not attached the endpoint to a domain',
    },
  ],
  [
    'irte',
    { kind: 'interrupt', name: 'IRTE not present', meaning: "the guest's interrupt remapping entry is not present" },
  ],
  ['msi', { kind: 'interrupt', name: 'invalid MSI', meaning: 'an interrupt message whose reserved bits are set' }],
  [
    'overflow',
    { kind: 'input-range', name: 'IOVA overflow', meaning: "the address is beyond the width of the guest's tables" },
  ],
  [
    'reserved',
    {
      kind: 'reserved-bits',
      name: 'reserved bits',
      meaning: "reserved bits are set in an entry of the guest's tables",
    },
  ],
];

function judgeEntry(draft: Draft): Judged | undefined {
  if (!draft.has('refused')) return undefined;
  const at = `the guest's table of level ${draft.hexNumber('level') ?? '?'}`;
  return draft.hex('entry') === 0n
    ? { kind: 'translation', name: 'permission error', meaning: `${at} has no entry for the address` }
    : { kind: 'permission', name: 'permission error', meaning: `the entry in ${at} does not permit the access` };
}

function judgeReason(draft: Draft): Judged {
  const code = draft.decimal('reason');
  const reason = code === undefined ? undefined : VTD_REASONS.get(code);
  if (code === undefined || reason === undefined) return NO_REASON;
  return { kind: reason.kind, name: `fault reason ${hex(code, 2)}`, meaning: reason.meaning };
}

function judge(draft: Draft): Judged {
  return SAID.find(([field]) => draft.has(field))?.[1] ?? judgeEntry(draft) ?? judgeReason(draft);
}

const EMULATED =
  "an IOMMU that QEMU emulates: the tables are the guest's, and its kernel reports the same fault; QEMU prints most of these lines once a run, so their number says nothing";

/** SNP of a second-stage entry (VT-d 9.8): reserved where the unit does not offer snoop control. */
const SNP = 1n << 11n;

function snoopNote(draft: Draft): string[] {
  const entry = draft.has('reserved') ? (draft.hex('entry') ?? 0n) : 0n;
  return (entry & SNP) === 0n
    ? []
    : [
        'bit 11 of the entry (SNP) is set: QEMU takes it for reserved where it does not offer snoop control (ECAP.SC), and the guest sets it all the same',
      ];
}

function decode(draft: Draft): Decoded {
  const device = deviceOf(draft);
  return {
    ...judge(draft),
    device,
    stream: requesterId(device),
    iova: draft.hex('iova'),
    access: accessOf(draft),
    fields: printedFields(draft, {
      level: ['level', ''],
      entry: ['entry', 'of the table at that level'],
      pasid: ['PASID', ''],
      index: ['index', 'of the interrupt'],
      address: ['address', 'of the interrupt message'],
      data: ['data', 'of the interrupt message'],
    }),
    notes: [...snoopNote(draft), EMULATED],
  };
}

/** QEMU's emulated IOMMUs. */
export const qemu: FaultDriver = {
  id: 'qemu',
  title: 'QEMU: its emulated VT-d and virtio-iommu',
  origin: 'iommu',
  source: 'QEMU hw/i386/intel_iommu.c, hw/virtio/virtio-iommu.c (names and formats of the messages)',
  marks: [
    'vtd_iova_to_',
    'vtd_iommu_translate:',
    'vtd_dmar_fault sid ',
    'virtio_iommu_translate ',
    'vtd_irte_get:',
    'vtd_interrupt_remap_msi:',
  ],
  sure: true,
  heads: [],
  layouts: LAYOUTS,
  quiet: [],
  decode,
};
