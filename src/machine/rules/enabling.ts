/**
 * Rules: is an IOMMU used at all, and was it asked for?
 * @module
 */
import type { Machine } from '../setup/machine.ts';
import { OPTION_WORDS, TRUTH_OPTIONS } from '../setup/options.ts';
import { isRunning } from '../setup/state.ts';
import { type Hit, logHits, messageOf, type Rule } from './rule.ts';

const PARAMETERS = 'Linux Documentation/admin-guide/kernel-parameters.txt';

/** True where it is known that no driver of an IOMMU handles a device. */
function isOff(machine: Machine): boolean {
  return machine.groups !== undefined && !isRunning(machine);
}

/** Words on the command line that ask for an IOMMU. */
function askedBy({ options }: Machine): string | undefined {
  const asked = options.choice('intel_iommu', ['on', 'off']) === 'on' ? 'intel_iommu=on' : undefined;
  const forced = options.choice('iommu', ['force', 'noforce', 'off']) === 'force' ? 'iommu=force' : undefined;
  const amd =
    options.choice('amd_iommu', ['force_enable', 'off']) === 'force_enable' ? 'amd_iommu=force_enable' : undefined;
  return asked ?? forced ?? amd;
}

/** Words on the command line that switch the IOMMU off. */
export function switchedOffBy({ options, architecture }: Machine): string | undefined {
  if (architecture !== undefined && architecture !== 'x86') return undefined;
  if (options.choice('intel_iommu', ['on', 'off']) === 'off') return 'intel_iommu=off';
  if (options.choice('amd_iommu', ['off', 'force_enable']) === 'off') return 'amd_iommu=off';
  return options.choice('iommu', ['off', 'force', 'noforce', 'soft']) === 'off' ? 'iommu=off' : undefined;
}

/** Tables of the firmware that describe units of bare metal. */
function describing({ tableNames, tables }: Machine): string | undefined {
  return (tableNames ?? []).find((name) => {
    const table = tables.find(({ signature }) => signature === name);
    // an IORT without SMMUs only routes interrupts
    return table === undefined ? name !== 'IORT' : table.units.length > 0;
  });
}

function optionHit({ optionsPath = '/proc/cmdline' }: Machine, what: string): Hit {
  return { path: optionsPath, what };
}

/** Words that no driver of this architecture knows. */
function uselessWords(machine: Machine): Hit[] {
  const { options } = machine;
  const unknown = Object.entries(OPTION_WORDS).flatMap(([name, known]) =>
    options
      .words(name)
      .filter((word) => word !== '' && !known.some((one) => word.startsWith(one)))
      .map((word) => optionHit(machine, `${name}=${word}: ${name} has no such word`)),
  );
  const odd = TRUTH_OPTIONS.filter((name) => options.truth(name) === null).map((name) =>
    optionHit(machine, `${name}=${options.last(name)}: expected 0 or 1`),
  );
  return [...unknown, ...odd];
}

function contradictions(machine: Machine): Hit[] {
  const { options } = machine;
  const pairs: readonly (readonly [string, readonly string[]])[] = [
    ['intel_iommu', ['on', 'off']],
    ['intel_iommu', ['sm_on', 'sm_off']],
    ['iommu', ['pt', 'nopt']],
    ['iommu', ['force', 'noforce', 'off']],
    ['intremap', ['on', 'off']],
  ];
  const words = pairs.flatMap(([name, both]) => {
    const given = [...new Set(options.words(name).flatMap((word) => both.filter((one) => word === one)))];
    return given.length < 2
      ? []
      : [optionHit(machine, `${name} has ${given.join(' and ')}; the last, ${given.at(-1)}, counts`)];
  });
  const truths = TRUTH_OPTIONS.flatMap((name) => {
    const given = new Set(options.of(name).map(({ value }) => value));
    return given.size < 2 ? [] : [optionHit(machine, `${name} has ${[...given].join(' and ')}; the last counts`)];
  });
  return [...words, ...truths];
}

