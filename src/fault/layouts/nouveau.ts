/**
 * The nouveau driver (NVIDIA GPUs).
 * @module
 */
import type { FaultDriver } from '../contract.ts';
import type { Draft } from '../draft.ts';
import type { Decoded, FaultAccess, FaultField } from '../incident.ts';
import { nvidiaReason } from './nvidia-reasons.ts';
import { accessOfWord, deviceMmu, printedFields } from './printed.ts';

/** `WRITE`, `VIRT_WRITE`: the last word counts; atomic accesses and prefetches are neither. */
function accessOf(word: string | undefined): FaultAccess | undefined {
  return accessOfWord(word?.split('_').at(-1));
}

/** `[00ff82c000 Xorg[543]]`: instance block, process and its pid. */
function processField(draft: Draft): FaultField[] {
  const printed = draft.text('process');
  const open = printed?.split('[').length ?? 0;
  const value = (printed?.split(']').length ?? 0) > open ? printed?.replace(/\]$/, '') : printed;
  return value === undefined ? [] : [{ name: 'process', value, meaning: 'instance block and process' }];
}

function decode(draft: Draft): Decoded {
  const reason = draft.text('reason')?.replace(/\]$/, '');
  const [kind, meaning] = nvidiaReason(reason);
  return {
    kind,
    name: reason === undefined || reason === '' ? 'fault' : reason,
    meaning,
    device: draft.text('device'),
    iova: draft.hex('iova'),
    access: accessOf(draft.text('access')),
    fields: [
      ...printedFields(draft, {
        engine: ['engine', ''],
        client: ['client', 'unit that made the access'],
        code: ['reason', ''],
        channel: ['channel', ''],
      }),
      ...processField(draft),
    ],
  };
}

/** The nouveau driver. */
export const nouveau: FaultDriver = deviceMmu({
  id: 'nouveau',
  title: 'NVIDIA GPU, nouveau',
  source: 'Linux drivers/gpu/drm/nouveau/nvkm/engine/fifo, nvkm/subdev/fb/nv50.c',
  marks: [
    'fifo: fault ',
    'fifo: read fault',
    'fifo: write fault',
    'fb: trapped ',
    '] read fault at',
    '] write fault at',
  ],
  heads: ['nouveau {device:pci}: ', 'nouveau {level:s}[ {engineName:s}][{device:pci}] '],
  layouts: [
    {
      id: 'fault',
      starts: true,
      seen: 'Linux 3.x on',
      text: [
        'fifo: fault {accessCode} [{access:text}] at {iova} engine {engineCode} [{engine:text}] client {clientCode} [{client:text}] reason {code} [{reason:text}] on channel {channel:d}< [{process:rest}>',
        'fifo: {access:read|write} fault at {iova} engine {engineCode} [{engine:text}] client {clientCode} [{client:text}] reason {code} [{reason:text}] on channel {channel:d}< [{process:rest}>',
        'fb: trapped {access:read|write} at {iova} on channel {channel:d}< [{process:text}]> engine {engineCode} [{engine:text}] client {clientCode} [{client:text}] subclient {subCode} [{subclient:text}] reason {code} [{reason:text}]',
        '{access:read|write} fault at {iova} [{reason:text}] from {engine:text} on channel {channelAddress}< [{process:rest}>',
      ],
    },
  ],
  quiet: [],
  decode,
});
