import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { faultAnswer } from '../../src/answers/fault.ts';
import { compareAnswer, explainAnswer, readExplained } from '../../src/answers/index.ts';
import { PolicyRun } from '../../src/answers/replay-policies.ts';
import { ReplayTlbRun } from '../../src/answers/replay-tlb.ts';
import { FaultHistory, readFaultLog } from '../../src/fault/index.ts';
import { type Answer, answerDocument, answerToJson, answerToText } from '../../src/report/index.ts';
import {
  createNames,
  createTraceReader,
  type ReadStats,
  type TraceEvent,
  type TraceNames,
} from '../../src/trace/index.ts';
import { bytesOf, CAPTURES, dma, line, replayTexts, tracesOf } from './helpers.ts';

const STYLE = { width: 80, color: false, ascii: false, bytes: false, verbose: false, ruled: false };
const NOISE = 'noise \u001b[31m of no form';

/** Lines of a trace, one of them noise. */
function noisy(...noise: readonly string[]): string {
  const lines = [line('map', 1, 0x1000, 0x1000), line('unmap', 2, 0x1000, 0x1000), line('map', 3, 0x5000, 0x1000)];
  return `# tracer: nop\n${lines.join('')}${noise.map((text) => `${text}\n`).join('')}`;
}

function read(text: string, sink: (names: TraceNames) => (event: TraceEvent) => void): ReadStats {
  const names = createNames();
  const reader = createTraceReader('ftrace', sink(names), names);
  reader.push(new TextEncoder().encode(text));
  reader.end();
  return reader.stats;
}

async function* chunk(text: string): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(new TextEncoder().encode(text));
}

/** The first screen says how many lines, of how many; the notes say which was the first. */
function expectSaid(answer: Answer, sentence: string, first: string): void {
  const text = answerToText(answer, STYLE);
  const screen = text.split('\n').slice(0, 24).join(' ');
  expect(screen.replace(/\s+/g, ' ')).toContain(sentence);
  expect(text.replace(/\s+/g, ' ')).toContain(first);
  expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  expect(JSON.parse(answerToJson(answer)).notes.join('\n')).toContain('not understood: ');
}

describe('lines of a trace that were not understood', () => {
  test('are counted and shown on the first screen, the events that are not used among the others', () => {
    const unused = '  dd-1 [000] .....  4.000000: qi_submit: iotlb_inv dmar0: 0x1\n';
    const answer = replayTexts([noisy(NOISE, 'second').concat(unused)]);
    expect(answer.data.trace.notUnderstood).toEqual({
      count: 2,
      of: 7,
      first: { file: null, line: 5, reason: 'no event line', text: NOISE },
    });
    expectSaid(
      answer,
      '2 of 7 lines were not understood.',
      'the first is line 5 (no event line): noise \\x1b[31m of no form',
    );
    const skipped = answer.data.trace.skipped.map(({ reason, understood }) => [reason, understood]);
    expect(skipped).toEqual([
      ['no event line', false],
      ['event not used: qi_submit', true],
    ]);
  });

  test('a trace whose last line is cut says that its end may be missing; a whole one does not', async () => {
    const whole = noisy();
    const answer = replayTexts([whole.slice(0, -9)]);
    expectSaid(
      answer,
      '1 of 4 lines was not understood. The last line has no newline: the end may be missing.',
      'line 4',
    );
    expect(answer.data.trace.notUnderstood).toMatchObject({ count: 1, cutOff: true });
    expect(answerToText(replayTexts([whole]), STYLE)).not.toContain('newline');
    const graph = new TextDecoder().decode(bytesOf(`${CAPTURES}x86-vtd-612-blk/trace_fgraph.txt.gz`));
    const explained = async (text: string): Promise<Answer> =>
      explainAnswer([await readExplained({ source: 'graph.txt', chunks: chunk(text) })]);
    const end = graph.indexOf('\n', 90_000);
    expect((await explained(graph.slice(0, end - 5))).verdict).toContain('The last line has no newline');
    expect((await explained(graph.slice(0, end + 1))).verdict).not.toContain('newline');
  });

  test('are not mentioned where all lines were', () => {
    const answer = replayTexts([noisy()]);
    expect(answerToText(answer, STYLE)).not.toContain('not understood');
    expect(answer.data.trace.notUnderstood).toEqual({ count: 0, of: 4, first: null });
  });

  test('are named where they are all that the trace has: it is not said to be without events', () => {
    const answer = replayTexts([`# tracer: nop\n${`${NOISE}\n`.repeat(9)}`]);
    expect(answer.outcome).toBe('unusable');
    expect(answer.verdict).not.toContain('has no iommu or dma event');
    expectSaid(answer, '9 of 10 lines were not understood: what is missing here may be among them.', 'is line 2');
  });

  test('of several files are named with the number of their file, and long ones are cut', () => {
    const answer = replayTexts([noisy(), noisy(`x${'y'.repeat(500)}`)]);
    expectSaid(answer, '1 of 9 lines was not understood.', 'the first is line 5 of file 2 (no event line): xyyy');
    expect(answer.notes[0]?.length).toBeLessThan(200);
  });

  test('stand where they stand, whatever reads the lines around them', () => {
    const [path = ''] = tracesOf('x86-vtd-612-blk').filter((one) => one.endsWith('trace.txt.gz'));
    const lines = new TextDecoder().decode(bytesOf(path)).split('\n').slice(0, 3000);
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat({ max: 2900 }), { minLength: 1, maxLength: 9 }), (places) => {
        const text = lines.map((one, at) => (places.includes(at) ? NOISE : one)).join('\n');
        const stats = read(`${text}\n`, () => () => undefined);
        const [row] = stats.skipped.filter(({ understood }) => !understood);
        expect([row?.count, row?.line, stats.lines]).toEqual([places.length, Math.min(...places) + 1, 3000]);
      }),
      { numRuns: 20 },
    );
  });

  test('are told from events that are not used, however many names those have', () => {
    const events = Array.from({ length: 200 }, (_, i) => `  dd-1 [000] .....  4.000000: event_${i}: x`);
    const { notUnderstood, skipped } = replayTexts([noisy(...events, NOISE)]).data.trace;
    expect(skipped.length).toBeLessThanOrEqual(64);
    expect(notUnderstood).toMatchObject({ count: 1, first: { line: 205 } });
  });
});

