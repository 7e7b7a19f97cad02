/**
 * What a replay replays into: rows from the words of options.
 * @module
 */
import { formatSize, parseSize } from '../../address.ts';
import { DISPATCHES, PATHS } from '../../core/paths.ts';
import { formatById } from '../../formats/registry.ts';
import type { PhysicalPolicy } from '../../replay/elements.ts';
import type { RowSpec } from '../../replay/row.ts';
import { refuseWord, wordsOf } from '../words.ts';

/** Choices in words: one, several with commas between, or `all`. */
export interface ReplayChoices {
  /** `per-page`, `map-pages`, `map-sg`, `one-walk`; default `all`. */
  readonly path?: string;
  /** `indirect`, `direct`; default `indirect`. */
  readonly dispatch?: string;
  /** Ids of table formats; default `arm-64-lpae-s1`. */
  readonly format?: string;
  /** Smallest pages; the format's first by default. */
  readonly granule?: string;
  /** `keep`, `packed`, `aligned`; default `keep`. */
  readonly iova?: string;
  /** `keep`, `contiguous-64k`, `contiguous-2m`; default `keep`. */
  readonly physical?: string;
  /** `strict`, `lazy`; default `strict`. */
  readonly tlb?: string;
}

const IOVA = ['keep', 'packed', 'aligned'] as const;
const PHYSICAL: readonly PhysicalPolicy[] = ['keep', 'contiguous-64k', 'contiguous-2m'];
const TLB = ['strict', 'lazy'] as const;

function granulesOf(format: string, text: string | undefined): number[] {
  const { granules } = formatById(format);
  if (text === undefined) return [granules[0] ?? 4096];
  if (text === 'all') return [...granules];
  const names = granules.map(formatSize);
  const found = text.split(',').map((word) => {
    const granule = parseSize(word.trim());
    return granules.includes(granule) ? granule : refuseWord(`granule of ${format}`, names, word.trim());
  });
  return [...new Set(found)];
}

type Choices = { readonly [K in Exclude<keyof RowSpec, 'format'>]: readonly RowSpec[K][] };

/** Every combination of the choices. */
function cross({ path, dispatch, granule, iova, physical, tlb }: Choices): Omit<RowSpec, 'format'>[] {
  const base = granule.flatMap((g) =>
    iova.flatMap((i) => physical.flatMap((p) => tlb.map((t) => ({ granule: g, iova: i, physical: p, tlb: t })))),
  );
  return base.flatMap((what) => path.flatMap((p) => dispatch.map((d) => ({ ...what, path: p, dispatch: d }))));
}

/**
 * All rows that the choices ask for.
 * @throws IommuError `BAD_OPTION`, `UNKNOWN_FORMAT`.
 */
export function specsOf(choices: ReplayChoices): RowSpec[] {
  const { format = 'arm-64-lpae-s1', granule } = choices;
  const words = {
    path: wordsOf('path', choices.path ?? 'all', PATHS),
    dispatch: wordsOf('dispatch', choices.dispatch ?? 'indirect', DISPATCHES),
    iova: wordsOf('iova', choices.iova ?? 'keep', IOVA),
    physical: wordsOf('physical', choices.physical ?? 'keep', PHYSICAL),
    tlb: wordsOf('tlb', choices.tlb ?? 'strict', TLB),
  };
  const formats = new Set(format.split(',').map((name) => formatById(name.trim()).id));
  return [...formats].flatMap((id) =>
    cross({ ...words, granule: granulesOf(id, granule) }).map((row) => ({ ...row, format: id })),
  );
}
