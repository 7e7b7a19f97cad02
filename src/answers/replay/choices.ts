/**
 * What a replay replays into: rows from the words of options.
 * @module
 */
import { formatSize, parseSize } from '../../address.ts';
import { DISPATCHES, PATHS } from '../../core/paths.ts';
import { formatById } from '../../formats/registry.ts';
import type { Hardware } from '../../machine/hardware.ts';
import type { PhysicalPolicy } from '../../replay/elements.ts';
import type { RowSpec } from '../../replay/row.ts';
import { refuseWord, wordsOf } from '../words.ts';
import { checkWalks, deviceRows } from './hardware.ts';

/** Choices in words: one, several with commas between, or `all`. */
export interface ReplayChoices {
  /** `per-page`, `map-pages`, `map-sg`, `one-walk`; default `all`. */
  readonly path?: string;
  /** `indirect`, `direct`; default `indirect`. */
  readonly dispatch?: string;
  /** Ids of drivers: whose device is driven; default the machine's own, as {@link ReplayChoices.hardware} says. */
  readonly iommu?: string;
  /** The kernel whose driver it is: `6.1`, `6.12`, `7.3`; default the machine's own. */
  readonly kernel?: string;
  /** What the machine's files say of its hardware. */
  readonly hardware?: Hardware;
  /** Ids of table formats; default that of the device, or `arm-64-lpae-s1`. */
  readonly format?: string;
  /** Smallest pages; by default that which Linux chooses on the machine. */
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

/** Pages of a kernel of which nothing says otherwise. */
export const USUAL_PAGE = 4096;

/**
 * The granule that Linux chooses: the kernel's page size where the format has it, else the largest below, else the smallest
 * (`arm_lpae_restrict_pgsizes`).
 */
export function ownGranule(format: string, hardware: Hardware | undefined): number {
  const { granules } = formatById(format);
  const page = hardware?.pageSize ?? USUAL_PAGE;
  return Math.max(...granules.filter((granule) => granule <= page), 0) || Math.min(...granules);
}

function granulesOf(format: string, text: string | undefined, hardware: Hardware | undefined): number[] {
  const { granules } = formatById(format);
  if (text === undefined) return [ownGranule(format, hardware)];
  if (text === 'all') return [...granules];
  const names = granules.map(formatSize);
  const found = text.split(',').map((word) => {
    const granule = parseSize(word.trim());
    return granules.includes(granule) ? granule : refuseWord(`granule of ${format}`, names, word.trim());
  });
  return [...new Set(found)];
}

type Choices = { readonly [K in Exclude<keyof RowSpec, 'format' | 'device' | 'tracedPage'>]: readonly RowSpec[K][] };

/** Every combination of the choices. */
function cross({
  path,
  dispatch,
  granule,
  iova,
  physical,
  tlb,
}: Choices): Omit<RowSpec, 'format' | 'device' | 'tracedPage'>[] {
  const base = granule.flatMap((g) =>
    iova.flatMap((i) => physical.flatMap((p) => tlb.map((t) => ({ granule: g, iova: i, physical: p, tlb: t })))),
  );
  return base.flatMap((what) => path.flatMap((p) => dispatch.map((d) => ({ ...what, path: p, dispatch: d }))));
}

/**
 * All rows that the choices ask for.
 * @throws IommuError `BAD_OPTION`, `UNKNOWN_FORMAT`; `UNSUPPORTED` for a format that the device does not walk.
 */
export function specsOf(choices: ReplayChoices): RowSpec[] {
  const { granule, hardware } = choices;
  const words = {
    path: wordsOf('path', choices.path ?? 'all', PATHS),
    dispatch: wordsOf('dispatch', choices.dispatch ?? 'indirect', DISPATCHES),
    iova: wordsOf('iova', choices.iova ?? 'keep', IOVA),
    physical: wordsOf('physical', choices.physical ?? 'keep', PHYSICAL),
    tlb: wordsOf('tlb', choices.tlb ?? 'strict', TLB),
  };
  const rows = deviceRows(choices).map((row) => ({ ...row, format: formatById(row.format).id }));
  const differing = rows.filter(
    (one, i) => rows.findIndex((row) => row.format === one.format && row.device.driver === one.device.driver) === i,
  );
  return differing.flatMap(({ device, format }) => {
    checkWalks(device.driver, format);
    const tracedPage = hardware?.pageSize ?? USUAL_PAGE;
    return cross({ ...words, granule: granulesOf(format, granule, hardware) }).map((row) => ({
      ...row,
      tracedPage,
      device,
      format,
    }));
  });
}
