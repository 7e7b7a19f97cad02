/**
 * `walk`: through which entries an address goes.
 * @module
 */
import { formatSize, hex } from '../address.ts';
import type { Decoding } from '../dump/decode.ts';
import type { Dump } from '../dump/types.ts';
import { type AddressWalk, walkData } from '../dump/walk.ts';
import type { DeviceContext } from '../hardware/iommu.ts';
import type { Fault, Leaf, Step } from '../hardware/walk/types.ts';
import { MachineNames } from '../machine/names.ts';
import { type Answer, listSection, type Section, tableSection } from '../report/answer.ts';
import type { Table } from '../report/table.ts';
import { exposuresOf } from './tables/exposure.ts';
import { placeOf } from './tables/places.ts';
import { devicesText, dumpNotes, isDamaged, nameNotes } from './tables/subject.ts';

/** What a walk's answer is made of. */
export interface WalkQuestion {
  readonly dump: Dump;
  readonly iommu: string;
  readonly iova: bigint;
  /** What the device does: `read`, `write`, `execute`. */
  readonly access: string;
  /** The walks, those that translate first. */
  readonly walks: readonly AddressWalk[];
  /** Contexts that bypass; they have no walk. */
  readonly bypassing: readonly DeviceContext[];
  readonly names?: MachineNames;
}

interface Subject extends WalkQuestion {
  readonly names: MachineNames;
}

function fieldsText(fields: Step['fields']): string {
  return Object.entries(fields)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}

function leafText(leaf: Leaf, { dump, iommu, names }: Subject): string {
  const ram = dump.registers?.ram ?? [];
  const place = placeOf(leaf.pa, leaf.size, leaf.memoryType, iommu, ram, names);
  const what = `${formatSize(leaf.size)} leaf of level ${leaf.level}, ${leaf.perms}, ${leaf.memoryType}`;
  return `physical ${hex(leaf.output)} (${place === '' ? what : `${what}; ${place}`})`;
}

/** True for a walk that ends where the dump does: what the hardware would find there is not known. */
function isNotInDump({ reason, entryAddress }: Fault, dump: Dump): boolean {
  if (!reason.endsWith('-outside-memory')) return false;
  const ram = dump.registers?.ram ?? [];
  const at = entryAddress ?? 0;
  return ram.length === 0 || ram.some(({ start, bytes }) => start <= at && at < start + bytes);
}

function faultText(fault: Fault, dump: Dump): string {
  const { reason, stage, level, syndrome, ipa, entryAddress } = fault;
  const intermediate = ipa === undefined ? '' : `, intermediate address ${hex(ipa)}`;
  if (isNotInDump(fault, dump)) {
    const where = entryAddress === undefined ? '' : ` at ${hex(entryAddress)}`;
    return `not known from stage ${stage}, level ${level} on${intermediate}: the entry${where} is not in the dump (${reason})`;
  }
  const name = syndrome === '' ? reason : `${reason}, reported as ${syndrome}`;
  return `fault at stage ${stage}, level ${level}${intermediate}: ${name}`;
}

function resultText(result: Leaf | Fault, subject: Subject): string {
  return result.ok ? `→ ${leafText(result, subject)}` : `→ ${faultText(result, subject.dump)}`;
}

function stepTable({ steps, result }: AddressWalk, subject: Subject): Table {
  return {
    columns: [
      { title: 'stage', drop: 3 },
      { title: 'level' },
      { title: 'index', align: 'right', drop: 2 },
      { title: 'entry at' },
      { title: 'entry' },
      { title: 'kind' },
      { title: 'fields', drop: 1 },
    ],
    rows: steps.map((step) => [
      String(step.stage),
      String(step.level),
      String(step.index),
      hex(step.entryAddress),
      hex(step.entry),
      step.kind,
      fieldsText(step.fields),
    ]),
    notes: [resultText(result, subject)],
  };
}

function walkSection(walk: AddressWalk, i: number, subject: Subject): Section {
  const { domain, streams, geometry } = walk;
  const who = streams.length === 0 ? '' : ` of ${devicesText(subject.iommu, streams, subject.names)}`;
  const where = geometry === undefined ? '' : `; geometry: ${geometry.summary} (${geometry.from})`;
  const title = `${hex(subject.iova)} in ${domain ?? 'no domain'}${who}${where}`;
  return tableSection(`walk-${i}`, title, stepTable(walk, subject), i === 0 || walk.result.ok ? 'main' : 'detail');
}

