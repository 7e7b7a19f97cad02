/**
 * What a machine's own files say of its devices and memory, so that answers can name them.
 * @module
 */
import { type IommuGroup, parseGroups } from './groups.ts';
import { type MemoryRegion, parseIomem, regionAt } from './iomem.ts';
import { type PciFunction, parsePci } from './pci.ts';

/** Texts of a machine's files; each may be missing. */
export interface MachineTexts {
  /** `lspci` in any of its forms, or lines of address, ids, class and driver. */
  readonly pci?: string;
  /** IOMMU groups. */
  readonly groups?: string;
  /** `/proc/iomem`. */
  readonly iomem?: string;
}

/** Where Arm's drivers map MSI doorbells unless a device reserves something else (Linux, `MSI_IOVA_BASE` and `MSI_IOVA_LENGTH`). */
const ARM_MSI = { start: 0x8000000, last: 0x80fffff };

/** The names of one machine. */
export class MachineNames {
  readonly #functions: ReadonlyMap<string, PciFunction>;
  readonly #groups: readonly IommuGroup[];
  readonly #memory: readonly MemoryRegion[];

  constructor({ pci = '', groups = '', iomem = '' }: MachineTexts = {}) {
    this.#functions = parsePci(pci);
    this.#groups = parseGroups(groups);
    this.#memory = parseIomem(iomem);
  }

  /** Driver, class and group of a device in a few words, such as `nvme, NVMe controller, group 1`; empty where nothing is known. */
  about(device: string): string {
    const { driver = '', className = '', title = '' } = this.#functions.get(device) ?? {};
    const group = this.groupOf(device);
    const words = [driver, className === '' ? title : className, group === undefined ? '' : `group ${group}`];
    return words.filter((word) => word !== '').join(', ');
  }

  /** True if memory can be named. */
  get knowsMemory(): boolean {
    return this.#memory.length > 0;
  }

  /** The device with its driver beside it: `0000:00:01.0 (nvme)`. */
  short(device: string): string {
    const known = this.#functions.get(device);
    const word = known === undefined ? '' : known.driver || known.className;
    return word === '' ? device : `${device} (${word})`;
  }

  /** Number of the device's IOMMU group; undefined where it is not known. */
  groupOf(device: string): number | undefined {
    return this.#groups.find(({ devices }) => devices.includes(device))?.id;
  }

  /** The name of the memory at a physical address; undefined where it is not known. */
  memoryAt(address: number): string | undefined {
    return regionAt(this.#memory, address);
  }

  /** What an input address is used for, where that is known: `MSI doorbell` (with `probably` where no file says so), `reserved region (direct)`. */
  useOf(iova: number): string | undefined {
    const within = ({ start, last }: { start: number; last: number }): boolean => start <= iova && iova <= last;
    const region = this.#groups.flatMap(({ reserved }) => reserved).find(within);
    if (region !== undefined) return region.kind === 'msi' ? 'MSI doorbell' : `reserved region (${region.kind})`;
    return this.#groups.length === 0 && within(ARM_MSI) ? 'probably the MSI doorbell' : undefined;
  }
}
