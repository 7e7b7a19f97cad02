/**
 * NVIDIA's own driver: Xid 31, faults of the GPU's MMU. Other Xids are not MMU faults.
 * @module
 */
import type { FaultDriver } from '../contract.ts';
import { type Draft, parseHex } from '../draft.ts';
import type { Decoded } from '../incident.ts';
import { nvidiaReason } from './nvidia-reasons.ts';
import { accessOfWord, deviceMmu, printedFields } from './printed.ts';

/** `0x7f12_34560000`: the upper and the lower 32 bits. */
function addressOf(text: string | undefined): bigint | undefined {
  const [, high = '', low = ''] = /^0x([0-9a-f]{1,8})_([0-9a-f]{8})$/i.exec(text?.replace(/\.$/, '') ?? '') ?? [];
  return parseHex(high + low);
}

/** The line has segment, bus and device: the GPU is function 0. */
function functionOf(device: string | undefined): string | undefined {
  return device === undefined || device.includes('.') ? device : `${device}.0`;
}

function decode(draft: Draft): Decoded {
  const reason = draft.text('reason');
  const [kind, meaning] = nvidiaReason(reason);
  return {
    kind,
    name: reason ?? 'Xid 31',
    meaning,
    device: functionOf(draft.text('device')),
    iova: addressOf(draft.text('address')),
    access: accessOfWord(draft.text('access')?.split('_').at(-1)),
    fields: printedFields(draft, {
      engine: ['engine', 'engine and client'],
      pid: ['pid', 'process'],
      process: ['name', 'process'],
      access: ['access', ''],
    }),
    complete: reason !== undefined,
  };
}

/** NVIDIA's driver. */
export const nvrm: FaultDriver = deviceMmu({
  id: 'nvrm',
  title: "NVIDIA GPU, NVIDIA's driver",
  source: 'NVIDIA "XID Errors", Xid 31',
  marks: ['NVRM: Xid'],
  heads: ['NVRM: Xid (<PCI:>{device:s}): '],
  layouts: [
    {
      id: 'fault',
      starts: true,
      text: [
        "31, <pid=<'>{pid:text}<'>, ><name={process:text}, ><{channel:text}, >intr {intr}. MMU Fault: ENGINE {engine:text} faulted @ {address:s}. Fault is of type {reason:s} {access:s}",
        '31, {before:text}MMU Fault: ENGINE {engine:text} faulted @ {address:s} Fault is of type {reason:s} {access:s}',
        '31, {rest:rest}',
      ],
    },
  ],
  quiet: ['{xid:d}, '],
  goesOn: (text) => text.includes('): 31, ') && !text.includes(' ACCESS_TYPE_'),
  decode,
});
