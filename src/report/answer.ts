/**
 * The shape of every answer: the verdict, the data for programs, and the sections for people. An answer is plain data: it
 * survives `structuredClone` and `postMessage`, and each face (terminal, HTML, JSON, CSV, markdown, SVG, page) is made
 * from it alone.
 * @module
 */
import type { Chart } from './chart.ts';
import type { Table } from './table.ts';
import type { TreePicture } from './tree.ts';

/**
 * How it ended: `fine` (nothing found), `findings` (a finding, a difference, a fault), `unusable` (the input holds nothing
 * that the question could be answered from). The program's exit status is 0, 1 and 3.
 */
export type Outcome = 'fine' | 'findings' | 'unusable';

/** A part of a section. */
export type Block =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'list'; readonly items: readonly string[] }
  | { readonly kind: 'table'; readonly table: Table }
  | { readonly kind: 'chart'; readonly chart: Chart }
  | { readonly kind: 'tree'; readonly tree: TreePicture }
  /** Lines shown as they are: source code, a script, a walk drawn with indents. */
  | { readonly kind: 'lines'; readonly lines: readonly string[] };

/** A part of the evidence. */
export interface Section {
  /** Stable name in lower case with hyphens; `--section` and links of the page use it. */
  readonly id: string;
  readonly title: string;
  /** `main` belongs on the first screens; `detail` is shown by `--verbose` and in HTML. */
  readonly rank: 'main' | 'detail';
  readonly blocks: readonly Block[];
}

/** The answer to one question. */
export interface Answer<Data extends object = object> {
  /** Name of the JSON schema, such as `iommu.replay`. */
  readonly schema: string;
  /** Raised when a key of `data` changes its meaning or goes; additions leave it. */
  readonly version: number;
  readonly outcome: Outcome;
  /** One to three sentences that a person acts on. */
  readonly verdict: string;
  /** Keys of the JSON document beside schema, version, outcome, verdict and notes. `bigint` values are printed as `0x…` text. */
  readonly data: Data;
  /** Ordered by how much they matter. */
  readonly sections: readonly Section[];
  /** What is assumed, missing or limited; each said once. */
  readonly notes: readonly string[];
  /** Records of NDJSON; without them the whole answer is one record. */
  readonly records?: readonly object[];
  /** The table of CSV; without it, the first table of the sections. */
  readonly csv?: Table;
}

/** A section with one table. */
export function tableSection(id: string, title: string, table: Table, rank: Section['rank'] = 'main'): Section {
  return { id, title, rank, blocks: [{ kind: 'table', table }] };
}

/** A section with one chart. */
export function chartSection(id: string, chart: Chart, rank: Section['rank'] = 'main'): Section {
  return { id, title: chart.title, rank, blocks: [{ kind: 'chart', chart }] };
}

/** A section with a list of sentences. */
export function listSection(
  id: string,
  title: string,
  items: readonly string[],
  rank: Section['rank'] = 'main',
): Section {
  return { id, title, rank, blocks: [{ kind: 'list', items }] };
}

/** Every picture of what stands below what, in order. */
export function treesOf({ sections }: Pick<Answer, 'sections'>): TreePicture[] {
  return sections.flatMap(({ blocks }) => blocks.flatMap((block) => (block.kind === 'tree' ? [block.tree] : [])));
}

/** Every table of an answer's sections, in order. */
export function tablesOf({ sections }: Pick<Answer, 'sections'>): Table[] {
  return sections.flatMap(({ blocks }) => blocks.flatMap((block) => (block.kind === 'table' ? [block.table] : [])));
}

/** Every chart of an answer's sections, in order. */
export function chartsOf({ sections }: Pick<Answer, 'sections'>): Chart[] {
  return sections.flatMap(({ blocks }) => blocks.flatMap((block) => (block.kind === 'chart' ? [block.chart] : [])));
}
