/**
 * Register offsets of a virtio device on MMIO (VIRTIO 1.2, 4.2.2), and its configuration space as an IOMMU (5.13.4).
 * @module
 */

/** Offsets. */
export const AT = {
  MagicValue: 0x0,
  Version: 0x4,
  DeviceID: 0x8,
  VendorID: 0xc,
  DeviceFeatures: 0x10,
  DeviceFeaturesSel: 0x14,
  DriverFeatures: 0x20,
  DriverFeaturesSel: 0x24,
  QueueSel: 0x30,
  QueueNumMax: 0x34,
  QueueNum: 0x38,
  QueueReady: 0x44,
  QueueNotify: 0x50,
  InterruptStatus: 0x60,
  InterruptACK: 0x64,
  Status: 0x70,
  QueueDesc: 0x80,
  QueueDriver: 0x90,
  QueueDevice: 0xa0,
  ConfigGeneration: 0xfc,
  PageSizeMask: 0x100,
  InputStart: 0x108,
  InputEnd: 0x110,
  DomainStart: 0x118,
  DomainEnd: 0x11c,
  ProbeSize: 0x120,
  Bypass: 0x124,
} as const;

/** Registers of 64 bits. */
export const WIDE: readonly string[] = [
  'QueueDesc',
  'QueueDriver',
  'QueueDevice',
  'PageSizeMask',
  'InputStart',
  'InputEnd',
];

/** Device id of an IOMMU, and what the first two registers read as. */
export const IDENTITY = { magic: 0x7472_6976, version: 2, device: 23 } as const;
/** Entries of a queue at most. */
export const MOST_ENTRIES = 1024;
/** Queues: requests, and events. */
export const QUEUE = { request: 0, event: 1 } as const;
/** InterruptStatus: a buffer was used. */
export const USED_BUFFER = 1;
