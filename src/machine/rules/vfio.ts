/**
 * Rules: giving devices to guests.
 * @module
 */
import { hex } from '../../address.ts';
import { deviceTitle, isEndpoint, isVfioDriver, type Machine, type MachineGroup, membersOf } from '../setup/machine.ts';
import { assignedDevices } from './interrupts.ts';
import { type Hit, logHits, type Rule } from './rule.ts';

const VFIO_DOC = 'Linux Documentation/driver-api/vfio.rst';

/** Drivers that leave a device to VFIO's group: they do no DMA of their own. */
const HARMLESS = ['pci-stub', 'pcieport'];

function groupPath({ groupsPath }: Machine, { id }: MachineGroup, file: string): string {
  return groupsPath.startsWith('/sys') ? `${groupsPath}/${id}/${file}` : groupsPath;
}

/** Groups with an endpoint on VFIO and another on a driver of the host. */
function sharedGroups(machine: Machine): Hit[] {
  return (machine.groups ?? []).flatMap((group) => {
    const endpoints = membersOf(machine, group).filter(isEndpoint);
    const given = endpoints.filter(({ driver }) => isVfioDriver(driver));
    const hosts = endpoints.filter(
      ({ driver }) => typeof driver === 'string' && !isVfioDriver(driver) && !HARMLESS.includes(driver),
    );
    if (given.length === 0 || hosts.length === 0) return [];
    const names = hosts.map((device) => deviceTitle(device, device.name)).join(', ');
    const what = `group ${group.id}: ${given.map(({ name }) => name).join(', ')} on VFIO, ${names} on a driver of the host`;
    return [{ path: groupPath(machine, group, 'devices'), what, devices: group.devices }];
  });
}

/** Regions that must be mapped one to one, of groups with a device for VFIO. */
function directRegions(machine: Machine): Hit[] {
  const given = new Set(assignedDevices(machine));
  return (machine.groups ?? []).flatMap((group) => {
    const own = group.devices.filter((name) => given.has(name));
    const direct = (group.reserved ?? []).filter(({ type }) => type === 'direct');
    if (own.length === 0 || direct.length === 0) return [];
    const regions = direct.map(({ start, last }) => `${hex(start)} to ${hex(last)}`).join(', ');
    const what = `group ${group.id}: ${own.join(', ')} must have ${regions} mapped one to one`;
    return [{ path: groupPath(machine, group, 'reserved_regions'), what, devices: own }];
  });
}

function settingHits({ settings, options, optionsPath = '/proc/cmdline' }: Machine, name: string): Hit[] {
  const set = settings.filter((one) => one.name === name && /^[Yy1]/.test(one.value));
  const given = options.truth(name) === true ? [{ path: optionsPath, what: `${name}=1 is given` }] : [];
  return [...set.map(({ path, value }) => ({ path, what: `${name} is ${value}` })), ...given];
}

/** Functions that vfio-pci.ids names and that another driver holds. */
function idsNotBound(machine: Machine): Hit[] {
  const { options, settings, devices, optionsPath = '/proc/cmdline' } = machine;
  const set = settings.filter(({ name }) => name === 'vfio_pci.ids').map(({ path, value }) => ({ path, value }));
  const given = options.of('vfio_pci.ids').map(({ value = '' }) => ({ path: optionsPath, value }));
  return [...given, ...set].flatMap(({ path, value }) => {
    const ids = value
      .toLowerCase()
      .split(',')
      .map((id) => id.split(':').slice(0, 2).join(':'));
    const others = [...devices.values()].filter(
      ({ label, driver }) =>
        label !== undefined && ids.includes(label) && typeof driver === 'string' && !isVfioDriver(driver),
    );
    return others.map((device) => ({
      path,
      what: `${deviceTitle(device, device.name)} is of id ${device.label}, which is meant for VFIO`,
      devices: [device.name],
    }));
  });
}