describe('other questions about traces say it too', () => {
  const text = noisy(NOISE);
  const said = ['1 of 5 lines was not understood', 'line 5 (no event line): noise \\x1b[31m of no form'] as const;

  test('replay --tlb-size and replay --policy', () => {
    const names = createNames();
    const tlb = new ReplayTlbRun({ names, tlbSize: '64' });
    const policies = new PolicyRun({ names, policies: ['strict', 'lazy'], options: {} });
    const stats = read(text, () => (event) => {
      tlb.event(event);
      policies.event(event);
    });
    expectSaid(tlb.answer([stats]), ...said);
    expectSaid(policies.answer([stats]), ...said);
  });

  test('compare, with the side', () => {
    const [clean, odd] = [replayTexts([noisy()]), replayTexts([text])].map(answerDocument);
    const answer = compareAnswer({ name: 'a', document: clean }, { name: 'b', document: odd });
    expectSaid(answer, '1 of 5 lines of B was not understood.', 'line 5 (no event line)');
    const older = { ...(odd as object), trace: { events: 3 } };
    expect(compareAnswer({ name: 'a', document: clean }, { name: 'b', document: older }).notes.join()).not.toContain(
      'not understood',
    );
  });

  test('fault --trace, with the trace', () => {
    const log = readFaultLog(
      '[   99.0] DMAR: [DMA Read NO_PASID] Request device [00:02.0] fault addr 0x1000 [fault reason 0x06] PTE Read access is not set\n',
    );
    const names = createNames();
    const history = new FaultHistory(log.incidents, names);
    const stats = read(text + dma('map', 5, '0000:00:02.0', 0x9000, 4096), () => history.sink);
    history.finish();
    const answer = faultAnswer({ log, source: 'log', history, trace: [stats], limit: 10 });
    expectSaid(answer, '1 of 6 lines of the trace was not understood.', 'line 5 (no event line)');
    expect(answer.data.trace?.notUnderstood.count).toBe(1);
  });

  test('explain, of function_graph text', async () => {
    const graph = gunzipSync(readFileSync(`${CAPTURES}x86-vtd-612-blk/trace_fgraph.txt.gz`)).toString();
    const chunks = chunk(`${graph}${NOISE}\n`);
    const count = graph.split('\n').length;
    const answer = explainAnswer([await readExplained({ source: 'x', chunks })]);
    const of = count.toLocaleString('en-US');
    expectSaid(answer, `1 of ${of} lines was not understood.`, `line ${count}: noise \\x1b[31m of no form`);
  });
});
