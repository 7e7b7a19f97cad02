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
    name: 'reserved bits of the third and fourth quadword of a device table entry',
    right: 'undecided',
    source: 'AMD 48882 2.2.2.1 gives its bits by revision; the emulator refuses all of them',
    unit: /AMD-Vi/,
    flip: /DTE bit (?:1[3-9]\d|2\d\d)$/,
    ours: ANY,
    theirs: /^refused$|^ILLEGAL_DEV_TABLE_ENTRY$/,
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
    name: 'reserved bits of what a wrong root makes a table',
    right: 'undecided',
    source: 'AMD 48882 2.2.3: reserved; whether hardware checks them is not said',
    unit: /AMD-Vi/,
    flip: /DTE bit (?:9|1\d|2\d|3\d|4\d|5[01])$/,
    ours: /IO_PAGE_FAULT/,
    theirs: /reaches/,
  },
  {
    name: 'low address bits and sizes of the entry of a large page that its level does not have',
    right: 'undecided',
    source: 'AMD 48882 2.2.3: reserved; whether hardware checks them is not said',
    unit: /AMD-Vi/,
    flip: /entry of level \d, bit (?:9|1\d|2\d|3\d)$/,
    ours: /IO_PAGE_FAULT/,
    theirs: /reaches/,
  },
];
