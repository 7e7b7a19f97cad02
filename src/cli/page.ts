/**
 * Reports as HTML pages. The chart library is large: it is loaded only when a page is made.
 * @module
 */
import type { Report } from '../report/html.ts';

/** A report as one HTML file. */
export async function pageOf(report: Report): Promise<string> {
  const { reportToHtml } = await import('../report/html.ts');
  return reportToHtml(report);
}
