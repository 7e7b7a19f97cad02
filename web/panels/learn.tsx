/**
 * The panel that teaches: ten steps, each a state of the other panels behind a link.
 * @module
 */
import type { JSX } from 'preact';
import { writeHash } from '../state/hash.ts';
import { FileList } from '../view/file-list.tsx';
import { EXAMPLES } from './fault/examples.ts';
import type { Panel } from './panel.ts';

interface Lesson {
  readonly title: string;
  readonly text: string;
  readonly state: Readonly<Record<string, string>>;
}

const SCATTERED = Array.from({ length: 16 }, (_, i) => `0x${(0x8000_0000 + i * 0x9000).toString(16)} 4K`).join('\n');
const explorer = (state: Readonly<Record<string, string>>): Readonly<Record<string, string>> => ({
  panel: 'explorer',
  ...state,
});

const LESSONS: readonly Lesson[] = [
  {
    title: 'One page, mapped',
    text: 'One 4K page takes a table on each level: four memory reads lead to it. Press n to step through them.',
    state: explorer({ list: '0x80010000 4K', iova: '0x200000' }),
  },
  {
    title: 'A block instead of a table',
    text: '2M that are aligned on both sides are one entry at level 2, and the last level is not read at all.',
    state: explorer({ list: '0xc0000000 2M', iova: '0x200000' }),
  },
  {
    title: 'The same 2M, one page off',
    text: 'Shifted by a page, no block fits: 512 entries, in two tables.',
    state: explorer({ list: '0xc0001000 2M', iova: '0x200000' }),
  },
  {
    title: 'A larger granule',
    text: 'With a 64K granule the same memory takes other levels and fewer entries.',
    state: explorer({ list: '0xc0000000 2M', iova: '0x20000000', granule: '65536' }),
  },
  {
    title: 'Another architecture beside it',
    text: 'The same list in an Arm LPAE table and in a 32-bit short-descriptor table.',
    state: explorer({ list: '0x80010000 64K', iova: '0x200000', beside: 'arm-v7s' }),
  },
  {
    title: 'An address that is not mapped',
    text: 'The walk ends at the first empty entry; the fault names the level.',
    state: explorer({ list: '0x80010000 4K', iova: '0x200000', at: '0x201000' }),
  },
  {
    title: 'What the device reports then',
    text: 'The same fault as an SMMUv3 event record in a kernel log, field by field.',
    state: { panel: 'fault', log: EXAMPLES[0]?.text ?? '' },
  },
  {
    title: 'Is the loop over the list significant?',
    text: 'A scattered list, one call a page. The counts below the table say what every page repeats.',
    state: explorer({ list: SCATTERED, iova: '0x200000', path: 'per-page' }),
  },
  {
    title: 'The same list in one walk',
    text: 'The position in the tables is kept from page to page: compare walks and driver calls with the step before.',
    state: explorer({ list: SCATTERED, iova: '0x200000', path: 'one-walk' }),
  },
  {
    title: 'Where the latency goes, and what numbers cannot tell',
    text: "The series of 2021 as posted: ratios by size, layers, which layers cannot be told apart, and the run that would. The reviewer's five questions are about this table.",
    state: { panel: 'latency', show: 'map-sg-series-2021' },
  },
];

function View(): JSX.Element {
  return (
    <>
      <ol class="lessons">
        {LESSONS.map(({ title, text, state }) => (
          <li>
            <a href={`#${writeHash(new Map(Object.entries(state)))}`} data-move="">
              {title}
            </a>
            <p>{text}</p>
          </li>
        ))}
      </ol>
      <FileList />
    </>
  );
}

/** Learn. */
export const LEARN_PANEL: Panel = { id: 'learn', title: 'Learn', needs: 'nothing', commands: [], View };
