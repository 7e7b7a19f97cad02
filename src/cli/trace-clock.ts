/**
 * Times of traces as times of the log beside them.
 * @module
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Incident } from '../fault/incident.ts';
import { clockBesideFaults, clockWords } from '../record/clock.ts';
import { say } from './io.ts';

function metadataBeside(path: string): string | null {
  try {
    return readFileSync(join(dirname(path), 'metadata.json'), 'utf8');
  } catch {
    return null;
  }
}

/**
 * Nanoseconds that make times of the log out of times of the traces, null where they are not known; says both.
 * @param line - the line of the log that tells of clocks, null if there is none
 */
export function clockOffset(
  traces: readonly string[],
  line: string | null,
  incidents: readonly Incident[],
  quiet: boolean,
): number | null {
  const [first = ''] = traces;
  const facts = clockBesideFaults(
    metadataBeside(first),
    line,
    incidents.map(({ iommu }) => iommu),
  );
  const words = clockWords(facts);
  if (!quiet && words !== undefined) say(`${first}: ${words}`);
  return facts.logOffsetNs;
}
