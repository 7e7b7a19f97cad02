import { describe, expect, it } from 'vitest';
import { allCaptures, type Capture, pageCounts, recordedPages, replay } from './replay-model.ts';

const CAPTURES = allCaptures();
const TITLES = CAPTURES.map((capture) => [`${capture.folder} ${capture.name}`, capture] as const);

interface Replayed extends ReturnType<typeof replay> {
  readonly roots: ReturnType<typeof recordedPages>;
}

const replays = new Map<string, Replayed>();

/** Replays are shared by the tests: some map a gigabyte page by page. */
function replayOnce(capture: Capture): Replayed {
  const key = `${capture.folder} ${capture.name}`;
  const made = replays.get(key) ?? { ...replay(capture), roots: recordedPages(capture) };
  replays.set(key, made);
  return made;
}

/** Keys of `wanted` that are missing in a map or have another value there. */
function missing(domain: Map<number, number>, wanted: Map<number, number>): number[] {
  const keys: number[] = [];
  for (const [page, pa] of wanted) if (domain.get(page) !== pa) keys.push(page);
  return keys;
}

describe('replaying the recorded traces up to the moment the tables were taken', () => {
  it('covers captures of every machine', () => {
    expect(CAPTURES.length).toBeGreaterThanOrEqual(20);
  });

  it.each(TITLES)('%s: each address is live as often as there are leaves at it', (_, capture) => {
    const { model, tracker, roots } = replayOnce(capture);
    const live = pageCounts(model.domains.filter((pages) => pages !== undefined));
    const leaves = pageCounts(roots.values());
    expect(live.size).toBe(leaves.size);
    expect(missing(live, leaves)).toEqual([]);
    expect(model.wrong).toEqual([]);
    expect(tracker.live.bytes).toBe(model.bytes);
    expect(tracker.counts.unmapsOfNothing + tracker.counts.unmapsOfPart).toBe(0);
  });

  it.each(TITLES.filter(([title]) => title.includes('-612')))(
    '%s: ranges and output addresses agree domain by domain, but for what no dma event names',
    (_, capture) => {
      const { model, tracker, roots } = replayOnce(capture);
      const unnamed = tracker.domains.filter(({ source }) => source === 'layer').map(({ id }) => model.domains[id]);
      for (const { id, source } of tracker.domains) {
        if (source === 'layer') continue;
        const pages = model.domains[id] ?? new Map<number, number>();
        const root =
          [...roots.values()].toSorted((a, b) => missing(a, pages).length - missing(b, pages).length)[0] ?? new Map();
        expect(missing(root, pages)).toEqual([]);
        for (const page of missing(pages, root)) {
          expect(unnamed.some((layer) => layer?.get(page) === root.get(page))).toBe(true);
        }
      }
    },
  );
});
