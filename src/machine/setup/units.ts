/**
 * The units under /sys/class/iommu, and what their capability registers say.
 * @module
 */
import { iommuKind } from '../../record/machine.ts';
import type { EvidenceReader } from '../files/evidence-reader.ts';
import type { MachineUnit } from './machine.ts';

const CLASS = 'sys/class/iommu';

function hexValue(text: string | undefined): bigint | undefined {
  return text !== undefined && /^(?:0x)?[0-9a-f]{1,16}$/i.test(text)
    ? BigInt(`0x${text.replace(/^0x/i, '')}`)
    : undefined;
}

type Facts = Pick<MachineUnit, 'addressBits' | 'interruptRemapping' | 'passthrough' | 'emulated'>;

const UNKNOWN: Facts = {
  addressBits: undefined,
  interruptRemapping: undefined,
  passthrough: undefined,
  emulated: undefined,
};

function bit(value: bigint, at: bigint): boolean {
  return ((value >> at) & 1n) === 1n;
}

/** CAP and ECAP (VT-d 11.4.2, 11.4.3): CM, SAGAW, MGAW; IR, PT. */
export function intelFacts(cap: bigint | undefined, ecap: bigint | undefined): Facts {
  if (cap === undefined || ecap === undefined) return UNKNOWN;
  const sagaw = Number((cap >> 8n) & 31n);
  const byTable = (sagaw & 8) !== 0 ? 57 : (sagaw & 4) !== 0 ? 48 : (sagaw & 2) !== 0 ? 39 : 0;
  const mgaw = Number((cap >> 16n) & 63n) + 1;
  return {
    addressBits: byTable === 0 ? undefined : Math.min(mgaw, byTable),
    interruptRemapping: bit(ecap, 3n),
    passthrough: bit(ecap, 6n),
    emulated: bit(cap, 7n),
  };
}

/** Capability header (AMD 48882, 3.2.1): NpCache says that a hypervisor emulates the unit. */
function amdFacts(cap: bigint | undefined): Facts {
  return cap === undefined ? UNKNOWN : { ...UNKNOWN, interruptRemapping: true, emulated: bit(cap, 26n) };
}

function texts(reader: EvidenceReader, folder: string, names: readonly string[]): Record<string, string> {
  const found = names.map((name) => [name, reader.value(`${folder}/${name}`)] as const);
  return Object.fromEntries(found.filter((entry): entry is readonly [string, string] => entry[1] !== undefined));
}

function unitOf(reader: EvidenceReader, name: string): MachineUnit {
  const folder = `${CLASS}/${name}`;
  const kind = iommuKind(name);
  const devices = reader.names(`${folder}/devices`);
  const fromName = hexValue(/\.(0x[0-9a-f]+)$/i.exec(name)?.[1]);
  if (kind === 'intel-vtd') {
    const registers = texts(reader, `${folder}/intel-iommu`, ['version', 'address', 'cap', 'ecap']);
    const [cap, ecap] = [hexValue(registers['cap']), hexValue(registers['ecap'])];
    return { name, kind, base: hexValue(registers['address']), registers, devices, ...intelFacts(cap, ecap) };
  }
  if (kind === 'amd-vi') {
    const registers = texts(reader, `${folder}/amd-iommu`, ['cap', 'features']);
    return { name, kind, base: undefined, registers, devices, ...amdFacts(hexValue(registers['cap'])) };
  }
  return { name, kind, base: fromName, registers: {}, devices, ...UNKNOWN };
}

/** Every unit; undefined where /sys/class is not there. */
export function readUnits(reader: EvidenceReader): MachineUnit[] | undefined {
  const known = reader.names('sys/class').length > 0;
  const names = reader.names(CLASS);
  return names.length === 0 && !known ? undefined : names.map((name) => unitOf(reader, name));
}
