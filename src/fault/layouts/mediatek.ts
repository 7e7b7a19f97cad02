/**
 * Lines of MediaTek's IOMMUs: mtk-iommu (M4U and infra), mtk-iommu-v1, and the m4u driver of vendor kernels.
 * @module
 */
import { hex } from '../../address.ts';
import { type BitField, decodeBits } from '../bit-fields.ts';
import type { FaultDriver } from '../contract.ts';
import type { Draft } from '../draft.ts';
import type { Decoded, FaultField, FaultKind } from '../incident.ts';
import { accessOfWord, printedFields } from './printed.ts';

type Flag = readonly [string, string, FaultKind];

/** Interrupt bits of one MMU (REG_MMU_INT_FAULT_MASK, Linux drivers/iommu/mtk_iommu.c); MMU1 has the same from bit 7. */
const FLAGS: readonly Flag[] = [
  ['TRANSLATION', 'no valid entry for the address', 'translation'],
  ['MAIN_MULTI_HIT', 'two entries of the main TLB match', 'conflict'],
  ['INVALID_PA', 'the physical address is not valid', 'address-size'],
  ['ENTRY_REPLACEMENT', 'fault in replacing an entry of the TLB', 'unit'],
  ['TLB_MISS', 'fault in handling a TLB miss', 'unit'],
  ['MISS_FIFO', 'fault in the FIFO of TLB misses', 'unit'],
  ['PREFETCH_FIFO', 'fault in the FIFO of prefetches', 'unit'],
];

/** REG_MMU_FAULT_ST of the first generation (Linux drivers/iommu/mtk_iommu_v1.c). */
const FLAGS_V1: readonly Flag[] = [
  ['TRANSLATION', 'no valid entry for the address', 'translation'],
  ['MAIN_MULTI_HIT', 'two entries of the main TLB match', 'conflict'],
  ['INVALID_PA', 'the physical address is not valid', 'address-size'],
  ['ENTRY_REPLACEMENT', 'fault in replacing an entry of the TLB', 'unit'],
  ['TABLE_WALK', 'fault in the walk of the tables', 'external-abort'],
  ['TLB_MISS', 'fault in handling a TLB miss', 'unit'],
  ['PREFETCH_FIFO', 'fault in the FIFO of prefetches', 'unit'],
  ['MISS_FIFO', 'fault in the FIFO of TLB misses', 'unit'],
];

function bitsOf(flags: readonly Flag[], prefix: string, from: number): BitField[] {
  return flags.map(([name, meaning], i) => ({ name: `${prefix}${name}`, at: from + i, meaning }));
}

const TYPE = [...bitsOf(FLAGS, 'MMU0_', 0), ...bitsOf(FLAGS, 'MMU1_', FLAGS.length)];
const TYPE_V1 = bitsOf(FLAGS_V1, '', 0);

/** The first flag that is set, of either MMU. */
function firstFlag(type: bigint, v1: boolean): Flag | undefined {
  if (v1) return FLAGS_V1.find((_, i) => ((type >> BigInt(i)) & 1n) === 1n);
  const both = type | (type >> BigInt(FLAGS.length));
  return FLAGS.find((_, i) => ((both >> BigInt(i)) & 1n) === 1n);
}

/** From here on a number names no larb: the master is one of the infrastructure. */
const LARBS = 32;

function masterOf(draft: Draft): string | undefined {
  const [larb, port] = [draft.decimal('larb'), draft.decimal('port')];
  if (larb === undefined) return draft.text('client');
  return larb < LARBS ? `larb ${larb} port ${port ?? '?'}` : undefined;
}

function fieldsOf(draft: Draft, type: bigint, v1: boolean): FaultField[] {
  return [
    { name: 'type', value: hex(type), meaning: '' },
    ...decodeBits(type, v1 ? TYPE_V1 : TYPE),
    ...printedFields(draft, {
      iova: [
        'iova',
        v1 ? 'as printed' : 'as printed: bit 0 is the layer, bit 1 a write, bits 11:2 are not of the address',
      ],
      pa: ['pa', 'what the entry held'],
      master: ['master', ''],
      larb: ['larb', 'local arbiter'],
      port: ['port', 'port of the local arbiter'],
      layer: ['layer', ''],
    }),
  ];
}

function decodeFault(draft: Draft): Decoded {
  const v1 = draft.has('v1');
  const type = draft.hex('type') ?? 0n;
  const [name, meaning, kind] = firstFlag(type, v1) ?? ['fault', 'the type has no bit that is known', 'unknown'];
  const iova = draft.hex('iova');
  return {
    kind,
    name,
    meaning,
    device: masterOf(draft),
    iova: iova === undefined || v1 ? iova : iova & ~0xfffn,
    access: accessOfWord(draft.text('access')),
    fields: fieldsOf(draft, type, v1),
    notes: v1
      ? ['the first generation does not report the direction']
      : ['which device a larb and port are stands in the include file mt<number>-larb-port.h of the device tree'],
  };
}

function decodeVendor(draft: Draft): Decoded {
  return {
    kind: 'translation',
    name: 'translation fault',
    meaning: 'no valid entry for the address',
    device: draft.text('client'),
    iova: draft.hex('iova'),
    fields: printedFields(draft, { pa: ['pa', 'what the entry held'], client: ['port', ''] }),
  };
}

function decode(draft: Draft): Decoded {
  if (draft.has('vendor')) return decodeVendor(draft);
  if (draft.has('fault') || draft.has('v1')) return decodeFault(draft);
  return { kind: 'unit', name: 'TLB flush timeout', meaning: 'the IOMMU did not complete a TLB flush in time' };
}

/** MediaTek's drivers. */
export const mediatek: FaultDriver = {
  id: 'mtk-iommu',
  title: 'MediaTek IOMMU',
  origin: 'iommu',
  source: 'Linux drivers/iommu/mtk_iommu.c, mtk_iommu_v1.c',
  marks: ['mtk-iommu', 'mtk_iommu', '[M4U]'],
  heads: ['mtk-iommu<-v1> {unit:s}: ', 'mtk_iommu<_v1> {unit:s}: ', '[M4U] '],
  layouts: [
    {
      id: 'fault',
      seen: 'Linux 4.6 on; with master from 5.17',
      starts: true,
      text: [
        'fault type={type} iova={iova} pa={pa} master={master}(larb={larb:d} port={port:d}) layer={layer:d} {access:read|write}',
        'fault type={type} iova={iova} pa={pa} larb={larb:d} port={port:d} layer={layer:d} {access:read|write}',
        'fault type={type} iova={iova} pa={pa} {access:read|write}',
      ],
    },
    {
      id: 'v1',
      seen: 'Linux 4.8 on',
      starts: true,
      text: 'fault type={type} iova={iova} pa={pa} larb={larb:d} port={port:d}',
    },
    {
      id: 'vendor',
      seen: "MediaTek's kernels",
      starts: true,
      text: '<{where:text} ><:>translation fault: port={client:text}, mva={iova}<, pa={pa}>',
    },
    { id: 'flush', seen: 'Linux', starts: true, text: 'Partial TLB flush timed out' },
  ],
  quiet: ['bound ', 'Adding to iommu group', 'larb', 'Failed to '],
  functions: ['mtk_iommu_isr'],
  decode,
};
