/**
 * What `iommu replay` replays into, from its options.
 * @module
 */
import { formatSize, parseSize } from '../../address.ts';
import { DISPATCHES, PATHS } from '../../core/paths.ts';
import { armSmmu } from '../../drivers/arm-smmu/arm-smmu.ts';
import { bareDriver } from '../../drivers/bare.ts';
import type { DriverFactory } from '../../drivers/contract.ts';
import { formatById } from '../../formats/registry.ts';
import type { PhysicalPolicy } from '../../replay/elements.ts';
import type { RowSpec } from '../../replay/row.ts';
import { UsageError } from '../exit.ts';

/** Options that choose rows. */
export interface SpecOptions {
  readonly path: string;
  readonly dispatch: string;
  readonly format: string;
  readonly granule?: string;
  readonly iova: string;
  readonly physical: string;
  readonly tlb: string;
}

const IOVA = ['keep', 'packed', 'aligned'] as const;
const PHYSICAL: readonly PhysicalPolicy[] = ['keep', 'contiguous-64k', 'contiguous-2m'];
const TLB = ['strict', 'lazy'] as const;
const UNDRIVEN = ['arm-mali-lpae', 'apple-dart', 'apple-dart2'];

/**
 * The words of a comma-separated option.
 * @throws UsageError for a word that is not among `known`.
 */
export function wordsOf<T extends string>(option: string, text: string, known: readonly T[]): T[] {
  if (text === 'all') return [...known];
  return text.split(',').map((word) => {
    const found = known.find((candidate) => candidate === word.trim());
    if (found !== undefined) return found;
    throw new UsageError(`--${option}: '${word.trim()}' is not among ${known.join(', ')}, all`);
  });
}

function granulesOf(format: string, text: string | undefined): number[] {
  const { granules } = formatById(format);
  if (text === undefined) return [granules[0] ?? 4096];
  if (text === 'all') return [...granules];
  return text.split(',').map((word) => {
    const granule = parseSize(word);
    if (granules.includes(granule)) return granule;
    throw new UsageError(
      `--granule: ${formatSize(granule)} is not among ${granules.map(formatSize).join(', ')} of ${format}`,
    );
  });
}

/**
 * All rows that the options ask for.
 * @throws UsageError
 */
export function specsOf(options: SpecOptions): RowSpec[] {
  const paths = wordsOf('path', options.path, PATHS);
  const dispatches = wordsOf('dispatch', options.dispatch, DISPATCHES);
  const iovas = wordsOf('iova', options.iova, IOVA);
  const physicals = wordsOf('physical', options.physical, PHYSICAL);
  const tlbs = wordsOf('tlb', options.tlb, TLB);
  return options.format.split(',').flatMap((name) => {
    const format = formatById(name.trim()).id;
    return cross({
      path: paths,
      dispatch: dispatches,
      granule: granulesOf(format, options.granule),
      iova: iovas,
      physical: physicals,
      tlb: tlbs,
    }).map((row) => ({ ...row, format }));
  });
}

type Choices = { readonly [K in Exclude<keyof RowSpec, 'format'>]: readonly RowSpec[K][] };

/** Every combination of the choices. */
function cross(choices: Choices): Omit<RowSpec, 'format'>[] {
  const { path, dispatch, granule, iova, physical, tlb } = choices;
  const base = granule.flatMap((g) =>
    iova.flatMap((i) => physical.flatMap((p) => tlb.map((t) => ({ granule: g, iova: i, physical: p, tlb: t })))),
  );
  return base.flatMap((what) => path.flatMap((p) => dispatch.map((d) => ({ ...what, path: p, dispatch: d }))));
}

/** The driver that drives all of these formats: arm-smmu, or none where one of them is no SMMU's. */
export function driverFor(specs: readonly Pick<RowSpec, 'format'>[]): {
  readonly name: string;
  readonly make: () => DriverFactory;
} {
  const bare = specs.some((spec) => UNDRIVEN.includes(spec.format));
  return bare ? { name: 'bare', make: () => bareDriver() } : { name: 'arm-smmu', make: () => armSmmu() };
}
