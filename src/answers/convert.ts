/**
 * `convert`: what a dump became as a snapshot.
 * @module
 */
import { formatSize } from '../address.ts';
import type { Dump } from '../dump/types.ts';
import type { Answer } from '../report/answer.ts';
import { dumpNotes, isDamaged, plural } from './tables/subject.ts';

/** What a conversion's answer is made of. */
export interface ConvertQuestion {
  readonly dump: Dump;
  /** Name of the file that was written. */
  readonly output: string;
  /** Pages of 4 KiB in the snapshot. */
  readonly pages: number;
  /** Bytes of the snapshot. */
  readonly bytes: number;
}

/** What was written; `unusable` where the dump is cut or damaged, so that pages may be missing. */
export function convertAnswer({ dump, output, pages, bytes }: ConvertQuestion): Answer {
  const registers = dump.registers === undefined ? 'no registers' : `registers of ${dump.registers.iommu}`;
  const held = `${plural(pages, 'page')} (${formatSize(pages * 4096)}), ${registers}`;
  const damage = isDamaged(dump) ? ' The dump is cut or damaged: pages may be missing.' : '';
  return {
    schema: 'iommu.convert',
    version: 1,
    outcome: isDamaged(dump) ? 'unusable' : 'fine',
    verdict: `Wrote ${output}: ${held}, ${plural(bytes, 'byte')}.${damage}`,
    data: { from: dump.kind, output, pages, bytes },
    sections: [],
    notes: dumpNotes(dump),
  };
}
