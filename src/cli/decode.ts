/**
 * `iommu decode`: what a dump's tables map.
 * @module
 */
import type { Command } from 'commander';
import { formatSize, hex } from '../address.ts';
import {
  type Decoding,
  type DomainMappings,
  decodeDump,
  decodeGiven,
  rangeMemoryType,
  rangePerms,
} from '../dump/decode.ts';
import { decodeJson, leafRows, rangeRows, rowShares, tableBytes, wastedBytes } from '../dump/decode-json.ts';
import type { Table } from '../report/index.ts';
import { addDumpOptions, type DumpOptions, openDumpFile } from './dump-file.ts';
import { addLimitOption, limitOf, moreRows } from './limit.ts';
import { addOutputOptions, emit, note, type Output, type OutputFormat, outputOf } from './output.ts';
import { addGeometryOptions, type GeometryOptions, geometryLine, sizeText, tablesOf } from './tables.ts';

/** Options that choose what is decoded, shared with `diff` and `check`. */
export interface DecodeFlags extends DumpOptions, GeometryOptions {
  readonly raw?: boolean;
}

const EXAMPLES = `Examples:
  iommu decode tables.jsonl.gz --regs regs.json          every domain that the registers lead to
  iommu decode tables.jsonl.gz --regs regs.json --raw    and every entry
  iommu decode ram.img --base 0x40000000 --root 0x4705d000 --format arm-64-lpae-s1 --granule 4K --ias 48 --oas 44
`;

const FORMATS: readonly OutputFormat[] = ['table', 'json', 'ndjson', 'csv', 'markdown'];

/** Decodes a dump as the options say. */
export async function decodeFile(path: string, options: DecodeFlags): Promise<Decoding> {
  const dump = await openDumpFile(path, options);
  const raw = { raw: options.raw === true };
  const given = tablesOf(dump, options);
  return given === undefined ? decodeDump(dump, raw) : decodeGiven(dump, given.tables, given.from, raw);
}

const RANGE_COLUMNS: Table['columns'] = [
  { title: 'iova' },
  { title: 'pa' },
  { title: 'bytes', align: 'right' },
  { title: 'perms' },
  { title: 'leaf', align: 'right' },
  { title: 'memory type' },
];

function titleOf(domain: DomainMappings): string {
  const streams = domain.streams.length === 0 ? '' : `, streams ${domain.streams.map((one) => hex(one)).join(' ')}`;
  const used = `${domain.tablePages.length} tables of ${formatSize(tableBytes(domain))}`;
  return [
    `${domain.id}${streams}, root ${hex(domain.root)}`,
    geometryLine(domain),
    `${domain.leafCount} leaves map ${formatSize(domain.mappedBytes)} through ${used}, ${wastedBytes(domain)} bytes empty`,
  ].join('; ');
}

function findingNotes(domain: DomainMappings): string[] {
  const notes = domain.findings.map(({ reason, iova, bytes, level }) => {
    return `${reason}: ${hex(iova)} + ${formatSize(bytes)}, level ${level}`;
  });
  return domain.dropped > 0 ? [...notes, `and ${domain.dropped} findings more`] : notes;
}

function rangeTable(domain: DomainMappings, output: Pick<Output, 'bytes'>, most: number): Table {
  const rows = domain.ranges.map(
    (range) => [
      hex(range.iova, 12),
      hex(range.pa, 12),
      sizeText(range.bytes, output),
      rangePerms(range),
      sizeText(range.leafBytes, output),
      rangeMemoryType(domain, range),
    ],
    most,
  );
  const notes = [...moreRows('ranges', rows.length, domain.ranges.total), ...findingNotes(domain)];
  return { title: titleOf(domain), columns: RANGE_COLUMNS, rows, notes };
}

const LEAF_COLUMNS: Table['columns'] = ['iova', 'pa', 'size', 'level', 'entry'].map((title) => ({ title }));

function leafTable(domain: DomainMappings, most: number): Table {
  const rows = leafRows(domain, most).map(({ iova, pa, size, level, entry }) => [iova, pa, size, String(level), entry]);
  const notes = moreRows('leaves', rows.length, domain.leafCount);
  return { title: `${domain.id}: every leaf`, columns: LEAF_COLUMNS, rows, notes };
}

function contextTable(decoding: Decoding, most: number): Table {
  const rest = decoding.contexts.filter(({ action }) => action !== 'translate');
  const title = `${decoding.iommu}: ${decoding.domains.length} domains, ${decoding.contexts.length} contexts, ${decoding.aborting} aborting`;
  const rows = rest
    .slice(0, most)
    .map(({ stream, substream, action, why }) => [
      hex(stream),
      substream === undefined ? null : hex(substream),
      action,
      why ?? null,
    ]);
  const notes = moreRows('contexts', rows.length, rest.length);
  return { title, columns: ['stream', 'substream', 'action', 'why'].map((name) => ({ title: name })), rows, notes };
}

function* answerRows(decoding: Decoding, raw: boolean, shares: readonly number[]): Generator<object> {
  for (const [i, domain] of decoding.domains.entries()) {
    const most = shares[i] ?? 0;
    for (const row of raw ? leafRows(domain, most) : rangeRows(domain, most)) yield { domain: domain.id, ...row };
  }
}

function csvTable(decoding: Decoding, shares: readonly number[]): Table {
  const rows = decoding.domains.flatMap((domain, i) =>
    rangeTable(domain, { bytes: true }, shares[i] ?? 0).rows.map((row) => [domain.id, ...row]),
  );
  return { columns: [{ title: 'domain' }, ...RANGE_COLUMNS], rows };
}

/** Adds `iommu decode`. */
export function addDecode(program: Command): void {
  const verb = program
    .command('decode')
    .description('Read the tables in a dump: every domain, its ranges, permissions and memory types.')
    .argument('<dump>', 'snapshot, sparse pages, raw image, ELF core, kdump, debugfs text')
    .option('--raw', 'every leaf entry, not only merged ranges')
    .addHelpText('before', EXAMPLES);
  addOutputOptions(addLimitOption(addGeometryOptions(addDumpOptions(verb))), FORMATS).action(async (path, options) => {
    const output = outputOf(options, FORMATS);
    const limit = limitOf(options.limit);
    const decoding = await decodeFile(path, options);
    const shares = rowShares(decoding, limit);
    const raw = options.raw === true;
    emit(output, {
      json: () => decodeJson(decoding, limit),
      rows: () => answerRows(decoding, raw, shares),
      csv: () => csvTable(decoding, shares),
      table: () => [
        contextTable(decoding, limit),
        ...decoding.domains.flatMap((domain, i) => {
          const ranges = rangeTable(domain, output, shares[i] ?? 0);
          return raw ? [ranges, leafTable(domain, shares[i] ?? 0)] : [ranges];
        }),
      ],
    });
    const { unknown } = decoding;
    for (const { iova, bytes, why } of unknown.slice(0, limit))
      note(output, `unknown: ${hex(iova)} + ${formatSize(bytes)}: ${why}`);
    for (const more of moreRows('unknown parts', Math.min(limit, unknown.length), unknown.length)) note(output, more);
    const listed = decoding.domains.reduce((sum, { ranges }, i) => sum + Math.min(ranges.length, shares[i] ?? 0), 0);
    const total = decoding.domains.reduce((sum, { ranges }) => sum + ranges.total, 0);
    for (const more of moreRows('ranges', listed, total)) note(output, more);
  });
}
