/**
 * `iommu gen`: tables offline, from a map list.
 * @module
 */
import { type Command, Option } from 'commander';
import { formatSize, hex, parseAddress, parseSize } from '../address.ts';
import type { DomainOptions } from '../core/options.ts';
import { writeSnapshot } from '../dump/snapshot-writer.ts';
import { QUIRK, type QuirkName } from '../formats/contract.ts';
import { FORMATS } from '../formats/registry.ts';
import { toJson } from '../report/json.ts';
import { UsageError } from './exit.ts';
import { type Image, imagePages, makeImage } from './gen/image.ts';
import { readMapList } from './gen/map-list.ts';
import { toAssembler, toC } from './gen/source-code.ts';
import { toImageJson, toTree } from './gen/tree.ts';
import { print, readFile, say } from './io.ts';
import { writeFile } from './output.ts';

const EXAMPLES = `Examples:
  iommu gen maps.csv                                    the tables as a labelled tree
  iommu gen maps.csv -o tables.snapshot                 for iommu decode, walk, check
  iommu gen maps.jsonl -o tables.c --at 0x48000000      a C array to be loaded at that address
  iommu gen maps.csv --format arm-v7s -o tables.bin     the bytes
A map list is CSV with the headings iova,pa,size,prot, or JSON lines with these keys:
  0x10000,0x80000000,2M,rw        prot: r read, w write, c cache, n no-execute, m MMIO, p privileged
`;

const EXTENSIONS = {
  tree: ['.txt', '.tree'],
  snapshot: ['.snapshot', '.snap'],
  binary: ['.bin', '.img'],
  c: ['.c', '.h'],
  assembler: ['.s', '.S', '.asm'],
  json: ['.json'],
} as const;
type Form = keyof typeof EXTENSIONS;
const FORMS = Object.keys(EXTENSIONS) as Form[];

interface GenFlags {
  readonly format: string;
  readonly granule?: string;
  readonly ias?: string;
  readonly oas?: string;
  readonly quirk?: string[];
  readonly nonCoherent?: boolean;
  readonly at: string;
  readonly output?: string;
  readonly o?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

function formOf(flags: GenFlags): Form {
  const asked = flags.json === true ? 'json' : flags.output;
  const named = FORMS.find((form) => form === asked);
  if (named !== undefined) return named;
  const { o } = flags;
  if (o === undefined) return 'tree';
  const found = FORMS.find((form) => EXTENSIONS[form].some((extension) => o.endsWith(extension)));
  if (found !== undefined) return found;
  throw new UsageError(`-o ${o}: the extension names no form; add --output ${FORMS.join('|')}`);
}

function bits(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,2}$/.test(text)) return Number(text);
  throw new UsageError(`--${name}: '${text}' is no number of bits`);
}

function quirkName(text: string): QuirkName {
  const wanted = text.toUpperCase().replaceAll('-', '_');
  const known = Object.keys(QUIRK) as QuirkName[];
  const name = known.find((candidate) => candidate === wanted);
  if (name !== undefined) return name;
  throw new UsageError(`--quirk: '${text}' is not among ${known.map(quirkText).join(', ')}`);
}

function quirkText(name: string): string {
  return name.toLowerCase().replaceAll('_', '-');
}

function domainOptions(flags: GenFlags): DomainOptions {
  const [ias, oas] = [bits('ias', flags.ias), bits('oas', flags.oas)];
  return {
    format: flags.format,
    quirks: (flags.quirk ?? []).map(quirkName),
    coherent: flags.nonCoherent !== true,
    ...(flags.granule === undefined ? {} : { granule: parseSize(flags.granule) }),
    ...(ias === undefined ? {} : { ias }),
    ...(oas === undefined ? {} : { oas }),
  };
}

function snapshotOf(image: Image, flags: GenFlags): Uint8Array {
  const { format, ias, oas } = image.geometry;
  const quirks = (flags.quirk ?? []).map((name) => quirkText(quirkName(name)));
  const geometry = { format, granule: image.granule, ias, oas, roots: image.roots, quirks };
  return Buffer.concat([...writeSnapshot({ pages: imagePages(image), geometry })]);
}

function dataOf(form: Form, image: Image, flags: GenFlags): string | Uint8Array {
  switch (form) {
    case 'snapshot':
      return snapshotOf(image, flags);
    case 'binary':
      return image.bytes;
    case 'c':
      return toC(image);
    case 'assembler':
      return toAssembler(image);
    case 'json':
      return toJson(toImageJson(image, 'given'));
    default:
      return toTree(image);
  }
}

function told(image: Image, mappings: number): string {
  const { format, ias, oas } = image.geometry;
  const geometry = `geometry: ${format} ${formatSize(image.granule)} ias ${ias} oas ${oas} (given)`;
  const roots = image.roots.map((root) => hex(root)).join(', ');
  return `${geometry}; ${mappings} mappings, ${image.tables.length} tables, ${image.bytes.length} bytes at ${hex(image.base)}; root ${roots}`;
}

function run(path: string, flags: GenFlags): void {
  const form = formOf(flags);
  const text = new TextDecoder().decode(readFile(path));
  const lines = readMapList(text, path);
  const image = makeImage(lines, path, domainOptions(flags), Number(parseAddress(flags.at)));
  const data = dataOf(form, image, flags);
  if (flags.quiet !== true) say(told(image, lines.length));
  if (flags.o !== undefined) writeFile(flags.o, data);
  else if (typeof data === 'string') print(data);
  else process.stdout.write(data);
}

/** Adds `gen`. */
export function addGen(program: Command): void {
  program
    .command('gen')
    .summary('make tables offline from a map list')
    .description('Makes page tables from a map list: snapshot, binary, C array, assembler, JSON, labelled tree.')
    .argument('<list>', 'map list, CSV or JSON lines, plain or .gz; - is standard input')
    .option('--format <id>', `table format: ${FORMATS.map(({ id }) => id).join(', ')}`, 'arm-64-lpae-s1')
    .option('--granule <size>', "smallest page: 4K, 16K, 64K; the format's first by default")
    .option('--ias <bits>', 'input address bits')
    .option('--oas <bits>', 'output address bits')
    .option('--quirk <name...>', 'quirks of the format, such as arm-ttbr1')
    .option('--non-coherent', 'for a device whose walks do not snoop caches')
    .option('--at <pa>', 'physical address of the first table, a multiple of 64K', '0x80000000')
    .addOption(new Option('--output <form>', 'what to write').choices(FORMS))
    .option('--json', 'short for --output json')
    .option('-o <file>', 'write to a file; its extension chooses the form')
    .option('--quiet', 'no notes on standard error')
    .addHelpText('before', EXAMPLES)
    .action((path: string, flags: GenFlags) => run(path, flags));
}
