/**
 * What a device of the DMA API is asked to be, what a call asks for, and their checks.
 * @module
 */
import { hex, isPow2 } from '../address.ts';
import { checkOptions, IommuError, reading, shown } from '../errors.ts';
import { PROT } from '../formats/protection.ts';
import { BouncePool } from './bounce.ts';
import { DmaSpace } from './dma-space.ts';
import type { SegmentLimits } from './segments.ts';

/** Directions of a transfer (`enum dma_data_direction`). */
export type Direction = 'bidirectional' | 'to-device' | 'from-device' | 'none';

/** Attributes of a mapping. */
export interface DmaAttributes {
  /** For privileged accesses only (`DMA_ATTR_PRIVILEGED`). */
  readonly privileged?: boolean;
  /** Device memory: no cache, no bounce (`DMA_ATTR_MMIO`). */
  readonly mmio?: boolean;
}

/** Names of {@link DmaAttributes}; Linux's other `DMA_ATTR_*` are refused by name. */
const ATTRIBUTES = ['privileged', 'mmio'];

/** Bounce buffers for a device that does not snoop (Linux 6.12 and later). */
export interface SmallBuffers {
  /** Where they are. */
  readonly pool: BouncePool;
  /** Bytes of the CPUs' longest cache line (`dma_get_cache_alignment`): buffers that may share one are bounced. */
  readonly cacheLine: number;
}

/** What a device is. */
export interface DmaDeviceOptions extends Partial<SegmentLimits> {
  /** Address bits of its streaming mappings (`dma_set_mask`); default 64. */
  readonly maskBits?: number;
  /** Address bits of its coherent allocations; default as `maskBits`. */
  readonly coherentBits?: number;
  /** Last address that its bus passes on, if it is narrower (`bus_dma_limit`). */
  readonly busLimit?: number;
  /** Whether its accesses snoop the CPUs' caches; default true. */
  readonly coherent?: boolean;
  /** Whether addresses below 4 GiB are tried first, as for PCI devices; default true. */
  readonly pci?: boolean;
  /** Bounce buffers of a device that is not trusted: it must see nothing but its own buffers. */
  readonly untrusted?: BouncePool;
  /** Bounce buffers for small buffers of a device that does not snoop; default none. */
  readonly small?: SmallBuffers;
}

/** Access that a direction asks for. */
export const ACCESS: Readonly<Record<Direction, number>> = {
  bidirectional: PROT.READ | PROT.WRITE,
  'to-device': PROT.READ,
  'from-device': PROT.WRITE,
  none: 0,
};
/** None. */
export const NO_ATTRIBUTES: DmaAttributes = {};
/** `dma_get_max_seg_size` and `dma_get_seg_boundary` where a device sets nothing. */
const MAX_SEGMENT = 65536;
const BOUNDARY = 2 ** 32;

function lastOf(bits: number, argument: string): number {
  if (!Number.isInteger(bits) || bits < 1 || bits > 64) {
    throw new IommuError('BAD_OPTION', argument, `expected 1 to 64 bits, got ${shown(bits)}`);
  }
  return 2 ** bits - 1;
}

/** The options of a device, each read once. @throws IommuError `BAD_OPTION` */
export function deviceOptions(space: DmaSpace, given: DmaDeviceOptions): DmaDeviceOptions {
  if (!DmaSpace.is(space)) throw new IommuError('BAD_OPTION', 'space', `expected a DmaSpace, got ${shown(space)}`);
  checkOptions('options', given);
  const options = reading('options', () => ({ ...given }));
  checkPools(space, options);
  return options;
}

/** @throws IommuError `BAD_OPTION` for pools that are not such, or a policy that an untrusted device never has. */
function checkPools(space: DmaSpace, { untrusted, small }: DmaDeviceOptions): void {
  for (const [option, pool] of [['untrusted', untrusted] as const, ['small', small?.pool] as const]) {
    if (pool === undefined || pool instanceof BouncePool) continue;
    throw new IommuError('BAD_OPTION', option, `expected a BouncePool, got ${shown(pool)}`);
  }
  if (small !== undefined && (small.pool === undefined || !(isPow2(small.cacheLine) && small.cacheLine <= 4096))) {
    throw new IommuError(
      'BAD_OPTION',
      'small',
      `expected a pool, and a cacheLine that is a power of two up to 0x1000, got ${shown(small.pool)} and ${shown(small.cacheLine)}`,
    );
  }
  if (untrusted !== undefined && small !== undefined) {
    throw new IommuError(
      'BAD_OPTION',
      'small',
      'expected none beside untrusted, whose buffers are all bounced, got both',
    );
  }
  if (untrusted !== undefined && space.policy !== 'strict') {
    throw new IommuError(
      'BAD_OPTION',
      'untrusted',
      'expected a strict space, since Linux never makes such a device lazy, got a lazy one',
    );
  }
}

