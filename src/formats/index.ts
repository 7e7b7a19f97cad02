/**
 * Page-table formats: what a format says of itself, and all formats of this library.
 * @module
 */
export { highHalf, lowHalf } from '../address.ts';
export type {
  Entry,
  Format,
  FormatConfiguration,
  FormatId,
  Geometry,
  Level,
  Linux61,
  QuirkName,
  Registers,
  TableRequest,
} from './contract.ts';
export { QUIRK } from './contract.ts';
export { LINUX61_BY_RUN } from './linux61.ts';
export { NOT_SUPPORTED, type NotSupported } from './not-supported.ts';
export { formatProt, PROT, parseProt } from './protection.ts';
export { type Asked, type PurposeRefusal, REFUSED_ON_PURPOSE, refusedOnPurpose } from './refusals.ts';
export { FORMATS, formatById } from './registry.ts';
export { badGeometry, checkRequest, intersect, sizesOf, tableAllocation } from './widths.ts';
