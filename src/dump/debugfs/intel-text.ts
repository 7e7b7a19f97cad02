/**
 * Lines of Intel's debugfs files, in the layouts of kernels 4.18 to 7.3: `domain_translation_struct`,
 * `dmar_translation_struct` (rows by bus, rows by device, rows with PASIDs) and `iommu_regset`.
 * @module
 */
import { InputError } from '../../errors.ts';
import type { NoteCounter } from '../notes.ts';
import { StageEvidence } from './stage-evidence.ts';
import { addressOf, type TextPages } from './text-pages.ts';

/** Rows of contexts that are kept: every function of every bus, with PASIDs. */
const MOST_ROWS = 1 << 18;

const DEVICE =
  /^Device (?:([0-9a-f]{4,8}):)?([0-9a-f]{2}):([0-9a-f]{2})\.([0-7])(?: with pasid (?:0x)?([0-9a-f]+))? @ ?(0x[0-9a-f]{1,16})$/i;
const MAPPING = /^0x([0-9a-f]{1,16})(?: ?\|)?((?:\s+0x[0-9a-f]{16}){1,5})$/i;
const MORE_WORDS = /^0x[0-9a-f]{16}(?:\s+0x[0-9a-f]{16}){0,3}$/i;
const ROOT = /^IOMMU (\S+): Root Table Address: ?(?:0x)?([0-9a-f]{1,16})$/i;
const WIDE = '0x([0-9a-f]{16})';
const CONTEXT = new RegExp(
  `^([0-9a-f]{2}):([0-9a-f]{2})\\.([0-7])\\s+${WIDE}:${WIDE}\\s+${WIDE}:${WIDE}(?:\\s+(-1|\\d{1,7})(?:\\s+${WIDE}:${WIDE}:${WIDE})?)?`,
  'i',
);
const OLD_BUS = /^Bus: (\d{1,3}) H: ([0-9a-f]{1,16}) L: ([0-9a-f]{1,16})$/i;
const OLD_CONTEXT =
  /^(\d{1,3})\s+([0-9a-f]{2}):([0-9a-f]{2})\.([0-7])\s+(?:0x)?([0-9a-f]{1,16})\s+(?:0x)?([0-9a-f]{1,16})$/i;
const UNIT = /^IOMMU: (\S+) Register Base Address: ?(?:0x)?([0-9a-f]{1,16})$/i;
const REGISTER = /^([A-Z][A-Z0-9_]+)\s+0x([0-9a-f]{1,4})\s+0x([0-9a-f]{1,16})$/;
const OFF = /^DMA Remapping is not enabled on (\S+)$/;
const HEADERS = /^(?:IOVA_PFN|B\.D\.F|Name\s|Root Table Entries:|Context Table Entries for Bus|Entry\s+B:D\.F)/;

/** True for a line with which one of the files starts. */
export function startsIntelText(line: string): boolean {
  return [DEVICE, ROOT, UNIT, OFF].some((start) => start.test(line));
}

/** Two halves of an entry. */
export interface Halves {
  readonly high: bigint;
  readonly low: bigint;
}

/** One device's context, or one PASID's of it. */
export interface ContextRow {
  readonly stream: number;
  readonly root: Halves;
  readonly context: Halves;
  /** Number in the column PASID: -1 in legacy mode, `undefined` where the text has no such column. */
  readonly pasid: number | undefined;
  /** Words 0, 1 and 2 of the PASID table entry. */
  readonly entry: readonly [bigint, bigint, bigint] | undefined;
}

/** What `dmar_translation_struct` says of one unit. */
export interface UnitContexts {
  readonly name: string;
  readonly root: bigint;
  readonly rows: ContextRow[];
}

/** What `iommu_regset` says of one unit. */
export interface UnitRegisters {
  readonly name: string;
  readonly base: number;
  readonly named: Map<string, bigint>;
  readonly words: Map<number, number>;
}

/** The tables of a device or of one of its PASIDs. */
export interface DeviceTables {
  readonly segment: number;
  readonly stream: number;
  /** `undefined` where the kernel prints none. */
  readonly pasid: number | undefined;
  readonly root: bigint;
  readonly evidence: StageEvidence;
  levels: number;
}

interface Row {
  readonly page: bigint;
  readonly entries: bigint[];
}

function requester(bus = '0', slot = '0', fn = '0'): number {
  return Number.parseInt(bus, 16) * 256 + (Number.parseInt(slot, 16) % 32) * 8 + Number(fn);
}

function bits(digits = '0'): bigint {
  return BigInt(`0x${digits}`);
}

/** Takes line after line; mappings go into the pages at once. */
export class IntelText {
  readonly devices: DeviceTables[] = [];
  readonly units: UnitContexts[] = [];
  readonly registers: UnitRegisters[] = [];
  readonly #name: string;
  readonly #pages: TextPages;
  readonly #notes: NoteCounter;
  readonly #buses = new Map<number, Halves>();
  #rows = 0;
  #row: Row | undefined;

  constructor(name: string, pages: TextPages, notes: NoteCounter) {
    this.#name = name;
    this.#pages = pages;
    this.#notes = notes;
  }

  /** Takes a line without blanks around it; false if it is of none of the files. @throws InputError `TOO_LARGE`. */
  take(line: string): boolean {
    if (this.#mapping(line)) return true;
    this.#endRow();
    return this.#context(line) || this.#oldContext(line) || this.#register(line) || this.#head(line);
  }

  /** Takes the end of the text. */
  end(): void {
    this.#endRow();
  }

  #head(line: string): boolean {
    return this.#device(line) || this.#root(line) || this.#unit(line) || this.#off(line) || HEADERS.test(line);
  }

