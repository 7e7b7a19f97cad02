/**
 * `iommu walk`: one address, level by level.
 * @module
 */
import { type Command, Option } from 'commander';
import { formatSize, hex, parseAddress, parsePhysical } from '../address.ts';
import { type AddressWalk, walkAddress, walkGiven, walkJson } from '../dump/walk.ts';
import type { Access, Fault, Leaf, Step } from '../hardware/walk/types.ts';
import type { Table } from '../report/index.ts';
import { addDumpOptions, type DumpOptions, openDumpFile } from './dump-file.ts';
import { EXIT } from './exit.ts';
import { addOutputOptions, emit, type OutputFormat, outputOf } from './output.ts';
import { addGeometryOptions, type GeometryOptions, tablesOf } from './tables.ts';

interface Flags extends DumpOptions, GeometryOptions {
  readonly stream?: string;
  readonly substream?: string;
  readonly access: Access['kind'];
  readonly privileged?: boolean;
}

const EXAMPLES = `Examples:
  iommu walk tables.jsonl.gz 0xfffc0123 --regs regs.json                every domain; first those that map it
  iommu walk tables.jsonl.gz 0xfffc0123 --regs regs.json --stream 8 --access write
`;

const FORMATS: readonly OutputFormat[] = ['table', 'json', 'ndjson', 'markdown'];

function fieldsText(fields: Step['fields']): string {
  return Object.entries(fields)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}

function resultText(result: Leaf | Fault): string {
  if (result.ok) {
    const leaf = `${formatSize(result.size)} leaf of level ${result.level}, ${result.perms}, ${result.memoryType}`;
    return `→ pa ${hex(result.output)} (${leaf})`;
  }
  const ipa = result.ipa === undefined ? '' : `, intermediate address ${hex(result.ipa)}`;
  return `→ fault: ${result.reason}, stage ${result.stage}, level ${result.level}${ipa}: ${result.syndrome}`;
}

function walkTable(iova: bigint, { domain, streams, geometry, steps, result }: AddressWalk): Table {
  const where = geometry === undefined ? '' : `; geometry: ${geometry.summary} (${geometry.from})`;
  const who = streams.length === 0 ? '' : `, streams ${streams.map((stream) => hex(stream)).join(' ')}`;
  return {
    title: `${hex(iova)} in ${domain ?? 'no domain'}${who}${where}`,
    columns: [
      { title: 'stage' },
      { title: 'level' },
      { title: 'index', align: 'right' },
      { title: 'entry at' },
      { title: 'entry' },
      { title: 'kind' },
      { title: 'fields' },
    ],
    rows: steps.map((step) => [
      String(step.stage),
      String(step.level),
      String(step.index),
      hex(step.entryAddress),
      hex(step.entry),
      step.kind,
      fieldsText(step.fields),
    ]),
    notes: [resultText(result)],
  };
}

async function walks(path: string, iova: bigint, flags: Flags): Promise<AddressWalk[]> {
  const dump = await openDumpFile(path, flags);
  const access: Access = { kind: flags.access, privileged: flags.privileged === true };
  const given = tablesOf(dump, flags);
  if (given !== undefined) return [walkGiven(dump, given.tables, given.from, iova, access)];
  const number = (text: string | undefined) => (text === undefined ? undefined : parsePhysical('address', text));
  return walkAddress(dump, iova, { stream: number(flags.stream), substream: number(flags.substream), access });
}

/** Adds `iommu walk`. */
export function addWalk(program: Command): void {
  const verb = program
    .command('walk')
    .description('Walk one address through the tables in a dump, level by level, to its page or to why there is none.')
    .argument('<dump>', 'snapshot, sparse pages, raw image, ELF core, kdump, debugfs text')
    .argument('<iova>', 'input address')
    .option('--stream <id>', 'stream id or requester id of the device')
    .option('--substream <id>', 'substream id or PASID')
    .addOption(
      new Option('--access <kind>', 'what the device does').choices(['read', 'write', 'execute']).default('read'),
    )
    .option('--privileged', 'the access is privileged')
    .addHelpText('before', EXAMPLES);
  addOutputOptions(addGeometryOptions(addDumpOptions(verb)), FORMATS).action(async (path, text, options) => {
    const output = outputOf(options, FORMATS);
    const iova = parseAddress(text);
    const found = await walks(path, iova, options);
    emit(output, { json: () => walkJson(iova, found), table: () => found.map((walk) => walkTable(iova, walk)) });
    if (!found.some((walk) => walk.result.ok)) process.exitCode = EXIT.findings;
  });
}
