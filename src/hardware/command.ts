/**
 * Commands of an IOMMU's queue as a table describes them: names and fields for people, and for devices what a command
 * covers, as numbers. One table a unit is the only source of its words.
 * @module
 */
import { pow2 } from '../address.ts';
import { bitsOf, type Field, fieldsOf, putBits } from './bits.ts';

/** Any VMID, ASID, DID, PASID, StreamID or level, where a {@link Scope} names none. */
export const ANY = -1;

/** Stages of cached translations as bits: entered at stage 1 (nested ones too), or at stage 2. */
export const STAGES = { first: 1, second: 2, both: 3 } as const;

/**
 * What a command covers. Pages are 4 KiB pages of input address space; a page number is an address divided by 4096,
 * exact for any 64-bit address. One object is filled again and again, so that a device need not allocate.
 */
export interface Scope {
  /** `illegal`: the unit refuses the command; `other`: nothing is cached or completed by it. */
  kind: 'tlb' | 'config' | 'device-tlb' | 'completion' | 'other' | 'illegal';
  /** VMID, domain id or GSCID. */
  domain: number;
  /** ASID, PASID or PSCID. */
  space: number;
  /** Whether global entries go too where a space is named. */
  globals: boolean;
  /** {@link STAGES} of the entries that go. */
  stages: number;
  /** First page, 0 where every page is covered. */
  first: number;
  /** Number of pages, Infinity for all. */
  pages: number;
  /** Cached table entries on the way to the pages go too. */
  walk: boolean;
  /** Level of the leaves that go, in the architecture's counting. */
  level: number;
  /** Bytes of the granule whose entries go; 0 for any. */
  granule: number;
  /** First StreamID, source-id, DeviceID or device_id, and how many follow it (Infinity: all). */
  stream: number;
  streams: number;
  /** SubstreamID, PASID or process_id. */
  substream: number;
  /** Of a configuration command: whether what names the substream's entry (stream entry, tables of contexts) goes too. */
  directory: boolean;
  /** Of a completion: bytes stored (0, 4 or 8), where, and what. */
  storeBytes: number;
  /** Rounded above 2^53, where no bus reaches. */
  storeAddress: number;
  storeLow: number;
  storeHigh: number;
  /** Of a completion: the unit is to raise its interrupt or event. */
  signals: boolean;
}

/** A scope that covers nothing. */
export function emptyScope(): Scope {
  return clearScope({} as Scope);
}

/** Makes a scope cover nothing. */
export function clearScope(scope: Scope): Scope {
  scope.kind = 'other';
  scope.domain = ANY;
  scope.space = ANY;
  scope.globals = true;
  scope.stages = STAGES.both;
  scope.first = 0;
  scope.pages = Number.POSITIVE_INFINITY;
  scope.walk = true;
  scope.level = ANY;
  scope.granule = 0;
  scope.stream = ANY;
  scope.streams = Number.POSITIVE_INFINITY;
  scope.substream = ANY;
  scope.directory = true;
  scope.storeBytes = 0;
  scope.storeAddress = 0;
  scope.storeLow = 0;
  scope.storeHigh = 0;
  scope.signals = false;
  return scope;
}

/** Copies what is needed to take entries out of caches later. */
export function copyScope(from: Scope, to: Scope): Scope {
  to.kind = from.kind;
  to.domain = from.domain;
  to.space = from.space;
  to.globals = from.globals;
  to.stages = from.stages;
  to.first = from.first;
  to.pages = from.pages;
  to.walk = from.walk;
  to.level = from.level;
  to.granule = from.granule;
  to.stream = from.stream;
  to.streams = from.streams;
  to.substream = from.substream;
  to.directory = from.directory;
  return to;
}

