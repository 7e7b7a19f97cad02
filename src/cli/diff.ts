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
import { addOutputOptions, emit, type Output, type OutputFormat, outputOf } from './output.ts';
import { addGeometryOptions, geometryLine, sizeText } from './tables.ts';

const EXAMPLES = `Examples:
  iommu diff before.snapshot after.snapshot
  iommu diff a.jsonl.gz b.jsonl.gz --regs-a regs-a.json --regs-b regs-b.json --json
`;

const FORMATS: readonly OutputFormat[] = ['table', 'json', 'ndjson', 'csv', 'markdown'];

function sideText(side: RangeSide | undefined): string {
  return side === undefined ? '-' : `${hex(side.pa)} ${side.perms} ${side.memoryType}`;
}

function changeTable(changes: readonly RangeChange[], notes: readonly string[], output: Pick<Output, 'bytes'>): Table {
  return {
    columns: [
      { title: 'what' },
      { title: 'domain' },
      { title: 'iova' },
      { title: 'bytes', align: 'right' },
      { title: 'before' },
      { title: 'after' },
    ],
    rows: changes.map(({ kind, domain, iova, bytes, before, after }) => [
      kind,
      domain,
      hex(iova, 12),
      sizeText(bytes, output),
      sideText(before),
      sideText(after),
    ]),
    notes: [changes.length === 0 ? 'no difference' : `${changes.length} ranges differ`, ...notes],
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
  addOutputOptions(addGeometryOptions(verb), FORMATS).action(async (a, b, options) => {
    const output = outputOf(options, FORMATS);
    const before = await decodeFile(a, { ...options, regs: options.regsA, base: options.baseA });
    const after = await decodeFile(b, { ...options, regs: options.regsB, base: options.baseB });
    const changes = diffDecodings(before, after);
    const geometry = [...new Set([...before.domains, ...after.domains].map(geometryLine))];
    emit(output, {
      json: () => diffJson(changes),
      rows: () => rowsOf(changes),
      csv: () => changeTable(changes, [], { bytes: true }),
      table: () => [changeTable(changes, geometry, output)],
    });
    if (changes.length > 0) process.exitCode = EXIT.findings;
  });
}
