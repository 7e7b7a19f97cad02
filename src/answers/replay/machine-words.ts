/**
 * What a machine's files say of the devices and addresses of a trace, in a few words.
 * @module
 */
import type { MachineNames } from '../../machine/names.ts';

/** Where Arm's drivers map MSI doorbells unless a device reserves something else (Linux, `MSI_IOVA_BASE` and `MSI_IOVA_LENGTH`). */
const ARM_MSI = { start: 0x8000000, last: 0x80fffff };

/** Driver, class and group of a device, such as `nvme, NVMe controller, group 1`; empty where nothing is known. */
export function aboutDevice(machine: MachineNames, device: string): string {
  const known = machine.pci.get(device);
  const group = machine.groupOf(device);
  const words = [known?.driver, known?.class ?? known?.name, group === undefined ? undefined : `group ${group.id}`];
  return words.filter((word) => word !== undefined && word !== '').join(', ');
}

/** What an input address is used for: `MSI doorbell`, with `probably` where no file says so, or a reserved region; undefined where it is not known. */
export function useOfAddress({ groups }: MachineNames, iova: number): string | undefined {
  const reserved = [...groups.values()].flatMap((group) => group.reserved);
  const region = reserved.find(({ start, last }) => start <= iova && iova <= last);
  if (region !== undefined) return region.type === 'msi' ? 'MSI doorbell' : `reserved region (${region.type})`;
  const isArm = ARM_MSI.start <= iova && iova <= ARM_MSI.last;
  return groups.size === 0 && isArm ? 'probably the MSI doorbell' : undefined;
}
