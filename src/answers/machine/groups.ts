/**
 * IOMMU groups from text: lines of `group N type T devices A B  reserved: 0x… 0x… kind;`, or what the usual loops over
 * `/sys/kernel/iommu_groups` print (`IOMMU Group 1 00:02.0 …`).
 * @module
 */
import { pciAddress } from './pci.ts';

/** Addresses that a group must not hand out, both ends inclusive (sysfs `reserved_regions`). */
export interface ReservedRegion {
  readonly start: number;
  readonly last: number;
  /** `msi`, `direct`, `direct-relaxable`, `reserved`. */
  readonly kind: string;
}

/** One IOMMU group. */
export interface IommuGroup {
  readonly id: number;
  /** `DMA`, `DMA-FQ`, `identity`, …; empty where the text does not say. */
  readonly type: string;
  readonly devices: string[];
  readonly reserved: readonly ReservedRegion[];
}

const LINE = /^group (\d+) type (\S*) devices ([^\n]*?)(?:\s+reserved: ([^\n]*))?$/;
const LOOP = /^\s*IOMMU Group (\d+):?\s+(\S.*)$/i;
const MOST_GROUPS = 65_536;

function reservedOf(text: string): ReservedRegion[] {
  const regions = text.split(';').map((one) => /^\s*(0x[0-9a-f]{1,16}) (0x[0-9a-f]{1,16}) (\S+)/i.exec(one));
  return regions.flatMap((match) =>
    match === null ? [] : [{ start: Number(match[1]), last: Number(match[2]), kind: match[3] ?? '' }],
  );
}

function groupAt(groups: Map<number, IommuGroup>, id: number): IommuGroup {
  const known = groups.get(id) ?? { id, type: '', devices: [], reserved: [] };
  groups.set(id, known);
  return known;
}

function parseLine(groups: Map<number, IommuGroup>, line: string): void {
  const match = LINE.exec(line);
  if (match !== null) {
    const devices = (match[3] ?? '').split(' ').filter((word) => word !== '');
    const id = Number(match[1]);
    groups.set(id, { id, type: match[2] ?? '', devices, reserved: reservedOf(match[4] ?? '') });
    return;
  }
  const loop = LOOP.exec(line);
  const device = loop === null ? undefined : pciAddress(loop[2] ?? '');
  if (loop !== null && device !== undefined) groupAt(groups, Number(loop[1])).devices.push(device);
}

/** Reads the groups; lines of other kinds are passed over. */
export function parseGroups(text: string): IommuGroup[] {
  const groups = new Map<number, IommuGroup>();
  for (const line of text.split('\n')) {
    if (groups.size >= MOST_GROUPS) break;
    if (line.length < 65_536) parseLine(groups, line.trimEnd());
  }
  return [...groups.values()];
}
