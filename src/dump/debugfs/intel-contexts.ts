/**
 * Root, context and PASID tables from what Intel's debugfs files print of them. Where a file names devices and roots
 * only, entries are made that lead to the same tables, and a note says so (Intel VT-d, 9.1 to 9.6).
 * @module
 */
import type { NoteCounter } from '../notes.ts';
import type { ContextRow, DeviceTables, IntelText, UnitContexts } from './intel-text.ts';
import { addressOf, type TextPages } from './text-pages.ts';

/** RTADDR_REG, translation table mode: bits 11:10, 1 = scalable. */
const SCALABLE = 1n << 10n;
const TTM = 3n << 10n;
const PRESENT = 1n;
/** 9.6: FPD, AW and PGTT in word 0 of a PASID table entry; DID in word 1; FSPM and NXE in word 2. */
const PGTT = { at: 6n, bits: 7n, first: 1n, second: 2n, nested: 3n } as const;
const FSPM_AT = 2n;
const NXE = 1n << 5n;
const DID = 0xffffn;
/** 9.3: AW and DID in the upper half of a legacy context entry. */
const LEGACY_DID_AT = 8n;
const PASIDS_PER_TABLE = 64;
const PASID_ENTRY_BYTES = 64n;
/** 9.4: PDTS of a directory for PASIDs of 20 bits. */
const WIDEST_DIRECTORY = 7n << 9n;

type Mode = 'legacy' | 'scalable';

function modeOfRow({ pasid, root, context }: ContextRow): Mode | undefined {
  if (pasid !== undefined) return pasid < 0 ? 'legacy' : 'scalable';
  if (root.high !== 0n) return 'scalable';
  if ((context.low & PRESENT) === 0n) return undefined;
  return context.high === 0n ? 'scalable' : 'legacy';
}

function modeOfUnit({ root, rows }: UnitContexts): Mode | undefined {
  if (root & TTM) return root & SCALABLE ? 'scalable' : 'legacy';
  for (const row of rows) {
    const mode = modeOfRow(row);
    if (mode !== undefined) return mode;
  }
  return undefined;
}

/** True if the units are dmar0, dmar1 and so on without a gap: then what they do not list is not there. */
function areAll(units: readonly UnitContexts[]): boolean {
  return units.every(({ name }, i) => name === `dmar${i}`);
}

/** Builds the tables; {@link IntelContexts.build} returns RTADDR. */
export class IntelContexts {
  readonly #text: IntelText;
  readonly #pages: TextPages;
  readonly #notes: NoteCounter;
  readonly #mode: Mode;
  readonly #units: readonly UnitContexts[];
  /** True if what the text does not list is not there. */
  readonly complete: boolean;
  readonly #root: bigint;
  readonly #joined: boolean;
  readonly #entered = new Map<number, ContextRow>();
  readonly #tables = new Map<number, bigint>();
  readonly #directories = new Map<number, bigint>();
  readonly #ids = new Map<bigint, bigint>();
  #highestId = 0n;

