/**
 * Whether the mark at which a replay was to stop came.
 * @module
 */
import { IommuError } from '../../errors.ts';
import type { Replay } from '../../replay/replay.ts';

/** @throws IommuError `BAD_OPTION` where the mark of `until` never came. */
export function checkMark({ stopped, marks }: Pick<Replay, 'stopped' | 'marks'>, until: string | undefined): void {
  if (until === undefined || stopped) return;
  const known = marks.length === 0 ? 'it has none' : `it has ${marks.map((mark) => `'${mark}'`).join(', ')}`;
  throw new IommuError('BAD_OPTION', 'until', `expected text of a mark of the trace (${known}), got '${until}'`);
}
