/**
 * `gen`: tables made offline from a map list.
 * @module
 */
import { formatSize, hex } from '../address.ts';
import type { Image } from '../gen/image.ts';
import { type ImageData, toImageData } from '../gen/tree.ts';
import type { Answer } from '../report/answer.ts';
import { formatBytes, formatNumber } from '../report/number.ts';
import { plural } from './tables/subject.ts';

/** What an answer about made tables is made of. */
export interface GenQuestion {
  readonly image: Image;
  /** Mappings in the list. */
  readonly mappings: number;
}

function listedNote({ tables, tableCount }: ImageData): string[] {
  const listed = `${formatNumber(tables.length)} of ${formatNumber(tableCount)} tables are listed`;
  return tables.length === tableCount ? [] : [`${listed}; a snapshot holds all`];
}

/** What was made, and where it must lie. */
export function genAnswer({ image, mappings }: GenQuestion): Answer {
  const { format, ias, oas } = image.geometry;
  const held = `${plural(mappings, 'mapping')} in ${plural(image.tables.length, 'table')}`;
  const data = toImageData(image, 'given');
  const roots = image.roots.map((root) => hex(root)).join(', ');
  return {
    schema: 'iommu.gen',
    version: 1,
    outcome: 'fine',
    verdict: `${held}: ${formatBytes(image.bytes.length)} at ${hex(image.base)}, root ${roots}.`,
    data,
    sections: [],
    notes: [`geometry: ${format} ${formatSize(image.granule)} ias ${ias} oas ${oas} (given)`, ...listedNote(data)],
  };
}
