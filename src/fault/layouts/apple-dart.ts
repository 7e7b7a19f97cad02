/**
 * Lines of the apple-dart driver: DARTs of t8020, t6000 and t8110.
 * @module
 */
import type { FaultDriver } from '../contract.ts';
import type { Draft } from '../draft.ts';
import type { Decoded, FaultAccess, FaultField, FaultKind } from '../incident.ts';
import { printedFields } from './printed.ts';

interface Word {
  readonly name: string;
  readonly kind: FaultKind;
  readonly meaning: string;
  readonly access?: FaultAccess;
}

/** The driver's words. The same code has another meaning in t8110 than before it, so the words count, not the code. */
const WORDS: readonly (readonly [string, Word])[] = [
  ['NO TTBR', { name: 'NO_TTBR', kind: 'configuration', meaning: 'the stream has no translation tables' }],
  ['NO PGD', { name: 'NO_PGD', kind: 'translation', meaning: 'no entry in the table of the first level (PGD)' }],
  ['NO PMD', { name: 'NO_PMD', kind: 'translation', meaning: 'no entry in the table above the last level (PMD)' }],
  ['NO PTE', { name: 'NO_PTE', kind: 'translation', meaning: 'no entry in the table of the last level (PTE)' }],
  ['WRITE FAULT', { name: 'WRITE_FAULT', kind: 'permission', meaning: 'the page may not be written', access: 'write' }],
  ['READ FAULT', { name: 'READ_FAULT', kind: 'permission', meaning: 'the page may not be read', access: 'read' }],
];

const UNKNOWN: Word = {
  name: 'unknown',
  kind: 'unknown',
  meaning: 'the driver prints "unknown" for a code with no bit or more than one bit set',
};

const UNKNOWN_NOTE =
  'the bits of the code depend on the DART: t8020 and t6000 1 NO_TTBR, 2 NO_PMD, 4 NO_PTE, 8 WRITE, 0x10 READ; t8110 1 NO_TTBR, 2 NO_PGD, 4 NO_PMD, 8 NO_PTE, 0x10 WRITE, 0x20 READ';

/** Codes of the words, in the order of {@link WORDS}, by generation. */
const GENERATIONS: readonly (readonly [string, readonly (number | undefined)[]])[] = [
  ['t8020 or t6000', [1, undefined, 2, 4, 8, 0x10]],
  ['t8110', [1, 2, 4, 8, 0x10, 0x20]],
];

/** The generation of the DART, where word and code together tell it. */
function generationOf(draft: Draft, word: Word): FaultField[] {
  const at = WORDS.findIndex(([, known]) => known === word);
  const code = draft.hexNumber('code');
  const fits = GENERATIONS.filter(([, codes]) => at >= 0 && codes[at] === code);
  const [name] = fits.length === 1 ? (fits[0] ?? []) : [];
  return name === undefined
    ? []
    : [{ name: 'DART', value: name, meaning: 'the code stands for this word in this generation only' }];
}

function decodeFault(draft: Draft): Decoded {
  const printed = draft.text('words')?.toUpperCase() ?? '';
  const word = WORDS.find(([start]) => printed.startsWith(start))?.[1] ?? UNKNOWN;
  return {
    ...word,
    stream: draft.decimal('stream'),
    iova: draft.hex('iova'),
    fields: [
      ...printedFields(draft, {
        status: ['ERROR_STATUS', 'flag, stream and code'],
        code: ['code', word.meaning],
        stream: ['stream', 'stream of this DART'],
      }),
      ...generationOf(draft, word),
    ],
    notes: word === UNKNOWN ? [UNKNOWN_NOTE] : [],
  };
}

function decode(draft: Draft): Decoded {
  if (draft.has('fault')) return decodeFault(draft);
  return {
    kind: 'unit',
    name: 'command timeout',
    meaning: 'the DART did not complete a TLB command: its clock or power may be off',
    fields: printedFields(draft, { command: ['command', ''], streams: ['streams', ''] }),
  };
}

/** The apple-dart driver. */
export const appleDart: FaultDriver = {
  id: 'apple-dart',
  title: 'Apple DART',
  origin: 'iommu',
  source: 'Linux drivers/iommu/apple-dart.c',
  marks: ['apple-dart '],
  heads: ['apple-dart {unit:s}: '],
  layouts: [
    {
      id: 'fault',
      seen: 'Linux 5.15 on; t8110 6.3 on',
      starts: true,
      text: 'translation fault: status:{status} stream:{stream:d} code:{code} ({words:text}) at {iova}',
    },
    {
      id: 'busy',
      seen: 'Linux 5.15 on',
      starts: true,
      text: 'busy bit did not clear after command {command} for stream<s> {streams}',
    },
  ],
  quiet: [
    'DART [pagesize ',
    'DART is locked down until reboot',
    'IOMMU ',
    'Failed to get clocks',
    'Failed to register',
  ],
  functions: ['apple_dart_t8020_irq', 'apple_dart_t8110_irq', 'apple_dart_irq'],
  decode,
};