/** @throws IommuError `UNSUPPORTED` for an attribute that is not known here. */
export function checkAttributes(attributes: DmaAttributes): void {
  checkOptions('attributes', attributes);
  const unknown = Object.keys(attributes).find((name) => !ATTRIBUTES.includes(name));
  if (unknown === undefined) return;
  const message = `expected ${ATTRIBUTES.join(' or ')}, got ${shown(unknown)}`;
  throw new IommuError('UNSUPPORTED', 'attributes', message);
}

/** @throws IommuError `BAD_OPTION` */
export function checkDirection(direction: Direction): void {
  if (Object.hasOwn(ACCESS, direction)) return;
  const known = Object.keys(ACCESS).join(', ');
  throw new IommuError('BAD_OPTION', 'direction', `expected one of ${known}, got ${shown(direction)}`);
}

/** Last addresses of streaming and of coherent mappings. @throws IommuError `BAD_OPTION` where they leave no address */
export function addressEnds(space: DmaSpace, options: DmaDeviceOptions): { last: number; coherentLast: number } {
  const { maskBits = 64, coherentBits = maskBits, busLimit = Number.MAX_SAFE_INTEGER } = options;
  if (!(Number.isSafeInteger(busLimit) && busLimit >= 0)) {
    throw new IommuError('BAD_OPTION', 'busLimit', `expected an address, got ${shown(busLimit)}`);
  }
  const last = Math.min(lastOf(maskBits, 'maskBits'), busLimit, space.end - 1);
  const coherentLast = Math.min(lastOf(coherentBits, 'coherentBits'), busLimit, space.end - 1);
  const least = (space.iova.startPfn + 1) * space.granule - 1;
  if (Math.min(last, coherentLast) >= least) return { last, coherentLast };
  const got = hex(Math.min(last, coherentLast));
  throw new IommuError('BAD_OPTION', 'maskBits', `expected to reach ${hex(least)} at least, got ${got}`, { got });
}

/** @throws IommuError `BAD_OPTION` where not even a page is a segment */
export function segmentLimits(options: DmaDeviceOptions, granule: number): SegmentLimits {
  const { maxSegment = MAX_SEGMENT, boundary = BOUNDARY } = options;
  if (!(maxSegment >= granule)) {
    throw new IommuError('BAD_OPTION', 'maxSegment', `expected ${granule} or more, got ${shown(maxSegment)}`);
  }
  if (!(boundary >= granule && Number.isInteger(Math.log2(boundary)))) {
    const expected = `a power of two from ${granule} on`;
    throw new IommuError('BAD_OPTION', 'boundary', `expected ${expected}, got ${shown(boundary)}`);
  }
  return { maxSegment, boundary };
}

/** Bytes that the kernel's allocator of small objects gives for a request (`kmalloc_size_roundup`). */
export function allocatedSize(bytes: number): number {
  if (bytes > 64 && bytes <= 96) return 96;
  if (bytes > 128 && bytes <= 192) return 192;
  return Math.max(8, 2 ** Math.ceil(Math.log2(bytes)));
}

/** @throws IommuError `NOT_A_NUMBER`, `EMPTY`, `OUT_OF_RANGE` where a buffer is not one. */
export function checkBuffer(pa: number, bytes: number, argument = 'size'): void {
  if (!(Number.isSafeInteger(pa) && pa >= 0)) {
    throw new IommuError('NOT_A_NUMBER', 'pa', `expected a whole number from 0 to 2^53 − 1, got ${String(pa)}`);
  }
  if (bytes === 0) throw new IommuError('EMPTY', argument, 'expected at least one byte, got 0x0');
  if (!(Number.isSafeInteger(bytes) && bytes > 0 && Number.isSafeInteger(pa + bytes))) {
    throw new IommuError('OUT_OF_RANGE', argument, `expected a size that ends below 2^53, got ${String(bytes)}`);
  }
}
