/**
 * Rules: what the firmware says, and whether it agrees with itself and with the machine.
 * @module
 */
import { hex } from '../../address.ts';
import type { TableProblem } from '../firmware/bytes.ts';
import { type FirmwareRegion, type FirmwareTable, scopeText } from '../firmware/tables.ts';
import type { Machine } from '../setup/machine.ts';
import { placements } from '../setup/placement.ts';
import { isRunning } from '../setup/state.ts';
import { type Hit, logHits, type Rule, someOf } from './rule.ts';

const ACPI = 'ACPI specification 6.5, 5.2.6';
const TABLES =
  'VT-d architecture specification 8; AMD 48882 5.2; Arm DEN 0049; ACPI 6.5 5.2.31; RISC-V IO Mapping Table';

function problemsOf(machine: Machine, kind: TableProblem['kind']): Hit[] {
  return machine.tables.flatMap(({ path, signature, problems }) =>
    problems
      .filter((problem) => problem.kind === kind)
      .map(({ offset, text }) => ({
        path: offset === undefined ? path : `${path}, byte ${offset}`,
        what: `${signature}: ${text}`,
      })),
  );
}

/** Bytes of a region that lie in RAM, as the memory map has it; undefined where it says nothing. */
function isInRam({ memory }: Machine, { start, last }: FirmwareRegion): boolean | undefined {
  if (memory.hidden || memory.regions.length === 0) return undefined;
  return memory.regions.some(
    ({ depth, name, start: from, bytes }) =>
      depth === 0 && name === 'System RAM' && BigInt(from) <= last && BigInt(from + bytes - 1) >= start,
  );
}

function regionsInRam(machine: Machine): Hit[] {
  return machine.tables.flatMap(({ path, regions }) =>
    regions
      .filter((region) => isInRam(machine, region) === true)
      .map((region) => ({
        path: `${path}, byte ${region.offset}`,
        what: `${region.name} ${hex(region.start)} to ${hex(region.last)} lies in System RAM`,
      })),
  );
}

/** Scopes that name no function, where all functions are known. */
function scopesOfNothing(machine: Machine): Hit[] {
  if (machine.devices.size === 0) return [];
  return placements(machine).flatMap(({ table, unit, missing }) =>
    missing.length === 0
      ? []
      : [
          {
            path: `${table.path}, byte ${unit.offset}`,
            what: `${unit.name} names ${someOf(missing.map(scopeText))}: no such function`,
          },
        ],
  );
}

/** Kinds of units that a table describes. */
const KINDS: Readonly<Record<string, readonly string[]>> = {
  DMAR: ['intel-vtd'],
  IVRS: ['amd-vi'],
  IORT: ['arm-smmu-v3', 'arm-smmu'],
  RIMT: ['riscv-iommu'],
};

/** Units in one place and not in the other, where both are known. */
function unitsThatDiffer(machine: Machine): Hit[] {
  const { units, tables, options } = machine;
  if (units === undefined || units.length === 0 || !isRunning(machine)) return [];
  const leftOut = options.words('intel_iommu').some((word) => word.startsWith('igfx_off'));
  return tables.flatMap((table) => {
    const kinds = KINDS[table.signature] ?? [];
    const own = units.filter(({ kind }) => kinds.includes(kind));
    if (kinds.length === 0 || table.header === null || (leftOut && table.signature === 'DMAR')) return [];
    return [...onlyInTable(table, own), ...onlyInSysfs(table, own)];
  });
}

function onlyInTable(table: FirmwareTable, own: readonly { readonly base: bigint | undefined }[]): Hit[] {
  const bases = new Set(own.map(({ base }) => base));
  const comparable = own.every(({ base }) => base !== undefined);
  const lacking = comparable
    ? table.units.filter(({ base }) => base !== undefined && !bases.has(base))
    : table.units.slice(own.length);
  if (lacking.length === 0 || own.length === 0) return [];
  return [
    {
      path: table.path,
      what: `${table.signature} describes ${someOf(lacking.map(({ name }) => name))}: not under /sys/class/iommu`,
    },
  ];
}

function onlyInSysfs(
  table: FirmwareTable,
  own: readonly { readonly name: string; readonly base: bigint | undefined }[],
): Hit[] {
  const bases = new Set(table.units.map(({ base }) => base));
  const odd = own.filter(({ base }) => base !== undefined && !bases.has(base));
  return odd.length === 0
    ? []
    : [
        {
          path: '/sys/class/iommu',
          what: `${someOf(odd.map(({ name }) => name))}: no unit of ${table.signature} has its address`,
        },
      ];
}

/** Devices that are behind another unit than the table says. */
function devicesElsewhere(machine: Machine): Hit[] {
  const byBase = new Map(
    (machine.units ?? []).flatMap(({ base, devices }) =>
      base === undefined ? [] : [[base, new Set(devices)] as const],
    ),
  );
  return placements(machine).flatMap(({ table, unit, devices }) => {
    const own = unit.base === undefined ? undefined : byBase.get(unit.base);
    if (own === undefined || own.size === 0) return [];
    const others = [...byBase].filter(([base]) => base !== unit.base);
    const wrong = devices.filter((name) => others.some(([, names]) => names.has(name)) && !own.has(name));
    if (wrong.length === 0) return [];
    return [
      {
        path: `${table.path}, byte ${unit.offset}`,
        what: `${unit.name} should have ${someOf(wrong)}, which sysfs shows behind another unit`,
        devices: wrong,
      },
    ];
  });
}

