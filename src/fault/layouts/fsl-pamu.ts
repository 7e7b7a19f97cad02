/**
 * Lines of the fsl_pamu driver (Freescale QorIQ): the dump of registers after an access violation.
 * @module
 */
import { hex } from '../../address.ts';
import { type BitField, decodeBits } from '../bit-fields.ts';
import type { FaultDriver } from '../contract.ts';
import type { Draft } from '../draft.ts';
import type { Decoded } from '../incident.ts';
import { printedFields } from './printed.ts';

/** AVS1, access violation status (Linux drivers/iommu/fsl_pamu.h). */
const AVS1: readonly BitField[] = [
  { name: 'AV', at: 0, meaning: 'an access violation' },
  { name: 'OTV', at: 1, bits: 2, meaning: 'violation of the operation translation' },
  { name: 'APV', at: 6, meaning: 'violation of access permissions' },
  { name: 'WAV', at: 7, bits: 3, meaning: 'the address is in no window' },
  { name: 'LAV', at: 10, bits: 3, meaning: 'LIODN access violation' },
  { name: 'GCV', at: 13, meaning: 'violation of guest configuration' },
  { name: 'PDV', at: 14, meaning: 'violation of the device' },
  { name: 'LIODN', at: 16, bits: 16, meaning: 'logical I/O device number' },
];

function decode(draft: Draft): Decoded {
  const avs1 = draft.hex('avs1');
  const liodn = avs1 === undefined ? draft.hexNumber('liodn') : Number((avs1 >> 16n) & 0xffffn);
  return {
    kind: 'not-permitted',
    name: 'access violation',
    meaning: 'the window of the device does not hold the address, or does not permit the access',
    device: liodn === undefined ? undefined : `LIODN ${hex(liodn)}`,
    stream: liodn,
    iova: draft.hex('ava'),
    fields: [
      ...(avs1 === undefined ? [] : [{ name: 'AVS1', value: hex(avs1), meaning: '' }, ...decodeBits(avs1, AVS1)]),
      ...printedFields(draft, { avs2: ['AVS2', ''], poes1: ['POES1', ''], poes2: ['POES2', ''], poea: ['POEA', ''] }),
    ],
    notes: draft.has('disabled')
      ? ['the driver switched the device off: it makes no DMA until it is attached again']
      : [],
    complete: avs1 !== undefined && draft.has('ava'),
  };
}

/** The fsl_pamu driver. */
export const fslPamu: FaultDriver = {
  id: 'fsl-pamu',
  title: 'Freescale PAMU',
  origin: 'iommu',
  source: 'Linux drivers/iommu/fsl_pamu.c, fsl_pamu.h',
  marks: ['fsl-pamu: '],
  heads: ['fsl-pamu: {function:s}: '],
  layouts: [
    { id: 'violation', starts: true, text: 'access violation interrupt' },
    { id: 'poes1', text: 'POES1={poes1}' },
    { id: 'poes2', text: 'POES2={poes2}' },
    { id: 'avs1', text: 'AVS1={avs1}' },
    { id: 'avs2', text: 'AVS2={avs2}' },
    { id: 'ava', text: 'AVA={ava}' },
    { id: 'udad', text: 'UDAD={udad}' },
    { id: 'poea', text: 'POEA={poea}' },
    { id: 'paace', repeats: 16, text: 'PAACE[{index:d}]={paace}' },
    { id: 'disabled', text: 'Disabling liodn {liodn}' },
  ],
  quiet: ['failed to ', 'PAMU ', 'could not '],
  decode,
};
