/**
 * Register offsets and bits of a live AMD IOMMU (AMD 48882, 3.4).
 * @module
 */

/** Offsets. */
export const AT = {
  DEV_TAB_BASE: 0x0,
  CMD_BUF_BASE: 0x8,
  EVENT_LOG_BASE: 0x10,
  CONTROL: 0x18,
  EXCL_BASE: 0x20,
  EXCL_LIMIT: 0x28,
  EXT_FEATURES: 0x30,
  CMD_HEAD: 0x2000,
  CMD_TAIL: 0x2008,
  EVT_HEAD: 0x2010,
  EVT_TAIL: 0x2018,
  STATUS: 0x2020,
} as const;

/** Every register has 64 bits. */
export const WIDE: readonly string[] = Object.keys(AT);

// 3.4.2 Control Register
export const CONTROL = {
  IommuEn: 1,
  EventLogEn: 4,
  EventIntEn: 8,
  ComWaitIntEn: 0x10,
  CmdBufEn: 0x1000,
} as const;
// 3.4.12 Status Register
export const STATUS = { EventOverflow: 1, EventLogInt: 2, ComWaitInt: 4, EventLogRun: 8, CmdBufRun: 0x10 } as const;
/** Bits that are cleared by writing 1. */
export const STATUS_CLEARED = 0x67;
/** EXT_FEATURES.IASup: INVALIDATE_IOMMU_ALL exists. */
export const INVALIDATE_ALL = 0x40;
/** EXT_FEATURES unless given: prefetch, XT, guest translation, IA, GA, PC. */
export const DEFAULT_FEATURES = 0x29d3n;
