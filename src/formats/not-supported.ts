/**
 * What is not supported on the side that writes tables, by name.
 * @module
 */

/** Something that one may look for and not find. */
export interface NotSupported {
  /** What it is. */
  readonly what: string;
  /** What happens instead, or where it can be had. */
  readonly instead: string;
}

/** Formats and features of formats that this library does not write. */
export const NOT_SUPPORTED: readonly NotSupported[] = [
  { what: 'vtd-ss, x86-64, amd-v1, riscv-sv*: semantics of kernels before 6.19', instead: "'safe' and 'linux-7.3'" },
  { what: 'amd-v1: pages of 1T and more under safe, which could not be split', instead: '256G and smaller' },
  {
    what: 'Arm and DART formats: semantics of kernels other than 6.1 and 7.3',
    instead: "'safe', 'linux-6.1' and 'linux-7.3'",
  },
  {
    what: 'arm-64-lpae: contiguous bit and 52 bits with 4K and 16K under a kernel, none of which writes them',
    instead: "'safe'",
  },
  { what: 'RISC-V second-stage tables (Sv39x4 and wider)', instead: 'read, not written' },
  { what: 'tables of other IOMMUs: Rockchip, Exynos, Tegra, s390, …', instead: 'refused with UNKNOWN_FORMAT' },
  { what: 'apple-dart2: 4K pages', instead: 'refused: an entry has no place for output bits 13:12' },
  { what: 'quirks NON_STRICT, TLBI_ON_MAP of other kernels', instead: 'quirk refused' },
  { what: 'several writers of one domain at a time', instead: 'refused with SECOND_WRITER' },
];
