/**
 * What a dump and a trace say about a fault, in words.
 * @module
 */
import { hex } from '../address.ts';
import type { Leaf } from '../hardware/walk/types.ts';
import type { AddressHistory, HistoryEntry } from './history.ts';
import type { Incident } from './incident.ts';
import type { TableView } from './tables.ts';

const PAGE = 4096;

function leafWords(leaf: Leaf): string {
  return `the tables in the dump map ${hex(leaf.iova)} + ${hex(leaf.size)} to ${hex(leaf.base)}, ${leaf.perms}`;
}

/** What the dump says, in words. */
export function tableEvidence(tables: TableView | undefined): string[] {
  if (tables === undefined) return [];
  const { context, walk, below } = tables;
  const words: string[] = [];
  if (walk === undefined && context !== undefined) {
    words.push(
      `the context of the stream in the dump: ${context.action}${context.why === undefined ? '' : `, ${context.why}`}`,
    );
  }
  if (walk?.result.ok === true) words.push(leafWords(walk.result));
  if (walk?.result.ok === false) {
    const { reason, level, stage, entryAddress, entry } = walk.result;
    const at =
      entryAddress === undefined ? '' : ` at ${hex(entryAddress)}${entry === undefined ? '' : ` = ${hex(entry, 16)}`}`;
    words.push(`the walk in the dump ends at stage ${stage}, level ${level}${at}: ${reason}`);
  }
  if (below !== undefined) words.push(`directly below it ends a mapping: ${leafWords(below)}`);
  return words;
}

/** A distance of time in the unit that suits it. */
function timeWords(seconds: number): string {
  if (seconds < 1e-3) return `${Math.round(seconds * 1e6)} µs`;
  return seconds < 1 ? `${(seconds * 1e3).toFixed(1)} ms` : `${seconds.toFixed(3)} s`;
}

function entryWords(entry: HistoryEntry): string {
  const direction = entry.direction === undefined ? '' : `, ${entry.direction}`;
  return `${hex(entry.iova)} + ${hex(entry.bytes)} by ${entry.task} at ${entry.seconds.toFixed(6)}${direction}`;
}

/** What a trace says that leaves open which history it is. */
function openEvidence({ entries, open = '' }: AddressHistory): string[] {
  const touched =
    entries.length === 0 ? 'no call in the trace touches it' : `${entries.length} calls in the trace touch it`;
  return [touched, open];
}

/** What the trace says, in words. */
export function historyEvidence(fault: Incident, history: AddressHistory | undefined): string[] {
  if (history === undefined) return [];
  if (history.possible !== undefined) return openEvidence(history);
  const { live, mapped, unmapped, after, below, domains } = history;
  const words: string[] = [];
  if (mapped !== undefined) words.push(`mapped: ${entryWords(mapped)}`);
  if (unmapped !== undefined) {
    const before =
      fault.seconds === undefined ? '' : `, ${timeWords(fault.seconds - unmapped.seconds)} before the fault`;
    words.push(`unmapped: ${entryWords(unmapped)}${before}`);
  }
  if (live !== undefined) words.push('no unmap of it in the trace before the fault was logged');
  if (mapped === undefined && unmapped === undefined) words.push('no call in the trace touches it before the fault');
  if (after !== undefined) words.push(`after the fault: ${after.kind} ${entryWords(after)}`);
  if (live === undefined && below !== undefined && Number(fault.iova) - below.end < PAGE) {
    words.push(`the mapping ${hex(below.start)} to ${hex(below.end)} ends directly below it`);
  }
  if (domains.length > 1) words.push(`the trace does not tell the domain: looked at ${domains.length}`);
  return words;
}
