/**
 * What the registry says of a driver.
 * @module
 */
import type { DriverFactory } from './contract.ts';

/** One driver, as it can be asked for. */
export interface DriverKind {
  /** Its id, as the kernel names it. */
  readonly id: string;
  /** What it drives, in words. */
  readonly title: string;
  /** Formats that its device walks; undefined where it takes any. */
  readonly formats: readonly string[] | undefined;
  /** Kernels whose commands it can send, oldest first (its option `kernel`); none where they do not differ. */
  readonly kernels: readonly string[];
  /** Names of its options. */
  readonly options: readonly string[];
  /** Names of its counts in `Meter.commands`, in the order of a table's columns; none where its device has no queue. */
  readonly commands: readonly string[];
  /** Which of the counts is the completion (`CMD_SYNC`, a wait, a fence). */
  readonly completion?: string;
  /**
   * Makes the driver; `options` as the driver's own function takes them.
   * @throws IommuError `BAD_OPTION` for an option that it does not know.
   */
  readonly make: (options?: object) => DriverFactory;
}
