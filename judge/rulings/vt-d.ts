/**
 * Rulings on differences of VT-d.
 * @module
 */
import { ANY, type Ruling } from './ruling.ts';

/** In the order in which they are tried. */
export const VTD_RULINGS: readonly Ruling[] = [
  {
    name: 'the reasons of the PASID directory and table are told apart, where the emulator says 0x58 or 0x5b',
    right: 'reader',
    source: 'VT-d 7.1.3',
    unit: /VT-d, scalable/,
    flip: ANY,
    ours: /^fault reason 0x(?:4[36]|5[0-9ab])/,
    theirs: /^fault reason 0x5[8b]$/,
  },
  {
    name: 'reserved bits of a PASID table entry, and of its table pointers beyond 52 bits',
    right: 'reader',
    source: 'VT-d 9.6; 7.1.3, 0x5a',
    unit: /VT-d, scalable/,
    flip: /PASID table entry bit (?:1[01]|5[2-9]|6[0-3]|8[0-6]|13[6-9]|1[89]\d|[2-5]\d\d)$/,
    ours: /^fault reason 0x5a/,
    theirs: ANY,
  },
  {
    name: 'RID_PASID is ignored where ECAP.RPS is clear; QEMU 7.2 uses it',
    right: 'reader',
    source: 'VT-d 9.4; 11.4.3, RPS',
    unit: /VT-d, scalable/,
    flip: /context entry bit (?:6[4-9]|7\d|8[0-3])$/,
    ours: ANY,
    theirs: /^fault reason 0x58$/,
  },
  {
    name: 'which of two missing permissions of first-stage entries is reported',
    right: 'either',
    source: 'VT-d 7.1.3 gives no order',
    unit: /VT-d, scalable mode, first stage/,
    flip: /entry of level \d, bit [12]$/,
    ours: /^fault reason 0x8[15]/,
    theirs: /^fault reason 0x8[15]$/,
  },
  {
    name: 'AW does not count with first-stage tables',
    right: 'reader',
    source: 'VT-d 9.6, AW',
    unit: /VT-d, scalable mode, first stage/,
    flip: /PASID table entry bit [234]$/,
    ours: ANY,
    theirs: /^fault reason 0x/,
  },
  {
    name: 'nested translation that ECAP.NEST does not offer is refused',
    right: 'reader',
    source: 'VT-d 9.6, PGTT; 11.4.3, NEST, FSTS',
    unit: /VT-d, scalable/,
    flip: /PASID table entry bit [678]$/,
    ours: /^fault reason 0x5b/,
    theirs: ANY,
  },
  {
    name: 'bits 11 and 62 are reserved in an entry that leads to a table; of a leaf, TM without ECAP.DT and SNP without ECAP.SC',
    right: 'reader',
    source: 'VT-d 9.8',
    unit: /VT-d/,
    flip: /entry of level \d, bit (?:11|62)$/,
    ours: /reserved bits are set in/,
    theirs: ANY,
  },
  {
    name: 'reserved low address bits of a superpage entry',
    right: 'reader',
    source: 'VT-d 9.8: bits below the page size are reserved',
    unit: /VT-d/,
    flip: /leaf entry of level [23], bit (?:1[2-9]|2\d)$/,
    ours: /reserved bits are set in/,
    theirs: ANY,
  },
];
