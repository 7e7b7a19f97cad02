/**
 * Tables as a labelled tree, and as JSON.
 * @module
 */
import { formatSize, hex } from '../address.ts';
import type { Image, ImageEntry, ImageTable } from './image.ts';

/** Neighbouring leaves whose pages and attributes continue each other. */
interface Run {
  readonly first: ImageEntry;
  readonly last: ImageEntry;
  readonly pages: number;
}

function continues(run: Run, entry: ImageEntry): boolean {
  const { last } = run;
  if (entry.kind === 'repeat') return true;
  if (entry.kind !== 'leaf' || last.kind === 'table' || entry.index !== last.index + 1) return false;
  return entry.size === last.size && entry.to === last.to + last.size && entry.attributes === last.attributes;
}

function runsOf(entries: readonly ImageEntry[]): Run[] {
  const runs: Run[] = [];
  for (const entry of entries) {
    const run = runs.at(-1);
    if (run === undefined || !continues(run, entry)) runs.push({ first: entry, last: entry, pages: 1 });
    else runs[runs.length - 1] = { ...run, last: entry, pages: run.pages + (entry.kind === 'leaf' ? 1 : 0) };
  }
  return runs;
}

function runText({ first, last, pages }: Run, digits: number): string {
  const index = first.index === last.index ? `[${first.index}]` : `[${first.index}…${last.index}]`;
  const value = hex(first.value, digits);
  const at = `iova ${hex(first.iova)}`;
  if (first.kind === 'table') return `${index} ${value} ${at}: table at ${hex(first.to)}`;
  return `${index} ${value} ${at}: ${pages} × ${formatSize(first.size)} to ${hex(first.to)}, attributes ${hex(first.attributes)}`;
}

class TreeWriter {
  readonly lines: string[] = [];
  readonly #tables: ReadonlyMap<number, ImageTable>;
  readonly #digits: number;

  constructor(image: Image) {
    this.#tables = new Map(image.tables.map((table) => [table.address, table]));
    this.#digits = image.geometry.entryBytes * 2;
  }

  table(address: number, prefix: string): void {
    const runs = runsOf(this.#tables.get(address)?.entries ?? []);
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

/** The keys of the JSON answer; `from` says where the geometry comes from. */
export function toImageData(image: Image, from: string): object {
  const { format, ias, oas } = image.geometry;
  return {
    geometry: { format, granule: image.granule, ias, oas, roots: image.roots.map((root) => hex(root)), from },
    registers: Object.fromEntries(Object.entries(image.registers).map(([name, value]) => [name, hex(value)])),
    base: hex(image.base),
    bytes: image.bytes.length,
    tables: image.tables.map(({ address, level, bytes, iova, entries }) => ({
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
    })),
  };
}