function whoText(walk: AddressWalk, { iommu, names }: Subject): string {
  if (walk.streams.length > 0) return `${devicesText(iommu, walk.streams, names)}: `;
  return walk.domain === undefined ? '' : `${walk.domain}: `;
}

/** In how many domains the address was looked up beside the first, and what was found there; empty where that was the only one. */
function othersText({ walks, dump }: Subject): string {
  const others = walks.slice(1).map(({ result }) => result);
  if (others.length === 0) return '';
  const mapped = others.filter(({ ok }) => ok).length;
  const open = others.filter((result) => !result.ok && isNotInDump(result, dump)).length;
  const rest = others.length - mapped - open;
  const parts = [
    ...(mapped === 0 ? [] : [`${mapped} ${mapped === 1 ? 'maps' : 'map'} it too`]),
    ...(rest === 0 ? [] : [`${rest} ${rest === 1 ? 'does' : 'do'} not translate it`]),
    ...(open === 0 ? [] : [`of ${open} the dump does not hold the tables`]),
  ];
  return ` It was looked up in ${walks.length} domains: of the others, ${parts.join(', ')}; --stream names one device.`;
}

function walkSentence(subject: Subject): string {
  const { walks, iova, dump } = subject;
  const [first] = walks;
  if (first === undefined) return '';
  if (first.result.ok) {
    return `${whoText(first, subject)}${hex(iova)} leads to ${leafText(first.result, subject)}.${othersText(subject)}`;
  }
  if (walks.length === 1)
    return `${whoText(first, subject)}${hex(iova)} ${isNotInDump(first.result, dump) ? 'is' : 'does not translate:'} ${faultText(first.result, dump)}.`;
  const open = walks.some(({ result }) => !result.ok && isNotInDump(result, dump));
  const unknown = open ? ' as far as the dump holds their tables' : '';
  return `${hex(iova)} does not translate in any of ${walks.length} domains${unknown}; first: ${whoText(first, subject)}${faultText(first.result, dump)}.`;
}

function bypassLines({ bypassing, iommu, names, iova }: Subject): string[] {
  const decoding: Pick<Decoding, 'iommu' | 'contexts' | 'domains'> = { iommu, contexts: bypassing, domains: [] };
  const found = exposuresOf(decoding, [], names);
  return found.map(
    ({ device }) => `${device} bypasses the IOMMU: its access to ${hex(iova)} goes to physical ${hex(iova)} unchecked`,
  );
}

function verdictOf(subject: Subject, bypass: readonly string[]): string {
  const [only] = bypass;
  const first =
    only === undefined
      ? ''
      : bypass.length === 1
        ? `${only}. `
        : `${bypass.length} devices bypass the IOMMU: their access to ${hex(subject.iova)} goes to physical ${hex(subject.iova)} unchecked. `;
  return `${first}${walkSentence(subject)}`.trim() || `${subject.iommu}: no device has a context that translates.`;
}

function outcomeOf({ walks, dump }: Subject, bypass: readonly string[]): Answer['outcome'] {
  if (isDamaged(dump)) return 'unusable';
  return bypass.length === 0 && walks.some(({ result }) => result.ok) ? 'fine' : 'findings';
}

/** Where an address goes, level by level; `findings` where it faults, or where a device bypasses the tables. */
export function walkAnswer(question: WalkQuestion): Answer {
  const subject: Subject = { ...question, names: question.names ?? new MachineNames() };
  const bypass = bypassLines(subject);
  const { walks, iova, iommu, names, dump, access } = subject;
  return {
    schema: 'iommu.walk',
    version: 1,
    outcome: outcomeOf(subject, bypass),
    verdict: verdictOf(subject, bypass),
    data: { access, bypassing: bypass, ...walkData(iova, walks) },
    sections: [
      ...(bypass.length > 1 ? [listSection('exposed', 'Not protected', bypass)] : []),
      ...walks.map((walk, i) => walkSection(walk, i, subject)),
    ],
    notes: [...nameNotes(iommu, names), ...dumpNotes(dump)],
  };
}
