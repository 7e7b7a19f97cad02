/**
 * Tables as a labelled tree, and as JSON.
 * @module
 */
import { formatSize, hex } from '../address.ts';
import type { EntryRun, Image, ImageTable } from './image.ts';

function runText({ first, last, pages }: EntryRun, digits: number): string {
  const index = first.index === last ? `[${first.index}]` : `[${first.index}…${last}]`;
  const value = hex(first.value, digits);
  const at = `iova ${hex(first.iova)}`;
  if (first.kind === 'table') return `${index} ${value} ${at}: table at ${hex(first.to)}`;
  return `${index} ${value} ${at}: ${pages} × ${formatSize(first.size)} to ${hex(first.to)}, attributes ${hex(first.attributes)}`;
}

/** Most entries that are listed as JSON. */
const MOST_LISTED = 2 ** 15;

class TreeWriter {
  readonly lines: string[] = [];
  readonly #tables: ReadonlyMap<number, ImageTable>;
  readonly #digits: number;

  constructor(image: Image) {
    this.#tables = new Map(image.tables.map((table) => [table.address, table]));
    this.#digits = image.geometry.entryBytes * 2;
  }

  table(address: number, prefix: string): void {
    const runs = this.#tables.get(address)?.runs ?? [];
    for (const [i, run] of runs.entries()) {
      const last = i === runs.length - 1;
      this.lines.push(`${prefix}${last ? '└─ ' : '├─ '}${runText(run, this.#digits)}`);
      if (run.first.kind === 'table') this.table(run.first.to, `${prefix}${last ? '   ' : '│  '}`);
    }
  }
}

/** The tree from every root that holds something (and from the first in any case). */
export function toTree(image: Image): string {
  const { format, ias, oas } = image.geometry;
  const writer = new TreeWriter(image);
  const head = `${format}, granule ${formatSize(image.granule)}, ias ${ias}, oas ${oas}; ${image.tables.length} tables, ${image.bytes.length} bytes at ${hex(image.base)}`;
  writer.lines.push(head);
  for (const root of image.roots) {
    const table = image.tables.find(({ address }) => address === root);
    if (table === undefined || (table.entries.length === 0 && root !== image.roots[0])) continue;
    writer.lines.push(`root ${hex(root)}, level ${table.level}, iova ${hex(table.iova)}`);
    writer.table(root, '');
  }
  return `${writer.lines.join('\n')}\n`;
}

/** The first tables, as many as have no more entries than are listed. */
function listedTables({ tables }: Image): readonly ImageTable[] {
  let entries = 0;
  const end = tables.findIndex(({ used }) => {
    entries += used;
    return entries > MOST_LISTED;
  });
  return end < 0 ? tables : tables.slice(0, end);
}

function tableJson({ address, level, bytes, iova, entries }: ImageTable): object {
  return {
    address: hex(address),
    level,
    bytes,
    iova: hex(iova),
    entries: entries.map((entry) => ({
      index: entry.index,
      entry: hex(entry.value),
      kind: entry.kind,
      iova: hex(entry.iova),
      size: hex(entry.size),
      to: hex(entry.to),
    })),
  };
}

/** The keys of the JSON answer. */
export interface ImageData extends Readonly<Record<string, unknown>> {
  /** Tables in the image; `tables` may list fewer. */
  readonly tableCount: number;
  readonly tables: readonly object[];
}

/** The keys of the JSON answer; `from` says where the geometry comes from. */
export function toImageData(image: Image, from: string): ImageData {
  const { format, ias, oas } = image.geometry;
  return {
    geometry: { format, granule: image.granule, ias, oas, roots: image.roots.map((root) => hex(root)), from },
    registers: Object.fromEntries(Object.entries(image.registers).map(([name, value]) => [name, hex(value)])),
    base: hex(image.base),
    bytes: image.bytes.length,
    tableCount: image.tables.length,
    entryCount: image.used,
    tables: listedTables(image).map(tableJson),
  };
}
