/**
 * What the questions about dumps share: the dump with the names of its machine, and what is said of it in every answer.
 * @module
 */
import { hex } from '../../address.ts';
import type { Decoding, DomainMappings } from '../../dump/decode.ts';
import { isDamage } from '../../dump/notes.ts';
import type { Dump } from '../../dump/types.ts';
import { idWord } from '../../hardware/id-words.ts';
import type { MachineNames } from '../../machine/names.ts';
import { formatNumber } from '../../report/number.ts';

/** The geometry line that every answer about tables echoes. */
export function geometryLine(domain: Pick<DomainMappings, 'geometry' | 'summary'>): string {
  return `geometry: ${domain.summary} (${domain.geometry.from})`;
}

/** The devices of a domain as people read them; `none` for tables that were given by their root. */
export function devicesText(iommu: string, streams: readonly number[], names: MachineNames): string {
  if (streams.length === 0) return 'none';
  const first = streams.slice(0, MOST_NAMED).map((stream) => names.device(iommu, stream));
  const more = streams.length - first.length;
  return more > 0 ? `${first.join(', ')} and ${formatNumber(more)} more` : first.join(', ');
}

const MOST_NAMED = 4;

/** `1 device`, `2 devices`, `1,234 devices`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatNumber(count)} ${count === 1 ? one : many}`;
}

/** `StreamID 0x8`, `source-id 0x10`. */
export function idText(iommu: string, stream: number): string {
  return `${idWord(iommu)} ${hex(stream)}`;
}

/** What the reader of a dump left out, a sentence each. */
export function dumpNotes(dump: Dump): string[] {
  return dump.notes.map(({ count, text }) => `the dump: ${formatNumber(count)} × ${text}`);
}

/** True if the dump is cut or damaged, so that an answer from it may miss something. */
export function isDamaged(dump: Dump): boolean {
  return dump.notes.some(isDamage);
}

const NOT_HELD = 'the dump does not hold the tables';
const OVER_LIMIT = 'a limit of the decoding is reached';

/** Why parts of decodings are unknown: `the dump does not hold the tables`, a limit of the decoding, or both. */
export function unknownReason(unknown: Decoding['unknown']): string {
  const limited = unknown.filter(({ overLimit }) => overLimit).length;
  if (limited === 0) return NOT_HELD;
  return limited === unknown.length ? OVER_LIMIT : `${NOT_HELD}, or ${OVER_LIMIT}`;
}

/** What an answer says of parts that are not known; empty where all is known. */
export function unknownSentence({ unknown }: Pick<Decoding, 'unknown'>): string {
  if (unknown.length === 0) return '';
  const parts = unknown.length === 1 ? '1 part is' : `${formatNumber(unknown.length)} parts are`;
  return ` ${parts} unknown: ${unknownReason(unknown)}.`;
}

/** Where a device's name is an assumption. */
export function nameNotes(iommu: string, names: MachineNames): string[] {
  if (!names.isAssumed(iommu)) return [];
  return [`device names assume that firmware gives each PCI function its requester id as ${idWord(iommu)}`];
}
