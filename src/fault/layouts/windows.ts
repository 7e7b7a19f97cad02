/**
 * The stop code of Windows about refused DMA, as the debugger prints it.
 * @module
 */
import { hex } from '../../address.ts';
import type { FaultDriver } from '../contract.ts';
import type { Draft } from '../draft.ts';
import type { Decoded } from '../incident.ts';
import { printedFields } from './printed.ts';

/** Parameter 1 of bug check 0xE6 that the IOMMU causes; all others are mistakes in using the DMA functions. */
const BY_IOMMU = 0x26n;

function decode(draft: Draft): Decoded {
  const code = draft.hex('arg1');
  const fields = printedFields(draft, {
    arg1: ['Arg1', draft.text('what') ?? ''],
    arg2: ['Arg2', 'device object'],
    arg3: ['Arg3', 'faulting information, usually the physical address'],
    arg4: ['Arg4', 'type of the fault, as the hardware has it'],
  });
  const next = [
    {
      text: 'name the device with `!devobj` of Arg2 in the debugger, then update its driver and the firmware of the machine',
      source: 'Microsoft, "Bug Check 0xE6: DRIVER_VERIFIER_DMA_VIOLATION"',
    },
  ];
  if (code !== undefined && code !== BY_IOMMU) {
    const meaning = `${draft.text('what') ?? ''} (code ${hex(code)})`;
    return {
      kind: 'software',
      name: 'bug check 0xe6',
      meaning,
      words: `Windows stopped a driver for a mistake with DMA, without a fault of the IOMMU: ${meaning}`,
      fields,
      next,
    };
  }
  const at = draft.hex('arg3');
  const where = at === undefined ? '' : ` at ${hex(at)}`;
  return {
    kind: 'unknown',
    name: 'bug check 0xe6',
    meaning: 'the IOMMU refused a DMA',
    words: `Windows stopped because its IOMMU refused a DMA of a device${where}; the text does not say whether the address was not mapped or the access not permitted`,
    iova: at,
    fields,
    next,
    complete: code !== undefined,
  };
}

/** Windows. */
export const windows: FaultDriver = {
  id: 'windows',
  title: 'Windows, bug check 0xE6',
  origin: 'iommu',
  source: 'Microsoft, "Bug Check 0xE6: DRIVER_VERIFIER_DMA_VIOLATION"',
  marks: ['DRIVER_VERIFIER_DMA_VIOLATION (e6)', 'IOMMU detected DMA violation'],
  heads: [],
  layouts: [
    { id: 'stop', text: 'DRIVER_VERIFIER_DMA_VIOLATION (e6)', headless: true, starts: true },
    { id: 'arg1', text: 'Arg1: {arg1}, {what:rest}', headless: true },
    { id: 'arg1-alone', text: 'Arg1: {arg1}, {what:IOMMU detected DMA violation}', headless: true, starts: true },
    { id: 'arg2', text: 'Arg2: {arg2}, ', headless: true },
    { id: 'arg3', text: 'Arg3: {arg3}, ', headless: true },
    { id: 'arg4', text: 'Arg4: {arg4}, ', headless: true },
  ],
  quiet: [],
  decode,
};