  #device(line: string): boolean {
    const match = DEVICE.exec(line);
    if (match === null) return false;
    const [, segment = '0', bus, slot, fn, pasid, root] = match;
    const table = addressOf(BigInt(root ?? 0));
    this.#pages.complete(table);
    this.devices.push({
      segment: Number.parseInt(segment, 16),
      stream: requester(bus, slot, fn),
      pasid: pasid === undefined ? undefined : Number.parseInt(pasid, 16),
      root: table,
      evidence: new StageEvidence(),
      levels: 4,
    });
    return true;
  }

  #root(line: string): boolean {
    const match = ROOT.exec(line);
    if (match === null) return false;
    this.#buses.clear();
    this.units.push({ name: match[1] ?? '', root: bits(match[2]), rows: [] });
    return true;
  }

  #unit(line: string): boolean {
    const match = UNIT.exec(line);
    if (match === null) return false;
    const base = Number.parseInt(match[2] ?? '0', 16);
    this.registers.push({ name: match[1] ?? '', base, named: new Map(), words: new Map() });
    return true;
  }

  #off(line: string): boolean {
    const match = OFF.exec(line);
    if (match !== null) this.#notes.add('remapping-off', 'units on which the text says that DMA remapping is off');
    return match !== null;
  }

  #register(line: string): boolean {
    const match = REGISTER.exec(line);
    const unit = this.registers.at(-1);
    if (match === null || unit === undefined) return false;
    const [value, at] = [bits(match[3]), Number.parseInt(match[2] ?? '0', 16)];
    unit.named.set(match[1] ?? '', value);
    unit.words.set(at, Number(value & 0xffff_ffffn));
    if (value >> 32n !== 0n) unit.words.set(at + 4, Number(value >> 32n));
    return true;
  }

  /** A row of kernels from 5.2 on: root entry, context entry and PASID table entry, highest word first. */
  #context(line: string): boolean {
    const match = CONTEXT.exec(line);
    if (match === null) return false;
    const [rootHigh, rootLow, high, low] = match.slice(4, 8).map(bits);
    const [, bus, slot, fn] = match;
    const pasid = match[8] === undefined ? undefined : Number(match[8]);
    const entry = match[9] === undefined ? undefined : ([bits(match[11]), bits(match[10]), bits(match[9])] as const);
    this.#addRow({
      stream: requester(bus, slot, fn),
      root: { high: rootHigh ?? 0n, low: rootLow ?? 0n },
      context: { high: high ?? 0n, low: low ?? 0n },
      pasid,
      entry,
    });
    return true;
  }

  /** Rows of kernels before 5.2: the root entry of a bus on one line, its contexts on lines of their own. */
  #oldContext(line: string): boolean {
    const bus = OLD_BUS.exec(line);
    if (bus !== null) {
      this.#buses.set(Number(bus[1]), { high: bits(bus[2]), low: bits(bus[3]) });
      return true;
    }
    const match = OLD_CONTEXT.exec(line);
    if (match === null) return false;
    const stream = requester(match[2], match[3], match[4]);
    const root = this.#buses.get(stream >> 8);
    if (root === undefined || Number(match[1]) !== (stream & 255)) return false;
    const context = { high: bits(match[5]), low: bits(match[6]) };
    this.#addRow({ stream, root, context, pasid: undefined, entry: undefined });
    return true;
  }

  #addRow(row: ContextRow): void {
    const unit = this.units.at(-1);
    if (unit === undefined) {
      this.#notes.add('rows-skipped', 'rows of contexts without the line that names their IOMMU, left out');
      return;
    }
    if (this.#rows++ >= MOST_ROWS) {
      throw new InputError('TOO_LARGE', this.#name, `expected at most ${MOST_ROWS} rows of contexts, got more`);
    }
    unit.rows.push(row);
    for (const entry of [row.root.high, row.root.low, row.context.low, ...(row.entry ?? [])]) {
      this.#pages.mention(addressOf(entry));
    }
  }

  /** A row of domain_translation_struct: page number, then the entries from level 5 down; 0 for levels above the root. */
  #mapping(line: string): boolean {
    if (this.devices.length === 0) return false;
    if (this.#row !== undefined && MORE_WORDS.test(line)) {
      this.#row.entries.push(...line.split(/\s+/).map(BigInt));
      return true;
    }
    const match = MAPPING.exec(line);
    if (match === null) return false;
    this.#endRow();
    this.#row = { page: bits(match[1]), entries: (match[2] ?? '').trim().split(/\s+/).map(BigInt) };
    return true;
  }

  #endRow(): void {
    const [row, device] = [this.#row, this.devices.at(-1)];
    this.#row = undefined;
    if (row === undefined || device === undefined) return;
    const first = row.entries.findIndex((entry) => entry !== 0n);
    if (first < 0 || first > 2 || row.entries.length < 3 || row.entries.length > 5) {
      this.#notes.add('rows-skipped', 'rows of mappings that are cut, left out');
      return;
    }
    device.levels = 5 - first;
    this.#enter(device, row, first);
  }

  #enter(device: DeviceTables, { page, entries }: Row, first: number): void {
    let table = device.root;
    for (let i = first; i < entries.length; i++) {
      const entry = entries[i] ?? 0n;
      if (entry === 0n) break;
      this.#pages.complete(table);
      this.#pages.set64(table + 8n * ((page >> BigInt(9 * (4 - i))) & 511n), entry);
      device.evidence.add(entry);
      table = addressOf(entry);
    }
  }
}
