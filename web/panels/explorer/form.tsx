/**
 * What the explorer is asked for: list, format, granule, path, address.
 * @module
 */
import type { JSX } from 'preact';
import { formatSize } from '../../../src/address.ts';
import { PATHS } from '../../../src/core/paths.ts';
import type { Asked } from '../../explore/tables.ts';
import { hrefWith } from '../../state/app.ts';
import { FORMATS } from '../../state/offered.ts';
import { pasteAtOnce } from '../../view/paste.ts';
import { type Choice, choicesOf, Select } from '../../view/select.tsx';

type Set = (entries: Readonly<Record<string, string>>) => void;

function AddressField({
  label,
  value,
  hint,
  search = false,
  onChange,
}: {
  readonly label: string;
  readonly value: string;
  readonly hint: string;
  readonly search?: boolean;
  readonly onChange: (value: string) => void;
}): JSX.Element {
  return (
    <label class="field">
      <span>{label}</span>
      <input
        type="text"
        spellcheck={false}
        {...(search ? { 'data-search': '' } : {})}
        value={value}
        placeholder={hint}
        onChange={(event) => onChange(event.currentTarget.value.trim())}
      />
    </label>
  );
}

const FORMAT_CHOICES: readonly Choice[] = choicesOf(FORMATS.map(({ id }) => id));
const PATH_CHOICES: readonly Choice[] = choicesOf(PATHS);

interface WalkProps {
  readonly at: string;
  readonly access: string;
  readonly set: Set;
}

function WalkFields({
  at,
  hint,
  access,
  set,
  search,
}: WalkProps & { readonly hint: string; readonly search?: boolean }): JSX.Element {
  return (
    <div class="pair wide-first">
      <AddressField
        label="Address to walk"
        value={at}
        hint={hint}
        search={search === true}
        onChange={(address) => set({ at: address })}
      />
      <Select
        label="Access"
        value={access}
        choices={choicesOf(['read', 'write', 'execute'])}
        onChange={(kind) => set({ access: kind === 'read' ? '' : kind })}
      />
    </div>
  );
}

/** The form at the left of the explorer. */
export function ExplorerForm({
  asked,
  beside,
  at,
  access,
  set,
}: WalkProps & {
  readonly asked: Asked;
  readonly beside: string;
}): JSX.Element {
  const granules = FORMATS.find(({ id }) => id === asked.format)?.granules ?? [asked.granule];
  const chooseFormat = (format: string): void =>
    set({ format, granule: String(FORMATS.find(({ id }) => id === format)?.granules[0] ?? 4096) });
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
      <WalkFields at={at} hint={asked.iova} access={access} set={set} />
    </form>
  );
}

/** The form where the tables are those of a dump. */
export function DumpForm({ domain, at, access, set }: WalkProps & { readonly domain: string }): JSX.Element {
  return (
    <form class="side" onSubmit={(event) => event.preventDefault()}>
      <p class="note">
        The tables of {domain === '' ? 'the first domain' : `domain ${domain}`} of the dump.{' '}
        <a href={hrefWith({ panel: 'dump', of: '', at: '' })}>Back to the dump</a>
      </p>
      <WalkFields at={at} hint="0x200000" access={access} set={set} search />
      <button type="button" onClick={() => set({ of: '', at: '' })}>
        Map a list instead
      </button>
    </form>
  );
}
