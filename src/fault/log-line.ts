/**
 * A line of a log, cleaned of colours, quoting and encodings.
 * @module
 */

/** One line. */
export interface LogLine {
  readonly text: string;
  /** From 1. */
  readonly number: number;
  /** Number of its last part, where it was broken over several lines. */
  readonly until: number;
  /** The kernel's time stamp. */
  readonly seconds: number | undefined;
  /** True if a prefix of its own stands before the message, so that it continues no other line. */
  readonly stamped: boolean;
  /** True if the end of the line is missing. */
  readonly cut: boolean;
  /** The device that the journal names beside the message. */
  readonly device?: string;
}
