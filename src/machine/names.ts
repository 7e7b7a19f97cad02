/**
 * What the devices and the memory of a machine are called, from the files that its user gives.
 * @module
 */
import { hex } from '../address.ts';
import { idWord } from '../hardware/id-words.ts';
import { formatPci } from '../pci.ts';
import { type IommuGroup, parseGroups } from './groups.ts';
import { MemoryMap, parseIomem } from './iomem.ts';
import { type PciDevice, parsePciList } from './pci.ts';

/** Texts of a machine's files; each may be missing. */
export interface MachineTexts {
  /** `lspci` text, or sysfs facts a line. */
  readonly pci?: string | undefined;
  /** IOMMU groups as text. */
  readonly groups?: string | undefined;
  /** `/proc/iomem`. */
  readonly iomem?: string | undefined;
}

/** IOMMUs whose device tables are indexed by the PCI requester id (VT-d 3.4.1; AMD 48882 2.2.2). */
const BY_REQUESTER: readonly string[] = ['intel-vtd', 'amd-vi'];

/** Names of devices and memory. */
export class MachineNames {
  readonly pci: ReadonlyMap<string, PciDevice>;
  readonly groups: ReadonlyMap<number, IommuGroup>;
  readonly memory: MemoryMap;
  readonly #groupOf = new Map<string, IommuGroup>();

  constructor(texts: MachineTexts = {}) {
    this.pci = texts.pci === undefined ? new Map() : parsePciList(texts.pci);
    this.groups = texts.groups === undefined ? new Map() : parseGroups(texts.groups);
    this.memory = texts.iomem === undefined ? new MemoryMap([], false) : parseIomem(texts.iomem);
    for (const group of this.groups.values()) for (const name of group.devices) this.#groupOf.set(name, group);
  }

  /**
   * The PCI address of a stream of an IOMMU. VT-d and AMD-Vi index by requester id, so it follows from the id; for the other
   * IOMMUs firmware decides, and the address is given only where the machine lists a PCI function with that requester id.
   */
  addressOf(iommu: string, stream: number): string | undefined {
    if (stream > 0xffff) return undefined;
    const address = formatPci(stream);
    return BY_REQUESTER.includes(iommu) || this.pci.has(address) ? address : undefined;
  }

  /** True where {@link addressOf} rests on the assumption that firmware maps stream ids one to one to requester ids. */
  isAssumed(iommu: string): boolean {
    return !BY_REQUESTER.includes(iommu) && this.pci.size > 0;
  }

  /** The group of a device by its PCI address. */
  groupOf(address: string): IommuGroup | undefined {
    return this.#groupOf.get(address);
  }

  /** `0000:00:01.0 (nvme)`: a device with its driver or class, by its PCI address. */
  title(address: string): string {
    const device = this.pci.get(address);
    const what = device?.driver ?? device?.class;
    return what === undefined ? address : `${address} (${what})`;
  }

  /** A stream as people read it: `0000:00:01.0 (nvme)`, or `stream 0x8`. */
  device(iommu: string, stream: number): string {
    const address = this.addressOf(iommu, stream);
    return address === undefined ? `${idWord(iommu)} ${hex(stream)}` : this.title(address);
  }
}
