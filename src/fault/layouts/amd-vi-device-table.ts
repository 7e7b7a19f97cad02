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
  { name: 'EPHEn', at: 45, meaning: 'enhanced handling of page requests enabled' },
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

/** What an entry that translates does with a request (48882, 2.2.2.1 "Mode", "GV"). */
function translationWords(first: bigint): string {
  const [translates, mode, guest] = [(first >> 1n) & 1n, (first >> 9n) & 7n, (first >> 55n) & 1n];
  if (translates === 0n) return 'its translation fields are not valid (TV 0): requests pass through';
  if (mode !== 0n) return `it translates with host tables of ${mode} levels`;
  return guest === 1n ? 'it translates with guest tables (GV 1, Mode 0)' : 'it passes requests through (Mode 0)';
}

/**
 * Why the hardware may refuse an entry that the driver holds for valid: bits that its control register does not enable, or what
 * a machine with SNP demands.
 */
function refusalWords(first: bigint, control: bigint | undefined): string[] {
  const [translates, mode, guest] = [(first >> 1n) & 1n, (first >> 9n) & 7n, (first >> 55n) & 1n];
  const enabled = control === undefined ? undefined : (control >> 16n) & 1n;
  if (guest === 1n && enabled === 0n)
    return ['the entry uses guest tables, and the control register does not enable them'];
  if (guest === 1n && ((first >> 52n) & 1n) === 1n && control === undefined) {
    return [
      'the entry allows page requests (PPR): kernels before the commit ef75966abf95 of February 2025 leave EPHEn out of the control register after a resume from suspend, and such entries are then refused',
    ];
  }
  return translates === 1n && mode === 0n
    ? ['with SNP enabled an entry that passes requests through is refused: see whether the log says that SNP is on']
    : [];
}

/** What is odd about an entry. */
export function deviceTableNotes(words: readonly bigint[], control: bigint | undefined): string[] {
  const [first = 0n] = words;
  if (words.length === 0) return [];
  if ((first & 1n) === 0n) return ["the driver's device table entry is not valid"];
  const what = `the driver's device table entry is valid: ${translationWords(first)}; the hardware refused it, or still had an older one`;
  return [what, ...refusalWords(first, control)];
}
