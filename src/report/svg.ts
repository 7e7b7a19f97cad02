/**
 * A chart as SVG text, by ECharts without a browser. Equal charts give equal bytes.
 * @module
 */
import { BarChart, CustomChart, LineChart } from 'echarts/charts';
import { AriaComponent, GridComponent, LegendComponent, TitleComponent } from 'echarts/components';
import { init, setPlatformAPI, use } from 'echarts/core';
import { LabelLayout } from 'echarts/features';
import { SVGRenderer } from 'echarts/renderers';
import type { Chart } from './chart.ts';
import { escapeMarkup } from './escape.ts';
import { barOptions, rangeOptions } from './picture/bars.ts';
import type { Options } from './picture/frame.ts';
import { guardTexts, unguard } from './picture/guard.ts';
import { heatOptions } from './picture/heat.ts';
import { type Layout, layOut, measureText } from './picture/layout.ts';
import { darkRules, INK } from './picture/theme.ts';
import { xyOptions } from './picture/xy.ts';
import { prepare } from './prepare.ts';
import { summary } from './summary.ts';

/** How a picture is drawn. */
export interface SvgOptions {
  /** Width in pixels; the height follows from the content. Default 760. */
  readonly width?: number;
  /** Letters and digits that ids inside the picture begin with; pictures on one page need different ones. Default `c`. */
  readonly id?: string;
}

const LEAST_WIDTH = 320;

/** Paths without ink: areas that ECharts keeps for the mouse. */
const INVISIBLE =
  /<path(?:(?=[^>]*fill-opacity="0")(?=[^>]*stroke-width="0")|(?=[^>]*fill="none")(?![^>]*stroke=))[^>]*><\/path>\n?/g;

function options(chart: Chart, layout: Layout): Options {
  if (chart.kind === 'bar') return barOptions(chart, layout);
  if (chart.kind === 'heat') return heatOptions(chart, layout);
  return chart.kind === 'range' ? rangeOptions(chart, layout) : xyOptions(chart, layout);
}

function render(chart: Chart, layout: Layout): string {
  use([
    LineChart,
    BarChart,
    CustomChart,
    GridComponent,
    TitleComponent,
    LegendComponent,
    AriaComponent,
    LabelLayout,
    SVGRenderer,
  ]);
  setPlatformAPI({ measureText });
  const { width, height } = layout;
  const instance = init(null, null, { renderer: 'svg', ssr: true, width, height });
  try {
    instance.setOption(guardTexts(options(chart, layout)));
    return instance.renderToSVGString();
  } finally {
    instance.dispose();
  }
}

/** ECharts numbers its instances, marks up hover states and adds notes for its own client: none of it is wanted. `dy` is understood by every viewer. */
function clean(svg: string, id: string): string {
  return unguard(svg)
    .replace(/<style[^>]*>[\s\S]*?<\/style>/g, '')
    .replace(/(fill|stroke)="#fff(?:fff)?"/g, `$1="${INK.ground.light}"`)
    .replace(/dominant-baseline="central"/g, 'dy="0.35em"')
    .replace(INVISIBLE, '')
    .replace(/fill="#000"/g, 'fill="none"')
    .replace(/ (?:ecmeta_\w+|class|pointer-events|baseProfile|xmlns:xlink)="[^"]*"/g, '')
    .replace(/\bzr\d+-/g, `${id}-`);
}

function opening(chart: Chart, { width, height }: Layout, id: string): string {
  const size = `width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`;
  const label = `role="img" aria-labelledby="${id}-title" aria-describedby="${id}-desc"`;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" id="${id}" ${size} ${label}>\n` +
    `<title id="${id}-title">${escapeMarkup(chart.title)}</title>\n` +
    `<desc id="${id}-desc">${escapeMarkup(summary(chart))}</desc>\n` +
    `<style>${darkRules(`#${id}`)}</style>`
  );
}

/**
 * Draws a chart as a complete SVG document, light or dark as its surroundings are.
 */
export function chartToSvg(chart: Chart, { width = 760, id = 'c' }: SvgOptions = {}): string {
  const prepared = prepare(chart);
  const layout = layOut(prepared, Math.max(LEAST_WIDTH, width));
  const safeId = `c${id.replace(/[^A-Za-z0-9]/g, '')}`;
  return clean(render(prepared, layout), safeId).replace(/^<svg[^>]*>/, () => opening(prepared, layout, safeId));
}
