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
  { what: 'RISC-V second-stage tables (Sv39x4 and wider)', instead: 'read, not written' },
  { what: 'tables of other IOMMUs: Rockchip, Exynos, Tegra, s390, …', instead: 'refused with UNKNOWN_FORMAT' },
  { what: 'arm-64-lpae: 52 bits with 4K and 16K granules (LPA2)', instead: 'widths are cut to 48, as Linux 6.1 does' },
  { what: 'arm-64-lpae: contiguous bit', instead: 'single entries' },
  { what: 'arm-64-lpae: hardware dirty bit (quirk ARM_HD of later kernels)', instead: 'quirk refused' },
  { what: 'arm-64-lpae-s2: forced write-back (quirk ARM_S2FWB of later kernels)', instead: 'quirk refused' },
  { what: 'arm-64-lpae-s2: concatenation as Linux 6.13 chooses it', instead: 'as Linux 6.1 chooses it' },
  { what: 'apple-dart2: 4K pages', instead: 'refused: an entry has no place for output bits 13:12' },
  { what: 'apple-dart: three levels under the roots, as later kernels have them', instead: 'two levels' },
  { what: 'quirk NO_WARN, NON_STRICT, TLBI_ON_MAP of other kernels', instead: 'quirk refused' },
  { what: 'Arm and DART formats: semantics of kernels after 6.1', instead: "'safe' and 'linux-6.1'" },
  { what: 'several writers of one domain at a time', instead: 'refused with SECOND_WRITER' },
];