  /** `rtaddr` is the register, where the text holds it for the unit that is read. */
  constructor(text: IntelText, pages: TextPages, notes: NoteCounter, rtaddr: bigint | undefined) {
    this.#text = text;
    this.#pages = pages;
    this.#notes = notes;
    const filled = text.units.filter(({ rows }) => rows.length > 0);
    this.#mode = this.#decideMode(filled, rtaddr);
    this.#units = filled.filter((unit) => (modeOfUnit(unit) ?? this.#mode) === this.#mode);
    this.complete = filled.length > 0 && areAll(text.units) && this.#units.length === filled.length;
    const [only] = this.#units;
    this.#joined = this.#units.length > 1;
    if (only !== undefined && !this.#joined) this.#root = addressOf(only.root);
    else this.#root = only === undefined && rtaddr !== undefined ? addressOf(rtaddr) : pages.allocate();
    for (const unit of filled.filter((one) => !this.#units.includes(one))) {
      const words = `contexts of units in ${this.#mode === 'legacy' ? 'scalable' : 'legacy'} mode, left out: the first unit is in ${this.#mode} mode`;
      notes.add('units-left-out', words, unit.rows.length);
    }
  }

  /** Enters everything; RTADDR, with the mode. */
  build(): bigint {
    if (this.#joined)
      this.#notes.add('units-joined', 'IOMMUs whose contexts are read as those of one unit', this.#units.length);
    if (this.complete) this.#pages.complete(this.#root);
    for (const unit of this.#units) for (const row of unit.rows) this.#enterRow(row);
    const made = this.#text.devices.filter((device) => this.#enterDevice(device));
    if (made.length > 0) {
      const words = 'context entries made from the names of devices: their domain ids are not the real ones';
      this.#notes.add('contexts-made', words, made.length);
    }
    if (!this.complete) this.#notes.add('some-devices', 'the text lists some devices; nothing is known of others');
    return this.#root | (this.#mode === 'scalable' ? SCALABLE : 0n);
  }

  #decideMode(units: readonly UnitContexts[], rtaddr: bigint | undefined): Mode {
    for (const unit of units) {
      const mode = modeOfUnit(unit);
      if (mode !== undefined) return mode;
    }
    const needed = this.#text.devices.some(({ pasid, evidence }) => (pasid ?? 0) > 0 || evidence.stage === 1);
    if (needed) return 'scalable';
    return rtaddr !== undefined && rtaddr & SCALABLE ? 'scalable' : 'legacy';
  }

  #half(stream: number): number {
    return this.#mode === 'scalable' && (stream & 128) !== 0 ? 1 : 0;
  }

  #rootEntryAt(stream: number): bigint {
    return this.#root + BigInt(16 * (stream >> 8) + 8 * this.#half(stream));
  }

  /** Where the context entry of a requester lies; a root entry is made where there is none. */
  #contextAt(stream: number, root?: ContextRow['root']): bigint {
    const at = this.#rootEntryAt(stream);
    const printed = root === undefined || this.#joined ? 0n : this.#half(stream) === 1 ? root.high : root.low;
    let entry = this.#pages.get64(at) ?? 0n;
    if ((entry & PRESENT) === 0n) {
      entry = (printed & PRESENT) === 0n ? this.#pages.allocate() | PRESENT : printed;
      this.#pages.set64(at, entry);
      if (this.complete) this.#pages.complete(addressOf(entry));
    }
    const scalable = this.#mode === 'scalable';
    return addressOf(entry) + BigInt(scalable ? 32 * (stream & 127) : 16 * (stream & 255));
  }

  #enterRow(row: ContextRow): void {
    const { stream, context, pasid, entry } = row;
    const known = this.#entered.get(stream);
    if (known === undefined) this.#enterContext(row);
    else if (known.context.low !== context.low || known.context.high !== context.high) {
      this.#notes.add('requesters-twice', 'contexts of requesters that another segment or unit has too, left out');
      return;
    }
    if (this.#mode !== 'scalable' || pasid === undefined || pasid < 0 || entry === undefined) return;
    const at = this.#pasidEntryAt(addressOf(context.low), pasid, true);
    this.#setEntry(at, entry);
    this.#useId(entry[1] & DID);
  }

