/**
 * Rulings on differences of the RISC-V IOMMU.
 * @module
 */
import { ANY, type Ruling } from './ruling.ts';

/** In the order in which they are tried. */
export const RISCV_RULINGS: readonly Ruling[] = [
  {
    name: 'a device context with reserved bits, modes or SXL, or with updates of A and D that AMO_HWAD does not offer, is misconfigured',
    right: 'reader',
    source: 'RISC-V IOMMU 1.0, 3.1.4',
    unit: /RISC-V/,
    flip: /DC bit (?:5|7|8|1[1-9]|[2-5]\d|6[0-5]|12[4-9]|13\d|1[6-8]\d|19[01]|23[6-9]|24\d|25[0-5]|30\d|31\d|37[2-9]|38[0-3]|4[3-9]\d|50\d|51[01])$/,
    ours: /\(cause 259\)$/,
    theirs: ANY,
  },
  {
    name: 'reserved bits of a process context, also of what a wrong pointer makes one',
    right: 'reader',
    source: 'RISC-V IOMMU 1.0, 3.2.2, 3.2.3',
    unit: /RISC-V/,
    flip: /PC bit \d+$|DC bit (?:19[2-9]|2[0-3]\d)$/,
    ours: /\(cause 267\)$/,
    theirs: ANY,
  },
  {
    name: 'a fault of the second stage at the process directory is that of the second stage',
    right: 'reader',
    source: 'RISC-V IOMMU 1.0, 3.3.2, step 2',
    unit: /RISC-V, nested/,
    flip: ANY,
    ours: /guest-page fault/,
    theirs: /\(cause 265\)$/,
  },
  {
    name: 'an address that the first stage does not take is its page fault, before its root is translated',
    right: 'reader',
    source: 'RISC-V privileged architecture, 12.4.1',
    unit: /RISC-V/,
    flip: ANY,
    ours: /(?<!guest-)page fault/,
    reason: /^input-outside-region$/,
    theirs: /guest-page fault/,
  },
  {
    name: 'a leaf without U, and entries with reserved bits, or with A, D or U where they lead to a table',
    right: 'reader',
    source: 'RISC-V privileged architecture, 12.4.1, 12.4.3, 21.5.1',
    unit: /RISC-V/,
    flip: /entry of level \d, bit (?:4|6|7|5[4-9]|6[0-3])$/,
    ours: /page fault/,
    theirs: ANY,
  },
  {
    name: 'bits 60 and 59 of an entry are for software where capabilities.Svrsw60t59b is 1; the emulator takes them for the address',
    right: 'reader',
    source: 'RISC-V IOMMU 1.0, 6.3',
    unit: /RISC-V/,
    flip: /entry of level \d, bit (?:59|60)$/,
    ours: /^reaches its page$/,
    theirs: ANY,
  },
  {
    name: 'a write that a leaf in the cache does not permit leaves a record',
    right: 'reader',
    source: 'RISC-V IOMMU 1.0, 4.2',
    unit: /RISC-V/,
    flip: ANY,
    ours: /page fault/,
    reason: /^(?:permission-\w+|dirty-flag)$/,
    theirs: /^refused$/,
  },
];