/** Rules of this subject. */
export const VFIO_RULES: readonly Rule[] = [
  {
    id: 'group-shared-with-host',
    severity: 'error',
    for: ['vfio', 'security'],
    meaning: 'VFIO refuses the group ("not viable"): every endpoint of it must be given away, or have no driver.',
    todo: 'Unbind the other endpoints or bind them to vfio-pci too; bridges may keep their driver.',
    source: VFIO_DOC,
    find: sharedGroups,
  },
  {
    id: 'no-iommu-group',
    severity: 'error',
    for: ['vfio', 'security'],
    meaning: 'VFIO without an IOMMU: the program that opens this device reaches all memory.',
    todo: 'Switch the IOMMU on and remove enable_unsafe_noiommu_mode.',
    source: VFIO_DOC,
    find: (machine) => [
      ...(machine.groups ?? [])
        .filter(({ name }) => name === 'vfio-noiommu')
        .map((group) => ({
          path: groupPath(machine, group, 'name'),
          what: `group ${group.id} is a vfio-noiommu group`,
          devices: group.devices,
        })),
      ...logHits(machine, 'noIommuTaint'),
    ],
  },
  {
    id: 'no-iommu-mode',
    severity: 'warning',
    for: ['vfio', 'security'],
    meaning: 'VFIO may give devices away without an IOMMU: who opens one then reaches all memory.',
    todo: 'Remove enable_unsafe_noiommu_mode=1.',
    source: VFIO_DOC,
    find: (machine) => settingHits(machine, 'vfio.enable_unsafe_noiommu_mode'),
  },
  {
    id: 'direct-region-with-vfio',
    severity: 'warning',
    for: ['vfio'],
    meaning: 'The firmware needs memory of this device mapped one to one: the kernel refuses to give it to a guest.',
    todo: 'Look in the firmware for what shares the device with it (management controllers, RMRR); nothing in the guest helps.',
    source: 'Linux drivers/iommu/iommu.c: iommu_is_default_domain, IOMMU_RESV_DIRECT',
    find: directRegions,
  },
  {
    id: 'refused-for-region',
    severity: 'warning',
    for: ['vfio'],
    meaning: 'The kernel refused to give a device away: the firmware needs memory of it mapped one to one.',
    todo: 'Look in the firmware for what shares the device with it; ask the vendor.',
    source: 'Linux drivers/iommu/iommu.c, drivers/iommu/intel/iommu.c',
    find: (machine) => logHits(machine, 'oneToOne'),
  },
  {
    id: 'denylist-off',
    severity: 'warning',
    for: ['vfio', 'security'],
    meaning: 'Devices that are known to be unsafe in a guest may be given away.',
    todo: 'Remove disable_denylist=1.',
    source: 'Linux drivers/vfio/pci/vfio_pci.c',
    find: (machine) => settingHits(machine, 'vfio_pci.disable_denylist'),
  },
  {
    id: 'denylisted-device',
    severity: 'warning',
    for: ['vfio'],
    meaning: 'vfio-pci refuses this device: it is known to be unsafe in a guest.',
    todo: 'Give its virtual functions away instead, or another device.',
    source: 'Linux drivers/vfio/pci/vfio_pci.c',
    find: (machine) => logHits(machine, 'denylisted'),
  },
  {
    id: 'ids-not-bound',
    severity: 'warning',
    for: ['vfio'],
    meaning: 'A device that is meant for VFIO was taken by another driver first.',
    todo: 'Load vfio-pci before that driver (softdep in modprobe.d, or in the initramfs), or use driver_override.',
    source: 'Linux Documentation/ABI/testing/sysfs-bus-pci, driver_override',
    find: idsNotBound,
  },
  {
    id: 'vfio-without-remapping',
    severity: 'warning',
    for: ['vfio'],
    meaning: 'VFIO refused a device: interrupts are not remapped.',
    todo: 'Switch on interrupt remapping in the firmware.',
    source: 'Linux drivers/vfio/vfio_iommu_type1.c',
    find: (machine) => logHits(machine, 'noRemapping'),
  },
];
