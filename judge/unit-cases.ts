/**
 * Linux's recorded tables behind a unit's registers and structures: an SMMUv2, substreams of an SMMUv3, PASIDs of VT-d. Addresses are
 * Linux's own lookups; what a structure or register says is the architecture's, whose section is the case's rule.
 * @module
 */
import { differenceOf } from '../src/conform/pack/case.ts';
import { ImageMemory, type PackImage } from '../src/conform/pack/image.ts';
import { askUnit, type UnitCase } from '../src/conform/pack/walks.ts';
import { pasidCases, pasidWords } from './pasid-cases.ts';
import { smmuV2Cases, streamCases } from './smmu-v2-cases.ts';
import { substreamCases, substreamWords } from './substream-cases.ts';
import { type Draft, type Recorded, withStructures } from './unit-draft.ts';

/** What became of cases that were drafted. */
export interface UnitTally {
  /** Taken. */
  units: number;
  /** Left out: the reader and Linux or the rule differ, by id. */
  readonly unitsDiffering: string[];
  /** Formats and granules whose tables were put behind structures already. */
  readonly shown: Set<string>;
}

function casesOf(image: PackImage, recorded: Recorded, drafts: readonly Draft[], tally: UnitTally): object[] {
  const memory = ImageMemory.of(image);
  return drafts.flatMap(({ byRule, ...draft }) => {
    const source = byRule === true ? 'specification' : recorded.source;
    const each: UnitCase = { kind: 'unit', ...draft, image: image.id, source, agree: ['reader'] };
    const difference = differenceOf(each.expect, askUnit(each, memory));
    if (difference !== undefined) tally.unitsDiffering.push(`${each.id}: ${JSON.stringify(difference)}`);
    else tally.units++;
    return difference === undefined ? [each] : [];
  });
}

/** Whether tables of this format and granule come for the first time. */
function isNew({ format, granule, lookups }: Recorded, tally: UnitTally): boolean {
  const key = `${format} ${granule}`;
  if (tally.shown.has(key) || !lookups.some(([, pa]) => pa !== 0n) || !lookups.some(([, pa]) => pa === 0n))
    return false;
  tally.shown.add(key);
  return true;
}

/** Lines that stand below the image of a vector: cases of its tables, and images with structures above theirs. */
export function unitLines(recorded: Recorded, tally: UnitTally): object[] {
  const { format, quirks, image } = recorded;
  const lines = casesOf(image, recorded, smmuV2Cases(recorded), tally);
  const behind = (name: string, words: ReturnType<typeof pasidWords>, drafts: readonly Draft[]): void => {
    const own = withStructures(recorded, name, words);
    lines.push(own, ...casesOf(own, recorded, drafts, tally));
  };
  if (quirks !== 0n || !isNew(recorded, tally)) return lines;
  if (format === 'arm-64-lpae-s1') {
    lines.push(...casesOf(image, recorded, streamCases(recorded), tally));
    for (const dss of [0n, 1n, 2n])
      behind(`S1DSS ${dss}`, substreamWords(recorded, dss), substreamCases(recorded, dss));
  }
  if (format === 'x86-64' || format === 'vtd-ss') behind('PASIDs', pasidWords(recorded), pasidCases(recorded));
  return lines;
}
