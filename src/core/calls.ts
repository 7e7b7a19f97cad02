/**
 * What a domain does under one semantics: `safe`, or a kernel's.
 * @module
 */
import { type Address, hex } from '../address.ts';
import { IommuError, shown } from '../errors.ts';
import { isDoubles, type ListArrays } from '../memory/scatter-list.ts';
import type { UnmapChoices } from './options.ts';

/** What a map call did. */
export interface MapResult {
  /** Bytes mapped. */
  readonly bytes: number;
  /** 0, or under a kernel's semantics a negative errno. */
  readonly errno: number;
  /** Protection really granted: write-only becomes read-write where the format cannot express it. */
  readonly granted: number;
}

/** What an unmap call did. */
export interface UnmapResult {
  /** Bytes unmapped. */
  readonly bytes: number;
  /** Blocks and contiguous pages that were split for it. */
  readonly splits: number;
}

/** The calls of a domain, arguments as its users pass them. */
export interface Calls {
  /** Maps one range. */
  map(iova: Address, pa: Address, size: Address, prot: number): MapResult;
  /** Maps a list. */
  mapSg(iova: Address, list: ListArrays, prot: number): MapResult;
  /** Unmaps a range; returns its bytes. */
  unmap(iova: Address, size: Address, choices: UnmapChoices): number;
  /** The output address of an input address; undefined where nothing is mapped. */
  translate(iova: Address): number | undefined;
  /** The same, exact above 2^53. */
  resolve(iova: Address): bigint | undefined;
}

/**
 * An output address as a number.
 * @throws IommuError `UNSAFE_NUMBER` where it has more than 53 bits: `Domain.resolve` gives it as a bigint.
 */
export function exactOutput(pa: bigint | undefined): number | undefined {
  if (pa === undefined || pa <= BigInt(Number.MAX_SAFE_INTEGER)) return pa === undefined ? undefined : Number(pa);
  throw new IommuError(
    'UNSAFE_NUMBER',
    'pa',
    `expected an address up to 2^53 − 1, above which numbers round, got ${hex(pa)}: Domain.resolve gives a bigint`,
    {
      got: hex(pa),
      limit: hex(Number.MAX_SAFE_INTEGER),
    },
  );
}

/**
 * Where the answers of a range go: one for each page.
 * @throws IommuError `BAD_OPTION` where what is given is too short, `NO_MEMORY` where nothing is given and there is no room.
 */
export function answersFor(pages: number, given: Float64Array | undefined): Float64Array {
  if (given === undefined) return newAnswers(pages);
  if (!isDoubles(given)) throw new IommuError('BAD_OPTION', 'out', `expected a Float64Array, got ${shown(given)}`);
  if (given.length >= pages) return given;
  throw new IommuError(
    'BAD_OPTION',
    'out',
    `expected at least ${pages} elements, one for each page, got ${given.length}`,
  );
}

function newAnswers(pages: number): Float64Array {
  try {
    return new Float64Array(pages);
  } catch {
    throw new IommuError(
      'NO_MEMORY',
      'count',
      `expected a count of pages whose addresses fit in memory, got ${pages}: ask for fewer in a call`,
    );
  }
}
