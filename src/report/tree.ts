/**
 * A picture of what stands below what: drawn as text with branches, and as SVG.
 * @module
 */
import { escapeMarkup } from './escape.ts';
import { FONT } from './picture/frame.ts';
import { darkRules, INK, seriesColor } from './picture/theme.ts';
import { plainText, truncate } from './plain.ts';

/** One thing, and what stands below it. */
export interface TreeNode {
  readonly label: string;
  /** Words beside it, less prominent. */
  readonly note?: string;
  readonly children?: readonly TreeNode[];
}

/** A picture of several roots. */
export interface TreePicture {
  readonly title: string;
  readonly roots: readonly TreeNode[];
}

/** Rows that are drawn; the others are counted. */
const MOST_ROWS = 500;
const LONGEST = 160;

interface Row {
  readonly node: TreeNode;
  readonly depth: number;
  /** For each depth above: true where a branch goes on below. */
  readonly open: readonly boolean[];
  readonly last: boolean;
}

function rowsOf(nodes: readonly TreeNode[], depth = 0, open: readonly boolean[] = []): Row[] {
  return nodes.flatMap((node, i) => {
    const last = i === nodes.length - 1;
    const below = depth === 0 ? [] : [...open, !last];
    return [{ node, depth, open, last }, ...rowsOf(node.children ?? [], depth + 1, below)];
  });
}

function textOf({ label, note }: TreeNode): string {
  return truncate(plainText(note === undefined ? label : `${label}  ${note}`), LONGEST);
}

/** The rows that are drawn, and how many are not. */
function drawn(tree: TreePicture): { readonly rows: readonly Row[]; readonly more: number } {
  const rows = rowsOf(tree.roots);
  return { rows: rows.slice(0, MOST_ROWS), more: Math.max(0, rows.length - MOST_ROWS) };
}

/** The picture as lines of text. */
export function treeLines(tree: TreePicture): string[] {
  const { rows, more } = drawn(tree);
  const lines = rows.map(({ node, depth, open, last }) => {
    const above = open.map((goesOn) => (goesOn ? '│  ' : '   ')).join('');
    return depth === 0 ? textOf(node) : `${above}${last ? '└─ ' : '├─ '}${textOf(node)}`;
  });
  return more > 0 ? [...lines, `and ${more} more`] : lines;
}

/** Sizes in pixels. */
const WIDTH = 760;
const ROW = 24;
const INDENT = 26;
const LEFT = 16;
const TOP = 48;

function branch(row: Row, y: number): string {
  const x = LEFT + (row.depth - 1) * INDENT + 7;
  const down = `M${x} ${y - ROW / 2}V${row.last ? y : y + ROW / 2}M${x} ${y}H${x + INDENT - 11}`;
  const above = row.open
    .map((goesOn, i) => (goesOn ? `M${LEFT + i * INDENT + 7} ${y - ROW / 2}V${y + ROW / 2}` : ''))
    .join('');
  return `<path d="${above}${down}" fill="none" stroke="${INK.axis.light}"/>`;
}

function rowSvg(row: Row, index: number): string {
  const y = TOP + index * ROW;
  const x = LEFT + row.depth * INDENT;
  const label = escapeMarkup(truncate(plainText(row.node.label), LONGEST));
  const note = row.node.note === undefined ? '' : escapeMarkup(truncate(plainText(row.node.note), LONGEST));
  const mark =
    row.depth === 0
      ? `<rect x="${x}" y="${y - 7}" width="14" height="14" rx="2" fill="${seriesColor(0)}"/>`
      : `<circle cx="${x + 7}" cy="${y}" r="3.5" fill="${seriesColor(row.node.children === undefined ? 2 : 1)}"/>`;
  const weight = row.depth === 0 ? ' font-weight="600"' : '';
  const beside = note === '' ? '' : `<tspan dx="10" font-weight="400" fill="${INK.faint.light}">${note}</tspan>`;
  const text = `<text x="${x + 20}" y="${y}" dy="0.35em" font-size="13"${weight} fill="${INK.text.light}">${label}${beside}</text>`;
  return `${row.depth === 0 ? '' : branch(row, y)}${mark}${text}`;
}

/** The picture as a complete SVG document, light or dark as its surroundings are. */
export function treeToSvg(tree: TreePicture, id = 't'): string {
  const { rows, more } = drawn(tree);
  const safeId = `c${id.replace(/[^A-Za-z0-9]/g, '')}`;
  const height = TOP + (rows.length + (more > 0 ? 1 : 0)) * ROW;
  const title = escapeMarkup(plainText(tree.title));
  const rest =
    more > 0
      ? `<text x="${LEFT}" y="${height - ROW}" font-size="13" fill="${INK.faint.light}">and ${more} more</text>`
      : '';
  const words = escapeMarkup(
    rows
      .slice(0, 40)
      .map(({ node }) => textOf(node))
      .join('; '),
  );
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" id="${safeId}" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" ` +
    `role="img" aria-labelledby="${safeId}-title" aria-describedby="${safeId}-desc" font-family="${FONT}">\n` +
    `<title id="${safeId}-title">${title}</title>\n<desc id="${safeId}-desc">${words}</desc>\n<style>${darkRules(`#${safeId}`)}</style>\n` +
    `<rect width="${WIDTH}" height="${height}" fill="${INK.ground.light}"/>\n` +
    `<text x="${LEFT}" y="24" font-size="16" font-weight="600" fill="${INK.text.light}">${title}</text>\n` +
    `${rows.map(rowSvg).join('\n')}\n${rest}</svg>\n`
  );
}
