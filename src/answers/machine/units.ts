/**
 * The units of a machine, as a table and for programs.
 * @module
 */
import { hex } from '../../address.ts';
import type { Machine, MachineUnit } from '../../machine/setup/machine.ts';
import type { Table } from '../../report/table.ts';

/** One unit, for programs. */
export interface UnitData {
  readonly name: string;
  readonly kind: string;
  readonly base: string | null;
  readonly addressBits: number | null;
  readonly interruptRemapping: boolean | null;
  readonly emulated: boolean | null;
  readonly registers: Readonly<Record<string, string>>;
  readonly devices: readonly string[];
}

/** Devices behind a unit, by its own links and by theirs. */
function devicesOf({ devices }: Machine, unit: MachineUnit): string[] {
  const linked = [...devices.values()].flatMap((device) => (device.unit === unit.name ? [device.name] : []));
  return [...new Set([...unit.devices, ...linked])].sort();
}

function unitData(machine: Machine, unit: MachineUnit): UnitData {
  return {
    name: unit.name,
    kind: unit.kind,
    base: unit.base === undefined ? null : hex(unit.base),
    addressBits: unit.addressBits ?? null,
    interruptRemapping: unit.interruptRemapping ?? null,
    emulated: unit.emulated ?? null,
    registers: unit.registers,
    devices: devicesOf(machine, unit),
  };
}

/** Every unit that a driver registered. */
export function unitsData(machine: Machine): UnitData[] {
  return (machine.units ?? []).map((unit) => unitData(machine, unit));
}

function capabilities({ interruptRemapping, passthrough, emulated }: MachineUnit): string | null {
  const words = [
    ...(emulated === true ? ['emulated'] : []),
    ...(interruptRemapping === true
      ? ['interrupt remapping']
      : interruptRemapping === false
        ? ['no interrupt remapping']
        : []),
    ...(passthrough === false ? ['no pass-through'] : []),
  ];
  return words.length === 0 ? null : words.join(', ');
}

/** The units, one a row. */
export function unitsTable(machine: Machine): Table {
  return {
    columns: [
      { title: 'unit' },
      { title: 'kind', drop: 1 },
      { title: 'registers', align: 'right', drop: 2 },
      { title: 'address bits', align: 'right' },
      { title: 'capabilities' },
      { title: 'devices', unit: 'count' },
    ],
    rows: (machine.units ?? []).map((unit) => [
      unit.name,
      unit.kind,
      unit.base === undefined ? null : hex(unit.base),
      unit.addressBits === undefined ? null : String(unit.addressBits),
      capabilities(unit),
      devicesOf(machine, unit).length,
    ]),
  };
}
