/**
 * `formats`: what is supported, and what is not.
 * @module
 */
import { formatSize } from '../address.ts';
import type { Format } from '../formats/contract.ts';
import { NOT_SUPPORTED } from '../formats/not-supported.ts';
import { REFUSED_ON_PURPOSE } from '../formats/refusals.ts';
import { FORMATS } from '../formats/registry.ts';
import { sizesOf } from '../formats/widths.ts';
import { GIVEN_FORMATS } from '../hardware/given.ts';
import { MODEL_NAMES } from '../hardware/models.ts';
import { type Answer, tableSection } from '../report/answer.ts';
import type { Table } from '../report/table.ts';

/** A granule of a format and the sizes of pages and blocks that go with it, in bytes. */
export interface Granule {
  readonly granule: number;
  readonly pageSizes: readonly number[];
}

/** One format of the `formats` answer. */
export interface FormatFacts {
  readonly id: string;
  readonly title: string;
  readonly granules: readonly Granule[];
  readonly inputs: string;
  readonly outputs: string;
  readonly quirks: readonly string[];
  readonly source: string;
}

/** The data of {@link formatsAnswer}. */
export interface FormatsData {
  readonly formats: readonly FormatFacts[];
  /** Ids of formats that are decoded, walked and checked, but not written. */
  readonly readOnly: readonly string[];
  /** Devices that are read from their registers. */
  readonly devices: readonly string[];
  readonly notSupported: readonly { readonly what: string; readonly instead: string }[];
  /** What Linux accepts and is refused here on purpose. */
  readonly refused: readonly RefusalFacts[];
}

/** One refusal on purpose of the `formats` answer. */
export interface RefusalFacts {
  readonly formats: readonly string[];
  readonly what: string;
  readonly linux: string;
  readonly why: string;
}

function granulesOf(format: Format): Granule[] {
  return format.granules.map((granule) => {
    const widest = format.configurations.map(({ request }) => format.configure(request));
    const sizes = widest.filter((g) => 2 ** g.pageShift === granule).flatMap((g) => sizesOf(g.pageSizes));
    return { granule, pageSizes: [...new Set(sizes)].sort((a, b) => a - b) };
  });
}

function factsOf(format: Format): FormatFacts {
  const { id, title, inputs, outputs, quirks, source } = format;
  return { id, title, granules: granulesOf(format), inputs, outputs, quirks, source };
}

function dataOf(): FormatsData {
  const readOnly = GIVEN_FORMATS.filter((id) => !FORMATS.some((format) => format.id === id));
  const refused = REFUSED_ON_PURPOSE.map(({ formats, what, linux, why }) => ({ formats, what, linux, why }));
  return { formats: FORMATS.map(factsOf), readOnly, devices: MODEL_NAMES, notSupported: NOT_SUPPORTED, refused };
}

function sizesText({ granules }: FormatFacts): string {
  return granules.map(({ pageSizes }) => pageSizes.map(formatSize).join(' ')).join(' | ');
}

function supportTable({ formats, readOnly }: FormatsData): Table {
  const written = formats.map((one) => [one.id, 'yes', sizesText(one), one.inputs, one.outputs]);
  return {
    columns: [
      { title: 'format' },
      { title: 'written' },
      { title: 'page sizes by granule' },
      { title: 'input bits', drop: 1 },
      { title: 'output bits', drop: 2 },
    ],
    rows: [...written, ...readOnly.map((id) => [id, 'read only', '', '', ''])],
  };
}

function textTable(titles: readonly string[], rows: readonly (readonly string[])[]): Table {
  return { columns: titles.map((title) => ({ title })), rows };
}

function quirksTable({ formats }: FormatsData): Table {
  const rows = formats.map(({ id, title, quirks, source }) => [id, title, quirks.join(' '), source]);
  return textTable(['format', 'what it is', 'quirks', 'source'], rows);
}

function matrix({ formats }: FormatsData): Table {
  return textTable(
    ['format', 'title', 'page_sizes', 'inputs', 'outputs', 'quirks', 'source'],
    formats.map((one) => [
      one.id,
      one.title,
      sizesText(one),
      one.inputs,
      one.outputs,
      one.quirks.join(' '),
      one.source,
    ]),
  );
}

/** Which page-table formats and devices are supported, and what is not. */
export function formatsAnswer(): Answer<FormatsData> {
  const data = dataOf();
  const { formats, readOnly, devices, notSupported, refused } = data;
  const purposes = refused.map((one) => [one.formats.join(' '), one.what, one.linux, one.why]);
  const absent = notSupported.map(({ what, instead }) => [what, instead]);
  return {
    schema: 'iommu.formats',
    version: 1,
    outcome: 'fine',
    verdict: `${formats.length} table formats are written and read, ${readOnly.length} more ${readOnly.length === 1 ? 'is' : 'are'} read only; ${devices.length} kinds of IOMMU are read from their registers: ${devices.join(', ')}.`,
    data,
    sections: [
      tableSection('formats', 'Formats', supportTable(data)),
      tableSection('not-supported', 'Not supported', textTable(['what', 'instead'], absent)),
      tableSection(
        'refused',
        'Accepted by Linux, refused here',
        textTable(['format', 'what', 'Linux', 'why it is refused'], purposes),
        'detail',
      ),
      tableSection('quirks', 'Quirks and sources', quirksTable(data), 'detail'),
    ],
    notes: [],
    records: formats,
    csv: matrix(data),
  };
}
