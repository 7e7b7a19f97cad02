/**
 * The evidence in a function_graph trace: self time by layer for maps and unmaps.
 * @module
 */
import type { LayerStatus, LayerTime, MeasuredAnswer, OperationTimes, SizeClass } from '../../explain/measured.ts';
import { listText, percentText, sizeText, timeText } from '../../explain/words.ts';
import type { Block, Section } from '../../report/answer.ts';
import { measuredLayersChart } from '../../report/describe/layers.ts';
import { formatBytes, formatNumber } from '../../report/number.ts';
import type { Table } from '../../report/table.ts';
import { plural } from '../tables/subject.ts';

/** Layers that were not traced stand in the notes. */
const STATUS_TEXT: Readonly<Record<Exclude<LayerStatus, 'measured' | 'not traced'>, string>> = {
  'no call': 'traced, but none of the functions was called here by itself: not at all, or inlined into the caller',
  'not seen': 'not seen, and which functions were traced is not known',
};

function sizeOf({ bytesLow, bytesHigh }: SizeClass): string {
  if (bytesHigh === 0) return 'size unknown';
  return bytesLow === bytesHigh ? sizeText(bytesLow) : `${sizeText(bytesLow)} to ${sizeText(bytesHigh)}`;
}

function measuredOf({ layers }: SizeClass): LayerTime[] {
  return layers.filter(({ status }) => status === 'measured');
}

function layerTable(operation: OperationTimes): Table {
  return {
    columns: [
      { title: 'layer' },
      { title: 'share', unit: 'share' },
      { title: 'calls', unit: 'count', drop: 2 },
      { title: 'median', unit: 'ns' },
      { title: 'p99', unit: 'ns' },
      { title: 'sum', unit: 'ns', drop: 3 },
      { title: 'sum without tracer', unit: 'ns', drop: 4 },
    ],
    rows: measuredOf(operation).map(({ layer, share, calls, medianNs, p99Ns, selfNs, correctedNs }) => [
      layer,
      share,
      calls,
      medianNs,
      p99Ns,
      selfNs,
      correctedNs,
    ]),
  };
}

/** Layers without figures, by why they have none. */
function absentItems({ layers, op }: OperationTimes): string[] {
  if (op !== 'map' && op !== 'unmap') return [];
  const kinds = Object.entries(STATUS_TEXT) as [LayerStatus, string][];
  return kinds.flatMap(([status, text]) => {
    const names = layers.filter((one) => one.status === status).map(({ layer }) => layer);
    return names.length === 0 ? [] : [`${listText(names)}: ${text}`];
  });
}

function headText(operation: OperationTimes): string {
  const roots = Object.entries(operation.roots).map(([name, count]) => `${formatNumber(count)} ${name}`);
  const times = `median ${timeText(operation.medianNs)}, p99 ${timeText(operation.p99Ns)}`;
  return `${plural(operation.count, 'call')} (${listText(roots)}), ${sizeOf(operation)}; ${times}.`;
}

function slug(op: string): string {
  return op.replaceAll(' ', '-');
}

function operationSection(operation: OperationTimes): Section {
  const absent = absentItems(operation);
  const blocks: Block[] = [
    { kind: 'text', text: headText(operation) },
    { kind: 'table', table: layerTable(operation) },
    ...(absent.length === 0 ? [] : [{ kind: 'list', items: absent } as const]),
  ];
  return { id: slug(operation.op), title: `${operation.op}: self time by layer`, rank: 'main', blocks };
}

/** A row a size and layer: many layers side by side fit no screen. */
function sizeTable({ sizes }: OperationTimes): Table {
  return {
    columns: [
      { title: 'size' },
      { title: 'calls', unit: 'count', drop: 1 },
      { title: 'layer' },
      { title: 'share', unit: 'share' },
      { title: 'median', unit: 'ns' },
      { title: 'p99', unit: 'ns' },
    ],
    rows: sizes.flatMap((of) => [
      [sizeOf(of), of.count, 'all', null, of.medianNs, of.p99Ns],
      ...measuredOf(of).map(({ layer, share, medianNs, p99Ns }) => [
        sizeOf(of),
        of.count,
        layer,
        share,
        medianNs,
        p99Ns,
      ]),
    ]),
  };
}

function sizeSections(operation: OperationTimes): Section[] {
  if (operation.sizes.length < 2) return [];
  const table: Block = { kind: 'table', table: sizeTable(operation) };
  return [
    { id: `${slug(operation.op)}-sizes`, title: `${operation.op}: self time by size`, rank: 'detail', blocks: [table] },
  ];
}

function isMapping({ op }: OperationTimes): boolean {
  return op === 'map' || op === 'unmap';
}

function chartsOf({ operations, machine }: MeasuredAnswer): Section[] {
  const evidence = machine.kind === 'emulated' ? 'emulated' : 'measured';
  const blocks = operations
    .filter(isMapping)
    .map((operation): Block => ({ kind: 'chart', chart: measuredLayersChart([operation], evidence, formatBytes) }));
  return blocks.length === 0 ? [] : [{ id: 'layers', title: 'Self time by layer', rank: 'detail', blocks }];
}

