/**
 * A choice from a list, with its name above it.
 * @module
 */
import type { JSX } from 'preact';

/** One choice. */
export interface Choice {
  readonly value: string;
  readonly text: string;
}

/** A choice whose words are its values. */
export function choicesOf(values: readonly string[]): Choice[] {
  return values.map((value) => ({ value, text: value }));
}

/** The list. */
export function Select({
  label,
  value,
  choices,
  onChange,
}: {
  readonly label: string;
  readonly value: string;
  readonly choices: readonly Choice[];
  readonly onChange: (value: string) => void;
}): JSX.Element {
  return (
    <label class="field">
      <span>{label}</span>
      <select value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {choices.map((choice) => (
          <option value={choice.value} selected={choice.value === value}>
            {choice.text}
          </option>
        ))}
      </select>
    </label>
  );
}
