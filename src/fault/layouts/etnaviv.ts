/**
 * The etnaviv driver (Vivante GPUs).
 * @module
 */
import type { FaultDriver } from '../contract.ts';
import type { Draft } from '../draft.ts';
import type { Decoded, FaultKind } from '../incident.ts';
import { deviceMmu } from './printed.ts';

/** Status of one MMU, 4 bits of MMUv2_STATUS (Linux drivers/gpu/drm/etnaviv/etnaviv_gpu.c). */
const STATUS: ReadonlyMap<number, readonly [string, FaultKind, string]> = new Map<
  number,
  readonly [string, FaultKind, string]
>([
  [1, ['slave not present', 'translation', 'no table of the second level for the address']],
  [2, ['page not present', 'translation', 'the page is not mapped on the GPU']],
  [3, ['write violation', 'permission', 'the page may not be written']],
  [4, ['out of bounds', 'input-range', 'the address is outside the range of the tables']],
  [5, ['read security violation', 'request', 'a non-secure read of a secure page']],
  [6, ['write security violation', 'request', 'a non-secure write to a secure page']],
]);

function decode(draft: Draft): Decoded {
  const status = draft.hex('status') ?? 0n;
  const mmus = [0, 1, 2, 3].filter((i) => ((status >> BigInt(4 * i)) & 7n) !== 0n);
  const first = mmus[0] ?? 0;
  const code = Number((status >> BigInt(4 * first)) & 7n);
  const [name, kind, meaning] = STATUS.get(code) ?? ['fault', 'unknown' as const, 'the status is not known'];
  const addresses = draft.texts('iova');
  return {
    kind,
    name,
    meaning,
    device: draft.unit,
    iova: draft.hex('iova'),
    access: name.startsWith('write') ? 'write' : name.startsWith('read') ? 'read' : undefined,
    fields: [
      { name: 'MMU status', value: draft.text('status') ?? '', meaning: '4 bits an MMU' },
      ...draft.texts('mmu').map((mmu, i) => ({
        name: `MMU ${mmu}`,
        value: addresses[i] ?? '',
        meaning: STATUS.get(Number((status >> BigInt(4 * Number(mmu))) & 7n))?.[0] ?? '',
      })),
    ],
    complete: addresses.length > 0,
  };
}

/** The etnaviv driver. */
export const etnaviv: FaultDriver = deviceMmu({
  id: 'etnaviv',
  title: 'Vivante GPU, etnaviv',
  source: 'Linux drivers/gpu/drm/etnaviv/etnaviv_gpu.c',
  marks: ['MMU fault status', 'MMU 0 fault', 'MMU 1 fault', 'MMU 2 fault', 'MMU 3 fault'],
  heads: ['etnaviv-gpu {unit:s}: ', 'etnaviv {unit:s}: '],
  layouts: [
    { id: 'status', starts: true, text: 'MMU fault status {status}' },
    { id: 'address', repeats: 4, seen: 'words from 5.18', text: 'MMU {mmu:d} fault< ({words:text})> addr {iova}' },
  ],
  quiet: [],
  decode,
});