/** Sections of the answer about a function_graph trace. */
export function measuredSections(answer: MeasuredAnswer): Section[] {
  return [...answer.operations.map(operationSection), ...chartsOf(answer), ...answer.operations.flatMap(sizeSections)];
}

function overheadNote({ overhead }: MeasuredAnswer): string {
  if (overhead === null) {
    return "the tracer's own overhead cannot be bounded: no function has 20 calls with exactly one traced call inside";
  }
  const { boundNs, from } = overhead;
  return `the tracer adds at most ${timeText(boundNs)} to a call for each traced call inside it (median self time of ${from} with one such call); 'sum without tracer' takes that off`;
}

function negativeNote({ negativeSelf: { count, listed } }: MeasuredAnswer): string[] {
  if (count === 0) return [];
  const first = listed.slice(0, 5).map((one) => `${one.name} (line ${one.line}, ${timeText(one.selfNs)})`);
  return [
    `${plural(count, 'call')} shorter than what is inside, because an interrupt fell between the tracer's start time and its entry line; set to 0: ${listText(first)}`,
  ];
}

function lossNote({ trace }: MeasuredAnswer): string[] {
  const { unfinished, unmatchedExits, lostMarks } = trace;
  if (unmatchedExits + unfinished + lostMarks === 0) return [];
  return [
    `left out: ${unfinished} calls without an end, ${unmatchedExits} ends without a beginning; ${lostMarks} marks of lost events`,
  ];
}

/** What limits the answer. */
export function measuredNotes(answer: MeasuredAnswer): string[] {
  const { machine, notTraced, tracedKnown, interrupts, unknownFunctions, suggestedRun } = answer;
  return [
    `times: ${machine.claim} (${machine.from})`,
    ...(machine.kind === 'hardware' ? [] : ['no machine profile is fitted from such times']),
    `self time is a duration without the traced calls inside it; ${overheadNote(answer)}`,
    ...(notTraced.length === 0 ? [] : [`not traced: ${listText(notTraced)}; their time is inside their callers'`]),
    ...(tracedKnown ? [] : ['which functions were traced is not known: give the list with --functions']),
    ...(interrupts === 0
      ? []
      : [
          `${plural(interrupts, 'unmap')} interrupted a map: each is counted by itself and taken off around it; the rest of the interrupt's handler stays in the interrupted function`,
        ]),
    ...negativeNote(answer),
    ...(unknownFunctions.length === 0 ? [] : [`of no known layer: ${listText(unknownFunctions.slice(0, 10))}`]),
    ...lossNote(answer),
    suggestedRun.text,
  ];
}

function operationSentence(operation: OperationTimes): string {
  const top = measuredOf(operation)
    .toSorted((a, b) => b.share - a.share)
    .slice(0, 2)
    .map(({ layer, share }) => `${percentText(share)} in ${layer}`);
  return `${operation.op} takes ${timeText(operation.medianNs)} (median of ${formatNumber(operation.count)}), ${listText(top)}`;
}

function nothingSentence({ trace: { unfinished } }: MeasuredAnswer): string {
  const cut = unfinished === 0 ? '' : `: ${plural(unfinished, 'call')} without an end`;
  return `No map or unmap was traced to its end${cut}, so nothing can be said of where the time goes. Record again with iommu record --graph.`;
}

/** One to three sentences about a function_graph trace. */
export function measuredVerdict(answer: MeasuredAnswer): string {
  const mapping = answer.operations.filter(isMapping);
  if (mapping.length === 0) return nothingSentence(answer);
  const claim =
    answer.machine.kind === 'emulated'
      ? 'The times are emulated, no claim about hardware'
      : `Times: ${answer.machine.claim}`;
  const hidden = answer.notTraced.length === 0 ? '' : `; ${listText(answer.notTraced)} were not traced`;
  const text = mapping.map(operationSentence).join('; ');
  return `${text}. ${claim}${hidden}. To see what a dispatch costs, time the same path with direct dispatch.`;
}

/** Layers by kind of call, for CSV. */
export function layerRows({ operations }: MeasuredAnswer): Table {
  return {
    columns: [
      { title: 'call' },
      { title: 'layer' },
      { title: 'status' },
      { title: 'calls', unit: 'count' },
      { title: 'median', unit: 'ns' },
      { title: 'p99', unit: 'ns' },
      { title: 'self', unit: 'ns' },
      { title: 'self without tracer', unit: 'ns' },
      { title: 'share', unit: 'share' },
    ],
    rows: operations.flatMap(({ op, layers }) =>
      layers.map(({ layer, status, calls, medianNs, p99Ns, selfNs, correctedNs, share }) =>
        status === 'measured'
          ? [op, layer, status, calls, medianNs, p99Ns, selfNs, correctedNs, share]
          : [op, layer, status],
      ),
    ),
  };
}