/** One kind of command. */
export interface CommandType {
  /** Value of the unit's opcode field, or fields. */
  readonly opcode: number;
  /** Name in the specification. */
  readonly name: string;
  /** Section of the specification. */
  readonly section: string;
  readonly fields: readonly Field[];
  /** Fills a cleared scope with what a command covers; a type without it covers nothing. */
  readonly scope?: (words: Uint32Array, scope: Scope) => void;
  /** What makes a command of this type unpredictable or meaningless, in words. */
  readonly offences?: (words: Uint32Array, limits: CommandLimits) => readonly string[];
  /** Bits that are reserved on a unit of these limits and make a command of this type illegal there, in words. */
  readonly refused?: (words: Uint32Array, limits: CommandLimits) => readonly string[];
}

/** What a unit's registers say about its commands. Where a register is not known, nothing is refused for it. */
export interface CommandLimits {
  /** VT-d CAP.MAMV. */
  readonly maxAddressMask?: number;
  /** RISC-V capabilities.S: an invalidation may name a range. */
  readonly naturalRanges?: boolean;
  /** RISC-V capabilities.NL: an invalidation by address may take table entries. */
  readonly nonLeaf?: boolean;
}

/** The commands of one unit. */
export interface CommandTable {
  /** `arm-smmu-v3`, `intel-vtd`, `amd-vi`, `riscv-iommu`, `virtio-iommu`. */
  readonly unit: string;
  readonly types: readonly CommandType[];
  /** The field, or the two, that name the type, which every command has. */
  readonly opcode: readonly [Field] | readonly [Field, Field];
  /** Bits that no field covers must be 0, or the command is illegal. */
  readonly reservedMustBeZero: boolean;
}

/** A command, decoded for people. */
export interface Command {
  readonly opcode: number;
  /** Undefined for a type that the table does not have. */
  readonly type: CommandType | undefined;
  readonly name: string;
  readonly fields: Readonly<Record<string, string | number>>;
  /** Bits set outside all fields. */
  readonly reserved: boolean;
  readonly scope: Scope;
}

/** A table made ready to decode: types by opcode, and the bits that each leaves reserved. */
export class CommandDecoder {
  readonly table: CommandTable;
  readonly #types: (CommandType | undefined)[] = [];
  readonly #reserved: (Uint32Array | undefined)[] = [];

  constructor(table: CommandTable, words: number) {
    this.table = table;
    for (const type of table.types) {
      this.#types[type.opcode] = type;
      this.#reserved[type.opcode] = reservedBits([...table.opcode, ...type.fields], words);
    }
  }

  /** The opcode of a command. */
  opcodeOf(words: Uint32Array): number {
    const first = this.table.opcode[0];
    const second = this.table.opcode[1];
    const opcode = bitsOf(words, first.at, first.bits);
    return second === undefined ? opcode : opcode * pow2(second.bits) + bitsOf(words, second.at, second.bits);
  }

  /** The type of a command; undefined where the table has none. */
  typeOf(words: Uint32Array): CommandType | undefined {
    return this.#types[this.opcodeOf(words)];
  }

  /** Whether bits are set that no field of the command's type covers. */
  hasReserved(words: Uint32Array, opcode: number): boolean {
    const mask = this.#reserved[opcode];
    if (mask === undefined) return false;
    for (let i = 0; i < mask.length; i++) if (((words[i] ?? 0) & (mask[i] ?? 0)) !== 0) return true;
    return false;
  }

  /**
   * Fills a scope with what a command covers: `illegal` for unknown types, for what a unit of these limits refuses and, where
   * the unit checks, reserved bits.
   */
  scope(words: Uint32Array, scope: Scope, limits: CommandLimits = NO_LIMITS): void {
    clearScope(scope);
    const opcode = this.opcodeOf(words);
    const type = this.#types[opcode];
    const reserved = this.table.reservedMustBeZero && this.hasReserved(words, opcode);
    if (type === undefined || reserved || refusalsOf(type, words, limits).length > 0) scope.kind = 'illegal';
    else type.scope?.(words, scope);
  }

