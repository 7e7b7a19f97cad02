/**
 * One incident: the bits of its record and registers with the names of the fields, and the walk of its address beside them.
 * @module
 */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { plainText } from '../../../src/report/plain.ts';
import { hrefWith } from '../../state/app.ts';
import type { BitPicture, IncidentCells, WalkCells } from '../../state/fault-data.ts';
import { BitStrip } from '../../view/bits.tsx';

function Bits({
  picture: { of, value, groups },
  line,
}: {
  readonly picture: BitPicture;
  readonly line: string;
}): JSX.Element {
  const plain = groups.map((group) => ({ ...group, name: plainText(group.name) }));
  return (
    <>
      <h3>{of === 'record' ? 'Bits of the record' : `Bits of ${plainText(of)}`}</h3>
      <BitStrip
        value={value}
        groups={plain}
        label={`bits of ${plainText(of)}, line ${line}; arrow keys move`}
        isPartial
      />
    </>
  );
}

function Fields({ incident }: { readonly incident: IncidentCells }): JSX.Element {
  return (
    <dl class="fields">
      {incident.fields.map(({ name, value, meaning }) => (
        <div class={/^0x0+$/.test(value) ? 'zero' : ''}>
          <dt>{plainText(name)}</dt>
          <dd>{plainText(value)}</dd>
          {meaning === '' ? null : <dd class="meaning">{plainText(meaning)}</dd>}
        </div>
      ))}
    </dl>
  );
}

function Walk({ walk, iova }: { readonly walk: WalkCells; readonly iova: string }): JSX.Element {
  return (
    <section class="fault-walk" aria-label={`walk of ${iova} in the dump`}>
      <h3>
        The walk of {iova} in the dump <span>{walk.domain}</span>
      </h3>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col" class="number">
                level
              </th>
              <th scope="col" class="number">
                index
              </th>
              <th scope="col">entry at</th>
              <th scope="col">entry</th>
              <th scope="col">kind</th>
            </tr>
          </thead>
          <tbody>
            {walk.rows.map(({ level, index, address, entry, kind }) => (
              <tr>
                <td data-label="level" class="number">
                  {level}
                </td>
                <td data-label="index" class="number">
                  {index}
                </td>
                <td data-label="entry at">{address}</td>
                <td data-label="entry">{entry}</td>
                <td data-label="kind" class={kind === 'table' || kind === 'leaf' ? '' : 'bad'}>
                  {kind}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p>
        {plainText(walk.result)}{' '}
        {walk.domain === '' || iova === '' ? null : (
          <a href={hrefWith({ panel: 'explorer', of: walk.domain, at: iova })}>Look at its entries</a>
        )}
      </p>
    </section>
  );
}

function Body({ incident }: { readonly incident: IncidentCells }): JSX.Element {
  const { walk, pictures, iova } = incident;
  return (
    <div class={walk === undefined ? '' : 'beside'}>
      <div>
        {pictures.map((picture) => (
          <Bits picture={picture} line={incident.line} />
        ))}
        <Fields incident={incident} />
      </div>
      {walk === undefined ? null : <Walk walk={walk} iova={iova} />}
    </div>
  );
}

/** An incident; drawn when it is opened unless it is the first. */
export function IncidentView({
  incident,
  isFirst,
}: {
  readonly incident: IncidentCells;
  readonly isFirst: boolean;
}): JSX.Element {
  const opened = useSignal(isFirst);
  return (
    <details class="section strip" open={isFirst} onToggle={(event) => (opened.value = event.currentTarget.open)}>
      <summary data-move="">Line {incident.line}, bit by bit</summary>
      {opened.value ? <Body incident={incident} /> : null}
    </details>
  );
}
