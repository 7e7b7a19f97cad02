/**
 * Rules: interrupt remapping (x86). Arm's GIC ITS isolates interrupts without it.
 * @module
 */
import { isVfioDriver, type Machine } from '../setup/machine.ts';
import { isRunning } from '../setup/state.ts';
import { logHits, type Rule } from './rule.ts';

const VFIO_TYPE1 = 'Linux drivers/vfio/vfio_iommu_type1.c, allow_unsafe_interrupts';

/** True where interrupts of an x86 machine with a running IOMMU are known not to be remapped. */
function isPlain({ architecture, interrupts }: Machine): boolean {
  return (architecture === 'x86' || architecture === undefined) && interrupts.remapped === false;
}

/** Devices that are given away, or ready for it. */
export function assignedDevices({ devices }: Machine): string[] {
  return [...devices.values()].flatMap(({ name, driver }) => (isVfioDriver(driver) ? [name] : []));
}

/** Rules of this subject. */
export const INTERRUPT_RULES: readonly Rule[] = [
  {
    id: 'no-remapping-with-vfio',
    severity: 'warning',
    for: ['security', 'vfio'],
    meaning: 'A guest that owns a device can send any interrupt to the host: interrupts are not remapped.',
    todo: 'Switch on interrupt remapping (intremap=on, VT-d or AMD IOMMU in the firmware) before devices are given to guests.',
    source: VFIO_TYPE1,
    find: (machine) => {
      const given = assignedDevices(machine);
      if (!isPlain(machine) || given.length === 0) return [];
      return [
        {
          path: `/${machine.interrupts.path}`,
          what: 'interrupts are not remapped, and devices are bound to VFIO',
          devices: given,
        },
      ];
    },
  },
  {
    id: 'no-interrupt-remapping',
    severity: 'information',
    for: ['security', 'vfio'],
    meaning: 'Devices are translated, but any of them can send any interrupt: interrupts are not remapped.',
    todo: 'Look for a line of DMAR-IR or AMD-Vi in the log that says why; remove intremap=off.',
    source: 'VT-d architecture specification 5.1',
    find: (machine) =>
      isPlain(machine) && isRunning(machine) && machine.host.hypervisor === null
        ? [{ path: `/${machine.interrupts.path}`, what: 'interrupts are not remapped' }]
        : [],
  },
  {
    id: 'unsafe-interrupts',
    severity: 'warning',
    for: ['security', 'vfio'],
    meaning: 'VFIO gives devices away although their interrupts are not kept apart.',
    todo: 'Remove allow_unsafe_interrupts=1 once interrupt remapping is on; keep it only for guests that are trusted.',
    source: VFIO_TYPE1,
    find: ({ settings, options, optionsPath = '/proc/cmdline' }) => [
      ...settings
        .filter(({ name, value }) => name.endsWith('.allow_unsafe_interrupts') && /^[Yy1]/.test(value))
        .map(({ path, value }) => ({ path, what: `allow_unsafe_interrupts is ${value}` })),
      ...(options.truth('vfio_iommu_type1.allow_unsafe_interrupts') === true
        ? [{ path: optionsPath, what: 'vfio_iommu_type1.allow_unsafe_interrupts=1 is given' }]
        : []),
    ],
  },
  {
    id: 'remapping-weakened',
    severity: 'warning',
    for: ['security', 'vfio'],
    meaning: 'The command line weakens interrupt remapping: off, or without the check of who sends.',
    todo: 'Remove intremap=off, intremap=nosid or nointremap.',
    source: 'Linux Documentation/admin-guide/kernel-parameters.txt, intremap',
    find: ({ options, optionsPath = '/proc/cmdline' }) => {
      const off = options.choice('intremap', ['on', 'off']) === 'off' ? ['intremap=off'] : [];
      const noSid = options.words('intremap').includes('nosid') ? ['intremap=nosid'] : [];
      const old = options.has('nointremap') ? ['nointremap'] : [];
      return [...off, ...noSid, ...old].map((word) => ({ path: optionsPath, what: `${word} is given` }));
    },
  },
  {
    id: 'remapping-failed',
    severity: 'error',
    for: ['security', 'vfio'],
    meaning: 'The kernel could not switch interrupt remapping on, or switched it off again.',
    todo: 'Update the firmware; where its table misses an IOAPIC on AMD, ivrs_ioapic[id]=… repairs it.',
    source: 'Linux drivers/iommu/intel/irq_remapping.c, drivers/iommu/amd/init.c',
    find: (machine) => logHits(machine, 'irFailed'),
  },
  {
    id: 'x2apic-opt-out',
    severity: 'information',
    for: ['performance'],
    meaning: 'The firmware asked for x2APIC to stay off: processors beyond 255 are not used, and interrupts cost more.',
    todo: 'Switch x2APIC on in the firmware, or boot with intremap=no_x2apic_optout.',
    source: 'VT-d architecture specification 8.1, X2APIC_OPT_OUT',
    find: (machine) => [
      ...machine.tables
        .filter(({ facts }) => facts['x2apicOptOut'] === true)
        .map(({ path }) => ({ path, what: 'DMAR: X2APIC_OPT_OUT is 1' })),
      ...logHits(machine, 'x2apicOptOut'),
    ],
  },
];
