/**
 * Joins a message whose head, or a part of it, mail left at the end of the line before.
 * @module
 */
import { cleanLine } from './clean.ts';
import type { DriverReader } from './driver-reader.ts';
import type { LogLine } from './log-line.ts';

/** Characters of a line of which only a head may stand. */
const LONGEST_HEAD = 120;

/** A line as it was read. */
export interface RawLine {
  readonly text: string;
  readonly number: number;
}

/**
 * The two lines as one, if only together they have a head of one of the drivers whose marks the second has; `undefined`
 * otherwise.
 */
export function withHead(before: RawLine, line: LogLine, readers: readonly DriverReader[]): LogLine | undefined {
  if (line.stamped || before.text.length > LONGEST_HEAD) return undefined;
  const [first] = cleanLine(before.text, before.number);
  if (first?.stamped !== true) return undefined;
  const text = `${first.text} ${line.text.trimStart()}`;
  const isJoined = readers.some((reader) => reader.headsIn(text) === 1 && reader.headsIn(line.text) === 0);
  return isJoined ? { ...first, text, until: line.until, cut: line.cut } : undefined;
}
