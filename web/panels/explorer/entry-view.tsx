/**
 * The selected entry: raw value, bits with their field names, fields; each can be changed.
 * @module
 */
import type { JSX } from 'preact';
import { hex, parseAddress } from '../../../src/address.ts';
import type { ReadStep } from '../../explore/picture.ts';
import { BitStrip } from '../../view/bits.tsx';

/** Receives a changed entry. */
export type OnEdit = ((address: number, entry: bigint) => void) | undefined;

interface EntryProps {
  /** Whose tables the entry is in. */
  readonly of: string;
  readonly step: ReadStep;
  readonly digits: number;
  readonly onEdit: OnEdit;
}

function RawValue({ step, digits, onEdit }: Omit<EntryProps, 'of'>): JSX.Element {
  const change = (event: Event & { readonly currentTarget: HTMLInputElement }): void => {
    try {
      const value = parseAddress(event.currentTarget.value.trim());
      event.currentTarget.setCustomValidity('');
      onEdit?.(step.entryAddress, BigInt.asUintN(digits * 4, value));
    } catch (error) {
      event.currentTarget.setCustomValidity(error instanceof Error ? error.message : String(error));
      event.currentTarget.reportValidity();
    }
  };
  return (
    <label class="field raw">
      <span>Raw value</span>
      <input
        type="text"
        spellcheck={false}
        value={hex(step.entry, digits)}
        readOnly={onEdit === undefined}
        onChange={change}
      />
    </label>
  );
}

/** The entry of a memory read. */
export function EntryView({ of, step, digits, onEdit }: EntryProps): JSX.Element {
  return (
    <section class="chosen" aria-label={`selected entry of ${of}`}>
      <h3>
        Level {step.level}, index {step.index}: {step.kind} <span>at {hex(step.entryAddress)}</span>
      </h3>
      <RawValue step={step} digits={digits} onEdit={onEdit} />
      <BitStrip
        value={step.entry}
        groups={step.groups}
        label={`bits of the entry of ${of}; arrow keys move, Enter switches`}
        onFlip={onEdit && ((bit) => onEdit(step.entryAddress, step.entry ^ (1n << BigInt(bit))))}
      />
      <dl class="fields">
        {Object.entries(step.fields).map(([name, value]) => (
          <div>
            <dt>{name}</dt>
            <dd>{String(value)}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