/** Rules of this subject. */
export const ENABLING_RULES: readonly Rule[] = [
  {
    id: 'asked-not-used',
    severity: 'error',
    for: ['security', 'vfio'],
    meaning: 'The command line asks for the IOMMU and the firmware describes one, but no device is handled by it.',
    todo: 'Read the lines of DMAR or AMD-Vi in the log: a unit or its table was refused. Update the firmware, or the kernel.',
    source: 'Linux drivers/iommu/intel/dmar.c, drivers/iommu/amd/init.c',
    find: (machine) => {
      const [asked, table] = [askedBy(machine), describing(machine)];
      if (!isOff(machine) || asked === undefined || table === undefined || switchedOffBy(machine) !== undefined)
        return [];
      return [
        {
          path: machine.groupsPath,
          what: `${asked} is given and there is a table ${table}, but there is no IOMMU group`,
        },
      ];
    },
  },
  {
    id: 'firmware-switch-off',
    severity: 'warning',
    for: ['security', 'vfio'],
    meaning:
      'The command line asks for the IOMMU, but the firmware describes none: its switch is off, or the machine has none.',
    todo: 'Switch on VT-d, AMD IOMMU or SMMU in the firmware settings; in a guest, ask the host for a virtual IOMMU.',
    source: 'Linux drivers/iommu/intel/dmar.c: no DMAR table, nothing to do',
    find: (machine) => {
      const asked = askedBy(machine);
      if (!isOff(machine) || asked === undefined || machine.tableNames?.length !== 0) return [];
      return [{ path: '/sys/firmware/acpi/tables', what: `${asked} is given, and there is no table of an IOMMU` }];
    },
  },
  {
    id: 'found-not-used',
    severity: 'warning',
    for: ['security', 'vfio'],
    meaning: 'The firmware describes an IOMMU that the kernel does not use: devices reach all memory.',
    todo: 'Add intel_iommu=on where the kernel is built without INTEL_IOMMU_DEFAULT_ON; check that its driver is built in.',
    source: PARAMETERS,
    find: (machine) => {
      const table = describing(machine);
      const isGiven = askedBy(machine) !== undefined || switchedOffBy(machine) !== undefined;
      if (!isOff(machine) || table === undefined || isGiven || machine.host.xenDom0) return [];
      const dflt = machine.defaults?.get('INTEL_IOMMU_DEFAULT_ON');
      const why = table === 'DMAR' && dflt === 'n' ? ': this kernel has it off by default' : '';
      return [{ path: machine.groupsPath, what: `there is a table ${table} and no IOMMU group${why}` }];
    },
  },
  {
    id: 'switched-off',
    severity: 'warning',
    for: ['security', 'vfio'],
    meaning: 'The command line switches the IOMMU off: devices reach all memory.',
    todo: 'Remove the word from the command line unless it works around a fault of this machine.',
    source: PARAMETERS,
    find: (machine) => {
      const word = switchedOffBy(machine);
      if (word !== undefined) return [optionHit(machine, `${word} is given`)];
      return isRunning(machine) ? [] : [...logHits(machine, 'intelDisabled'), ...logHits(machine, 'amdOff')];
    },
  },
  {
    id: 'option-without-effect',
    severity: 'warning',
    for: ['security', 'performance', 'vfio'],
    meaning: 'A word on the command line does nothing: what it was meant to set is not set.',
    todo: 'For passthrough write iommu.passthrough=1 (or iommu=pt on x86); AMD units need no word to be on.',
    source: PARAMETERS,
    find: (machine) =>
      machine.optionsPath === undefined
        ? [...logHits(machine, 'unknownOption'), ...logHits(machine, 'malformedOption')]
        : uselessWords(machine),
  },
  {
    id: 'options-contradict',
    severity: 'information',
    for: ['security', 'performance'],
    meaning: 'The command line says two things; the kernel takes the last.',
    todo: 'Remove the word that is not meant; it often stands in the boot loader and in a file of the distribution.',
    source: PARAMETERS,
    find: contradictions,
  },
  {
    id: 'graphics-not-translated',
    severity: 'warning',
    for: ['security'],
    meaning: 'The unit of the integrated graphics is not used: graphics reaches all memory.',
    todo: 'Remove igfx_off; where graphics fails with translation, intel_iommu=intgpu_off keeps the unit with an identity domain.',
    source: PARAMETERS,
    find: (machine) => [
      ...(isRunning(machine) && machine.options.words('intel_iommu').some((word) => word.startsWith('igfx_off'))
        ? [optionHit(machine, 'intel_iommu=igfx_off is given')]
        : []),
      ...logHits(machine, 'intelNoGraphics'),
    ],
  },
  {
    id: 'bounce-instead',
    severity: 'information',
    for: ['performance', 'security'],
    meaning: 'The kernel bounces data of devices with short addresses through memory, since no IOMMU translates.',
    todo: 'Nothing, unless an IOMMU was expected.',
    source: 'Linux arch/x86/kernel/pci-dma.c',
    find: (machine) => (isOff(machine) ? logHits(machine, 'swiotlb').slice(0, 1) : []),
  },
  {
    id: 'guest-without-unit',
    severity: 'information',
    for: ['security', 'vfio'],
    meaning:
      'The hypervisor offers no IOMMU: devices of this guest reach all of its memory. The host may well protect itself.',
    todo: 'Nothing, unless the guest gives devices to others: then ask the host for a virtual IOMMU.',
    source: 'Linux Documentation/virt',
    find: (machine) => {
      const { host, groups, tableNames } = machine;
      const none = groups?.length === 0 && (tableNames ?? []).length === 0 && !host.xenDom0;
      if (!none || typeof host.hypervisor !== 'string') return [];
      return [
        { path: host.path, what: `this is a guest of ${host.hypervisor}, without a table or a group of an IOMMU` },
      ];
    },
  },
  {
    id: 'xen-owns-it',
    severity: 'information',
    for: ['security', 'vfio'],
    meaning: "Xen owns the IOMMU: this kernel sees none, and its groups tell nothing. Xen's own log decides.",
    todo: 'Read `xl dmesg` for "I/O virtualisation enabled", and the option iommu= of Xen itself.',
    source: 'Xen docs/misc/xen-command-line.pandoc, iommu',
    find: (machine) => {
      if (!machine.host.xenDom0) return [];
      const { xenLog } = machine;
      const said = (['xenDma', 'xenMode', 'xenRemapping'] as const).flatMap((name) => xenLog?.all(name).at(-1) ?? []);
      const [first] = said;
      if (first !== undefined) {
        return [{ path: `${xenLog?.path}:${first.line}`, what: said.map(({ text }) => messageOf(text)).join('; ') }];
      }
      return [{ path: machine.host.path, what: "this is Xen's control domain" }];
    },
  },
];