/** Rules of this subject. */
export const FIRMWARE_RULES: readonly Rule[] = [
  {
    id: 'table-torn',
    severity: 'error',
    for: ['security', 'vfio'],
    meaning:
      'A table of the firmware ends too early, or a structure of it leaves its bounds: the kernel skips it or all of it.',
    todo: 'Update the firmware; check that the file was copied whole.',
    source: ACPI,
    find: (machine) => problemsOf(machine, 'length'),
  },
  {
    id: 'table-checksum',
    severity: 'error',
    for: ['security', 'vfio'],
    meaning: 'The bytes of a table do not add up: it was written wrongly, or changed since.',
    todo: 'Update the firmware; check that the file was copied whole.',
    source: ACPI,
    find: (machine) => problemsOf(machine, 'checksum'),
  },
  {
    id: 'table-contradicts-itself',
    severity: 'error',
    for: ['security', 'vfio'],
    meaning: 'Parts of a table do not agree: the kernel may leave units or devices out.',
    todo: 'Update the firmware, or report it to its vendor.',
    source: TABLES,
    find: (machine) => problemsOf(machine, 'contradiction'),
  },
  {
    id: 'scope-without-device',
    severity: 'information',
    for: ['security'],
    meaning:
      'A unit is described for a function that this machine does not show: switched off, hidden, or a wrong table.',
    todo: 'Nothing, if the function is switched off in the firmware settings; otherwise report it to its vendor.',
    source: 'VT-d architecture specification 8.3.1; Linux drivers/iommu/intel/dmar.c',
    find: scopesOfNothing,
  },
  {
    id: 'region-in-ram',
    severity: 'error',
    for: ['security', 'vfio'],
    meaning:
      'The firmware keeps memory mapped for a device that the kernel uses as RAM: the device can read and write it.',
    todo: 'Update the firmware: such memory must be reserved in its memory map.',
    source: 'VT-d architecture specification 8.4; Linux drivers/iommu/intel/iommu.c: dmar_parse_one_rmrr',
    find: regionsInRam,
  },
  {
    id: 'table-against-sysfs',
    severity: 'error',
    for: ['security'],
    meaning:
      'The units of the firmware and those of the kernel differ: one was refused, or the table is of another boot.',
    todo: 'Look for the unit in the log; its devices are not translated.',
    source: 'Linux Documentation/ABI/testing/sysfs-class-iommu',
    find: unitsThatDiffer,
  },
  {
    id: 'device-behind-other-unit',
    severity: 'warning',
    for: ['security'],
    meaning: 'A device is behind another unit than the firmware says: one of the two is wrong.',
    todo: 'Report it to the vendor of the firmware.',
    source: 'VT-d architecture specification 8.3',
    find: devicesElsewhere,
  },
  {
    id: 'firmware-bug',
    severity: 'error',
    for: ['security', 'vfio'],
    meaning: 'The kernel found a fault in the firmware and works around it, or leaves a unit out.',
    todo: 'Update the firmware; the line names its vendor and version.',
    source: 'Linux drivers/iommu, pr_warn with FW_BUG',
    find: (machine) => logHits(machine, 'firmwareBug'),
  },
  {
    id: 'ivrs-refused',
    severity: 'error',
    for: ['security', 'vfio'],
    meaning: "AMD's table is wrong: interrupt remapping, or the whole unit, is off.",
    todo: 'Update the firmware; ivrs_ioapic[id]=bus:device.function repairs a missing IOAPIC.',
    source: 'Linux drivers/iommu/amd/init.c: check_ioapic_information',
    find: (machine) => logHits(machine, 'ivrsError'),
  },
  {
    id: 'table-repaired-by-option',
    severity: 'information',
    for: ['security'],
    meaning: 'The command line replaces entries of the firmware table: it was wrong when that was set.',
    todo: 'Try without it after an update of the firmware.',
    source: 'Linux Documentation/admin-guide/kernel-parameters.txt, ivrs_ioapic',
    find: ({ options, optionsPath = '/proc/cmdline' }) =>
      options.all
        .filter(({ name }) => /^ivrs_(?:ioapic|hpet|acpihid)/.test(name))
        .map(({ word }) => ({ path: optionsPath, what: `${word} is given` })),
  },
  {
    id: 'device-tree-link',
    severity: 'warning',
    for: ['security'],
    meaning:
      'A node of the device tree names an IOMMU that is not there: its device waits for it, or runs untranslated.',
    todo: 'Correct the phandle in the device tree.',
    source: 'Linux Documentation/devicetree/bindings/iommu/iommu.txt',
    find: ({ deviceTree }) =>
      (deviceTree?.problems ?? []).map(({ path, text }) => ({ path: `/proc/device-tree${path}`, what: text })),
  },
  {
    id: 'device-tree-unit-off',
    severity: 'warning',
    for: ['security'],
    meaning: 'The device tree switches a unit off that devices are behind: they run untranslated, or do not start.',
    todo: 'Set its status to "okay", or remove the iommus of its devices.',
    source: 'Devicetree specification 2.3.4, status',
    find: ({ deviceTree }) =>
      (deviceTree?.units ?? [])
        .filter(({ enabled, scopes }) => !enabled && scopes.length > 0)
        .map(({ path, scopes }) => ({
          path: `/proc/device-tree${path}/status`,
          what: `${path} is switched off; ${scopes.map(scopeText).slice(0, 3).join(', ')} is behind it`,
        })),
  },
];
