/**
 * Which file of a folder is what: dump, registers, log, traces, and the files that name devices and memory. By names only:
 * those that `iommu record`, `iommu acquire`, sosreport, kdump and the captures use.
 * @module
 */
import { InputError } from '../errors.ts';

/** The files of a folder by what they hold; names within the folder. */
export interface Evidence {
  /** Each dump, with the registers that belong to it by name, or null. */
  readonly dumps: readonly { readonly dump: string; readonly regs: string | null }[];
  /** Register files, those of a dump among them. */
  readonly registers: readonly string[];
  readonly logs: readonly string[];
  /** Traces of events, in the order in which they follow each other. */
  readonly traces: readonly string[];
  readonly pci: string | null;
  readonly groups: string | null;
  readonly iomem: string | null;
}

const TABLES = /^tables-(.+)\.jsonl(?:\.gz)?$/;
const PAGES = /^(.+)\.jsonl(?:\.gz)?$/;
const WHOLE_DUMP = /^(?:vmcore|core)(?:$|[.-])|\.(?:snapshot|kdump|core|elf|vmcore)(?:\.gz)?$/;
const REGISTERS = /^regs(?:-.+)?\.json$|-regs\.json$/;
const LOG = /^(?:dmesg|kern\.log|journal)(?:$|[._-].*$)|\.log$/;
const TRACE = /^trace(?:_\w+|-\d+)?\.txt(?:\.gz)?$/;
const GRAPH = /^trace_fgraph\b/;

/** Names of the registers that `iommu acquire` and the captures write beside a dump. */
function registersFor(dump: string, names: ReadonlySet<string>): string | null {
  const state = TABLES.exec(dump)?.[1];
  const stem = dump.replace(/\.gz$/, '').replace(/\.\w+$/, '');
  const own = [...(state === undefined ? [] : [`regs-${state}.json`]), `${stem}-regs.json`];
  const found = own.find((name) => names.has(name));
  if (found !== undefined) return found;
  const all = [...names].filter((name) => REGISTERS.test(name));
  return all.length === 1 && state === undefined ? (all[0] ?? null) : null;
}

function isDump(name: string, names: ReadonlySet<string>): boolean {
  if (TABLES.test(name) || WHOLE_DUMP.test(name)) return true;
  const stem = PAGES.exec(name)?.[1];
  return stem !== undefined && names.has(`${stem}-regs.json`);
}

/** The boot's trace comes first, that of the last state last. */
function traceRank(name: string): number {
  return name.startsWith('trace_boot') ? 0 : name.startsWith('trace.') ? 1 : name.startsWith('trace_live') ? 3 : 2;
}

/** Sorts the names in a folder by what the files hold; others are passed over. */
export function evidenceIn(listed: readonly string[]): Evidence {
  const names = new Set(listed);
  const all = [...names].sort();
  const first = (...wanted: readonly string[]): string | null => wanted.find((name) => names.has(name)) ?? null;
  const dumps = all.filter((name) => isDump(name, names));
  return {
    dumps: dumps.map((dump) => ({ dump, regs: registersFor(dump, names) })),
    registers: all.filter((name) => REGISTERS.test(name)),
    logs: all.filter((name) => LOG.test(name)),
    traces: all
      .filter((name) => TRACE.test(name) && !GRAPH.test(name))
      .sort((a, b) => traceRank(a) - traceRank(b) || (a < b ? -1 : 1)),
    pci: first('pci.txt', 'lspci.txt', 'lspci', 'lspci_-nnvv'),
    groups: first('iommu_groups.txt'),
    iomem: first('iomem.txt', 'iomem'),
  };
}

/**
 * The one file of its kind.
 * @param kind - what is looked for, in words
 * @throws InputError `NOT_RECOGNISED` where there is none, or more than one.
 */
export function onlyOne(folder: string, kind: string, names: readonly string[]): string {
  const [name] = names;
  if (name !== undefined && names.length === 1) return name;
  const found = name === undefined ? 'none' : names.slice(0, 8).join(', ');
  throw new InputError('NOT_RECOGNISED', folder, `is a folder: expected one ${kind} in it, got ${found}`);
}

/** The log among several: all that `dmesg` printed, else the only one. @throws InputError `NOT_RECOGNISED`. */
export function logIn(folder: string, { logs }: Evidence): string {
  return logs.find((name) => name === 'dmesg.txt' || name === 'dmesg') ?? onlyOne(folder, 'kernel log', logs);
}
