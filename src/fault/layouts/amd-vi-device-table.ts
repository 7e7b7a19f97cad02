/**
 * The device table entry and the control register that the AMD-Vi driver dumps behind an illegal entry.
 * @module
 */
import { hex } from '../../address.ts';
import { type BitField, decodeBits } from '../bit-fields.ts';
import type { FaultField } from '../incident.ts';

/** Device table entry, four words of 64 bits (AMD 48882, 2.2.2.1). */
const DTE: readonly (readonly BitField[])[] = [
  [
    { name: 'V', at: 0, meaning: { 0: 'entry not valid', 1: 'entry valid' }, always: true },
    { name: 'TV', at: 1, meaning: { 0: 'translation fields not valid', 1: 'translation fields valid' }, always: true },
    { name: 'HAD', at: 7, bits: 2, meaning: {} },
    { name: 'Mode', at: 9, bits: 3, meaning: { 0: 'no translation (pass-through)', 7: 'reserved' }, always: true },
    { name: 'Root', at: 12, bits: 40, meaning: {} },
    { name: 'PPR', at: 52, meaning: 'page requests allowed' },
    { name: 'GIOV', at: 54, meaning: 'guest translation without PASID' },
    { name: 'GV', at: 55, meaning: 'guest translation valid' },
    { name: 'GLX', at: 56, bits: 2, meaning: {} },
    { name: 'GCR3', at: 58, bits: 3, meaning: {} },
    { name: 'IR', at: 61, meaning: { 0: 'reads forbidden', 1: 'reads allowed' }, always: true },
    { name: 'IW', at: 62, meaning: { 0: 'writes forbidden', 1: 'writes allowed' }, always: true },
  ],
  [
    { name: 'DomainID', at: 0, bits: 16, meaning: {}, always: true },
    { name: 'GCR3', at: 16, bits: 16, meaning: {} },
    { name: 'IOTLB', at: 32, meaning: 'ATS allowed' },
    { name: 'SysMgt', at: 40, bits: 2, meaning: {} },
    { name: 'GCR3', at: 43, bits: 21, meaning: {} },
  ],
  [
    { name: 'IV', at: 0, meaning: { 0: 'interrupt fields not valid', 1: 'interrupt fields valid' }, always: true },
    { name: 'IntTabLen', at: 1, bits: 4, meaning: { 9: '512 entries', 11: '2048 entries' } },
    { name: 'IntTab', at: 6, bits: 46, meaning: {} },
    {
      name: 'IntCtl',
      at: 60,
      bits: 2,
      meaning: { 0: 'interrupts blocked', 1: 'interrupts forwarded unmapped', 2: 'interrupts remapped', 3: 'reserved' },
      always: true,
    },
  ],
  [],
];

/** IOMMU control register (48882, 3.4.1), the bits that decide what works. */
const CONTROL: readonly BitField[] = [
  { name: 'IommuEn', at: 0, meaning: 'IOMMU enabled' },
  { name: 'EventLogEn', at: 2, meaning: 'event log enabled' },
  { name: 'CmdBufEn', at: 12, meaning: 'command buffer enabled' },
  { name: 'GTEn', at: 16, meaning: 'guest translation enabled' },
  { name: 'GAEn', at: 17, meaning: 'guest virtual APIC enabled' },
  { name: 'EPHEn', at: 45, meaning: 'enhanced page-table headers enabled' },
  { name: 'XTEn', at: 50, meaning: 'x2APIC enabled' },
  { name: 'IntCapXTEn', at: 51, meaning: 'x2APIC interrupts of the IOMMU enabled' },
];

/** The control register with the bits that matter here. */
export function controlFields(control: bigint | undefined): FaultField[] {
  if (control === undefined) return [];
  const bits = decodeBits(control, CONTROL).filter(({ name }) => name !== 'reserved');
  return [{ name: 'Control', value: hex(control), meaning: '' }, ...bits];
}

/** The words of a device table entry, each with its fields. */
export function deviceTableFields(words: readonly bigint[]): FaultField[] {
  return words.flatMap((word, i) => [
    { name: `DTE[${i}]`, value: hex(word, 16), meaning: '' },
    ...decodeBits(word, DTE[i] ?? []).filter(({ name }) => i < 3 || name !== 'reserved'),
  ]);
}

/** What is odd about an entry. */
export function deviceTableNotes(words: readonly bigint[]): string[] {
  const [first = 0n] = words;
  if (words.length === 0) return [];
  const [valid, translates, mode] = [first & 1n, (first >> 1n) & 1n, (first >> 9n) & 7n];
  if (valid === 0n) return ["the driver's device table entry is not valid"];
  if (translates === 1n && mode === 0n) {
    return ["the driver's device table entry is valid and passes requests through (Mode 0, TV 1)"];
  }
  return [`the driver's device table entry is valid, with ${mode} levels`];
}
