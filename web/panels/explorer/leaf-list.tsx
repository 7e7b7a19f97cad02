/**
 * All leaves of the tables: however many, only those in view are in the document, and the worker gives them page by page.
 * @module
 */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { formatSize, hex } from '../../../src/address.ts';
import type { ExploreSource, LeafPage } from '../../ask/protocol.ts';
import { leafPage, select } from './session.ts';

/** Height of a row in pixels; the style sheet has the same. */
const ROW = 28;
const IN_VIEW = 16;
/** Rows that are fetched at once, around those in view. */
const PAGE = 200;

interface Shown {
  readonly of: ExploreSource;
  readonly page: LeafPage;
}

/** Whether a page has the rows in view. */
function has({ from, rows, total }: LeafPage, top: number): boolean {
  return top >= from && Math.min(total, top + IN_VIEW) <= from + rows.length;
}

function Rows({ page, top }: { readonly page: LeafPage; readonly top: number }): JSX.Element {
  const begin = Math.max(0, top - page.from);
  return (
    <>
      {page.rows.slice(begin, begin + IN_VIEW + 1).map(({ iova, pa, bytes, level }, i) => (
        <button
          type="button"
          class="leaf-row"
          style={{ top: `${(page.from + begin + i) * ROW}px` }}
          onClick={() => select(iova)}
        >
          <span>{hex(iova, 12)}</span>
          <span>{hex(pa, 12)}</span>
          <span>{formatSize(bytes)}</span>
          <span>level {level}</span>
        </button>
      ))}
    </>
  );
}

/** The list; it is read when it is opened. */
export function LeafListView({ of }: { readonly of: ExploreSource }): JSX.Element {
  const opened = useSignal(false);
  const shown = useSignal<Shown | undefined>(undefined);
  const top = useSignal(0);
  const scroller = useRef<HTMLElement>(null);
  const asking = useRef(-1);
  const page = shown.value?.of === of ? shown.value.page : undefined;
  const fetch = async (row: number): Promise<void> => {
    const from = Math.max(0, row - PAGE / 2);
    if (asking.current === from) return;
    asking.current = from;
    try {
      shown.value = { of, page: await leafPage(from, PAGE) };
    } catch {
      // the picture above says why there are no tables
    }
    asking.current = -1;
  };
  useEffect(() => {
    if (opened.value && (page === undefined || !has(page, top.value))) void fetch(top.value);
  }, [opened.value, page, top.value]);
  return (
    <details class="section" onToggle={(event) => (opened.value = event.currentTarget.open)}>
      <summary data-move="">All leaves{page === undefined ? '' : `: ${page.total.toLocaleString('en-US')}`}</summary>
      {page === undefined ? null : (
        <section
          class="leaf-list"
          ref={scroller}
          tabIndex={0}
          aria-label="leaves"
          onScroll={(event) => (top.value = Math.floor(event.currentTarget.scrollTop / ROW))}
        >
          <div style={{ height: `${page.total * ROW}px` }}>
            <Rows page={page} top={top.value} />
          </div>
        </section>
      )}
    </details>
  );
}
