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
import { decodeJson, leafRows, tableBytes, wastedBytes } from '../dump/decode-json.ts';
import { addDumpOptions, type DumpOptions, openDumpFile } from './dump-file.ts';
import { EXIT } from './exit.ts';
import { print, printJson, say } from './io.ts';
import { addGeometryOptions, type GeometryOptions, geometryLine, tablesOf, textTable } from './tables.ts';

interface Options extends DumpOptions, GeometryOptions {
  readonly raw?: boolean;
  readonly json?: boolean;
}

const EXAMPLES = `Examples:
  iommu decode tables.jsonl.gz --regs regs.json          every domain that the registers lead to
  iommu decode tables.jsonl.gz --regs regs.json --raw    and every entry
  iommu decode ram.img --base 0x40000000 --root 0x4705d000 --format arm-64-lpae-s1 --granule 4K --ias 48 --oas 44
`;

/** Decodes a dump as the options say. */
export async function decodeFile(path: string, options: Options): Promise<Decoding> {
  const dump = await openDumpFile(path, options);
  const raw = { raw: options.raw === true };
  const given = tablesOf(dump, options);
  return given === undefined ? decodeDump(dump, raw) : decodeGiven(dump, given.tables, given.from, raw);
}

function streamText(domain: DomainMappings): string {
  return domain.streams.length === 0 ? '' : `, streams ${domain.streams.map((stream) => hex(stream)).join(' ')}`;
}

function rangeRows(domain: DomainMappings): string[][] {
  return domain.ranges.map((range) => [
    hex(range.iova, 12),
    hex(range.pa, 12),
    formatSize(range.bytes),
    rangePerms(range),
    formatSize(range.leafBytes),
    rangeMemoryType(domain, range),
  ]);
}

function printDomain(domain: DomainMappings): void {
  print(`\n${domain.id}${streamText(domain)}, root ${hex(domain.root)}`);
  print(`  ${geometryLine(domain)}`);
  const used = `${domain.tablePages.length} tables, ${formatSize(tableBytes(domain))}, ${wastedBytes(domain)} bytes of it empty`;
  print(`  ${domain.leafCount} leaves map ${formatSize(domain.mappedBytes)} through ${used}`);
  if (domain.ranges.length > 0) {
    print(textTable(['iova', 'pa', 'bytes', 'perms', 'leaf', 'memory type'], rangeRows(domain), [2, 4]));
  }
  for (const leaf of leafRows(domain)) print(`  ${Object.values(leaf).join(' ')}`);
  for (const { reason, iova, bytes, level } of domain.findings) {
    print(`  ${reason}: ${hex(iova)} + ${formatSize(bytes)}, level ${level}`);
  }
  if (domain.dropped > 0) print(`  and ${domain.dropped} findings more`);
}

function printDecoding(decoding: Decoding): void {
  print(
    `${decoding.iommu}: ${decoding.domains.length} domains, ${decoding.contexts.length} contexts, ${decoding.aborting} aborting`,
  );
  for (const { stream, action, why } of decoding.contexts) {
    if (action !== 'translate') print(`  stream ${hex(stream)}: ${action}${why === undefined ? '' : ` (${why})`}`);
  }
  for (const domain of decoding.domains) printDomain(domain);
  for (const { iova, bytes, why } of decoding.unknown) say(`unknown: ${hex(iova)} + ${formatSize(bytes)}: ${why}`);
}

/** Adds `iommu decode`. */
export function addDecode(program: Command): void {
  const verb = program
    .command('decode')
    .description('Read the tables in a dump: every domain, its ranges, permissions and memory types.')
    .argument('<dump>', 'snapshot, sparse pages, raw image or ELF core')
    .addHelpText('before', EXAMPLES);
  addGeometryOptions(addDumpOptions(verb))
    .option('--raw', 'every leaf entry, not only merged ranges')
    .option('--json', 'JSON on standard output')
    .action(async (path: string, options: Options) => {
      const decoding = await decodeFile(path, options);
      if (options.json === true) printJson(decodeJson(decoding));
      else printDecoding(decoding);
      process.exitCode = EXIT.ok;
    });
}
