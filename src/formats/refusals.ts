/**
 * What Linux accepts and this library refuses on purpose, as data: `iommu formats` prints it, and a golden vector that
 * asks for it counts as refused instead of failed.
 * @module
 */
import type { FormatId, TableRequest } from './contract.ts';
import { QUIRK } from './quirks.ts';

/** A configuration as it is asked for, with the physical address from which its tables lie. */
export interface Asked {
  /** The request to the format. */
  readonly request: TableRequest;
  /** Physical address of the first byte that can hold a table. */
  readonly tableBase: number;
}

/** One kind of configuration that is refused. */
export interface PurposeRefusal {
  /** Formats that it concerns. */
  readonly formats: readonly FormatId[];
  /** What is refused. */
  readonly what: string;
  /** What Linux does with it. */
  readonly linux: string;
  /** Why it is refused here. */
  readonly why: string;
  /** Whether a configuration is of this kind. */
  holds(asked: Asked): boolean;
}

const TWO_40 = 2 ** 40;
/** The sizes of short descriptors: 4K, 64K, 1M, 16M. */
const SHORT_SIZES = 0x1111000;

/** Every refusal on purpose. */
export const REFUSED_ON_PURPOSE: readonly PurposeRefusal[] = [
  {
    formats: ['arm-32-lpae-s1', 'arm-32-lpae-s2'],
    what: 'tables at or above 2^40',
    linux: 'writes their addresses, of which hardware reads 40 bits',
    why: 'a device would walk other memory',
    holds: ({ tableBase }) => tableBase >= TWO_40,
  },
  {
    formats: ['arm-v7s'],
    what: 'an input width of 20 bits or fewer',
    linux: 'makes a root of one entry',
    why: 'no TTBCR.N or unit has such a region',
    holds: ({ request }) => request.ias <= 20,
  },
  {
    formats: ['arm-v7s'],
    what: 'page sizes of which the format has none',
    linux: 'makes a table with an empty page-size bitmap, into which any size can be mapped by the format call',
    why: 'nothing could be mapped by the core',
    holds: ({ request }) => (request.pageSizes & SHORT_SIZES) === 0,
  },
  {
    formats: ['apple-dart2'],
    what: 'pages of 4K',
    linux: 'accepts them and loses output bits 13:12',
    why: 'entries hold output bits 41:14: other memory would be mapped',
    holds: ({ request }) => request.pageSizes === 4096,
  },
  {
    formats: ['apple-dart', 'apple-dart2'],
    what: 'an input width below the bits of a page',
    linux: 'makes a table whose range is smaller than its only page',
    why: 'no page lies in the range',
    holds: ({ request }) => 2 ** request.ias < request.pageSizes,
  },
  {
    formats: ['apple-dart', 'apple-dart2'],
    what: 'any quirk but NO_WARN',
    linux: 'does not look at quirks',
    why: 'what is asked for would silently not be done',
    holds: ({ request }) => (request.quirks & ~QUIRK.NO_WARN) !== 0,
  },
];

/** The refusal on purpose that a configuration falls under; undefined where there is none. */
export function refusedOnPurpose(format: FormatId, asked: Asked): PurposeRefusal | undefined {
  return REFUSED_ON_PURPOSE.find((refusal) => refusal.formats.includes(format) && refusal.holds(asked));
}
