/**
 * Rules about the unit's own state and its device tables.
 * @module
 */
import { hex } from '../../address.ts';
import type { DeviceContext, StateNote } from '../../hardware/iommu.ts';
import type { CheckSubject, Hit, Rule } from './types.ts';

function* notes(subject: CheckSubject, rule: StateNote['rule']): Generator<Hit> {
  for (const note of subject.decoding.model?.state() ?? []) {
    if (note.rule === rule) yield { meaning: note.text, source: note.section };
  }
}

const OUTSIDE_MEMORY: ReadonlySet<DeviceContext['reason']> = new Set([
  'stream-outside-memory',
  'context-outside-memory',
]);

/** True if the context is not known since the dump lacks a structure, which may lie in memory. */
function isNotInDump({ ram }: CheckSubject, { reason, entryAddress }: DeviceContext): boolean {
  if (!OUTSIDE_MEMORY.has(reason)) return false;
  return ram.length === 0 || ram.some(({ start, bytes }) => entryAddress >= start && entryAddress < start + bytes);
}

function meaningOf({ stream, substream, reason, why, entryAddress }: DeviceContext): string {
  const who = substream === undefined ? `stream ${hex(stream)}` : `stream ${hex(stream)}, substream ${hex(substream)}`;
  return `${who}: ${why ?? reason ?? 'unusable'} (entry at ${hex(entryAddress)})`;
}

function* brokenContexts(subject: CheckSubject, supported: boolean): Generator<Hit> {
  for (const context of subject.decoding.contexts) {
    const { action, reason, why } = context;
    if (action !== 'fault' || (reason !== 'not-supported') !== supported) continue;
    if (isNotInDump(subject, context)) continue;
    // A slot that was never filled in is not broken.
    if (reason === 'stream-invalid' && why === 'STE.V is 0') continue;
    yield { meaning: meaningOf(context) };
  }
}

function* missingDeviceTables(subject: CheckSubject): Generator<Hit> {
  for (const { domain, why } of subject.decoding.unknown) if (domain === undefined) yield { meaning: why };
  for (const context of subject.decoding.contexts) {
    if (context.action === 'fault' && isNotInDump(subject, context)) yield { meaning: meaningOf(context) };
  }
}

/** The rules about state, errors first. */
export const STATE_RULES: readonly Rule[] = [
  {
    id: 'translation-off',
    severity: 'error',
    text: 'translation is on',
    source: 'IHI 0070 6.3.9; VT-d 11.4.4.2; AMD 48882 3.4.2; RISC-V IOMMU 6.5',
    find: (subject) => notes(subject, 'translation-off'),
  },
  {
    id: 'queue-off',
    severity: 'error',
    text: 'command and event queues are on',
    source: 'IHI 0070 6.3.9; VT-d 11.4.4.2; AMD 48882 3.4.2; RISC-V IOMMU 6.12',
    find: (subject) => notes(subject, 'queue-off'),
  },
  {
    id: 'error-pending',
    severity: 'error',
    text: 'no error of the unit is pending',
    source: 'IHI 0070 6.3.19; VT-d 11.4.7.1; AMD 48882 2.5.2; RISC-V IOMMU 6.12',
    find: (subject) => notes(subject, 'error-pending'),
  },
  {
    id: 'context-broken',
    severity: 'error',
    text: 'device contexts in use are legal',
    source: 'IHI 0070 5.2, 5.4; VT-d 9.3 to 9.6; AMD 48882 2.2.2; RISC-V IOMMU 3.1',
    find: (subject) => brokenContexts(subject, true),
  },
  {
    id: 'fault-pending',
    severity: 'warning',
    text: 'no recorded fault waits to be read',
    source: 'VT-d 11.4.7.1',
    find: (subject) => notes(subject, 'fault-pending'),
  },
  {
    id: 'device-table-not-in-dump',
    severity: 'warning',
    text: 'the dump holds the whole device table',
    source: 'the dump',
    find: missingDeviceTables,
  },
  {
    id: 'not-read-here',
    severity: 'warning',
    text: 'every context can be read by this program',
    source: 'docs: what is not supported',
    find: (subject) => brokenContexts(subject, false),
  },
];
