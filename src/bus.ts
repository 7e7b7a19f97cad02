/**
 * What crosses between the software that writes tables and the device that reads them: physical memory and registers.
 * The two sides import nothing else of each other.
 * @module
 */

/**
 * Reads physical memory as a device does. Addresses are byte addresses below 2^53, aligned to the size read; values are
 * little endian.
 */
export interface PhysicalReader {
  /** The 32-bit value at `address`, or `undefined` where this memory is not known. */
  read32(address: number): number | undefined;
  /** The 64-bit value at `address`, or `undefined` where this memory is not known. */
  read64(address: number): bigint | undefined;
  /**
   * Optional bulk access: the `bytes` (a multiple of 4) from `address` (4-byte aligned) as little-endian words, or
   * `undefined` where they are not known or not held in one piece (then `read32` may still know them). Valid until the
   * next call of this reader or the next change of the memory behind it.
   */
  view?(address: number, bytes: number): Uint32Array | undefined;
  /**
   * Optional: whether memory that reads as unknown there is present but corrupted (poisoned data, a failed check), which
   * a device reports differently from memory that is absent. Where it is not given, unknown memory is absent.
   */
  corrupted?(address: number, bytes: number): boolean;
}

/**
 * Physical memory that both sides write: queues, their completion slots and event records. Addresses are as a
 * {@link PhysicalReader} takes them, values little endian. A device's write to memory that is not there fails on its own
 * side of the bus, so it is answered and not thrown.
 */
export interface PhysicalMemory extends PhysicalReader {
  /** Stores the low 32 bits of `value` at `address`; false where nothing can be written there. */
  write32(address: number, value: number): boolean;
  /** Stores the low 64 bits of `value` at `address`; false where nothing can be written there. */
  write64(address: number, value: bigint): boolean;
}

/** Memory-mapped registers of one device, by byte offset from its base. */
export interface RegisterPort {
  /** Reads a 32-bit register. */
  read32(offset: number): number;
  /** Writes a 32-bit register. */
  write32(offset: number, value: number): void;
  /** Reads a 64-bit register. */
  read64(offset: number): bigint;
  /** Writes a 64-bit register. */
  write64(offset: number, value: bigint): void;
}
