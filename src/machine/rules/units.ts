/**
 * Rules: units, their widths and their errors.
 * @module
 */
import { deviceTitle, type Machine } from '../setup/machine.ts';
import { isRunning } from '../setup/state.ts';
import { type Hit, logHits, messageOf, type Rule, someOf } from './rule.ts';

/** Address bits of the largest RAM address; undefined where the memory map does not have it. */
function ramBits({ memory }: Machine): number | undefined {
  const ram = memory.regions.filter(({ depth, name }) => depth === 0 && name === 'System RAM');
  if (ram.length === 0) return undefined;
  const top = ram.reduce((end, { start, bytes }) => Math.max(end, start + bytes - 1), 0);
  return Math.floor(Math.log2(top)) + 1;
}

/** Units that a driver's width goes beyond: identity needs RAM in reach, VFIO the guest's memory. */
function narrowUnits(machine: Machine): Hit[] {
  const bits = ramBits(machine);
  const units = (machine.units ?? []).filter(({ addressBits }) => addressBits !== undefined);
  const tooNarrow = bits === undefined ? [] : units.filter(({ addressBits = 64 }) => addressBits < bits);
  const ofRam = tooNarrow.map(({ name, addressBits }) => ({
    path: `/sys/class/iommu/${name}/intel-iommu/cap`,
    what: `${name} translates addresses of ${addressBits} bits, and RAM has ${bits}`,
  }));
  return [...ofRam, ...narrowForDevices(machine), ...logHits(machine, 'widthTooSmall')];
}

/** Devices whose drivers ask for more than their unit has, 64 bits aside: that means "any". */
function narrowForDevices({ units, devices }: Machine): Hit[] {
  return (units ?? []).flatMap((unit) => {
    const { addressBits, name } = unit;
    if (addressBits === undefined) return [];
    const wide = [...devices.values()].filter(
      (device) =>
        (device.unit === name || unit.devices.includes(device.name)) &&
        (device.dmaBits ?? 0) > addressBits &&
        device.dmaBits !== 64,
    );
    if (wide.length === 0) return [];
    const names = wide.map((device) => `${deviceTitle(device, device.name)} ${device.dmaBits}`);
    return [
      {
        path: `/sys/class/iommu/${name}`,
        what: `${name} translates addresses of ${addressBits} bits; asked for: ${someOf(names)}`,
        devices: wide.map((device) => device.name),
      },
    ];
  });
}

/** Incidents of the log by kind, as hits: the first of each, with the count. */
function incidentHits({ log }: Machine, isWanted: (kind: string, origin: string) => boolean): Hit[] {
  if (log === undefined) return [];
  const byName = new Map<string, { count: number; line: number; device: string | undefined; words: string }>();
  for (const { kind, origin, iommu, name, device, line, meaning } of log.faults.incidents) {
    if (!isWanted(kind, origin)) continue;
    const key = `${iommu} ${name} ${device ?? ''}`;
    const known = byName.get(key);
    if (known === undefined) byName.set(key, { count: 1, line, device, words: `${iommu}: ${name}, ${meaning}` });
    else known.count++;
  }
  return [...byName.values()]
    .sort((a, b) => b.count - a.count)
    .slice(0, 8)
    .map(({ count, line, device, words }) => ({
      path: `${log.path}:${line}`,
      what: `${count} × ${words}${device === undefined ? '' : ` of ${device}`}`,
      ...(device === undefined ? {} : { devices: [device] }),
    }));
}

const OF_UNITS = new Set(['unit', 'device-timeout', 'conflict', 'configuration']);

function bypassHits({ options, settings, optionsPath = '/proc/cmdline' }: Machine): Hit[] {
  const names = ['arm_smmu.disable_bypass', 'arm_smmu_v3.disable_bypass'];
  const given = names
    .filter((name) => options.truth(name) === false)
    .map((name) => ({ path: optionsPath, what: `${name}=0 is given` }));
  const set = settings
    .filter(({ name, value }) => names.includes(name) && /^[Nn0]/.test(value))
    .map(({ path, name, value }) => ({ path, what: `${name} is ${value}` }));
  return [...given, ...set];
}

