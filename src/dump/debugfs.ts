/**
 * Text of Intel's debugfs files, one or several after the other: `domain_translation_struct` (old prints and new),
 * `dmar_translation_struct`, `iommu_regset`. The tables are put together again from the entries printed; where the text
 * has no root and context entries, legacy ones are made that lead to the same tables.
 * @module
 */
import { InputError } from '../errors.ts';
import { lines } from './lines.ts';
import { type OpenedMemory, pagedMemory } from './memory.ts';
import { NoteCounter } from './notes.ts';
import { mergeExtents, PAGE } from './pages.ts';
import type { ByteSource, RegisterFile } from './types.ts';

/** Pages that a text may lead to: 256 MiB. */
const MOST_PAGES = 1 << 16;
const PAGE_SHIFT = 12n;
/** Address of an entry (VT-d, "Root Entry", "Second-Stage Paging Entries"). */
const ADDRESS = 0x000f_ffff_ffff_f000n;
/** RTADDR_REG, translation table mode: bits 11:10, 1 = scalable. */
const SCALABLE = 1n << 10n;
const GSTS_TES = 1n << 31n;

const DEVICE =
  /^Device (?:[0-9a-f]{4}:)?([0-9a-f]{2}):([0-9a-f]{2})\.([0-7])(?: with pasid ([0-9a-f]+))? @(0x[0-9a-f]+)/i;
const MAPPING = /^(0x[0-9a-f]+)(?: \|)?((?:\s+0x[0-9a-f]{16}){3,5})\s*$/i;
const ROOT = /^IOMMU (\S+): Root Table Address: ?(0x[0-9a-f]+)/i;
const CONTEXT =
  /^([0-9a-f]{2}):([0-9a-f]{2})\.([0-7])\s+(0x[0-9a-f]{16}):(0x[0-9a-f]{16})\s+(0x[0-9a-f]{16}):(0x[0-9a-f]{16})/i;
const UNIT = /^IOMMU: (\S+) Register Base Address: ?(?:0x)?([0-9a-f]+)/i;
const REGISTER = /^([A-Z][A-Z0-9_]+)\s+0x([0-9a-f]+)\s+0x([0-9a-f]{1,16})\s*$/;
const HEADERS = /^(IOVA_PFN|B\.D\.F|Name\s|DMA Remapping is not enabled)/;

interface Device {
  readonly id: number;
  readonly root: bigint;
  levels: number;
}

/** True if the text starts as one of the files. */
export function isDebugfs(head: Uint8Array): boolean {
  const text = new TextDecoder().decode(head);
  return [DEVICE, ROOT, UNIT].some((start) => text.split('\n').some((line) => start.test(line)));
}

function requester(parts: readonly (string | undefined)[]): number {
  const [bus = 0, slot = 0, fn = 0] = parts.map((part) => Number.parseInt(part ?? '0', 16));
  return bus * 256 + (slot % 32) * 8 + fn;
}

/** The text as it is read, and what it says so far. */
class DebugfsText {
  readonly named = new Map<string, bigint>();
  readonly words = new Map<number, number>();
  mmioBase: number | undefined;
  readonly devices: Device[] = [];
  hasContexts = false;
  readonly #pages = new Map<number, BigUint64Array>();
  readonly #name: string;
  readonly #notes: NoteCounter;
  #units = 0;
  #rootTable = 0n;

  constructor(name: string, notes: NoteCounter) {
    this.#name = name;
    this.#notes = notes;
  }

  /** Takes a line; false if it is none of these files'. */
  take(line: string): boolean {
    return this.#mapping(line) || this.#context(line) || this.#register(line) || this.#head(line) || HEADERS.test(line);
  }

  /** Pages in ascending order. */
  get pages(): ReadonlyMap<number, BigUint64Array> {
    return this.#pages;
  }

