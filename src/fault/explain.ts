/**
 * Faults explained: each record with its words, the walk, the history and the cause, as data for people and for JSON.
 * @module
 */
import { hex } from '../address.ts';
import { idWord } from '../hardware/id-words.ts';
import type { Fault, Leaf, Step } from '../hardware/walk/types.ts';
import { type FaultCause, inferCause } from './cause.ts';
import type { AddressHistory, FaultHistory, HistoryEntry } from './history.ts';
import type { FaultField, FaultKind, Incident, NextStep } from './incident.ts';
import { nextSteps } from './next.ts';
import type { FaultTables, TableView } from './tables.ts';

/** A fault with all that is known of it. */
export interface ExplainedFault {
  readonly record: Incident;
  readonly words: string;
  readonly cause: FaultCause;
  readonly next: readonly NextStep[];
  readonly tables: TableView | undefined;
  readonly history: AddressHistory | undefined;
}

/** Kinds without an access of a device. */
const NO_ACCESS: readonly FaultKind[] = ['unit', 'device-timeout', 'software'];
const VERBS = { read: 'read', write: 'wrote', execute: 'fetched instructions from' } as const;

/** The device as the record names it. */
function deviceWords({ device, stream, pasid, iommu, unit }: Incident): string {
  const id = stream === undefined ? undefined : `${idWord(iommu)} ${hex(stream)}`;
  const somebody = unit === undefined ? 'a device' : `a device behind ${unit}`;
  const name = device === undefined ? (id ?? somebody) : id === undefined ? device : `${device} (${id})`;
  return pasid === undefined ? name : `${name} with PASID ${hex(pasid)}`;
}

/** True if the lines name no device, no access and no address: only the unit can be spoken of. */
function namesNothing({ device, stream, iova, access, unit }: Incident): boolean {
  return unit !== undefined && [device, stream, iova, access].every((one) => one === undefined);
}

function verbOf({ access, iova }: Incident): string {
  if (access === undefined) return iova === undefined ? 'made a request' : 'used';
  return access === 'execute' && iova === undefined ? 'fetched instructions' : VERBS[access];
}

/** The record in one sentence. */
export function faultWords(record: Incident): string {
  const { iova, stage, name, meaning, words } = record;
  if (words !== undefined) return words;
  const what = meaning === '' ? name : `${name}: ${meaning}`;
  if (NO_ACCESS.includes(record.kind) || namesNothing(record))
    return `${record.device ?? record.unit ?? record.iommu}: ${what}`;
  const where = iova === undefined ? '' : ` ${hex(iova)}`;
  const at = stage === undefined ? '' : ` at stage ${stage}`;
  return `${deviceWords(record)} ${verbOf(record)}${where}; ${what}${at}`;
}

/** Explains one fault. */
export function explainFault(
  record: Incident,
  dump: FaultTables | undefined,
  trace: FaultHistory | undefined,
): ExplainedFault {
  const ours = record.origin === 'iommu';
  const tables = ours ? dump?.of(record) : undefined;
  const history = ours ? trace?.of(record) : undefined;
  const evidence = { fault: record, tables, history };
  const cause = ofItsTables(record, inferCause(evidence));
  return { record, words: faultWords(record), cause, next: nextSteps(evidence, cause), tables, history };
}

const OWN_TABLES = 'the driver of the device keeps these tables: its own traces and debug files decide';

/** The tables of a device's own MMU are in no dump or trace that this program reads. */
function ofItsTables(record: Incident, cause: FaultCause): FaultCause {
  if (record.origin !== 'device-mmu') return cause;
  const text = `${cause.text}; the device's own MMU reports this, not an IOMMU`;
  return { ...cause, text, alternatives: cause.alternatives.map(({ name }) => ({ name, why: OWN_TABLES })) };
}

function stepJson(step: Step): object {
  const { stage, level, index, entryAddress, entry, kind, fields } = step;
  return { stage, level, index, entryAddress: hex(entryAddress), entry: hex(entry, 16), kind, fields };
}

function resultJson(result: Leaf | Fault): object {
  if (result.ok) return { pa: hex(result.output), bytes: hex(result.size), perms: result.perms };
  const { reason, stage, level, syndrome } = result;
  return { fault: { reason, stage, level, syndrome } };
}

function walkJson(tables: TableView | undefined): object | null {
  if (tables === undefined) return null;
  const { context, walk } = tables;
  const about =
    context === undefined
      ? {}
      : { context: { action: context.action, why: context.why ?? null }, domain: context.tables?.id ?? null };
  return walk === undefined ? about : { ...about, steps: walk.steps.map(stepJson), ...resultJson(walk.result) };
}

function entryJson(entry: HistoryEntry): object {
  const { kind, seconds, task, direction, domainTitle } = entry;
  return {
    kind,
    seconds,
    iova: hex(entry.iova),
    bytes: hex(entry.bytes),
    pa: entry.pa === undefined ? null : hex(entry.pa),
    task,
    direction: direction ?? null,
    domain: domainTitle,
  };
}

/** Fields whose bits are known: of which register (`record` for the hardware's record), which bits, and what they hold. */
function bitFieldsJson(fields: readonly FaultField[]): object[] {
  let register = 'record';
  return fields.flatMap(({ name, value, place }) => {
    if (place === undefined && name !== 'reserved') register = name;
    if (place === undefined || !/^0x[0-9a-f]{1,16}$/i.test(value)) return [];
    const { at, bits, shift = 0, inRecord = false } = place;
    const raw = BigInt.asUintN(bits, BigInt(value) >> BigInt(shift));
    return [{ of: inRecord ? 'record' : register, name, at, bits, value: hex(raw) }];
  });
}

/** The JSON object of one fault. */
export function faultJson({ record, words, cause, next, tables, history }: ExplainedFault): object {
  const { iommu, unit, device, stream, pasid, iova, access, stage, kind, name, line, seconds, complete } = record;
  return {
    iommu,
    unit: unit ?? null,
    device: device ?? (stream === undefined ? null : hex(stream)),
    stream: stream === undefined ? null : hex(stream),
    pasid: pasid === undefined ? null : hex(pasid),
    iova: iova === undefined ? null : hex(iova),
    access: access ?? null,
    stage: stage ?? null,
    reason: kind,
    syndrome: name,
    fields: Object.fromEntries(record.fields.map((field) => [field.name, field.value])),
    meanings: Object.fromEntries(
      record.fields.filter((field) => field.meaning !== '').map((field) => [field.name, field.meaning]),
    ),
    bitFields: bitFieldsJson(record.fields),
    words,
    cause: {
      name: cause.name,
      text: cause.text,
      evidence: cause.evidence,
      alternatives: cause.alternatives,
      excluded: cause.excluded,
    },
    next,
    walk: walkJson(tables),
    history: history === undefined ? null : history.entries.map(entryJson),
    line,
    lines: record.lines,
    events: record.events.map((event) => ({ ...event, seconds: event.seconds ?? null })),
    origin: record.origin,
    seconds: seconds ?? null,
    complete,
  };
}
