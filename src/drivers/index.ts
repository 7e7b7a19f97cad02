/**
 * Drivers: the contract, and the drivers of this library.
 * @module
 */
export type { BareCallbacks } from './bare.ts';
export { bareDriver } from './bare.ts';
export type { DomainContext, DriverDomain, DriverFactory, ListWalk, PowerControl } from './contract.ts';
