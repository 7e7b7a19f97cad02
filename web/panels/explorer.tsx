/**
 * The explorer: a list becomes a table, level by level, entry by entry, bit by bit.
 * @module
 */
import { computed, signal } from '@preact/signals';
import type { JSX } from 'preact';
import { hex, parseAddress } from '../../src/address.ts';
import { FIRST_LIST } from '../explore/list.ts';
import { type Asked, type Edits, mapAsked, type Tables } from '../explore/tables.ts';
import { hash, setHash } from '../state/app.ts';
import { ExplorerForm } from './explorer/form.tsx';
import { TablesView } from './explorer/tables-view.tsx';
import type { Panel } from './panel.ts';

/** What the address asks for, filled in. */
const asked = computed<Asked>(() => {
  const get = (key: string, otherwise: string): string => hash.value.get(key) ?? otherwise;
  return {
    format: get('format', 'arm-64-lpae-s1'),
    granule: Number(get('granule', '4096')),
    path: get('path', 'map-pages'),
    iova: get('iova', '0x200000'),
    list: get('list', FIRST_LIST),
  };
});

/** Entries that the user changed; a new list begins with none. */
const edits = signal<Edits>(new Map());
const player = signal<number | undefined>(undefined);

type Made = { readonly tables: Tables } | { readonly refused: string };

function made(question: Asked, changed: Edits): Made {
  try {
    return { tables: mapAsked(question, changed) };
  } catch (error) {
    return { refused: error instanceof Error ? error.message : String(error) };
  }
}

const first = computed(() => made(asked.value, edits.value));
const second = computed(() => {
  const format = hash.value.get('beside');
  return format === undefined ? undefined : made({ ...asked.value, format, granule: granuleFor(format) }, new Map());
});

function granuleFor(format: string): number {
  return format.startsWith('apple-dart') ? 16384 : 4096;
}

const at = computed<bigint>(() => {
  try {
    return parseAddress(hash.value.get('at') ?? asked.value.iova);
  } catch {
    return 0n;
  }
});

function select(iova: bigint): void {
  setHash({ at: hex(iova) });
}

function edit(address: number, entry: bigint): void {
  edits.value = new Map(edits.value).set(address, entry);
}

function undoEdit(): void {
  const last = [...edits.value.keys()].at(-1);
  if (last === undefined) return;
  edits.value = new Map([...edits.value].filter(([address]) => address !== last));
}

function step(): void {
  player.value = player.value === undefined ? 0 : player.value + 1;
}

function Side({ side, title }: { readonly side: Made; readonly title: string }): JSX.Element {
  if ('refused' in side) {
    return (
      <p class="refused" role="alert">
        {side.refused}
      </p>
    );
  }
  return (
    <TablesView
      title={title}
      tables={side.tables}
      at={at.value}
      shown={player.value}
      onSelect={select}
      onEdit={title === asked.value.format ? edit : undefined}
    />
  );
}

function Player(): JSX.Element {
  return (
    <fieldset class="bar" aria-label="walk player">
      <button type="button" onClick={step}>
        {player.value === undefined ? 'Walk step by step' : 'Next memory read'}
      </button>
      {player.value === undefined ? null : (
        <button type="button" onClick={() => (player.value = undefined)}>
          Show all levels
        </button>
      )}
      {edits.value.size === 0 ? null : (
        <>
          <button type="button" onClick={undoEdit}>
            Undo the last change
          </button>
          <button type="button" onClick={() => (edits.value = new Map())}>
            Drop {edits.value.size} changed {edits.value.size === 1 ? 'entry' : 'entries'}
          </button>
        </>
      )}
    </fieldset>
  );
}

function View(): JSX.Element {
  const beside = hash.value.get('beside');
  const set = (entries: Readonly<Record<string, string>>): void => {
    edits.value = new Map();
    player.value = undefined;
    setHash(entries);
  };
  return (
    <div class="split">
      <ExplorerForm asked={asked.value} beside={beside ?? ''} at={hash.value.get('at') ?? ''} set={set} />
      <div>
        <Player />
        <Side side={first.value} title={asked.value.format} />
        {second.value === undefined ? null : <Side side={second.value} title={beside ?? ''} />}
      </div>
    </div>
  );
}

/** The explorer. */
export const EXPLORER_PANEL: Panel = {
  id: 'explorer',
  title: 'Explorer',
  needs: 'a list of addresses and lengths',
  commands: [
    { title: 'Walk: next memory read', key: 'n', run: step },
    { title: 'Undo the last changed entry', key: 'u', run: undoEdit },
  ],
  View,
};