  /** A command for people. */
  decode(words: Uint32Array): Command {
    const opcode = this.opcodeOf(words);
    const type = this.#types[opcode];
    const scope = emptyScope();
    this.scope(words, scope);
    const fields = type === undefined ? {} : fieldsOf(words, type.fields);
    const name = type?.name ?? `unknown command 0x${opcode.toString(16)}`;
    return { opcode, type, name, fields, reserved: this.hasReserved(words, opcode), scope };
  }

  /** Whether a unit of these limits refuses a command that others take. */
  refuses(words: Uint32Array, limits: CommandLimits): boolean {
    const type = this.typeOf(words);
    return type !== undefined && refusalsOf(type, words, limits).length > 0;
  }

  /** What is wrong with a command that its unit refuses for its limits, or need not refuse: each offence in words. */
  offences(words: Uint32Array, limits: CommandLimits = NO_LIMITS): readonly string[] {
    const type = this.typeOf(words);
    if (type === undefined) return NONE;
    const refused = refusalsOf(type, words, limits);
    return refused.length > 0 ? refused : (type.offences?.(words, limits) ?? NONE);
  }
}

const NO_LIMITS: CommandLimits = {};
const NONE: readonly string[] = [];

function refusalsOf({ refused }: CommandType, words: Uint32Array, limits: CommandLimits): readonly string[] {
  return refused === undefined ? NONE : refused(words, limits);
}

function reservedBits(fields: readonly Field[], words: number): Uint32Array {
  const used = new Uint32Array(words);
  for (const { at, bits } of fields) putBits(used, at, bits, (1n << 64n) - 1n);
  return used.map((word) => ~word >>> 0);
}

/** Fills a scope's pages from a page number whose lowest 0 bit k gives 2^(k + 1) pages, or from that one page. */
export function sizedRange(scope: Scope, page: number, sized: boolean): void {
  let pages = 1;
  if (sized) {
    pages = 2;
    while (pages < 2 ** 52 && Math.floor(page / (pages / 2)) % 2 === 1) pages *= 2;
  }
  if (pages === 2 ** 52) return;
  scope.pages = pages;
  scope.first = page - (page % pages);
}

/** What a scope covers, in words: for reports. */
export function scopeText(scope: Scope): string {
  if (scope.kind === 'completion') return scope.storeBytes === 0 ? 'completion' : completionText(scope);
  if (scope.kind === 'other' || scope.kind === 'illegal')
    return scope.kind === 'illegal' ? 'illegal' : 'nothing cached';
  const parts = [what(scope), ...tagWords(scope), rangeWords(scope)];
  if (scope.kind === 'tlb') parts.push(scope.walk ? 'all levels' : 'leaves only');
  return parts.filter((part) => part !== '').join(', ');
}

function completionText({ storeBytes, storeAddress }: Scope): string {
  return `completion, stores ${storeBytes} bytes at 0x${storeAddress.toString(16)}`;
}

function what({ kind, stages }: Scope): string {
  if (kind === 'config') return 'configuration';
  if (kind === 'device-tlb') return 'device TLB';
  return stages === STAGES.both ? 'TLB' : `TLB stage ${stages}`;
}

function tagWords({ domain, space, stream, streams, substream }: Scope): string[] {
  const words: string[] = [];
  if (domain !== ANY) words.push(`domain ${domain}`);
  if (space !== ANY) words.push(`space ${space}`);
  if (stream !== ANY) words.push(streams === 1 ? `stream ${stream}` : `streams from ${stream}`);
  if (substream !== ANY) words.push(`substream ${substream}`);
  return words;
}

function rangeWords({ kind, first, pages }: Scope): string {
  if (kind === 'config') return '';
  if (pages === Number.POSITIVE_INFINITY) return 'every address';
  const at = (BigInt(first) * 4096n).toString(16);
  return `0x${at}, ${pages} ${pages === 1 ? 'page' : 'pages'} of 4K`;
}
