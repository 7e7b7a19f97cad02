/**
 * Page-table formats: what a format says of itself, and all formats of this library.
 * @module
 */
export { highHalf, lowHalf } from '../address.ts';
export type {
  DirtyState,
  Entry,
  Format,
  FormatConfiguration,
  FormatId,
  Geometry,
  Level,
  Registers,
  TableRequest,
} from './contract.ts';
export { PLAIN_GEOMETRY } from './contract.ts';
export { offsetOfIova, publicIova } from './iova.ts';
export { NOT_SUPPORTED, type NotSupported } from './not-supported.ts';
export { formatProt, PROT, parseProt } from './protection.ts';
export type { QuirkName } from './quirks.ts';
export { QUIRK } from './quirks.ts';
export { type Asked, type PurposeRefusal, REFUSED_ON_PURPOSE, refusedOnPurpose } from './refusals.ts';
export { FORMATS, formatById, MOCK_FORMATS, semanticsOf } from './registry.ts';
export { type Kernel, LPAE_61, type Rules, type RulesBySemantics, SAFE, SEMANTICS, type Semantics } from './rules.ts';
export { badGeometry, checkRequest, intersect, sizesOf, tableAllocation } from './widths.ts';
