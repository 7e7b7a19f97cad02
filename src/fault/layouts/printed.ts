/**
 * What several drivers' files need: printed values as fields, words for accesses, and the two origins that are no IOMMU.
 * @module
 */
import type { FaultDriver } from '../contract.ts';
import type { Draft } from '../draft.ts';
import type { Decoded, FaultAccess, FaultField } from '../incident.ts';

/** Values of an incident as fields: name in the template → name and meaning of the field. Absent ones are left out. */
export function printedFields(draft: Draft, names: Readonly<Record<string, readonly [string, string]>>): FaultField[] {
  return Object.entries(names).flatMap(([key, [name, meaning]]) => {
    const value = draft.text(key);
    return value === undefined ? [] : [{ name, value, meaning }];
  });
}

const ACCESSES: ReadonlyMap<string, FaultAccess> = new Map<string, FaultAccess>([
  ['read', 'read'],
  ['rd', 'read'],
  ['ar', 'read'],
  ['write', 'write'],
  ['wr', 'write'],
  ['aw', 'write'],
  ['execute', 'execute'],
]);

/** The access that a printed word stands for; `undefined` for any other word, atomic accesses among them. */
export function accessOfWord(word: string | undefined): FaultAccess | undefined {
  return ACCESSES.get(word?.toLowerCase() ?? '');
}

/** Addresses below this are taken for a null pointer with an offset. */
const NULL_REGION = 4096n;

/** A remark where the address is that of a null pointer. */
export function nullNote(iova: bigint | undefined): string[] {
  return iova !== undefined && iova < NULL_REGION
    ? ['the address is in the first page: a null pointer, or an offset to one, in what the device was given']
    : [];
}

const OWN_MMU =
  "the device's own MMU reports this, not an IOMMU: the address is one of the device's own address space, and the tables of the IOMMU do not hold it";

/** A driver of a device that has an MMU of its own. */
export function deviceMmu(driver: Omit<FaultDriver, 'origin'>): FaultDriver {
  const decode = (draft: Draft): Decoded => {
    const decoded = driver.decode(draft);
    return { ...decoded, notes: [OWN_MMU, ...nullNote(decoded.iova), ...(decoded.notes ?? [])] };
  };
  return { ...driver, origin: 'device-mmu', decode };
}

/** A message about a request that was refused, or about a driver's mistake: what it means, and what to do. */
export interface Message {
  readonly name: string;
  /** What it means, in one sentence. */
  readonly words: string;
  /** What a person does next. */
  readonly next?: string;
}

/** A message as what an incident holds. */
export function decodeMessage({ name, words, next }: Message): Decoded {
  return { kind: 'software', name, meaning: '', words, notes: next === undefined ? [] : [next] };
}
