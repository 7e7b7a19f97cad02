/**
 * Errno values as calls of a page table return them (include/uapi/asm-generic/errno-base.h).
 * @module
 */

/** No memory for a table. */
export const ENOMEM = -12;
/** An entry on the way is in use. */
export const EEXIST = -17;
/** A size that no level has. */
export const EINVAL = -22;
/** Outside the input or output range. */
export const ERANGE = -34;
/** An entry on the way is in use, as the generic page table says it. */
export const EADDRINUSE = -98;
