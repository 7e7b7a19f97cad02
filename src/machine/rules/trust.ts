/**
 * Rules: devices that the kernel does not trust, and the ports that they come in by.
 * @module
 */
import { deviceTitle, isEndpoint, type Machine, type MachineDevice, type ThunderboltDomain } from '../setup/machine.ts';
import { groupOf, isRunning, policyOf } from '../setup/state.ts';
import { type Hit, logHits, type Rule } from './rule.ts';

const DOMAINS = 'Linux drivers/iommu/iommu.c: untrusted devices get a translated, strict domain';
const THUNDERBOLT = 'Linux Documentation/admin-guide/thunderbolt.rst';

function removable({ devices }: Machine): MachineDevice[] {
  return [...devices.values()].filter((device) => device.removable === 'removable' && isEndpoint(device));
}

function hitOf(device: MachineDevice, what: string): Hit {
  return {
    path: `/sys/bus/pci/devices/${device.name}/removable`,
    what: `${deviceTitle(device, device.name)} is behind a port that faces outside, ${what}`,
    devices: [device.name],
  };
}

function byType(machine: Machine, type: string, what: string): Hit[] {
  return removable(machine).flatMap((device) => (groupOf(machine, device)?.type === type ? [hitOf(device, what)] : []));
}

/** True where a plug-in device can get a PCIe tunnel without the IOMMU in its way. */
function isExposed({ dmaProtection, security, authorized }: ThunderboltDomain): boolean {
  if (dmaProtection !== false) return false;
  return (
    security === 'none' || (authorized > 0 && security !== 'nopcie' && security !== 'dponly' && security !== 'usbonly')
  );
}

function hasOutside(machine: Machine): boolean {
  return removable(machine).length > 0 || machine.thunderbolt.length > 0;
}

/** Rules of this subject. */
export const TRUST_RULES: readonly Rule[] = [
  {
    id: 'untrusted-identity',
    severity: 'error',
    for: ['security'],
    meaning: 'A device that can be plugged in reaches all memory: its group has an identity domain.',
    todo: 'Write DMA into the file `type` of its group while no driver is bound, and look for the driver or the quirk that asked for identity.',
    source: DOMAINS,
    find: (machine) => byType(machine, 'identity', 'and its group has an identity domain'),
  },
  {
    id: 'untrusted-without-iommu',
    severity: 'warning',
    for: ['security'],
    meaning: 'A device that can be plugged in reaches all memory: no IOMMU handles it.',
    todo: 'Switch the IOMMU on, in the firmware and with intel_iommu=on; until then plug in nothing that you do not trust.',
    source: DOMAINS,
    find: (machine) =>
      machine.groups === undefined
        ? []
        : removable(machine).flatMap((device) =>
            device.group === null || machine.groups?.length === 0 ? [hitOf(device, 'and it is in no IOMMU group')] : [],
          ),
  },
  {
    id: 'untrusted-lazy',
    severity: 'warning',
    for: ['security'],
    meaning:
      'A device that can be plugged in keeps access to unmapped pages until the queue is flushed, up to 10 ms later.',
    todo: 'The kernel makes such groups strict: find who wrote DMA-FQ into the file `type`, or boot with iommu.strict=1.',
    source: DOMAINS,
    find: (machine) => byType(machine, 'DMA-FQ', 'and its group flushes lazily'),
  },
  {
    id: 'lazy-with-external-ports',
    severity: 'information',
    for: ['security'],
    meaning:
      'Trusted devices keep access to unmapped pages for up to 10 ms. Devices behind ports that face outside are strict; a trusted one that was taken over is not.',
    todo: 'Boot with iommu.strict=1 where that matters more than speed.',
    source: 'Linux drivers/iommu/dma-iommu.c: IOVA_DEFAULT_FQ_TIMEOUT',
    find: (machine) => {
      const policy = policyOf(machine);
      if (!(isRunning(machine) && hasOutside(machine)) || (policy !== 'lazy' && policy !== 'mixed')) return [];
      return [{ path: machine.groupsPath, what: 'flushing is lazy, and there are ports that face outside' }];
    },
  },
  {
    id: 'thunderbolt-exposed',
    severity: 'warning',
    for: ['security'],
    meaning:
      'A Thunderbolt or USB4 device can read and write memory once its tunnel is up: the IOMMU does not protect from it.',
    todo: 'Switch on Kernel DMA Protection in the firmware; otherwise set the security level to user or secure and approve nothing unknown.',
    source: THUNDERBOLT,
    find: ({ thunderbolt }) =>
      thunderbolt.filter(isExposed).map(({ name, security, authorized }) => ({
        path: `/sys/bus/thunderbolt/devices/${name}/iommu_dma_protection`,
        what: `${name}: no DMA protection, security ${security ?? 'unknown'}, ${authorized} device${authorized === 1 ? '' : 's'} authorised`,
      })),
  },
  {
    id: 'thunderbolt-by-approval',
    severity: 'information',
    for: ['security'],
    meaning: 'Only the approval of each device protects from Thunderbolt: the IOMMU does not.',
    todo: 'Approve no device that you do not trust; switch on Kernel DMA Protection in the firmware if it has it.',
    source: THUNDERBOLT,
    find: ({ thunderbolt }) =>
      thunderbolt
        .filter((domain) => domain.dmaProtection === false && !isExposed(domain) && domain.security !== 'nopcie')
        .map(({ name, security }) => ({
          path: `/sys/bus/thunderbolt/devices/${name}/iommu_dma_protection`,
          what: `${name}: no DMA protection, security ${security ?? 'unknown'}, no device authorised`,
        })),
  },
  {
    id: 'no-preboot-protection',
    severity: 'information',
    for: ['security'],
    meaning:
      'Before the kernel takes over, a device that is plugged in reaches memory: the firmware does not claim to protect it.',
    todo: 'Look for "Kernel DMA Protection" or "pre-boot DMA protection" in the firmware; efi=disable_early_pci_dma closes part of the gap.',
    source: 'VT-d architecture specification 8.1, DMA_CTRL_PLATFORM_OPT_IN; AMD 48882 5.2.1, IVinfo',
    find: (machine) =>
      machine.tables
        .filter(({ facts }) => facts['preBootProtection'] === false && hasOutside(machine))
        .map(({ path, signature }) => ({ path, what: `${signature}: the flag for protection before boot is 0` })),
  },
  {
    id: 'ats-on-removable',
    severity: 'warning',
    for: ['security'],
    meaning: 'A device that can be plugged in sends translated addresses, which the IOMMU lets pass unchecked.',
    todo: 'Boot with pci=noats, or look for the driver that switched ATS on.',
    source: 'PCI Express base specification 6.0, 10.1; Linux drivers/pci/ats.c refuses ATS to untrusted devices',
    find: (machine) =>
      removable(machine).flatMap((device) =>
        device.config.ats === true
          ? [{ ...hitOf(device, 'and its ATS is enabled'), path: `/sys/bus/pci/devices/${device.name}/config` }]
          : [],
      ),
  },
  {
    id: 'untrusted-driver-refused',
    severity: 'warning',
    for: ['security'],
    meaning: 'A driver wanted an identity domain for a device that is not trusted: the kernel refused to bind it.',
    todo: 'Use another driver or another port; do not force the domain.',
    source: 'Linux drivers/iommu/iommu.c',
    find: (machine) => logHits(machine, 'untrustedDriver'),
  },
];
