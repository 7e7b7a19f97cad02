/**
 * The pictures of an answer as one SVG file, one below the other.
 * @module
 */
import { type Answer, chartsOf, treesOf } from './answer.ts';
import { chartToSvg } from './svg.ts';
import { treeToSvg } from './tree.ts';

const WIDTH = 760;
const GAP = 16;

function heightOf(svg: string): number {
  return Number(/ height="(\d+)"/.exec(svg)?.[1] ?? 0);
}

/** Draws every picture of an answer, with different ids where there are several. */
function pictures(answer: Answer): string[] {
  const draw = [
    ...chartsOf(answer).map((chart) => (id?: string) => chartToSvg(chart, { width: WIDTH, ...(id && { id }) })),
    ...treesOf(answer).map((tree) => (id?: string) => treeToSvg(tree, id)),
  ];
  return draw.map((one, i) => one(draw.length === 1 ? undefined : `p${i}`));
}

/** All pictures of an answer; undefined where it has none. */
export function answerToSvg(answer: Answer): string | undefined {
  const all = pictures(answer);
  if (all.length < 2) return all[0];
  const parts: string[] = [];
  let y = 0;
  for (const svg of all) {
    parts.push(svg.replace('<svg ', `<svg y="${y}" `));
    y += heightOf(svg) + GAP;
  }
  const size = `width="${WIDTH}" height="${y}" viewBox="0 0 ${WIDTH} ${y}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="group">\n${parts.join('\n')}\n</svg>\n`;
}
