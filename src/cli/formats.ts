/**
 * `iommu formats`: what is supported, and what is not.
 * @module
 */
import type { Command } from 'commander';
import { formatSize } from '../address.ts';
import { FORMATS, type Format, NOT_SUPPORTED, sizesOf } from '../formats/index.ts';
import { GIVEN_FORMATS, MODEL_NAMES } from '../hardware/index.ts';
import type { Table } from '../report/index.ts';
import { addOutputOptions, emit, type OutputFormat, outputOf } from './output.ts';

const OUTPUTS: readonly OutputFormat[] = ['table', 'json', 'csv', 'markdown'];

const EXAMPLES = `Examples:
  iommu formats                the formats, and what is not supported
  iommu formats --json         the same for programs
`;

/** A granule of a format and the sizes of pages and blocks that go with it. */
interface Granule {
  readonly granule: number;
  readonly pageSizes: readonly number[];
}

function granulesOf(format: Format): Granule[] {
  return format.granules.map((granule) => {
    const widest = format.configurations.map(({ request }) => format.configure(request));
    const sizes = widest.filter((g) => 2 ** g.pageShift === granule).flatMap((g) => sizesOf(g.pageSizes));
    return { granule, pageSizes: [...new Set(sizes)].sort((a, b) => a - b) };
  });
}

function describe(format: Format): object {
  const { id, title, inputs, outputs, quirks, source } = format;
  return { id, title, granules: granulesOf(format), inputs, outputs, quirks, source };
}

function readOnlyFormats(): string[] {
  return GIVEN_FORMATS.filter((id) => !FORMATS.some((format) => format.id === id));
}

function answer(): object {
  return {
    schema: 'iommu.formats',
    version: 1,
    formats: FORMATS.map(describe),
    readOnly: readOnlyFormats(),
    devices: MODEL_NAMES,
    notSupported: NOT_SUPPORTED,
  };
}

function pageSizesText({ pageSizes }: Granule): string {
  return pageSizes.map(formatSize).join(' ');
}

function geometryTable(): Table {
  return {
    title: 'Formats that are written and read',
    columns: ['format', 'page sizes by granule', 'input bits', 'output bits'].map((title) => ({ title })),
    rows: FORMATS.map((format) => [
      format.id,
      granulesOf(format).map(pageSizesText).join(' | '),
      format.inputs,
      format.outputs,
    ]),
  };
}

function sourceTable(): Table {
  return {
    title: 'Quirks, and where the facts come from',
    columns: ['format', 'what it is', 'quirks', 'source'].map((title) => ({ title })),
    rows: FORMATS.map((format) => [format.id, format.title, format.quirks.join(' ') || null, format.source]),
  };
}

function absenceTable(): Table {
  return {
    title: 'Not supported',
    columns: ['what', 'instead'].map((title) => ({ title })),
    rows: NOT_SUPPORTED.map(({ what, instead }) => [what, instead]),
    notes: [
      '',
      `Read only (decode, walk, check): ${readOnlyFormats().join(', ')}`,
      `Devices read from their registers: ${MODEL_NAMES.join(', ')}`,
    ],
  };
}

function matrix(): Table {
  return {
    columns: ['format', 'title', 'page_sizes', 'inputs', 'outputs', 'quirks', 'source'].map((title) => ({ title })),
    rows: FORMATS.map((format) => [
      format.id,
      format.title,
      granulesOf(format).map(pageSizesText).join(' | '),
      format.inputs,
      format.outputs,
      format.quirks.join(' '),
      format.source,
    ]),
  };
}

/** Adds `formats`. */
export function addFormats(program: Command): void {
  const command = program
    .command('formats')
    .description('List the page-table formats: page sizes, widths, quirks, sources; and what is not supported.')
    .addHelpText('before', EXAMPLES);
  addOutputOptions(command, OUTPUTS).action((options: object) => {
    emit(outputOf(options, OUTPUTS), {
      json: answer,
      csv: matrix,
      table: () => [geometryTable(), sourceTable(), absenceTable()],
    });
  });
}
