/**
 * The state of the trace panel: which files, which window, which range; and what the worker says of them.
 * @module
 */
import { batch, computed, effect, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { hex, parseAddress } from '../../../src/address.ts';
import type { ReplayChoices } from '../../../src/answers/replay/choices.ts';
import type { Answer } from '../../../src/report/answer.ts';
import type { AddressWindow } from '../../../src/trace/call-view.ts';
import type { FollowUp, LookAt, TimeRange, TraceQuestion, TraceSide, TraceView } from '../../ask/protocol.ts';
import { files, hash, hrefWith, setHash } from '../../state/app.ts';
import { besideTraces, evidenceBeside, evidenceOf, tracesOf } from '../../state/evidence.ts';
import { newestOnly } from '../../state/newest.ts';
import { createQuestion } from '../../view/question.tsx';

/** What the panel asks: of the trace, or of two. */
export type PanelQuestion = TraceQuestion | 'compare';

/** The panel's questions in the words of the command line. */
export const QUESTIONS: readonly { readonly id: PanelQuestion; readonly title: string }[] = [
  { id: 'mapped', title: 'What was mapped' },
  { id: 'leaks', title: 'Leaks' },
  { id: 'double-maps', title: 'Double maps' },
  { id: 'compare', title: 'Compare two traces' },
];

/** The question about whole traces. */
export const question = createQuestion();
/** The window that the timeline shows. */
export const view: Signal<TraceView | undefined> = signal(undefined);

/** An answer about the range, or why there is none. */
export type RangeState = { readonly answer: Answer } | { readonly refused: string } | undefined;

/** Calls of the range, and the rows of the range. */
export const calls: Signal<RangeState> = signal(undefined);
/** What other paths make of the range; `running` while they are counted. */
export const rows: Signal<RangeState | 'running'> = signal(undefined);

/** The question that the address asks. */
export const wanted: ReadonlySignal<PanelQuestion> = computed(
  () => QUESTIONS.find(({ id }) => id === hash.value.get('trace'))?.id ?? 'mapped',
);

/** Traces that were dropped. */
export const traces: ReadonlySignal<readonly File[]> = computed(() => tracesOf(files.value));

function secondsOf(text: string | undefined): TimeRange | undefined {
  const [from, to, ...rest] = (text ?? '').split('-').map(Number);
  if (from === undefined || to === undefined || rest.length > 0 || !(from >= 0 && to > from)) return undefined;
  return { from: from * 1e9, to: to * 1e9 };
}

function since(first: number, range: TimeRange | undefined): TimeRange | undefined {
  return range === undefined ? undefined : { from: first + range.from, to: first + range.to };
}

const firstTime = computed(() => view.value?.first);
const rangeText = computed(() => hash.value.get('range'));
const zoomText = computed(() => hash.value.get('zoom'));
const addressText = computed(() => hash.value.get('addresses'));

/** The chosen range in nanoseconds of the trace; undefined where none is chosen. */
export const range: ReadonlySignal<TimeRange | undefined> = computed(() =>
  firstTime.value === undefined ? undefined : since(firstTime.value, secondsOf(rangeText.value)),
);

/** `domain:start-end` in hex. */
function addressesOf(text: string | undefined): AddressWindow | undefined {
  const [domain, start, end] = (text ?? '').split(/[:-]/);
  try {
    if (domain === undefined || start === undefined || end === undefined) return undefined;
    const window = { domain: Number(domain), start: Number(parseAddress(start)), end: Number(parseAddress(end)) };
    return Number.isInteger(window.domain) && window.end > window.start ? window : undefined;
  } catch {
    return undefined;
  }
}

/** The addresses that are zoomed into. */
export const addresses: ReadonlySignal<AddressWindow | undefined> = computed(() => addressesOf(addressText.value));

function rangeKey({ from, to }: TimeRange): string {
  const first = view.peek()?.first ?? 0;
  return [from, to]
    .map((time) =>
      Math.max(0, (time - first) / 1e9)
        .toFixed(9)
        .replace(/\.?0+$/, ''),
    )
    .join('-');
}

/** Chooses a range; none for the whole trace. */
export function chooseRange(chosen: TimeRange | undefined): void {
  setHash({ range: chosen === undefined ? '' : rangeKey(chosen) });
}

/** Shows a window of time; none for the whole trace. */
export function zoomTo(chosen: TimeRange | undefined): void {
  setHash({ zoom: chosen === undefined ? '' : rangeKey(chosen) });
}

/** Shows all addresses. */
export function showAllAddresses(): void {
  setHash({ addresses: '' });
}

/** The link that zooms into addresses. */
export function addressesLink({ domain, start, end }: AddressWindow): string {
  return hrefWith({ addresses: `${domain}:${hex(start)}-${hex(end)}` });
}

const CHOICES = ['iommu', 'format', 'granule', 'dispatch', 'iova', 'physical', 'tlb'] as const;

/** What the rows of the range vary, as the address has it. */
export const choices: ReadonlySignal<ReplayChoices> = computed(() => {
  const given = CHOICES.flatMap((name) => {
    const value = hash.value.get(`if-${name}`);
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(given);
});

const choicesText = computed(() => JSON.stringify(choices.value));

async function settled(asked: FollowUp): Promise<RangeState> {
  try {
    return { answer: await question.follow(asked) };
  } catch (error) {
    return { refused: error instanceof Error ? error.message : String(error) };
  }
}

/** Without a window where the question was cancelled: the question about the whole trace says why. */
async function seen(asked: LookAt): Promise<TraceView | undefined> {
  try {
    return await question.follow(asked);
  } catch {
    return undefined;
  }
}

const askView = newestOnly(seen, (found) => (view.value = found ?? view.peek()));
const askCalls = newestOnly(settled, (found) => (calls.value = found));
const askRows = newestOnly(settled, (found) => (rows.value = found));

function wholeOf({ first, last }: TraceView): TimeRange {
  return { from: first, to: last + 1 };
}

/** Reads the files; what was known of others is forgotten. */
async function open(dropped: readonly File[], asked: TraceQuestion): Promise<void> {
  batch(() => {
    view.value = undefined;
    calls.value = undefined;
    rows.value = undefined;
  });
  const evidence = { ...evidenceOf(files.peek()), traces: dropped };
  await question.ask({ ask: 'replay', evidence, wanted: asked }, (part) => (view.value = part));
}

/** Files and question that were read last: another question about the same files does not read them again. */
let read: { readonly inputs: readonly Blob[]; readonly asked: PanelQuestion } | undefined;

function isSame(a: readonly Blob[], b: readonly Blob[]): boolean {
  return a.length === b.length && a.every((file, i) => file === b[i]);
}

function sideOf(trace: File): TraceSide {
  return { trace, beside: evidenceBeside(files.peek(), trace) };
}

effect(() => {
  const [dropped, asked] = [traces.value, wanted.value];
  const inputs = dropped.length === 0 ? [] : [...dropped, ...besideTraces(files.value)];
  const before = read;
  const isRead = before !== undefined && isSame(before.inputs, inputs);
  if (isRead && before.asked === asked) return;
  read = { inputs, asked };
  const [a, b] = dropped.slice(-2);
  if (dropped.length === 0) {
    view.value = undefined;
    question.clear();
  } else if (asked === 'compare') {
    view.value = undefined;
    if (a !== undefined && b !== undefined) void question.ask({ ask: 'compare', sides: [sideOf(a), sideOf(b)] });
    else question.clear();
  } else if (isRead && before.asked !== 'compare' && question.isAnswered()) {
    void question.again({ ask: 'again', wanted: asked });
  } else void open(dropped, asked);
});

const isRead = computed(() => question.state.value.kind === 'answered' && wanted.value !== 'compare');

effect(() => {
  const [first, zoom, only] = [firstTime.value, zoomText.value, addresses.value];
  if (!isRead.value) return;
  const window = first === undefined ? undefined : since(first, secondsOf(zoom));
  askView({ ask: 'view', ...(window && { range: window }), ...(only && { addresses: only }) });
});

effect(() => {
  const [chosen, only] = [range.value, addresses.value];
  const now = view.peek();
  if (!isRead.value || now === undefined || (chosen === undefined && only === undefined)) {
    calls.value = undefined;
    return;
  }
  askCalls({ ask: 'range', range: chosen ?? wholeOf(now), ...(only && { addresses: only }) });
});

effect(() => {
  const [chosen, what] = [range.value, choicesText.value];
  const now = view.peek();
  if (!isRead.value || now === undefined || (chosen === undefined && what === '{}')) {
    rows.value = undefined;
    return;
  }
  rows.value = 'running';
  askRows({ ask: 'range-rows', range: chosen ?? wholeOf(now), choices: choices.peek() });
});
