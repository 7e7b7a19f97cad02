/**
 * The devices of a decoding: what the IOMMU does with each one's DMA.
 * @module
 */
import { hex } from '../../address.ts';
import type { Decoding, DomainMappings } from '../../dump/decode.ts';
import { idWord } from '../../hardware/id-words.ts';
import type { DeviceContext } from '../../hardware/iommu.ts';
import type { MachineNames } from '../../machine/names.ts';
import type { Cell, Table } from '../../report/table.ts';

/** One device context of the answer. */
export interface DeviceFacts {
  /** PCI address; null where it is not known. */
  readonly device: string | null;
  readonly stream: number;
  readonly pasid: number | null;
  readonly driver: string | null;
  readonly class: string | null;
  readonly group: number | null;
  readonly action: DeviceContext['action'];
  readonly why: string | null;
  /** Id of its domain. */
  readonly domain: string | null;
  /** Bytes that its domain maps; null where it has none. */
  readonly mappedBytes: string | null;
}

function factsOf(
  { stream, substream, action, why, tables }: DeviceContext,
  decoding: Decoding,
  domain: DomainMappings | undefined,
  names: MachineNames,
): DeviceFacts {
  const device = names.addressOf(decoding.iommu, stream);
  const pci = device === undefined ? undefined : names.pci.get(device);
  return {
    device: device ?? null,
    stream,
    pasid: substream ?? null,
    driver: pci?.driver ?? null,
    class: pci?.class ?? null,
    group: device === undefined ? null : (names.groupOf(device)?.id ?? null),
    action,
    why: why ?? null,
    domain: tables?.id ?? null,
    mappedBytes: domain === undefined ? null : hex(domain.mappedBytes),
  };
}

/** The device contexts, at most `limit` of them: those that bypass first, then faulty ones. */
export function deviceFacts(decoding: Decoding, names: MachineNames, limit: number): DeviceFacts[] {
  const order: readonly DeviceContext['action'][] = ['bypass', 'fault', 'translate', 'abort'];
  const byTables = new Map(decoding.domains.map((domain) => [domain.tables.key, domain]));
  return decoding.contexts
    .toSorted((a, b) => order.indexOf(a.action) - order.indexOf(b.action))
    .slice(0, limit)
    .map((context) => factsOf(context, decoding, byTables.get(context.tables?.key ?? ''), names));
}

const WORDS: Readonly<Record<DeviceContext['action'], Cell>> = {
  bypass: { text: 'BYPASS', tone: 'bad' },
  fault: { text: 'every access faults', tone: 'warning' },
  abort: 'every access is aborted',
  translate: 'translated',
};

/** The devices as a table; columns of facts that nobody gave are left out. */
export function deviceTable(facts: readonly DeviceFacts[], decoding: Decoding): Table {
  const has = (key: keyof DeviceFacts): boolean => facts.some((one) => one[key] !== null);
  const parts: { readonly title: string; readonly drop?: number; readonly cell: (one: DeviceFacts) => Cell }[] = [
    ...(has('device') ? [{ title: 'device', cell: (one: DeviceFacts) => one.device ?? '' }] : []),
    { title: idWord(decoding.iommu), cell: (one) => hex(one.stream) },
    ...(has('pasid')
      ? [{ title: 'PASID', cell: (one: DeviceFacts) => (one.pasid === null ? '' : hex(one.pasid)) }]
      : []),
    ...(has('driver') ? [{ title: 'driver', drop: 2, cell: (one: DeviceFacts) => one.driver ?? '' }] : []),
    ...(has('class') ? [{ title: 'class', drop: 4, cell: (one: DeviceFacts) => one.class ?? '' }] : []),
    ...(has('group') ? [{ title: 'group', drop: 3, cell: (one: DeviceFacts) => String(one.group ?? '') }] : []),
    { title: 'DMA is', cell: (one) => WORDS[one.action] },
    { title: 'domain', cell: (one) => one.domain ?? '' },
    ...(has('why') ? [{ title: 'why', drop: 1, cell: (one: DeviceFacts) => one.why ?? '' }] : []),
  ];
  const mapped = { title: 'mapped', unit: 'bytes' as const };
  return {
    columns: [...parts.map(({ title, drop }) => (drop === undefined ? { title } : { title, drop })), mapped],
    rows: facts.map((one) => [
      ...parts.map(({ cell }) => cell(one)),
      one.mappedBytes === null ? null : Number(one.mappedBytes),
    ]),
    total: decoding.contexts.length,
  };
}
