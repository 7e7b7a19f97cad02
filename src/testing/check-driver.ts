/**
 * Every rule that a driver must hold.
 * @module
 */
import type { DriverKind } from '../drivers/kind.ts';
import type { Format } from '../formats/contract.ts';
import { FORMATS } from '../formats/registry.ts';
import { type CheckOptions, type RuleReport, runRules } from './rule.ts';
import { driverRules } from './rules/driver.ts';

/** Options of {@link checkDriver}. */
export interface DriverCheckOptions extends CheckOptions {
  /** Formats that it is tried with; default those of the library, of which it must refuse the ones that it does not name. */
  readonly formats?: readonly Format[];
}

/**
 * Runs all rules of a driver of your own: random histories on every path and dispatch against a domain without a device, every
 * allocation refused once, leaks, names, refusals.
 * @throws IommuError `BAD_OPTION` where none of the formats is one that the driver names.
 */
export function checkDriver(kind: DriverKind, { formats = FORMATS, ...options }: DriverCheckOptions = {}): RuleReport {
  return runRules(kind.id, driverRules(kind, formats), options);
}
