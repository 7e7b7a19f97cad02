/**
 * Rulings on differences of AMD-Vi.
 * @module
 */
import { ANY, type Ruling } from './ruling.ts';

/** In the order in which they are tried. */
export const AMD_RULINGS: readonly Ruling[] = [
  {
    name: 'a present bit of 0 in the entry of a page',
    right: 'reader',
    source: 'AMD 48882 2.2.3: PR = 0 is not present',
    unit: /AMD-Vi/,
    flip: /entry of level \d, bit 0$/,
    ours: /IO_PAGE_FAULT/,
    theirs: /reaches/,
  },
  {
    name: 'permissions of the device table entry and of directory entries are combined with those of the page',
    right: 'reader',
    source: 'AMD 48882 2.2.2.1, 2.2.3: IR and IW of each level are ANDed',
    unit: /AMD-Vi/,
    flip: ANY,
    ours: /IO_PAGE_FAULT/,
    reason: /^permission-/,
    theirs: /reaches/,
  },
  {
    name: 'a page without the permission, a block of a wrong size and an illegal entry leave an event',
    right: 'reader',
    source: 'AMD 48882 2.5.3',
    unit: /AMD-Vi/,
    flip: ANY,
    ours: ANY,
    reason: /^(?:permission-\w+|misaligned-block|reserved-bits|stream-invalid)$/,
    theirs: /^refused$/,
  },
  {
    name: 'reserved bits, and levels and sizes that an entry cannot have, of tables and of what a wrong root makes one',
    right: 'reader',
    source: 'AMD 48882 2.2.3; 2.5.3, RZ: a reserved bit or an illegal level encoding is an IO_PAGE_FAULT',
    unit: /AMD-Vi/,
    flip: /DTE bit (?:9|1\d|2\d|3\d|4\d|5[01])$|entry of level \d, bit (?:9|[1-5]\d)$/,
    ours: /IO_PAGE_FAULT/,
    reason: /^reserved-bits$/,
    theirs: /reaches/,
  },
  {
    name: 'low address bits of the entry of a page that is large by its level',
    right: 'undecided',
    source: 'AMD 48882 2.2.3: reserved; whether hardware checks them is not said',
    unit: /AMD-Vi/,
    flip: /entry of level \d, bit (?:9|1\d|2\d|3\d)$/,
    ours: /IO_PAGE_FAULT/,
    reason: /^misaligned-block$/,
    theirs: /reaches/,
  },
  {
    name: 'fields of the third and fourth quadword of a device table entry, which QEMU 7.2 takes for reserved',
    right: 'reader',
    source: 'AMD 48882 2.2.2.1: GuestPagingMode, SnoopAttribute, Mode0FC, AttrV and others',
    unit: /AMD-Vi/,
    flip: /DTE bit (?:18[237]|20[7-9]|2[1-3]\d|24[6-9]|25[0-5])$/,
    ours: ANY,
    theirs: /^refused$/,
  },
  {
    name: 'bit 240 of a device table entry, vImuEn',
    right: 'undecided',
    source:
      'AMD 48882 2.2.2.1: reserved before the revisions with virtualised IOMMUs, which the emulator does not have',
    unit: /AMD-Vi/,
    flip: /DTE bit 240$/,
    ours: ANY,
    theirs: /^refused$|^ILLEGAL_DEV_TABLE_ENTRY$/,
  },
];
