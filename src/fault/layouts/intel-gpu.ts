/**
 * The i915 and xe drivers: page faults of Intel's GPUs in their own page tables.
 * @module
 */
import type { FaultDriver } from '../contract.ts';
import { type Draft, parseHex } from '../draft.ts';
import type { Decoded, FaultAccess, FaultKind } from '../incident.ts';
import { deviceMmu, printedFields } from './printed.ts';

const BESIDE =
  'where a line of the IOMMU about the same function stands beside it, that one counts: the GPU passes addresses of the IOMMU on';

function decodeI915(draft: Draft): Decoded {
  const [high, low] = [draft.text('high'), draft.text('low')];
  const iova = high === undefined || low === undefined ? draft.hex('address') : parseHex(high.replace(/_$/, '') + low);
  return {
    kind: 'unknown',
    name: 'Unexpected fault',
    meaning: 'a fault in the page tables of the GPU; what its type stands for depends on the GPU',
    device: draft.text('device'),
    iova,
    fields: printedFields(draft, {
      space: ['address space', 'GGTT the global one, PPGTT of a process'],
      engine: ['engine id', ''],
      source: ['source id', ''],
      type: ['type', ''],
    }),
    notes: [BESIDE],
    complete: iova !== undefined,
  };
}

/** The i915 driver. */
export const i915: FaultDriver = deviceMmu({
  id: 'i915',
  title: 'Intel GPU, i915',
  source: 'Linux drivers/gpu/drm/i915/gt/intel_gt.c',
  marks: ['Unexpected fault'],
  heads: ['i915 {device:pci}: <[drm<:{function:text}>] >', '[drm<:{function:text}>] '],
  layouts: [
    { id: 'fault', starts: true, text: '<GT{gt:d}: >Unexpected fault' },
    { id: 'address', headless: true, text: ['Addr: 0x{high:s}_{low}', 'Addr: {address}'] },
    { id: 'space', headless: true, text: 'Address space: {space:GGTT|PPGTT}' },
    { id: 'engine', headless: true, text: 'Engine ID: {engine:d}' },
    { id: 'source', headless: true, text: 'Source ID: {source:d}' },
    { id: 'type', headless: true, text: 'Type: {type:d}' },
  ],
  quiet: [],
  decode: decodeI915,
});

/** FaultType of a page fault message (Linux drivers/gpu/drm/xe/xe_gt_pagefault.c). */
const TYPES: readonly (readonly [FaultKind, string])[] = [
  ['translation', 'the page is not mapped on the GPU'],
  ['permission', 'the page may not be written'],
  ['permission', 'the page permits no atomic access'],
];
const ACCESSES: readonly (FaultAccess | undefined)[] = ['read', 'write', undefined];

function decodeXe(draft: Draft): Decoded {
  if (draft.has('cat')) {
    return {
      kind: 'unknown',
      name: 'memory CAT error',
      meaning: 'an engine used an address that could not be translated; the line has no address',
      device: draft.text('device'),
      fields: printedFields(draft, { class: ['class', ''], guc: ['guc_id', 'context'] }),
    };
  }
  const [kind, meaning] = TYPES[draft.decimal('type') ?? -1] ?? ['unknown', 'the type is not known'];
  return {
    kind,
    name: 'page fault',
    meaning,
    device: draft.text('device'),
    iova: draft.hex('iova'),
    access: ACCESSES[draft.decimal('access') ?? -1],
    fields: printedFields(draft, {
      type: ['FaultType', meaning],
      access: ['AccessType', '0 read, 1 write, 2 atomic'],
      level: ['FaultLevel', 'level at which the walk ended'],
      class: ['EngineClass', ''],
      instance: ['EngineInstance', ''],
      response: ['response', 'the fault was not resolved'],
    }),
  };
}

/** The xe driver. */
export const xe: FaultDriver = deviceMmu({
  id: 'xe',
  title: 'Intel GPU, xe',
  source: 'Linux drivers/gpu/drm/xe/xe_gt_pagefault.c, xe_guc_submit.c',
  marks: ['Faulted Address: ', 'Fault response: ', 'memory CAT error'],
  heads: ['xe {device:pci}: <[drm<:{function:text}>] ><*ERROR* ><Tile{tile:d}: ><GT{gt:d}: >'],
  layouts: [
    { id: 'address', group: 'fault', starts: true, headless: true, text: 'Faulted Address: {iova}' },
    { id: 'type', group: 'fault', headless: true, text: 'FaultType: {type:d}' },
    { id: 'access', group: 'fault', headless: true, text: 'AccessType: {access:d}' },
    { id: 'level', group: 'fault', headless: true, text: 'FaultLevel: {level:d}' },
    { id: 'class', group: 'fault', headless: true, text: 'EngineClass: {class:rest}' },
    { id: 'instance', group: 'fault', headless: true, text: 'EngineInstance: {instance:d}' },
    { id: 'response', group: 'fault', headless: true, text: 'Fault response: {response:rest}' },
    {
      id: 'cat',
      group: 'cat',
      starts: true,
      text: [
        'Engine memory CAT error [{engine:d}]: class={class:s}, logical_mask: {mask}, guc_id={guc:d}',
        'Engine memory CAT error: guc_id={guc:d}',
      ],
    },
  ],
  quiet: [],
  decode: decodeXe,
});