  #enterContext(row: ContextRow): void {
    const { stream, context } = row;
    this.#entered.set(stream, row);
    const at = this.#contextAt(stream, row.root);
    this.#pages.set64(at, context.low);
    this.#pages.set64(at + 8n, context.high);
    if (this.#mode === 'legacy') {
      this.#useId((context.high >> LEGACY_DID_AT) & DID);
      return;
    }
    this.#pages.set64(at + 16n, 0n);
    this.#pages.set64(at + 24n, 0n);
  }

  #useId(id: bigint): void {
    if (id > this.#highestId) this.#highestId = id;
  }

  /** Address of a PASID's entry; the tables between directory and entry are not printed and are made. */
  #pasidEntryAt(directory: bigint, pasid: number, complete: boolean): bigint {
    const index = Math.floor(pasid / PASIDS_PER_TABLE);
    const slot = directory + BigInt(8 * index);
    let table = this.#tables.get(Number(slot));
    if (table === undefined) {
      table = this.#pages.allocate();
      this.#tables.set(Number(slot), table);
      this.#pages.set64(slot, table | PRESENT);
      if (complete) for (const page of [directory, table]) this.#pages.complete(page);
    }
    return table + BigInt(pasid % PASIDS_PER_TABLE) * PASID_ENTRY_BYTES;
  }

  #setEntry(at: bigint, words: readonly bigint[]): void {
    for (let i = 0; i < 8; i++) this.#pages.set64(at + BigInt(8 * i), words[i] ?? 0n);
  }

  /** Leads a device to the tables that the text prints for it; true if an entry was made for that. */
  #enterDevice(device: DeviceTables): boolean {
    if (device.segment !== 0 && this.#isOtherSegments(device)) return false;
    return this.#mode === 'legacy' ? this.#enterLegacy(device) : this.#enterPasid(device);
  }

  /** Requester ids have no segment: the first segment that uses one keeps it. */
  #isOtherSegments({ stream, segment }: DeviceTables): boolean {
    const taken = this.#text.devices.some((other) => other.stream === stream && other.segment < segment);
    if (taken)
      this.#notes.add('requesters-twice', 'contexts of requesters that another segment or unit has too, left out');
    return taken;
  }

  #idOf(root: bigint): bigint {
    const id = this.#ids.get(root) ?? ++this.#highestId & DID;
    this.#ids.set(root, id);
    return id;
  }

  #differs(): void {
    const words =
      'devices whose tables lie elsewhere in dmar_translation_struct than in domain_translation_struct: the tables of the latter are read';
    this.#notes.add('roots-differ', words);
  }

  #enterLegacy(device: DeviceTables): boolean {
    const { stream, pasid, root, levels } = device;
    if ((pasid ?? 0) > 0 || device.evidence.stage === 1) {
      this.#notes.add(
        'tables-left-out',
        'first-stage tables or tables of PASIDs, though the unit is in legacy mode, left out',
      );
      return false;
    }
    const at = this.#contextAt(stream);
    if (this.#entered.has(stream)) {
      const low = this.#pages.get64(at) ?? 0n;
      if (addressOf(low) === root) return false;
      this.#differs();
      this.#pages.set64(at, (low & 0xfffn) | root);
      return false;
    }
    if (this.#isOpen(device)) return false;
    this.#pages.set64(at, root | PRESENT);
    this.#pages.set64(at + 8n, (this.#idOf(root) << LEGACY_DID_AT) | BigInt(levels - 2));
    return true;
  }

  #enterPasid(device: DeviceTables): boolean {
    const at = this.#pasidEntryAt(this.#directoryOf(device.stream), device.pasid ?? 0, false);
    const [low, middle] = [this.#pages.get64(at) ?? 0n, this.#pages.get64(at + 8n)];
    const type = (low >> PGTT.at) & PGTT.bits;
    const printed = (low & PRESENT) !== 0n;
    const stage = printed && type === PGTT.first ? 1 : printed && type === PGTT.second ? 2 : device.evidence.stage;
    if (stage === undefined && this.#isOpen(device)) return false;
    if (printed && this.#leadsTo(at, low, type, device)) return false;
    if (printed) this.#differs();
    const id = printed ? (middle ?? 0n) & DID : this.#idOf(device.root);
    this.#setEntry(at, stage === 1 ? firstStageEntry(device, id) : secondStageEntry(device, id));
    return !printed;
  }

  /** True if the entries do not tell the stage; no entry at all may be of either. */
  #isOpen({ evidence }: DeviceTables): boolean {
    const open = evidence.stage === undefined && !evidence.empty;
    if (open) this.#notes.add('stage-unknown', 'tables that may be of the first or the second stage, left out');
    return open;
  }

  /** True if the entry that is there leads to the tables. */
  #leadsTo(at: bigint, low: bigint, type: bigint, { root }: DeviceTables): boolean {
    if (type === PGTT.second) return addressOf(low) === root;
    const first = addressOf(this.#pages.get64(at + 16n) ?? 0n);
    return (
      (type === PGTT.first && first === root) || (type === PGTT.nested && (first === root || addressOf(low) === root))
    );
  }

  /** The PASID directory of a requester; a context entry is made where there is none. */
  #directoryOf(stream: number): bigint {
    const entered = this.#entered.get(stream);
    if (entered !== undefined) return addressOf(entered.context.low);
    let directory = this.#directories.get(stream);
    if (directory !== undefined) return directory;
    directory = this.#pages.allocate();
    this.#directories.set(stream, directory);
    const at = this.#contextAt(stream);
    this.#pages.set64(at, directory | WIDEST_DIRECTORY | PRESENT);
    for (const offset of [8n, 16n, 24n]) this.#pages.set64(at + offset, 0n);
    return directory;
  }
}

function firstStageEntry({ root, levels, evidence }: DeviceTables, id: bigint): readonly bigint[] {
  const fspm = levels === 5 ? 1n : 0n;
  return [PRESENT | (PGTT.first << PGTT.at), id, root | (fspm << FSPM_AT) | (evidence.executeDisable ? NXE : 0n)];
}

function secondStageEntry({ root, levels }: DeviceTables, id: bigint): readonly bigint[] {
  return [root | (PGTT.second << PGTT.at) | (BigInt(levels - 2) << 2n) | PRESENT, id, 0n];
}
