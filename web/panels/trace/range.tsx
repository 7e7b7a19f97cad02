/**
 * The range of a trace: its ends, its calls, and what other paths, formats and granules make of it.
 * @module
 */
import type { JSX } from 'preact';
import { formatSize, hex } from '../../../src/address.ts';
import type { Answer } from '../../../src/report/answer.ts';
import { formatBytes } from '../../../src/report/number.ts';
import type { TraceView } from '../../ask/protocol.ts';
import { hash, setHash } from '../../state/app.ts';
import { FORMATS, IOMMUS } from '../../state/offered.ts';
import { AnswerView } from '../../view/answer.tsx';
import { type Choice, choicesOf, Select } from '../../view/select.tsx';
import {
  addresses,
  calls,
  chooseRange,
  question,
  type RangeState,
  range,
  rows,
  showAllAddresses,
  zoomTo,
} from './session.ts';

function secondsText(time: number, first: number): string {
  return ((time - first) / 1e9).toFixed(6);
}

function Seconds({
  label,
  value,
  search,
  onChange,
}: {
  readonly label: string;
  readonly value: string;
  readonly search?: boolean;
  readonly onChange: (seconds: number) => void;
}): JSX.Element {
  return (
    <label class="field inline">
      <span>{label}</span>
      <input
        type="text"
        inputMode="decimal"
        {...(search === true ? { 'data-search': '' } : {})}
        value={value}
        onChange={(event) => {
          const seconds = Number(event.currentTarget.value.trim());
          const isTime = Number.isFinite(seconds) && seconds >= 0;
          event.currentTarget.setCustomValidity(isTime ? '' : `expected seconds, got '${event.currentTarget.value}'`);
          if (isTime) onChange(seconds);
          else event.currentTarget.reportValidity();
        }}
      />
    </label>
  );
}

/** The ends of the range, and what the timeline shows. */
export function RangeBar({ view }: { readonly view: TraceView }): JSX.Element {
  const chosen = range.value;
  const { from, to } = chosen ?? { from: view.first, to: view.last + 1 };
  const zoomed = hash.value.get('zoom') !== undefined;
  const only = addresses.value;
  const set = (start: number, end: number): void => {
    if (end > start) chooseRange({ from: start, to: end });
  };
  return (
    <fieldset class="bar range-bar" aria-label="range">
      <Seconds
        label="Range from, s"
        search
        value={secondsText(from, view.first)}
        onChange={(seconds) => set(view.first + seconds * 1e9, to)}
      />
      <Seconds
        label="to, s"
        value={secondsText(to, view.first)}
        onChange={(seconds) => set(from, view.first + seconds * 1e9)}
      />
      {chosen === undefined ? null : (
        <>
          <button type="button" onClick={() => zoomTo(chosen)}>
            Zoom to the range
          </button>
          <button type="button" onClick={() => chooseRange(undefined)}>
            Clear the range
          </button>
        </>
      )}
      {zoomed ? (
        <button type="button" onClick={() => zoomTo(undefined)}>
          Show all of the trace
        </button>
      ) : null}
      {only === undefined ? null : (
        <button type="button" onClick={() => showAllAddresses()}>
          Show all addresses (now {formatBytes(only.end - only.start)} at {hex(only.start)})
        </button>
      )}
    </fieldset>
  );
}

function Settled({ state }: { readonly state: RangeState }): JSX.Element | null {
  if (state === undefined) return null;
  if ('answer' in state) return <AnswerView answer={state.answer} />;
  return (
    <p class="refused" role="alert">
      {state.refused}
    </p>
  );
}

/** The calls of the range. */
export function RangeCalls(): JSX.Element | null {
  if (calls.value === undefined) return null;
  return (
    <section class="part" aria-label="calls of the range">
      <h2>The range</h2>
      <Settled state={calls.value} />
    </section>
  );
}

const DEFAULTS = {
  dispatch: 'indirect',
  iova: 'keep',
  physical: 'keep',
  tlb: 'strict',
} as const;

const WORDS: readonly (readonly [keyof typeof DEFAULTS, string, readonly string[]])[] = [
  ['dispatch', 'Dispatch', ['indirect', 'direct', 'all']],
  ['iova', 'Input addresses', ['keep', 'packed', 'aligned']],
  ['physical', 'Physical memory', ['keep', 'contiguous-64k', 'contiguous-2m']],
  ['tlb', 'Invalidation', ['strict', 'lazy']],
];

function chosenOf(name: keyof typeof DEFAULTS): string {
  return hash.value.get(`if-${name}`) ?? DEFAULTS[name];
}

interface OwnRow {
  readonly driver: string;
  readonly format: string;
  readonly granule: string;
}

function firstRow(answer: Answer): OwnRow | undefined {
  return (answer.data as { readonly rows?: readonly OwnRow[] }).rows?.[0];
}

/** IOMMU, format and granule of the traced machine, or those that are assumed for it: those of the rows of the whole trace. */
function ownRow(): OwnRow {
  const state = question.state.value;
  const own = state.kind === 'answered' ? firstRow(state.answer) : undefined;
  return own ?? { driver: 'arm-smmu', format: 'arm-64-lpae-s1', granule: '4K' };
}

/** The format of the rows that are shown, where the address names none: that which Linux uses on the IOMMU. */
function usualFormat(own: OwnRow): string {
  const state = rows.value;
  if (hash.value.get('if-iommu') === undefined || state === undefined || state === 'running') return own.format;
  return ('answer' in state ? firstRow(state.answer)?.format : undefined) ?? own.format;
}

function granuleChoices(format: string): Choice[] {
  const sizes = FORMATS.find(({ id }) => id === format)?.granules.map(formatSize) ?? [];
  return sizes.length > 1 ? choicesOf([...sizes, 'all']) : choicesOf(sizes);
}

/** What if: other formats, granules, addresses, for the range or for the whole trace. */
export function WhatIf(): JSX.Element {
  const own = ownRow();
  const format = hash.value.get('if-format') ?? usualFormat(own);
  const granules = granuleChoices(format);
  const granule = granules.find(({ value }) => value === own.granule)?.value ?? granules[0]?.value;
  const state = rows.value;
  return (
    <section class="part" aria-label="what if">
      <h2>What if {range.value === undefined ? '' : <span>in the range</span>}</h2>
      <div class="choices">
        <Select
          label="IOMMU"
          value={hash.value.get('if-iommu') ?? own.driver}
          choices={choicesOf(IOMMUS)}
          onChange={(value) =>
            setHash({ 'if-iommu': value === own.driver ? '' : value, 'if-format': '', 'if-granule': '' })
          }
        />
        <Select
          label="Format"
          value={format}
          choices={choicesOf(FORMATS.map(({ id }) => id))}
          onChange={(value) => setHash({ 'if-format': value === own.format ? '' : value, 'if-granule': '' })}
        />
        <Select
          label="Granule"
          value={hash.value.get('if-granule') ?? granule ?? ''}
          choices={granules}
          onChange={(value) => setHash({ 'if-granule': value === granule ? '' : value })}
        />
        {WORDS.map(([name, label, values]) => (
          <Select
            label={label}
            value={chosenOf(name)}
            choices={choicesOf(values)}
            onChange={(value) => setHash({ [`if-${name}`]: value === DEFAULTS[name] ? '' : value })}
          />
        ))}
      </div>
      {state === 'running' ? (
        <p class="running" role="status">
          <progress aria-label="counting" /> counting crossings
        </p>
      ) : (
        <Settled state={state} />
      )}
    </section>
  );
}
