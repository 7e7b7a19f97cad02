/**
 * The pictures of an answer as one SVG file, one below the other.
 * @module
 */
import { type Answer, chartsOf } from './answer.ts';
import { chartToSvg } from './svg.ts';

const WIDTH = 760;
const GAP = 16;

function heightOf(svg: string): number {
  return Number(/ height="(\d+)"/.exec(svg)?.[1] ?? 0);
}

/** All charts of an answer; undefined where it has none. */
export function answerToSvg(answer: Answer): string | undefined {
  const charts = chartsOf(answer);
  const [only] = charts;
  if (only === undefined) return undefined;
  if (charts.length === 1) return chartToSvg(only, { width: WIDTH });
  const parts: string[] = [];
  let y = 0;
  for (const [i, chart] of charts.entries()) {
    const svg = chartToSvg(chart, { width: WIDTH, id: `p${i}` });
    parts.push(svg.replace('<svg ', `<svg y="${y}" `));
    y += heightOf(svg) + GAP;
  }
  const size = `width="${WIDTH}" height="${y}" viewBox="0 0 ${WIDTH} ${y}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="group">\n${parts.join('\n')}\n</svg>\n`;
}
