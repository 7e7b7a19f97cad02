/**
 * Measured attribution as words and tables.
 * @module
 */
import type { LayerTime, MeasuredAnswer, OperationTimes, SizeClass } from './measured.ts';
import { listText, percentText, sizeText, tableLines, timeText } from './words.ts';

const STATUS_TEXT = {
  'not traced': 'not traced',
  'no call': 'none of its traced functions was called: not at all, or inside its caller',
  'not seen': 'not seen; which functions were traced is not known',
  measured: '',
} as const;

function sizeOf(of: SizeClass): string {
  if (of.bytesHigh === 0) return 'size not told';
  return of.bytesLow === of.bytesHigh ? sizeText(of.bytesLow) : `${sizeText(of.bytesLow)} to ${sizeText(of.bytesHigh)}`;
}

function layerRow(layer: LayerTime): string[] {
  if (layer.status !== 'measured') return [layer.layer, STATUS_TEXT[layer.status]];
  const corrected = timeText(layer.correctedNs);
  const times = [timeText(layer.medianNs), timeText(layer.p99Ns), timeText(layer.selfNs), corrected];
  return [layer.layer, percentText(layer.share), String(layer.calls), ...times];
}

function layerLines(operation: OperationTimes): string[] {
  const header = ['layer', 'share', 'calls', 'median', 'p99', 'sum', 'sum without tracer'];
  const measured = operation.layers.filter((layer) => layer.status === 'measured').map(layerRow);
  if (operation.op !== 'map' && operation.op !== 'unmap') return tableLines(header, measured);
  const others = operation.layers
    .filter((layer) => layer.status !== 'measured')
    .map((layer) => {
      const [name, text] = layerRow(layer);
      return `  ${name}: ${text}`;
    });
  return [...tableLines(header, measured), ...others];
}

function sizeLines(operation: OperationTimes): string[] {
  if (operation.sizes.length < 2) return [];
  const layers = operation.layers.filter((layer) => layer.status === 'measured').map((layer) => layer.layer);
  const header = ['size', 'n', 'total', ...layers];
  const rows = operation.sizes.map((of) => {
    const cells = layers.map((name) => {
      const layer = of.layers.find((one) => one.layer === name);
      return layer?.status === 'measured' ? `${timeText(layer.medianNs)}, ${timeText(layer.p99Ns)}` : '-';
    });
    return [sizeOf(of), String(of.count), `${timeText(of.medianNs)}, ${timeText(of.p99Ns)}`, ...cells];
  });
  return ['', '  by size, median and p99 of the self time:', ...tableLines(header, rows)];
}

function operationLines(operation: OperationTimes): string[] {
  const roots = Object.entries(operation.roots).map(([name, count]) => `${count} ${name}`);
  const head = `${operation.op}: ${operation.count} calls (${listText(roots)}), ${sizeOf(operation)}; median ${timeText(operation.medianNs)}, p99 ${timeText(operation.p99Ns)}`;
  return [head, ...layerLines(operation), ...sizeLines(operation), ''];
}

function overheadText(answer: MeasuredAnswer): string {
  if (answer.overhead === null) {
    return "The tracer's own overhead cannot be bounded: no function has 20 calls with exactly one traced call inside.";
  }
  const { boundNs, from } = answer.overhead;
  return `The tracer adds at most ${timeText(boundNs)} to a call for each traced call inside it (median self time of ${from} with one such call); the last column takes that off.`;
}

function remarks(answer: MeasuredAnswer): string[] {
  const { trace, negativeSelf } = answer;
  const text = [`Self time: duration without traced calls inside. ${overheadText(answer)}`];
  if (answer.notTraced.length > 0)
    text.push(`Not traced: ${listText(answer.notTraced)}; their time is inside their callers'.`);
  if (!answer.tracedKnown) text.push('Which functions were traced is not known: give the list with --functions.');
  if (answer.interrupts > 0) {
    text.push(
      `${answer.interrupts} unmaps interrupted a map: each is counted by itself and taken off around it; the rest of the interrupt's handler stays in the interrupted function.`,
    );
  }
  if (negativeSelf.count > 0) {
    const listed = negativeSelf.listed
      .slice(0, 5)
      .map((one) => `${one.name} (line ${one.line}, ${timeText(one.selfNs)})`);
    text.push(
      `${negativeSelf.count} calls last shorter than what is inside them, because an interrupt fell between the tracer's start time and its entry line; clipped at 0: ${listText(listed)}.`,
    );
  }
  if (answer.unknownFunctions.length > 0)
    text.push(`Of no known layer: ${listText(answer.unknownFunctions.slice(0, 10))}.`);
  const broken = trace.unmatchedExits + trace.unfinished + trace.unread + trace.lostMarks;
  if (broken > 0) {
    const first = trace.firstUnread === null ? '' : ` (first: line ${trace.firstUnread})`;
    text.push(
      `Left out: ${trace.unfinished} calls without an end, ${trace.unmatchedExits} ends without a beginning, ${trace.unread} lines that could not be read${first}; ${trace.lostMarks} marks of lost events.`,
    );
  }
  if (answer.machine.kind !== 'hardware') text.push('No machine profile is fitted from such times.');
  text.push(`${answer.suggestedRun.text.charAt(0).toUpperCase()}${answer.suggestedRun.text.slice(1)}.`);
  return text.map((line) => `  - ${line}`);
}

/** Prints the answer for a function_graph trace. */
export function measuredText(answer: MeasuredAnswer): string {
  const head = `${answer.source}: function_graph, ${answer.trace.lines} lines`;
  const machine = `Times: ${answer.machine.claim} (${answer.machine.from}).`;
  const nothing = answer.operations.length === 0 ? ['No map or unmap was traced.', ''] : [];
  const body = answer.operations.flatMap(operationLines);
  return [
    head,
    machine,
    '',
    ...nothing,
    ...body,
    'What this says, and what it cannot tell:',
    ...remarks(answer),
    '',
  ].join('\n');
}
