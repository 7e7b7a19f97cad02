/**
 * The IOMMU groups of a machine as text: `group 0 type DMA devices … reserved: …` as `iommu record` writes them from
 * `/sys/kernel/iommu_groups`, and the lists that shell loops print (`IOMMU Group 7 00:1f.2 …`, `IOMMU Group 7:` above indented devices).
 * @module
 */
import { checkText } from '../errors.ts';
import { canonicalPci } from '../pci.ts';

/** A reserved region of a group; `last` is inclusive. */
export interface ReservedRegion {
  readonly start: bigint;
  readonly last: bigint;
  /** `msi`, `direct`, `direct-relaxable`, `reserved`. */
  readonly type: string;
}

/** One IOMMU group. */
export interface IommuGroup {
  readonly id: number;
  /** Default domain: `DMA`, `DMA-FQ`, `identity`, …; undefined where the text does not have it. */
  readonly type: string | undefined;
  /** PCI addresses as Linux prints them, and names of other devices. */
  readonly devices: string[];
  readonly reserved: readonly ReservedRegion[];
}

const FACTS = /^group (\d{1,9}) type (\S+) devices ([^\n]*?) ?reserved: ?(.*)$/;
const HEAD = /^\s*IOMMU Group (\d{1,9}):?(?:\s+(\S+))?/i;
const INDENTED = /^\s+(\S+)/;
const REGION = /(0x[0-9a-f]{1,16}) (0x[0-9a-f]{1,16}) (\S+?)(?:;|$)/gi;

function deviceName(text: string): string {
  return canonicalPci(text) ?? text;
}

function regionsOf(text: string): ReservedRegion[] {
  return [...text.matchAll(REGION)].map(([, start = '0', last = '0', type = '']) => ({
    start: BigInt(start),
    last: BigInt(last),
    type,
  }));
}

/** Longest line that is read. */
const LONGEST = 16_384;

/** Every group in the text, by its number. Lines of other things are passed over. */
export function parseGroups(text: string): Map<number, IommuGroup> {
  checkText('text', text);
  const groups = new Map<number, IommuGroup>();
  let open: IommuGroup | undefined;
  for (const raw of text.split('\n')) {
    const line = raw.slice(0, LONGEST).trimEnd();
    const facts = FACTS.exec(line);
    if (facts !== null) {
      const [, id = '0', type, devices = '', reserved = ''] = facts;
      const names = devices.split(' ').filter((one) => one !== '');
      groups.set(Number(id), { id: Number(id), type, devices: names.map(deviceName), reserved: regionsOf(reserved) });
      continue;
    }
    const head = HEAD.exec(line);
    if (head !== null) {
      const id = Number(head[1]);
      open = groups.get(id) ?? { id, type: undefined, devices: [], reserved: [] };
      groups.set(id, open);
      if (head[2] !== undefined) open.devices.push(deviceName(head[2]));
    } else if (open !== undefined) {
      const address = canonicalPci(INDENTED.exec(line)?.[1] ?? '');
      if (address !== undefined) open.devices.push(address);
    }
  }
  return groups;
}