  set64(address: bigint, value: bigint): void {
    const at = Number(address & ~0xfffn);
    let page = this.#pages.get(at);
    if (page === undefined) {
      if (this.#pages.size >= MOST_PAGES) {
        throw new InputError('TOO_LARGE', this.#name, `its entries lie in more than ${MOST_PAGES} pages`);
      }
      page = new BigUint64Array(PAGE / 8);
      this.#pages.set(at, page);
    }
    page[Number(address & 0xfffn) >> 3] = value;
  }

  #head(line: string): boolean {
    const device = DEVICE.exec(line);
    if (device !== null) {
      if (device[4] !== undefined && Number.parseInt(device[4], 16) !== 0) {
        this.#notes.add('pasid-left-out', 'tables of PASIDs other than 0, left out');
        this.devices.push({ id: -1, root: BigInt(device[5] ?? 0) & ADDRESS, levels: 4 });
      } else {
        this.devices.push({ id: requester(device.slice(1, 4)), root: BigInt(device[5] ?? 0) & ADDRESS, levels: 4 });
      }
      return true;
    }
    const root = ROOT.exec(line);
    if (root !== null) {
      this.#rootTable = BigInt(root[2] ?? 0);
      if (!this.named.has('RTADDR')) this.named.set('RTADDR', this.#rootTable);
      return true;
    }
    return this.#unit(line);
  }

  #unit(line: string): boolean {
    const unit = UNIT.exec(line);
    if (unit === null) return false;
    if (this.#units++ === 0) this.mmioBase = Number.parseInt(unit[2] ?? '0', 16);
    else this.#notes.add('units-left-out', 'registers of further IOMMUs, left out');
    return true;
  }

  #register(line: string): boolean {
    const match = REGISTER.exec(line);
    if (match === null) return false;
    if (this.#units > 1) return true;
    const [, name = '', offset = '0', digits = '0'] = match;
    const [value, at] = [BigInt(`0x${digits}`), Number.parseInt(offset, 16)];
    this.named.set(name, value);
    this.words.set(at, Number(value & 0xffff_ffffn));
    if (value >> 32n !== 0n) this.words.set(at + 4, Number(value >> 32n));
    return true;
  }

  /** A row of dmar_translation_struct: root entry and context entry, upper half first. */
  #context(line: string): boolean {
    const match = CONTEXT.exec(line);
    if (match === null) return false;
    const [rootHigh, rootLow, high, low] = match.slice(4, 8).map((text) => BigInt(text));
    const id = requester(match.slice(1, 4));
    if (rootHigh === undefined || rootLow === undefined || high === undefined || low === undefined) return false;
    if (rootHigh !== 0n || (this.named.get('RTADDR') ?? 0n) & SCALABLE) {
      this.#notes.add(
        'scalable-left-out',
        'scalable-mode contexts, of which the text does not print all: made as legacy ones',
      );
      return true;
    }
    this.hasContexts = true;
    this.set64((this.#rootTable & ADDRESS) + BigInt(16 * (id >> 8)), rootLow);
    this.set64((rootLow & ADDRESS) + BigInt(16 * (id & 255)), low);
    this.set64((rootLow & ADDRESS) + BigInt(16 * (id & 255) + 8), high);
    return true;
  }

  /** A row of domain_translation_struct: page number, then the entries from level 5 down; 0 for levels above the root. */
  #mapping(line: string): boolean {
    const match = MAPPING.exec(line);
    const device = this.devices.at(-1);
    if (match === null || device === undefined) return false;
    const page = BigInt(match[1] ?? 0);
    const entries = (match[2] ?? '').trim().split(/\s+/).map(BigInt);
    const first = entries.findIndex((entry) => entry !== 0n);
    if (first < 0) return true;
    device.levels = 5 - first;
    let table = device.root;
    for (let i = first; i < entries.length; i++) {
      const level = BigInt(5 - i);
      const entry = entries[i] ?? 0n;
      if (entry === 0n) break;
      this.set64(table + 8n * ((page >> (9n * (level - 1n))) & 511n), entry);
      table = entry & ADDRESS;
    }
    return true;
  }
}

/** Legacy root and context tables for the devices that the text names, behind all pages of it unless RTADDR says where. */
function makeContexts(text: DebugfsText, notes: NoteCounter): void {
  const last = [...text.pages.keys()].reduce((most, page) => Math.max(most, page), 0);
  const free = (BigInt(last) & ADDRESS) + (1n << 20n);
  const rtaddr = text.named.get('RTADDR');
  const root = rtaddr === undefined ? free : rtaddr & ADDRESS;
  const contexts = new Map<number, bigint>();
  const ids = new Map<bigint, bigint>();
  for (const device of text.devices.filter(({ id }) => id >= 0)) {
    const bus = device.id >> 8;
    const table = contexts.get(bus) ?? free + (BigInt(contexts.size + 1) << PAGE_SHIFT);
    contexts.set(bus, table);
    const id = ids.get(device.root) ?? BigInt(ids.size + 1);
    ids.set(device.root, id);
    text.set64(root + BigInt(16 * bus), table | 1n);
    text.set64(table + BigInt(16 * (device.id & 255)), device.root | 1n);
    text.set64(table + BigInt(16 * (device.id & 255) + 8), (id << 8n) | BigInt(device.levels - 2));
  }
  text.named.set('RTADDR', root);
  notes.add(
    'contexts-made',
    'context entries made from the names of devices: their domain ids are not the real ones',
    ids.size,
  );
}

function registersOf(text: DebugfsText): RegisterFile {
  if (!text.named.has('GSTS')) text.named.set('GSTS', GSTS_TES);
  return { iommu: 'intel-vtd', mmioBase: text.mmioBase, named: text.named, words: text.words, ram: [] };
}

/**
 * Opens the text of debugfs files.
 * @throws InputError `MALFORMED` where it holds neither tables nor registers, `TOO_LARGE`.
 */
export function openDebugfs(source: ByteSource, name: string): OpenedMemory {
  const notes = new NoteCounter();
  const text = new DebugfsText(name, notes);
  for (const line of lines(source, notes)) {
    const clean = line.text.trimEnd();
    if (clean !== '' && !text.take(clean)) {
      notes.add('lines-skipped', `lines of no known form, the first is line ${line.number}`);
    }
  }
  if (!text.hasContexts && text.devices.length > 0) makeContexts(text, notes);
  if (text.named.size === 0) throw new InputError('MALFORMED', name, 'holds neither tables nor registers');
  const registers = registersOf(text);
  const starts = [...text.pages.keys()].sort((a, b) => a - b);
  const extents = mergeExtents(starts.map((start) => ({ start, bytes: PAGE })));
  const memory = pagedMemory(
    'debugfs',
    (address) => {
      const page = text.pages.get(address);
      return page && { bytes: new Uint8Array(page.buffer), known: undefined };
    },
    extents,
    notes,
  );
  return { ...memory, registers };
}
