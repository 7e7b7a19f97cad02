/**
 * Requests that the driver puts into a virtio-iommu's queue. VIRTIO 1.2, 5.13.6.
 * @module
 */

/** Kinds of requests, by index: the names of the specification. */
export const VIRTIO_NAMES = ['ATTACH', 'DETACH', 'MAP', 'UNMAP'] as const;

/** A kind as an index of {@link VIRTIO_NAMES}. */
export const KIND = { attach: 0, detach: 1, map: 2, unmap: 3 } as const;

/** Types by kind (5.13.6). */
export const TYPES: readonly number[] = [1, 2, 3, 4];
/** Bytes by kind that the device reads, without the status behind them (5.13.6.3 to 5.13.6.6). */
export const BYTES: readonly number[] = [20, 20, 36, 28];
/** Flags of a mapping (5.13.6.5). */
export const FLAGS = { read: 1, write: 2, mmio: 4 } as const;
/** Names of the statuses (5.13.6.2). */
export const STATUS_NAMES: readonly string[] = [
  'OK',
  'IOERR',
  'UNSUPP',
  'DEVERR',
  'INVAL',
  'RANGE',
  'NOENT',
  'FAULT',
  'NOMEM',
];
/** What a DETACH of an endpoint is answered with that is not attached to the domain, or is not there (5.13.6.4). */
export const NOT_ATTACHED: readonly number[] = [4, 6];
