/**
 * Lines of PCI on s390 (zpci): errors of functions, DMA faults among them, without address and direction.
 * @module
 */
import type { FaultDriver } from '../contract.ts';
import type { Draft } from '../draft.ts';
import type { Decoded } from '../incident.ts';
import { printedFields } from './printed.ts';

function decode(draft: Draft): Decoded {
  const device = draft.text('device');
  return {
    kind: 'unknown',
    name: `event ${draft.text('event') ?? ''}`,
    meaning: 'the hardware reports an error of the function: of DMA, or any other; address and direction are not told',
    device: device === 'n/a' ? undefined : device,
    fields: printedFields(draft, { event: ['event', 'PCI event code'], function: ['FID', 'function id'] }),
  };
}

/** PCI on s390. */
export const s390: FaultDriver = {
  id: 'zpci',
  title: 'IBM Z PCI',
  origin: 'iommu',
  source: 'Linux arch/s390/pci/pci_event.c',
  marks: ['zpci: '],
  heads: ['zpci: '],
  layouts: [
    { id: 'error', starts: true, text: '{device:s}: Event {event} reports an error for PCI function {function}' },
  ],
  quiet: [
    '{device:s}: Event {event} reconfigured PCI function',
    '{device:s}: The device is ready to resume operations',
    '{device:s}: Automatic recovery failed',
    '{device:s}: Initiating reset',
    '{device:s}: The device is resuming',
    '{device:s}: Successfully recovered',
    'PCI is ',
    'Adding ',
  ],
  decode,
};
