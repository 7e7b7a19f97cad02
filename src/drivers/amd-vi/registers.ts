/**
 * AMD-Vi registers that the driver touches. AMD 48882, 3.4.
 * @module
 */

/** Byte offsets (3.4.2, 3.4.3); FEATURES is the Extended Feature Register. */
export const REGISTER = {
  DEV_TAB_BASE: 0x0,
  CMD_BUF_BASE: 0x8,
  EVENT_LOG_BASE: 0x10,
  CONTROL: 0x18,
  FEATURES: 0x30,
  CMD_HEAD: 0x2000,
  CMD_TAIL: 0x2008,
  EVENT_HEAD: 0x2010,
  EVENT_TAIL: 0x2018,
  STATUS: 0x2020,
} as const;

/** Control (3.4.2): IommuEn 0, EventLogEn 2, Coherent 10, CmdBufEn 12, GTEn 16. */
export const CONTROL = { iommu: 1n, events: 4n, coherent: 0x400n, commands: 0x1000n, guest: 0x10000n } as const;
/** Status (3.4.3): CmdBufRun 4. */
export const STATUS_RUNNING = 0x10;
/** Length of a buffer as log2 of its entries, bits 59:56 (3.4.2). */
export const LENGTH_SHIFT = 56n;
