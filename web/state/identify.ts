/**
 * What a dropped file is: told from its first bytes and its name, by the readers' own sniffing.
 * @module
 */

import { looksLikeLatencyTable } from '../../src/cost/csv.ts';
import { looksLikeTimings } from '../../src/explain/timing.ts';
import { recogniseTrace } from '../../src/trace/readers.ts';
import { headOf } from '../ask/chunks.ts';

/** What a file can be taken for. */
export type Role =
  | 'log'
  | 'dump'
  | 'registers'
  | 'trace'
  | 'pci'
  | 'groups'
  | 'iomem'
  | 'metadata'
  | 'version'
  | 'functions'
  | 'machine'
  | 'traced'
  | 'beside'
  | 'list'
  | 'latency'
  | 'unknown';

/** A dropped file. */
export interface DroppedFile {
  readonly file: File;
  readonly role: Role;
  /** Why each reader refused, where none took it. */
  readonly refused: readonly string[];
  /** Number of the drop that it came with. */
  readonly drop?: number;
}

const SNIFF = 1 << 16;

/** Bytes of a list: 4096 lines have fewer. */
export const MOST_LIST: number = 2 ** 18;

/** Names that recordings and captures use. */
const BY_NAME: readonly (readonly [RegExp, Role])[] = [
  [/^dmesg.*\.(txt|log)$/i, 'log'],
  [/^pci\.txt$/i, 'pci'],
  [/^iommu_groups\.txt$/i, 'groups'],
  [/^iomem\.txt$/i, 'iomem'],
  [/^metadata\.json$/i, 'metadata'],
  [/^version\.txt$/i, 'version'],
  [/^qemu-args\.json$/i, 'machine'],
  [/^fgraph_functions\.txt$/i, 'traced'],
  [/^(available_events|cmdline|event_formats)\.txt$|^README/i, 'beside'],
  [/^regs?[-.].*json$/i, 'registers'],
  [/^tables.*\.jsonl(\.gz)?$|\.snapshot(\.gz)?$|^vmcore|\.kdump$/i, 'dump'],
];

function isRegisters(head: string): boolean {
  return /^\s*\{/.test(head) && head.includes('"iommu"') && head.includes('"named"');
}

function isDump(head: string, bytes: Uint8Array): boolean {
  const elf = bytes[0] === 0x7f && head.slice(1, 4) === 'ELF';
  return (
    elf ||
    /^\s*\{"(pa|magic|iommu_snapshot|schema)"/.test(head) ||
    head.startsWith('KDUMP') ||
    head.startsWith('makedumpfile')
  );
}

/** Events, calls of functions, or why it is neither. */
function traceRole(bytes: Uint8Array, name: string): { readonly role?: Role; readonly refused: string } {
  try {
    return { role: recogniseTrace(bytes, name) === 'function_graph' ? 'functions' : 'trace', refused: '' };
  } catch (error) {
    return { refused: `trace: ${error instanceof Error ? error.message : String(error)}` };
  }
}

/** A line of a list: address and length. */
const LIST_LINE = /^(?:0x)?[0-9a-f]+[ \t,]+(?:0x[0-9a-f]+|\d+[KMG]?)[ \t]*$/i;

/** Whether every line of the start of a file is one of a list, empty, or a comment. */
function isList(head: string): boolean {
  const lines = head.split(/\r?\n/, 100).map((line) => line.replace(/#.*/, '').trim());
  // the last line may be cut
  const whole = lines.length > 1 ? lines.slice(0, -1) : lines;
  const filled = whole.filter((line) => line !== '');
  return filled.length > 0 && filled.every((line) => LIST_LINE.test(line));
}

const LOG =
  /\b(arm-smmu|DMAR|AMD-Vi|iommu|smmu|IO_PAGE_FAULT|sysmmu|rk_iommu|apple-dart|mtk-iommu|panfrost|Linux version)\b/i;

/** The first bytes, unpacked; as they lie in the file where they cannot be unpacked. @throws DOMException where it cannot be read. */
async function readHead(file: File): Promise<Uint8Array> {
  try {
    return await headOf(file, SNIFF);
  } catch {
    return new Uint8Array(await file.slice(0, SNIFF).arrayBuffer());
  }
}

/** How a file is packed that is not unpacked here: zstd (RFC 8878, 3.1.1), xz (format 1.2.1, 2.1.1.1), bzip2. */
const PACKED = [
  ['zstd', '\x28\xb5\x2f\xfd'],
  ['xz', '\xfd7zXZ\0'],
  ['bzip2', 'BZh'],
] as const;

/** Why a file cannot be looked at: it is empty, or packed in a way that is not unpacked here. */
function unusable(head: string): string | undefined {
  if (head === '') return 'the file is empty';
  const packing = PACKED.find(([, magic]) => head.startsWith(magic))?.[0];
  return packing === undefined
    ? undefined
    : `expected a file that is plain or packed with gzip, got ${packing}: unpack it first`;
}

/** Takes a file for what its bytes, or else its name, say it is. */
export async function identify(file: File): Promise<DroppedFile> {
  try {
    return identifyBytes(file, await readHead(file));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { file, role: 'unknown', refused: [`it cannot be read: ${why}`] };
  }
}

function identifyBytes(file: File, bytes: Uint8Array): DroppedFile {
  const head = new TextDecoder('latin1').decode(bytes.subarray(0, 4096));
  const why = unusable(head);
  if (why !== undefined) return { file, role: 'unknown', refused: [why] };
  const named = BY_NAME.find(([pattern]) => pattern.test(file.name))?.[1];
  if (named !== undefined) return { file, role: named, refused: [] };
  if (isRegisters(head)) return { file, role: 'registers', refused: [] };
  if (isDump(head, bytes)) return { file, role: 'dump', refused: [] };
  const trace = traceRole(bytes, file.name);
  if (trace.role !== undefined) return { file, role: trace.role, refused: [] };
  if (looksLikeLatencyTable(head) || looksLikeTimings(head)) return { file, role: 'latency', refused: [] };
  if (isList(head)) {
    const refused = file.size > MOST_LIST ? [`list: expected at most ${MOST_LIST} bytes, got ${file.size}`] : [];
    return { file, role: refused.length === 0 ? 'list' : 'unknown', refused };
  }
  if (!/^\s*[{[]\s*"/.test(head) && LOG.test(head)) return { file, role: 'log', refused: [] };
  const refused = [
    trace.refused,
    'dump: not an ELF core, kdump, snapshot or sparse pages',
    'list: expected an address and a length in each line',
    'log: no line of an IOMMU driver near its start',
  ];
  return { file, role: 'unknown', refused };
}
