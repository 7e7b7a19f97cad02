/**
 * A driver with no device behind it: callbacks that only tell what would be invalidated.
 * @module
 */
import { NO_TLB, type TlbOps } from '../pagetable/tlb-ops.ts';
import type { Driver, DriverFactory } from './contract.ts';
import type { DriverKind } from './kind.ts';
import { driverOptions } from './options.ts';

/** Callbacks of a {@link bareDriver}. */
export interface BareCallbacks extends TlbOps {
  /** The core's `iotlb_sync`. */
  sync(): void;
}

const SILENT: BareCallbacks = { ...NO_TLB, sync() {} };

/** A driver without a device; `callbacks` hear every invalidation. */
export function bareDriver(callbacks: BareCallbacks = SILENT): DriverFactory {
  const driver: Driver = {
    name: 'bare',
    tlb: callbacks,
    hooks: { mapSg: true, unmapRange: true },
    cannotFail: callbacks === SILENT,
    attach() {},
    sync: () => callbacks.sync(),
    detach: () => callbacks.flushAll(),
  };
  return () => driver;
}

/** The driver without a device in the registry: it takes every format. */
export const BARE: DriverKind = {
  id: 'bare',
  title: 'no device',
  formats: undefined,
  kernels: [],
  options: [],
  commands: [],
  make: (options = {}) => {
    driverOptions('bare', [], options);
    return bareDriver();
  },
};
