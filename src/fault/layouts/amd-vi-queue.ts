/**
 * Commands of an AMD IOMMU that were not completed: time-outs of the queue, and of devices that do not answer.
 * @module
 */
import { hex } from '../../address.ts';
import type { Draft } from '../draft.ts';
import { type Decoded, requesterId } from '../incident.ts';

function silentDevice(draft: Draft, device: string): Decoded {
  const commands = draft.hexes('command').map(hex);
  const waits = draft.has('completion') ? ', so that earlier commands were not completed either' : '';
  return {
    kind: 'device-timeout',
    name: 'IOTLB_INV_TIMEOUT',
    meaning: `the device did not answer ${commands.length === 1 ? 'an invalidation' : `${commands.length} invalidations`} of its TLB (ATS) in time${waits}`,
    device,
    stream: requesterId(device),
    fields: commands.map((value) => ({
      name: 'address',
      value,
      meaning: "physical address of the command in the IOMMU's queue, not an address of the device",
    })),
  };
}

/** Decodes time-outs: of the device that an event names, else of the queue alone. */
export function decodeCommandTimeout(draft: Draft): Decoded {
  const device = draft.text('device');
  if (device !== undefined) return silentDevice(draft, device);
  const [head, tail] = [draft.text('head'), draft.text('tail')];
  const meaning = draft.has('full')
    ? 'no entry of the command buffer became free: the IOMMU is hung'
    : 'the IOMMU did not complete earlier commands in time; no event names a device that did not answer';
  return {
    kind: 'unit',
    name: draft.has('completion') ? 'Completion-Wait timeout' : 'command buffer timeout',
    meaning,
    words: meaning,
    fields: head === undefined ? [] : [{ name: 'command buffer', value: `head ${head}, tail ${tail}`, meaning: '' }],
  };
}
