/**
 * `iommu gen`: tables offline, from a map list.
 * @module
 */
import type { Command } from 'commander';
import { parseNamedAddress, parseSize } from '../address.ts';
import { genAnswer } from '../answers/gen.ts';
import type { DomainOptions } from '../core/options.ts';
import { writeSnapshot } from '../dump/snapshot-writer.ts';
import { QUIRK, type QuirkName } from '../formats/quirks.ts';
import { FORMATS } from '../formats/registry.ts';
import { type Image, imagePages, makeImage } from '../gen/image.ts';
import { readMapList } from '../gen/map-list.ts';
import { toAssembler, toC } from '../gen/source-code.ts';
import { toTree } from '../gen/tree.ts';
import { UsageError } from './exit.ts';
import { addFormOptions, type Form, type FormFlags, outputOf } from './forms.ts';
import { readText, say } from './io.ts';
import { type OwnForms, printAnswer } from './print.ts';

const EXAMPLES = `Examples:
  iommu gen maps.csv                                    the tables as a labelled tree
  iommu gen maps.csv -o tables.snapshot                 for iommu decode, walk, check
  iommu gen maps.jsonl -o tables.c --at 0x48000000      a C array to be loaded at that address
  iommu gen maps.csv --format arm-v7s -o tables.bin     the bytes
A map list is CSV with the headings iova,pa,size,prot, or JSON lines with these keys:
  0x10000,0x80000000,2M,rw        prot: r read, w write, c cache, n no-execute, m MMIO, p privileged
`;

const FORMS: readonly Form[] = ['tree', 'snapshot', 'binary', 'c', 'assembler', 'json'];

interface GenFlags extends FormFlags {
  readonly format: string;
  readonly granule?: string;
  readonly ias?: string;
  readonly oas?: string;
  readonly quirk?: string[];
  readonly nonCoherent?: boolean;
  readonly at: string;
}

function bits(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,2}$/.test(text)) return Number(text);
  throw new UsageError(`--${name}: expected a number of bits, got '${text}'`);
}

function quirkName(text: string): QuirkName {
  const wanted = text.toUpperCase().replaceAll('-', '_');
  const known = Object.keys(QUIRK) as QuirkName[];
  const name = known.find((candidate) => candidate === wanted);
  if (name !== undefined) return name;
  throw new UsageError(`--quirk: expected ${known.map(quirkText).join(', ')}, got '${text}'`);
}

function quirkText(name: string): string {
  return name.toLowerCase().replaceAll('_', '-');
}

function domainOptions(flags: GenFlags): DomainOptions {
  const [ias, oas] = [bits('ias', flags.ias), bits('oas', flags.oas)];
  return {
    format: flags.format,
    ...(flags.quirk === undefined ? {} : { quirks: flags.quirk.map(quirkName) }),
    coherent: flags.nonCoherent !== true,
    ...(flags.granule === undefined ? {} : { granule: parseSize(flags.granule) }),
    ...(ias === undefined ? {} : { ias }),
    ...(oas === undefined ? {} : { oas }),
  };
}

function snapshotOf(image: Image, flags: GenFlags): Uint8Array {
  const { format, oas } = image.geometry;
  const quirks = (flags.quirk ?? []).map((name) => quirkText(quirkName(name)));
  const geometry = { format, granule: image.granule, ias: image.inputBits, oas, roots: image.roots, quirks };
  return Buffer.concat([...writeSnapshot({ pages: imagePages(image), geometry })]);
}

/** The forms that only made tables have. */
function ownForms(image: Image, flags: GenFlags): OwnForms {
  return {
    tree: () => toTree(image),
    snapshot: () => snapshotOf(image, flags),
    binary: () => image.bytes,
    c: () => toC(image),
    assembler: () => toAssembler(image),
  };
}

/** The tables of a kernel have as many bits as a format has, where more are asked for; here that is said. */
function refuseWider({ geometry }: Image, flags: GenFlags): void {
  for (const name of ['ias', 'oas'] as const) {
    const asked = bits(name, flags[name]);
    if (asked === undefined || asked <= geometry[name]) continue;
    throw new UsageError(`--${name}: expected at most ${geometry[name]} bits for ${geometry.format}, got ${asked}`);
  }
}

async function gen(path: string, flags: GenFlags): Promise<void> {
  const output = outputOf(flags, FORMS);
  const lines = readMapList(await readText(path), path);
  const image = makeImage(lines, path, domainOptions(flags), Number(parseNamedAddress('--at', flags.at)));
  refuseWider(image, flags);
  const answer = genAnswer({ image, mappings: lines.length });
  if (!output.quiet) say([answer.verdict, ...answer.notes].join('\n'));
  await printAnswer(answer, output, ownForms(image, flags));
}

/** Adds `gen`. */
export function addGen(program: Command): void {
  const verb = program
    .command('gen')
    .description('Makes page tables from a map list: snapshot, binary, C array, assembler, JSON, labelled tree.')
    .argument('<list>', 'map list, CSV or JSON lines, plain or packed (gzip, xz, zstd); - is standard input')
    .option('--format <id>', `table format: ${FORMATS.map(({ id }) => id).join(', ')}`, 'arm-64-lpae-s1')
    .option('--granule <size>', "smallest page: 4K, 16K, 64K; the format's first by default")
    .option('--ias <bits>', 'input address bits')
    .option('--oas <bits>', 'output address bits')
    .option('--quirk <name...>', 'quirks of the format, such as arm-ttbr1')
    .option('--non-coherent', 'for a device whose walks do not snoop caches')
    .option('--at <pa>', 'physical address of the first table, a multiple of 64K', '0x80000000')
    .addHelpText('before', EXAMPLES);
  addFormOptions(verb, FORMS).action(gen);
}
