/**
 * Lines of POWER machines about a frozen partitionable endpoint (EEH): a PCI error, of which a refused DMA is one.
 * @module
 */
import type { FaultDriver } from '../contract.ts';
import type { Draft } from '../draft.ts';
import type { Decoded } from '../incident.ts';
import { printedFields } from './printed.ts';

const FROZEN = 'the host bridge froze it after a PCI error: its DMA is blocked, and reads of its registers give ones';
const MAY_BE =
  'a DMA that the translation table (TCE) does not permit is one such error; the diagnostic data of the host bridge says which it was';
const TRANSLATION = 'RxeTceErr of the diagnostic data is set: the error came with the translation (TCE) of a DMA';

function decode(draft: Draft): Decoded {
  const [phb, pe] = [draft.text('phb'), draft.text('pe')];
  const name = phb === undefined ? undefined : `PHB#${phb}${pe === undefined ? '' : `-PE#${pe}`}`;
  const isTranslation = (draft.hex('tce') ?? 0n) !== 0n;
  return {
    kind: 'unknown',
    name: 'EEH freeze',
    meaning: FROZEN,
    words: `${name ?? 'a partitionable endpoint'} is frozen: ${FROZEN}`,
    device: name,
    fields: printedFields(draft, {
      location: ['location', 'of the endpoint'],
      tce: ['RxeTceErr', 'receive engine, translation'],
    }),
    notes: [isTranslation ? TRANSLATION : MAY_BE],
    next: [
      {
        text: 'read the lines of the device in front of the freeze, and the diagnostic data of the host bridge ("Diag-data") behind it',
        source: 'Linux Documentation/arch/powerpc/eeh-pci-error-recovery.rst',
      },
    ],
  };
}

/** EEH. */
export const eeh: FaultDriver = {
  id: 'eeh',
  title: 'POWER host bridges (EEH)',
  origin: 'iommu',
  source: 'Linux arch/powerpc/kernel/eeh_driver.c, arch/powerpc/platforms/powernv/pci-ioda.c (formats of the messages)',
  marks: ['EEH: Recovering PHB#', 'EEH: Frozen PHB#', 'Diag-data (Version: '],
  heads: [],
  layouts: [
    { id: 'recovering', text: 'EEH: Recovering PHB#{phb}-PE#{pe}', headless: true, starts: true },
    { id: 'location', text: 'PE location: {location:text}, PHB location', headless: true },
    { id: 'frozen', text: 'EEH: <eeh_dev_check_failure: >Frozen PHB#{phb}-PE#{pe} detected', headless: true },
    {
      id: 'frozen-alone',
      text: 'EEH: <eeh_dev_check_failure: >Frozen PHB#{phb}-PE#{pe} detected',
      headless: true,
      starts: true,
    },
    { id: 'data', text: 'PHB{model:d} PHB#{number:d} Diag-data (Version: {version:d})', headless: true },
    {
      id: 'data-alone',
      text: 'PHB{model:d} PHB#{phb:d} Diag-data (Version: {version:d})',
      headless: true,
      starts: true,
    },
    { id: 'translation', text: 'RxeTceErr: {tce} ', headless: true },
  ],
  quiet: [],
  window: { lines: 64, seconds: 2 },
  decode,
};
