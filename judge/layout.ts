/**
 * Where a scene lies in the memory of an emulated machine: the same for all machines, from where their memory begins.
 * @module
 */

/** Physical addresses that a scene uses; all lie in the image. */
export interface Layout {
  /** Pages that mappings lead to. */
  readonly data: number;
  readonly dataBytes: number;
  /** Table pages: the base of a `TableMemory`. */
  readonly tables: number;
  readonly tableBytes: number;
  /** Device tables, contexts, queues. */
  readonly structures: number;
}

/** MiB of memory of each machine. */
export const RAM_MIB = 128;
/** Bytes of it. */
export const RAM_BYTES: number = RAM_MIB * 2 ** 20;

/** The layout of a machine whose memory begins at `ram`. */
export function layoutAt(ram: number): Layout {
  const at = (mib: number): number => ram + mib * 2 ** 20;
  return { data: at(16), dataBytes: at(32) - ram, tables: at(64), tableBytes: at(16) - ram, structures: at(96) };
}
