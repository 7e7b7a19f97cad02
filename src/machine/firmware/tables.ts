/**
 * What any of the firmware's tables says, in one shape: units, the devices behind each, and memory that devices need mapped
 * one to one.
 * @module
 */
import type { TableHeader, TableProblem } from './bytes.ts';

/** The devices that one line of a table names. */
export type DeviceScope =
  /** One function, by its path from a bus: the first pair is on `bus`, each further one below the bridge before it. */
  | {
      readonly kind: 'path';
      readonly segment: number;
      readonly bus: number;
      readonly path: readonly [number, number][];
      readonly below: boolean;
    }
  /** Requester ids of a segment, `last` inclusive. */
  | { readonly kind: 'range'; readonly segment: number; readonly first: number; readonly last: number }
  /** Every PCI function of a segment that no other unit has. */
  | { readonly kind: 'rest'; readonly segment: number }
  /** IOAPIC, HPET, a device of the namespace, a named component. */
  | { readonly kind: 'named'; readonly name: string };

/** One unit as the firmware describes it. */
export interface FirmwareUnit {
  /** `DRHD at 0xfed90000`, `SMMUv3 at 0x9050000`: as people read it. */
  readonly name: string;
  /** Address of its registers; undefined for a unit that is a PCI function. */
  readonly base: bigint | undefined;
  /** PCI function that the unit is, where it is one. */
  readonly requester?: { readonly segment: number; readonly id: number };
  readonly scopes: readonly DeviceScope[];
  readonly offset: number;
}

/** Memory that must stay mapped one to one for some devices, or must not be used. */
export interface FirmwareRegion {
  readonly start: bigint;
  /** Inclusive. */
  readonly last: bigint;
  /** `RMRR`, `IVMD`, `RMR`. */
  readonly name: string;
  readonly scopes: readonly DeviceScope[];
  readonly offset: number;
}

/** One table, read. */
export interface FirmwareTable {
  readonly signature: string;
  /** File that it was read from. */
  readonly path: string;
  readonly header: TableHeader | null;
  readonly units: readonly FirmwareUnit[];
  readonly regions: readonly FirmwareRegion[];
  /** Facts by name: `interruptRemapping`, `preBootProtection`, `addressBits`, … */
  readonly facts: Readonly<Record<string, boolean | number>>;
  readonly problems: readonly TableProblem[];
}

/** What a reader of one kind of table gives. */
export type TableBody = Pick<FirmwareTable, 'units' | 'regions' | 'facts'>;

/** A scope as people read it. */
export function scopeText(scope: DeviceScope): string {
  const two = (value: number): string => value.toString(16).padStart(2, '0');
  const id = (requester: number): string => `${two(requester >> 8)}:${two((requester >> 3) & 31)}.${requester & 7}`;
  const segment = (value: number): string => value.toString(16).padStart(4, '0');
  switch (scope.kind) {
    case 'path': {
      const steps = scope.path.map(([device, fn]) => `${two(device)}.${fn}`).join(' > ');
      return `${segment(scope.segment)}:${two(scope.bus)}:${steps}${scope.below ? ' and below' : ''}`;
    }
    case 'range':
      return scope.first === scope.last
        ? `${segment(scope.segment)}:${id(scope.first)}`
        : `${segment(scope.segment)}:${id(scope.first)} to ${id(scope.last)}`;
    case 'rest':
      return `all other functions of segment ${segment(scope.segment)}`;
    default:
      return scope.name;
  }
}
