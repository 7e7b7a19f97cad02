/**
 * What the explorer is asked for: list, format, granule, path, address.
 * @module
 */
import type { JSX } from 'preact';
import { formatSize } from '../../../src/address.ts';
import { PATHS } from '../../../src/core/paths.ts';
import { FORMATS } from '../../../src/formats/registry.ts';
import { GIVEN_FORMATS } from '../../../src/hardware/given.ts';
import type { Asked } from '../../explore/tables.ts';
import { pasteAtOnce } from '../../view/paste.ts';
import { type Choice, choicesOf, Select } from '../../view/select.tsx';

/** Formats that the engine writes and the reader reads. */
const OFFERED = FORMATS.filter(({ id }) => GIVEN_FORMATS.includes(id));

type Set = (entries: Readonly<Record<string, string>>) => void;

function AddressField({
  label,
  value,
  hint,
  onChange,
}: {
  readonly label: string;
  readonly value: string;
  readonly hint: string;
  readonly onChange: (value: string) => void;
}): JSX.Element {
  return (
    <label class="field">
      <span>{label}</span>
      <input
        type="text"
        spellcheck={false}
        value={value}
        placeholder={hint}
        onChange={(event) => onChange(event.currentTarget.value.trim())}
      />
    </label>
  );
}

const FORMAT_CHOICES: readonly Choice[] = choicesOf(OFFERED.map(({ id }) => id));
const PATH_CHOICES: readonly Choice[] = choicesOf(PATHS);

/** The form at the left of the explorer. */
export function ExplorerForm({
  asked,
  beside,
  at,
  set,
}: {
  readonly asked: Asked;
  readonly beside: string;
  readonly at: string;
  readonly set: Set;
}): JSX.Element {
  const granules = OFFERED.find(({ id }) => id === asked.format)?.granules ?? [asked.granule];
  const chooseFormat = (format: string): void =>
    set({ format, granule: String(OFFERED.find(({ id }) => id === format)?.granules[0] ?? 4096) });
  return (
    <form class="side" onSubmit={(event) => event.preventDefault()}>
      <label class="field">
        <span>List: physical address, length</span>
        <textarea
          rows={7}
          spellcheck={false}
          data-search=""
          value={asked.list}
          onPaste={pasteAtOnce}
          onInput={(event) => set({ list: event.currentTarget.value })}
        />
      </label>
      <AddressField
        label="Mapped from input address"
        value={asked.iova}
        hint="0x200000"
        onChange={(iova) => set({ iova })}
      />
      <Select label="Format" value={asked.format} choices={FORMAT_CHOICES} onChange={chooseFormat} />
      <div class="pair">
        <Select
          label="Granule"
          value={String(asked.granule)}
          choices={granules.map((bytes) => ({ value: String(bytes), text: formatSize(bytes) }))}
          onChange={(granule) => set({ granule })}
        />
        <Select label="Path" value={asked.path} choices={PATH_CHOICES} onChange={(path) => set({ path })} />
      </div>
      <Select
        label="Same list beside it in"
        value={beside}
        choices={[{ value: '', text: 'no other format' }, ...FORMAT_CHOICES]}
        onChange={(format) => set({ beside: format })}
      />
      <AddressField label="Address to walk" value={at} hint={asked.iova} onChange={(address) => set({ at: address })} />
    </form>
  );
}
