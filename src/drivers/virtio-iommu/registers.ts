/**
 * Registers of a virtio device on MMIO that the driver touches. VIRTIO 1.2, 4.2.2.
 * @module
 */

/** Byte offsets (4.2.2), and of the configuration of an IOMMU (5.13.4). */
export const REGISTER = {
  DriverFeatures: 0x20,
  DriverFeaturesSel: 0x24,
  QueueSel: 0x30,
  QueueNum: 0x38,
  QueueReady: 0x44,
  QueueNotify: 0x50,
  Status: 0x70,
  QueueDesc: 0x80,
  QueueDriver: 0x90,
  QueueDevice: 0xa0,
  PageSizeMask: 0x100,
} as const;

/** Device status (2.1): acknowledged, driver known, features taken, driver ready. */
export const STATUS = { acknowledge: 1, driver: 2, ready: 4, features: 8 } as const;
/** Features (5.13.3): MAP_UNMAP 2, MMIO 5; VERSION_1 is bit 32 (6). */
export const FEATURES = { low: 0x24, high: 1 } as const;
