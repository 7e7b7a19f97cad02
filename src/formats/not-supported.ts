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
  { what: 'Intel VT-d first and second stage tables', instead: 'read, not written' },
  { what: 'AMD v1 and v2 tables', instead: 'read, not written' },
  { what: 'RISC-V Sv39, Sv48, Sv57', instead: 'read; Sv39 is written by examples/riscv-sv39.ts' },
  { what: 'tables of other IOMMUs: Rockchip, Exynos, Tegra, s390, …', instead: 'refused with UNKNOWN_FORMAT' },
  { what: 'arm-64-lpae: 52 bits with 4K and 16K granules (LPA2)', instead: 'widths are cut to 48, as Linux 6.1 does' },
  { what: 'arm-64-lpae: contiguous bit', instead: 'single entries' },
  { what: 'arm-64-lpae: hardware dirty bit (quirk ARM_HD of later kernels)', instead: 'quirk refused' },
  { what: 'arm-64-lpae-s2: forced write-back (quirk ARM_S2FWB of later kernels)', instead: 'quirk refused' },
  { what: 'arm-64-lpae-s2: concatenation as Linux 6.13 chooses it', instead: 'as Linux 6.1 chooses it' },
  { what: 'apple-dart2: 4K pages', instead: 'refused: an entry has no place for output bits 13:12' },
  { what: 'apple-dart: three levels under the roots, as later kernels have them', instead: 'two levels' },
  { what: 'quirk NO_WARN, NON_STRICT, TLBI_ON_MAP of other kernels', instead: 'quirk refused' },
  { what: 'semantics of kernels other than 6.1', instead: "'safe' and 'linux-6.1'" },
  { what: 'several writers of one domain at a time', instead: 'refused with SECOND_WRITER' },
];
