/**
 * Rules: groups, and the isolation that they stand for.
 * @module
 */
import { missingAcs, PORT } from '../setup/config-space.ts';
import { explainGroup } from '../setup/explain-group.ts';
import { deviceTitle, isEndpoint, type Machine, membersOf } from '../setup/machine.ts';
import { coverageOf, isRunning } from '../setup/state.ts';
import { type Hit, logHits, type Rule, someOf } from './rule.ts';

const ACS = 'PCI Express base specification 6.0, 6.12 and 7.7.11; Linux drivers/pci/pci.c: pci_acs_enabled';
const GROUPS = 'Linux drivers/iommu/iommu.c: pci_device_group';

/** Groups with endpoints of several slots. */
function mixedGroups(machine: Machine): Hit[] {
  return (machine.groups ?? []).flatMap((group) => {
    const endpoints = membersOf(machine, group).filter((one) => one.isPci && isEndpoint(one));
    const slots = new Set(endpoints.map(({ name }) => name.replace(/\.\d$/, '')));
    if (slots.size < 2) return [];
    const names = endpoints.map((device) => deviceTitle(device, device.name));
    const [why = ''] = explainGroup(machine, group).why;
    return [{ path: machine.groupsPath, what: `group ${group.id}: ${someOf(names)}: ${why}`, devices: group.devices }];
  });
}

function overrideHits({ options, optionsPath = '/proc/cmdline' }: Machine): Hit[] {
  return options.of('pcie_acs_override').map(({ word }) => ({ path: optionsPath, what: `${word} is given` }));
}

function redirectHits({ options, optionsPath = '/proc/cmdline' }: Machine): Hit[] {
  return options
    .of('pci')
    .filter(({ value = '' }) => /(?:^|,)(?:disable_acs_redir|config_acs)=/.test(value))
    .map(({ word }) => ({ path: optionsPath, what: `${word} is given` }));
}

/** Ports that offer ACS which is off although an IOMMU runs. */
function portsWithoutAcs(machine: Machine): Hit[] {
  if (!isRunning(machine)) return [];
  return [...machine.devices.values()].flatMap(({ name, config }) => {
    const isPort = config.port === PORT.ROOT_PORT || config.port === PORT.DOWNSTREAM;
    if (!isPort || config.acs === null || config.acs === undefined) return [];
    const missing = missingAcs(config.acs);
    if (missing.length === 0) return [];
    const what = `${name} offers ${missing.join(', ')}, and it is not switched on`;
    return [{ path: `/sys/bus/pci/devices/${name}/config`, what, devices: [name] }];
  });
}

/** Rules of this subject. */
export const GROUP_RULES: readonly Rule[] = [
  {
    id: 'acs-override',
    severity: 'warning',
    for: ['security', 'vfio'],
    meaning:
      'Groups are split by decree: the hardware still lets the devices of one side reach each other past the IOMMU.',
    todo: 'Do not rely on these groups to keep a guest in; remove pcie_acs_override and use another slot.',
    source: 'a patch that is not in the upstream kernel',
    find: overrideHits,
  },
  {
    id: 'acs-redirect-changed',
    severity: 'warning',
    for: ['security', 'vfio'],
    meaning: 'ACS bits are changed by hand: devices may reach each other, and groups may grow.',
    todo: 'Remove disable_acs_redir or config_acs unless peer-to-peer transfers are wanted.',
    source: 'Linux Documentation/admin-guide/kernel-parameters.txt, pci=',
    find: redirectHits,
  },
  {
    id: 'acs-off-on-port',
    severity: 'warning',
    for: ['security', 'vfio'],
    meaning: 'A port offers ACS and does not use it: what is below it can reach its neighbours past the IOMMU.',
    todo: 'The kernel switches it on when the IOMMU starts: look for disable_acs_redir, config_acs, or a firmware that switches it off.',
    source: ACS,
    find: portsWithoutAcs,
  },
  {
    id: 'group-mixes-slots',
    severity: 'information',
    for: ['vfio'],
    meaning: 'Devices of several slots can only be given away together.',
    todo: 'Another slot or root port, ACS in the firmware settings, a newer kernel with a quirk for this hardware.',
    source: GROUPS,
    find: mixedGroups,
  },
  {
    id: 'device-without-group',
    severity: 'warning',
    for: ['security', 'vfio'],
    meaning: 'No IOMMU handles this device although one runs: its requests are not translated.',
    todo: 'Look in the firmware table for a unit that should have it; with an SMMU, a device without a driver joins its group later.',
    source: GROUPS,
    find: (machine) => {
      if (!isRunning(machine)) return [];
      const { none } = coverageOf(machine);
      if (none.length === 0) return [];
      const names = none.map((device) => deviceTitle(device, device.name));
      return [
        { path: machine.groupsPath, what: `in no group: ${someOf(names)}`, devices: none.map(({ name }) => name) },
      ];
    },
  },
  {
    id: 'device-not-set-up',
    severity: 'error',
    for: ['security'],
    meaning: 'The kernel could not set translation up for a device: it reaches all memory.',
    todo: 'Look for the error of its unit in the lines above this one.',
    source: 'Linux drivers/iommu/dma-iommu.c: iommu_setup_dma_ops',
    find: (machine) => logHits(machine, 'untranslated'),
  },
  {
    id: 'identity-domains',
    severity: 'information',
    for: ['security', 'performance'],
    meaning:
      'Trusted devices reach all memory: their default domain is identity. VFIO and untrusted devices are not affected.',
    todo: 'For translation boot with iommu.passthrough=0 (iommu=nopt on x86), or write DMA into the file `type` of the group.',
    source: 'Linux Documentation/ABI/testing/sysfs-kernel-iommu_groups',
    find: (machine) => {
      const { identity } = coverageOf(machine);
      if (identity.length === 0) return [];
      const names = identity.map((device) => deviceTitle(device, device.name));
      return [
        { path: machine.groupsPath, what: `identity: ${someOf(names)}`, devices: identity.map(({ name }) => name) },
      ];
    },
  },
];
