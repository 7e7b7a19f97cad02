/**
 * Devices with an MMU of their own whose drivers print an address and little else: PowerVR, Habana Gaudi, Intel's NPU.
 * @module
 */

import { eventType } from '../../hardware/smmu-v3/events.ts';
import type { FaultDriver } from '../contract.ts';
import type { Draft } from '../draft.ts';
import type { Decoded } from '../incident.ts';
import { deviceMmu, printedFields } from './printed.ts';

function addressOnly(draft: Draft): Decoded {
  return {
    kind: 'not-permitted',
    name: 'page fault',
    meaning: 'not mapped on the device, or not for this access: the line has the address only',
    device: draft.unit ?? draft.text('device'),
    iova: draft.hex('iova'),
  };
}

/** The powervr driver (Imagination GPUs). */
export const powervr: FaultDriver = deviceMmu({
  id: 'powervr',
  title: 'Imagination GPU, powervr',
  source: 'Linux drivers/gpu/drm/imagination/pvr_fw.c',
  marks: ['Page fault occurred, fault address='],
  heads: [],
  layouts: [
    {
      id: 'fault',
      starts: true,
      headless: true,
      text: '<powervr {device:s}: <[drm] >>Page fault occurred, fault address={iova}',
    },
  ],
  quiet: [],
  decode: addressOnly,
});

/** The habanalabs driver. */
export const habanalabs: FaultDriver = deviceMmu({
  id: 'habanalabs',
  title: 'Habana Gaudi, habanalabs',
  source: 'Linux drivers/accel/habanalabs',
  marks: ['MMU page fault on va', 'MU page fault on va'],
  heads: ['habanalabs {unit:s}: ', 'accel accel{number:d}: '],
  layouts: [
    {
      id: 'fault',
      starts: true,
      text: [
        '<{name:text} ><{which:PMMU|HMMU|MMU} >page fault on va {iova}',
        '{name:text}MMU page fault on va {iova}',
        'MMU page fault on va {iova}',
      ],
    },
  ],
  quiet: [],
  decode: addressOnly,
});

function decodeNpu(draft: Draft): Decoded {
  const code = draft.hexNumber('code') ?? -1;
  const type = code < 0 ? undefined : eventType(code);
  return {
    kind: 'unknown',
    name: draft.text('words') ?? 'event',
    meaning: type?.meaning ?? '',
    device: draft.text('device'),
    stream: draft.decimal('sid'),
    pasid: draft.decimal('ssid'),
    iova: draft.hex('iova'),
    fields: printedFields(draft, { code: ['event', 'code of an SMMUv3 event'], fetch: ['fetch addr', ''] }),
  };
}

/** The ivpu driver (Intel's NPU): its MMU has the events of an SMMUv3. */
export const ivpu: FaultDriver = deviceMmu({
  id: 'ivpu',
  title: 'Intel NPU, ivpu: the MMU inside it',
  source: 'Linux drivers/accel/ivpu/ivpu_mmu.c',
  marks: ['MMU EVTQ: '],
  heads: ['intel_vpu {device:pci}: <[drm] ><*ERROR* ><ivpu_mmu_dump_event(): >'],
  layouts: [
    {
      id: 'event',
      starts: true,
      text: 'MMU EVTQ: {code} ({words:text})< SSID: {ssid:d}>< SID: {sid:d}>, e[2] {word2}, e[3] {word3}, in addr: {iova}, fetch addr: {fetch}',
    },
  ],
  quiet: [],
  decode: decodeNpu,
});