/** Rules of this subject. */
export const UNIT_RULES: readonly Rule[] = [
  {
    id: 'bypass-allowed',
    severity: 'warning',
    for: ['security'],
    meaning: 'Streams that no driver set up pass the SMMU untranslated: they reach all memory.',
    todo: 'Remove disable_bypass=0 once all devices have their streams described.',
    source: 'Linux drivers/iommu/Kconfig, ARM_SMMU_DISABLE_BYPASS_BY_DEFAULT',
    find: bypassHits,
  },
  {
    id: 'bypass-forced',
    severity: 'warning',
    for: ['security'],
    meaning: 'The unit lets everything pass: no device behind it is kept from memory.',
    todo: 'Nothing: this unit cannot translate with this page size.',
    source: 'Linux drivers/iommu/apple-dart.c',
    find: ({ log }) =>
      log === undefined
        ? []
        : log
            .all('dart')
            .filter(({ values }) => values[4] === '1')
            .map(({ line, text }) => ({ path: `${log.path}:${line}`, what: messageOf(text) })),
  },
  {
    id: 'width-too-small',
    severity: 'warning',
    for: ['vfio', 'performance'],
    meaning: 'A unit translates fewer address bits than memory or devices need: some addresses cannot be mapped.',
    todo: 'Give guests less memory than its width reaches, use translated domains, or other hardware.',
    source: 'VT-d architecture specification 11.4.2, SAGAW and MGAW',
    find: narrowUnits,
  },
  {
    id: 'no-usable-width',
    severity: 'error',
    for: ['security', 'vfio'],
    meaning: 'The unit supports no table depth that the kernel knows: it does not translate.',
    todo: 'Update the firmware, or the kernel.',
    source: 'VT-d architecture specification 11.4.2, SAGAW',
    find: (machine) => logHits(machine, 'intelNoWidths'),
  },
  {
    id: 'no-fault-interrupt',
    severity: 'error',
    for: ['security'],
    meaning: 'The unit cannot report: faults and errors stay unseen.',
    todo: 'Correct the interrupts of the unit in the device tree or in IORT.',
    source: 'Linux drivers/iommu/arm/arm-smmu-v3/arm-smmu-v3.c',
    find: (machine) => logHits(machine, 'smmuNoEvents'),
  },
  {
    id: 'unit-errors',
    severity: 'error',
    for: ['security', 'performance'],
    meaning: 'A unit reports errors of its own, or a device that does not answer it.',
    todo: 'Run `iommu fault` on the log: it tells the causes and what to do.',
    source: 'the architecture of each unit; docs/dumps-and-faults.md',
    find: (machine) => incidentHits(machine, (kind) => OF_UNITS.has(kind)),
  },
  {
    id: 'dma-faults',
    severity: 'warning',
    for: ['security', 'performance'],
    meaning: 'The IOMMU stopped requests of devices: a driver or a device uses memory that is not mapped for it.',
    todo: 'Run `iommu fault` on the log: it tells the causes and what to do.',
    source: 'the architecture of each unit; docs/dumps-and-faults.md',
    find: (machine) =>
      incidentHits(machine, (kind, origin) => origin === 'iommu' && !OF_UNITS.has(kind) && kind !== 'software'),
  },
  {
    id: 'register-invalidation',
    severity: 'information',
    for: ['performance'],
    meaning: 'A unit is invalidated by registers, one request at a time: it is old, or its queue does not work.',
    todo: 'Look for an error of its queue in the log.',
    source: 'VT-d architecture specification 6.5.1',
    find: (machine) => logHits(machine, 'registerInvalidation'),
  },
  {
    id: 'forced-by-platform',
    severity: 'information',
    for: ['security', 'performance'],
    meaning:
      'Nobody asked for the IOMMU; the firmware has a port that faces outside and opted in. Trusted devices get identity domains.',
    todo: 'Boot with intel_iommu=on for translation of trusted devices too.',
    source: 'Linux drivers/iommu/intel/iommu.c: platform_optin_force_iommu',
    find: (machine) => (isRunning(machine) ? logHits(machine, 'intelForced') : []),
  },
];
