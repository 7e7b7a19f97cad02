/**
 * The rules that formats and drivers of this library hold, to be run on your own, without a test runner.
 * @module
 */

export { checkDriver, type DriverCheckOptions } from './check-driver.ts';
export { checkFormat, formatRules } from './check-format.ts';
export { RuleError } from './expect.ts';
export type { BrokenRule, CheckOptions, Rule, RuleReport } from './rule.ts';
export { driverRules } from './rules/driver.ts';
