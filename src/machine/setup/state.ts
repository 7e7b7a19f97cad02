/**
 * Whether the IOMMU translates what devices ask for: device by device, and for the machine.
 * @module
 */
import type { LogFact } from './boot-log.ts';
import type { LogFactName } from './log-lines.ts';
import {
  isEndpoint,
  isIommuFunction,
  isTranslated,
  type Machine,
  type MachineDevice,
  type MachineGroup,
} from './machine.ts';

/** What happens to the requests of one device, by its default domain. */
export type Translation =
  /** Its group has a translated (or blocked) default domain. */
  | 'translated'
  /** Its group has an identity domain: it reaches all memory. */
  | 'identity'
  /** It is in no group: no driver of an IOMMU handles it. */
  | 'none'
  | 'unknown';

/** Endpoints by what happens to their requests. */
export type Coverage = Readonly<Record<Translation, readonly MachineDevice[]>>;

/** virtio-iommu as a PCI function: it translates, and is not translated. */
const VIRTIO_IOMMU = '1af4:1057';

/** Devices that can make requests of their own. */
export function endpointsOf({ devices }: Machine): MachineDevice[] {
  return [...devices.values()].filter(
    (device) => isEndpoint(device) && !isIommuFunction(device) && device.label !== VIRTIO_IOMMU,
  );
}

/** The group of a device. */
export function groupOf({ groups }: Machine, { group }: MachineDevice): MachineGroup | undefined {
  return typeof group === 'number' ? groups?.find(({ id }) => id === group) : undefined;
}

function translationOf(groups: ReadonlyMap<number, MachineGroup>, { group }: MachineDevice): Translation {
  if (group === null) return 'none';
  const own = group === undefined ? undefined : groups.get(group);
  if (own === undefined) return 'unknown';
  if (own.name === 'vfio-noiommu') return 'none';
  if (own.type === 'identity') return 'identity';
  return isTranslated(own.type) ? 'translated' : 'unknown';
}

/** What happens to the requests of each endpoint. */
export function coverageOf(machine: Machine): Coverage {
  const groups = new Map((machine.groups ?? []).map((group) => [group.id, group]));
  const found: Record<Translation, MachineDevice[]> = { translated: [], identity: [], none: [], unknown: [] };
  for (const device of endpointsOf(machine)) {
    const noGroups = machine.groups?.length === 0;
    found[noGroups ? 'none' : translationOf(groups, device)].push(device);
  }
  return found;
}

/** True where an IOMMU driver handles any device. */
export function isRunning({ groups }: Machine): boolean {
  return (groups ?? []).some(({ name, devices }) => devices.length > 0 && name !== 'vfio-noiommu');
}

/** How unmapped addresses are invalidated. */
export type Policy = 'strict' | 'lazy' | 'mixed' | undefined;

/** By the default domains where they are known, else by the log. */
export function policyOf({ groups, log, release, options }: Machine): Policy {
  const types = new Set((groups ?? []).map(({ type }) => type).filter((type) => type === 'DMA' || type === 'DMA-FQ'));
  if (types.size === 2) return 'mixed';
  if (types.has('DMA-FQ')) return 'lazy';
  const logged = log?.first('policy')?.values[0];
  if (types.has('DMA') && !isBefore515(release)) return 'strict';
  if (logged === 'strict' || logged === 'lazy') return logged;
  const strict = options.truth('iommu.strict');
  return types.has('DMA') && typeof strict === 'boolean' ? (strict ? 'strict' : 'lazy') : undefined;
}

/** Before Linux 5.15 the type `DMA` stands for lazy domains too. */
function isBefore515(release: string | undefined): boolean {
  if (release === undefined) return false;
  const [major = 0, minor = 0] = release.split('.').map(Number);
  return major < 5 || (major === 5 && minor < 15);
}

/** Lines that say that a driver's unit began to translate. */
const STARTS: readonly LogFactName[] = ['intelOn', 'amdUnit', 'smmu3', 'smmu', 'riscv', 'virtio', 'dart'];

/** The line of the log from which on devices were translated; undefined where no line says so. */
export function sinceOf({ log }: Machine): LogFact | undefined {
  const starts = STARTS.flatMap((name) => log?.first(name) ?? []);
  const first = log?.first('groupAdded');
  const all = first === undefined ? starts : [...starts, first];
  return all.sort((a, b) => b.line - a.line)[0];
}

const KIND_TITLES: Readonly<Record<string, string>> = {
  'intel-vtd': 'Intel VT-d',
  'amd-vi': 'AMD-Vi',
  'arm-smmu-v3': 'Arm SMMUv3',
  'arm-smmu': 'Arm SMMU',
  'riscv-iommu': 'RISC-V IOMMU',
  'apple-dart': 'Apple DART',
  'mtk-iommu': 'MediaTek IOMMU',
  'virtio-iommu': 'virtio-iommu',
};

/** Which line of a log tells which kind of unit. */
const LOG_KINDS: readonly (readonly [LogFactName, string])[] = [
  ['intelOn', 'intel-vtd'],
  ['amdUnit', 'amd-vi'],
  ['smmu3', 'arm-smmu-v3'],
  ['smmu', 'arm-smmu'],
  ['riscv', 'riscv-iommu'],
  ['virtio', 'virtio-iommu'],
  ['dart', 'apple-dart'],
];

/** What translates: `Intel VT-d (dmar0, dmar1)`; `an IOMMU` where nothing names it. */
export function unitsText({ units, log }: Machine): string {
  const byKind = new Map<string, string[]>();
  for (const { kind, name } of units ?? []) byKind.set(kind, [...(byKind.get(kind) ?? []), name]);
  const named = [...byKind].map(([kind, names]) => {
    const shown = names.slice(0, 3).join(', ') + (names.length > 3 ? `, … ${names.length} in all` : '');
    return `${KIND_TITLES[kind] ?? 'the IOMMU'} (${shown})`;
  });
  const kinds = LOG_KINDS.filter(([name]) => log?.has(name) === true).map(([, kind]) => KIND_TITLES[kind] ?? kind);
  const all = named.length > 0 ? named : kinds;
  return all.length === 0 ? 'an IOMMU' : all.join(' and ');
}
