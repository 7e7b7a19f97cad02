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

const STATUS_LINE = 'MMU fault status {status}';
const ADDRESS_LINE = 'MMU {mmu:d} fault< ({words:text})> addr {iova}';

/** The GPU could not reach memory; its MMU, whose status the driver prints all the same, may have found nothing. */
const BUS = ['AXI bus error', 'unknown', 'an access of the GPU failed on the bus; its MMU reports no fault'] as const;
const UNKNOWN = ['fault', 'unknown', 'the status is not known'] as const;

function decode(draft: Draft): Decoded {
  const status = draft.hex('status') ?? 0n;
  const mmus = [0, 1, 2, 3].filter((i) => ((status >> BigInt(4 * i)) & 7n) !== 0n);
  const first = mmus[0] ?? 0;
  const code = Number((status >> BigInt(4 * first)) & 7n);
  const [name, kind, meaning] = STATUS.get(code) ?? (status === 0n && draft.has('bus') ? BUS : UNKNOWN);
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
    complete: addresses.length > 0 || draft.has('bus'),
  };
}

/** The etnaviv driver. */
export const etnaviv: FaultDriver = deviceMmu({
  id: 'etnaviv',
  title: 'Vivante GPU, etnaviv',
  source: 'Linux drivers/gpu/drm/etnaviv/etnaviv_gpu.c',
  marks: [': AXI bus error', 'MMU fault status', 'MMU 0 fault', 'MMU 1 fault', 'MMU 2 fault', 'MMU 3 fault'],
  heads: ['etnaviv-gpu {unit:s}: ', 'etnaviv {unit:s}: '],
  layouts: [
    { id: 'bus', text: 'AXI bus error', seen: 'in front of the status' },
    { id: 'status', text: STATUS_LINE },
    { id: 'status-bare', headless: true, starts: true, seen: 'quoted without the head', text: STATUS_LINE },
    { id: 'address-bare', headless: true, repeats: 4, text: ADDRESS_LINE },
    { id: 'address', repeats: 4, seen: 'words from 5.18', text: ADDRESS_LINE },
  ],
  quiet: [],
  decode,
});
