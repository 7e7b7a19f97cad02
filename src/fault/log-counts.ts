/**
 * What is said of the lines of a log as a whole: how many there are, and which are not understood.
 * @module
 */

/** Stands for the driver of a line that is of none whose lines are read. */
export const UNKNOWN_DRIVER = 'unknown';

/** A line that is not understood. */
export interface UnknownLine {
  /** Id of the driver; {@link UNKNOWN_DRIVER} where the line names an IOMMU and is of no driver whose lines are read. */
  readonly driver: string;
  readonly line: number;
  readonly text: string;
}

/** What was read, as numbers. */
export interface LogCounts {
  lines: number;
  /** Lines that belong to incidents. */
  used: number;
  /** Lines of drivers that report no fault. */
  quiet: number;
  /** Lines of drivers that are not understood. */
  unknown: number;
  /** Messages that the kernel says it left out. */
  suppressed: number;
  /** Lines too long to be read to their end. */
  tooLong: number;
  /** Incidents that are only counted. */
  dropped: number;
}
