/**
 * Options of `replay --tlb-size`: TLBs, orders of accesses, and the rows that are compared.
 * @module
 */
import { parseSize } from '../../address.ts';
import { IommuError } from '../../errors.ts';
import { ACCESS_ORDERS } from '../../replay/access-order.ts';
import type { RowSpec } from '../../replay/row.ts';
import type { TlbSettings } from '../../replay/tlb-what-if.ts';
import { wordsOf } from '../words.ts';
import { type ReplayChoices, specsOf } from './choices.ts';
import { rowSpecTitle } from './rows.ts';

/** The words of the options. */
export interface TlbChoices {
  /** Entries of the TLBs, with commas between. */
  readonly tlbSize: string;
  /** Entries of a set; fully associative by default. */
  readonly tlbWays?: string;
  /** `in-order`, `by-element`, `interleaved`, `random` or `all`; default `all`. */
  readonly accessOrder?: string;
  /** Bytes of one request; default {@link DEFAULT_REQUEST}. */
  readonly accessBytes?: string;
  /** Decides the random order; default 1. */
  readonly accessSeed?: string;
}

/** Max_Read_Request_Size after reset (PCI Express Base Specification, Device Control Register). */
const DEFAULT_REQUEST = '512';
const LEAST_REQUEST = 64;
const MOST_REQUEST = 4096;
const MOST_SIZES = 8;
const MOST_ENTRIES = 2 ** 16;
/** Entries of all modelled TLBs together. */
const MOST_IN_ALL = 2 ** 23;

function refuse(option: string, expected: string, got: string): never {
  throw new IommuError('BAD_OPTION', option, `expected ${expected}, got '${got}'`);
}

function wholeNumber(option: string, text: string, least: number, most: number): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  return refuse(option, `a whole number from ${least} to ${most}`, text);
}

function sizesOf(text: string): number[] {
  const words = text.split(',').map((word) => word.trim());
  const sizes = [...new Set(words.map((word) => wholeNumber('tlb-size', word, 1, MOST_ENTRIES)))];
  if (sizes.length > MOST_SIZES) refuse('tlb-size', `at most ${MOST_SIZES} sizes`, text);
  return sizes.toSorted((a, b) => a - b);
}

function waysOf(text: string, sizes: readonly number[]): number {
  const ways = wholeNumber('tlb-ways', text, 1, MOST_ENTRIES);
  for (const size of sizes) {
    if (size < ways || !Number.isInteger(Math.log2(size / ways))) {
      refuse('tlb-ways', `ways that make a power of two of sets of ${size} entries`, text);
    }
  }
  return ways;
}

function requestOf(text: string): number {
  const bytes = parseSize(text);
  if (bytes >= LEAST_REQUEST && bytes <= MOST_REQUEST && Number.isInteger(Math.log2(bytes))) return bytes;
  return refuse('access-bytes', `a power of two from ${LEAST_REQUEST} to 4K`, text);
}

/**
 * The TLBs and orders that the words ask for. A TLB without limit is added as the last.
 * @throws IommuError `BAD_OPTION`.
 */
export function tlbSettingsOf({ tlbSize, tlbWays, accessOrder, accessBytes, accessSeed }: TlbChoices): TlbSettings {
  const sizes = sizesOf(tlbSize);
  return {
    sizes: [...sizes, Number.POSITIVE_INFINITY],
    ...(tlbWays === undefined ? {} : { ways: waysOf(tlbWays.trim(), sizes) }),
    orders: wordsOf('access-order', accessOrder ?? 'all', ACCESS_ORDERS),
    requestBytes: requestOf(accessBytes ?? DEFAULT_REQUEST),
    seed: wholeNumber('access-seed', accessSeed ?? '1', 0, 2 ** 32 - 1),
  };
}

/** One path stands for all: every path makes the same leaves. */
const ONE_PATH = { path: 'one-walk', dispatch: 'direct' } as const;

/**
 * The rows that are compared: those asked for by granule, addresses or memory; else the trace as it is, other granules, and memory
 * in larger contiguous pieces, one at a time.
 * @throws IommuError `BAD_OPTION`, `UNKNOWN_FORMAT`, `UNSUPPORTED`.
 */
export function tlbSpecs(choices: ReplayChoices, { sizes, orders }: TlbSettings): RowSpec[] {
  const one = { ...choices, ...ONE_PATH };
  const isAsked = choices.granule !== undefined || choices.iova !== undefined || choices.physical !== undefined;
  const asked = isAsked
    ? [one]
    : [
        one,
        { ...one, granule: 'all' },
        { ...one, physical: 'all' },
        { ...one, physical: 'contiguous-2m', iova: 'aligned' },
      ];
  const byTitle = new Map(asked.flatMap(specsOf).map((spec) => [rowSpecTitle(spec), spec]));
  const specs = [...byTitle.values()];
  const bounded = sizes.filter((size) => Number.isFinite(size)).reduce((sum, size) => sum + size, 0);
  if (bounded * orders.length * specs.length > MOST_IN_ALL) {
    const got = `${bounded * orders.length * specs.length} for ${specs.length} rows and ${orders.length} orders`;
    refuse('tlb-size', `at most ${MOST_IN_ALL} entries in all TLBs together`, got);
  }
  return specs;
}
