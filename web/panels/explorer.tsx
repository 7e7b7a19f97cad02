/**
 * The explorer: a list becomes a table, level by level, entry by entry, bit by bit; or the tables of a dump are looked at.
 * @module
 */
import type { JSX } from 'preact';
import { hash, setHash } from '../state/app.ts';
import { CopyButton } from '../view/copy.tsx';
import { FileList } from '../view/file-list.tsx';
import { DumpForm, ExplorerForm } from './explorer/form.tsx';
import { LeafListView } from './explorer/leaf-list.tsx';
import {
  access,
  asked,
  domain,
  dropEdits,
  edit,
  edits,
  first,
  hit,
  invalidateTlb,
  type Made,
  player,
  second,
  select,
  setAsked,
  source,
  step,
  stopPlaying,
  undoEdit,
} from './explorer/session.ts';
import { TablesView } from './explorer/tables-view.tsx';
import { TlbView } from './explorer/tlb-view.tsx';
import type { Panel } from './panel.ts';

interface SideProps {
  readonly side: Made;
  readonly title: string;
  readonly isOwn: boolean;
}

/** What stands behind the verdict of the tables that were asked for. */
function Lead({ side }: { readonly side: Made }): JSX.Element {
  return (
    <>
      <Player />
      {'picture' in side ? <TlbView now={side.picture.others} /> : null}
      <FileList />
    </>
  );
}

function Side({ side, title, isOwn }: SideProps): JSX.Element {
  if ('refused' in side) {
    return (
      <>
        <p class="refused" role="alert">
          {side.refused}
        </p>
        {isOwn ? <Lead side={side} /> : null}
      </>
    );
  }
  return (
    <TablesView
      title={title}
      picture={side.picture}
      shown={player.value}
      held={isOwn ? hit.value : undefined}
      {...(isOwn ? { lead: <Lead side={side} /> } : {})}
      onSelect={select}
      onEdit={isOwn && domain.value === undefined ? edit : undefined}
    />
  );
}

function Player(): JSX.Element {
  const isPlaying = player.value !== undefined || hit.value !== undefined;
  return (
    <fieldset class="bar" aria-label="walk player">
      <button type="button" onClick={step}>
        {player.value === undefined ? 'Walk step by step' : 'Next memory read'}
      </button>
      {isPlaying ? (
        <button type="button" onClick={stopPlaying}>
          Show all levels
        </button>
      ) : null}
      <CopyButton title="Copy the link" text={() => location.href} />
      {edits.value.length === 0 ? null : (
        <>
          <button type="button" onClick={undoEdit}>
            Undo the last change
          </button>
          <button type="button" onClick={dropEdits}>
            Undo all {edits.value.length} {edits.value.length === 1 ? 'change' : 'changes'}
          </button>
        </>
      )}
    </fieldset>
  );
}

function View(): JSX.Element {
  const [made, other] = [first.value, second.value];
  const beside = hash.value.get('beside') ?? '';
  const of = domain.value;
  const at = hash.value.get('at') ?? '';
  return (
    <div class="split">
      {of === undefined ? (
        <ExplorerForm asked={asked.value} beside={beside} at={at} access={access.value} set={setAsked} />
      ) : (
        <DumpForm domain={of} at={at} access={access.value} set={setHash} />
      )}
      <div class="answers">
        <div class={other === undefined ? 'sides' : 'sides two'}>
          {made === undefined ? null : <Side side={made} title={of ?? asked.value.format} isOwn />}
          {other === undefined ? null : <Side side={other} title={beside} isOwn={false} />}
        </div>
        {made !== undefined && 'picture' in made ? <LeafListView of={source.value} /> : null}
      </div>
    </div>
  );
}

/** The explorer. */
export const EXPLORER_PANEL: Panel = {
  id: 'explorer',
  title: 'Explorer',
  needs: 'a list of addresses and lengths, or a dump',
  commands: [
    { title: 'Walk: next memory read', key: 'n', run: step },
    { title: 'Walk: show all levels', key: 'a', run: stopPlaying },
    { title: 'Invalidate the TLB', run: invalidateTlb },
    { title: 'Undo the last changed entry', key: 'u', run: undoEdit },
    { title: 'Undo all changed entries', run: dropEdits },
  ],
  View,
};
