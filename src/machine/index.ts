/**
 * A machine's set-up, from its files.
 * @module
 */
export type { Unread } from './files/evidence-reader.ts';
export { type FileRead, type MachineFiles, type MemoryFile, MemoryFiles } from './files/files.ts';
export { isTar, TAR_LIMITS, type TarLimits, TarReader, writeTar } from './files/tar.ts';
export { readFirmwareTable, tablesOfAcpidump } from './firmware/acpi.ts';
export type { TableHeader, TableProblem } from './firmware/bytes.ts';
export type { DeviceScope, FirmwareRegion, FirmwareTable, FirmwareUnit } from './firmware/tables.ts';
export { type IommuGroup, parseGroups, type ReservedRegion } from './groups.ts';
export { MemoryMap, type MemoryRegion, parseIomem } from './iomem.ts';
export { MachineNames, type MachineTexts } from './names.ts';
export { className, type PciDevice, parsePciList } from './pci.ts';
export { findingsOfMachine, MACHINE_RULES } from './rules/registry.ts';
export type { Finding, Hit, Purpose, Rule, Severity } from './rules/rule.ts';
export { explainGroup, type GroupReason } from './setup/explain-group.ts';
export type { Machine, MachineDevice, MachineGroup, MachineUnit } from './setup/machine.ts';
export { placements, type UnitPlace } from './setup/placement.ts';
export { readMachine } from './setup/read-machine.ts';
export { type MachineVerdict, type Protection, verdictOf } from './setup/verdict.ts';
