/**
 * `iommu diff`: what changed between two dumps.
 * @module
 */
import type { Command } from 'commander';
import { hex } from '../address.ts';
import { diffDecodings, diffJson, type RangeChange, type RangeSide } from '../dump/diff.ts';
import type { Table } from '../report/index.ts';
import { decodeFile } from './decode.ts';
import { EXIT } from './exit.ts';
import { addLimitOption, limitOf, moreRows } from './limit.ts';
import { addOutputOptions, emit, note, type Output, type OutputFormat, outputOf } from './output.ts';
import { addGeometryOptions, geometryLine, sizeText } from './tables.ts';

const EXAMPLES = `Examples:
  iommu diff before.snapshot after.snapshot
  iommu diff a.jsonl.gz b.jsonl.gz --regs-a regs-a.json --regs-b regs-b.json --json
`;

const FORMATS: readonly OutputFormat[] = ['table', 'json', 'ndjson', 'csv', 'markdown'];

function sideText(side: RangeSide | undefined): string {
  return side === undefined ? '-' : `${hex(side.pa)} ${side.perms} ${side.memoryType}`;
}

/** How many ranges differ, and of how many that cannot be told. */
function verdict(changes: readonly RangeChange[]): string {
  const unknown = changes.filter(({ kind }) => kind === 'unknown').length;
  const differ = changes.length - unknown;
  const found = differ === 0 ? 'no difference' : `${differ} ranges differ`;
  return unknown === 0 ? found : `${found} in what both dumps hold; ${unknown} ranges are unknown`;
}

function changeTable(
  changes: readonly RangeChange[],
  most: number,
  notes: readonly string[],
  output: Pick<Output, 'bytes'>,
): Table {
  return {
    columns: [
      { title: 'what' },
      { title: 'domain' },
      { title: 'iova' },
      { title: 'bytes', align: 'right' },
      { title: 'before' },
      { title: 'after' },
    ],
    rows: changes
      .slice(0, most)
      .map(({ kind, domain, iova, bytes, before, after }) => [
        kind,
        domain,
        hex(iova, 12),
        sizeText(bytes, output),
        sideText(before),
        sideText(after),
      ]),
    notes: [verdict(changes), ...notes],
  };
}

function* rowsOf(changes: readonly RangeChange[]): Generator<object> {
  for (const { kind, domain, iova, bytes } of changes) yield { kind, domain, iova: hex(iova), bytes: hex(bytes) };
}

/** Adds `iommu diff`. */
export function addDiff(program: Command): void {
  const verb = program
    .command('diff')
    .description('Compare the mappings in two dumps: ranges added, removed and changed.')
    .argument('<a>', 'dump before')
    .argument('<b>', 'dump after')
    .option('--regs-a <file>', 'registers of the first dump, as JSON')
    .option('--regs-b <file>', 'registers of the second dump, as JSON')
    .option('--base-a <pa>', 'the first dump is a raw image that starts here')
    .option('--base-b <pa>', 'the second dump is a raw image that starts here')
    .addHelpText('before', EXAMPLES);
  addOutputOptions(addLimitOption(addGeometryOptions(verb)), FORMATS).action(async (a, b, options) => {
    const output = outputOf(options, FORMATS);
    const limit = limitOf(options.limit);
    const before = await decodeFile(a, { ...options, regs: options.regsA, base: options.baseA });
    const after = await decodeFile(b, { ...options, regs: options.regsB, base: options.baseB });
    const changes = diffDecodings(before, after);
    const more = moreRows('ranges', Math.min(limit, changes.length), changes.length);
    const geometry = [...new Set([...before.domains, ...after.domains].map(geometryLine))];
    emit(output, {
      json: () => diffJson(changes, limit),
      rows: () => rowsOf(changes.slice(0, limit)),
      csv: () => changeTable(changes, limit, [], { bytes: true }),
      table: () => [changeTable(changes, limit, [...more, ...geometry], output)],
    });
    for (const text of more) note(output, text);
    const unknown = changes.some(({ kind }) => kind === 'unknown');
    if (changes.some(({ kind }) => kind !== 'unknown')) process.exitCode = EXIT.findings;
    else if (unknown) process.exitCode = EXIT.input;
  });
}
