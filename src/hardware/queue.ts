/**
 * The command queue of a unit as its registers and memory show it: where it lies, what is consumed and what waits.
 * @module
 */
import type { PhysicalReader } from '../bus.ts';
import { AMD_COMMANDS } from './amd-vi/commands.ts';
import { type Registers, register, registerBits } from './bits.ts';
import type { Command, CommandDecoder } from './command.ts';
import { RISCV_COMMANDS } from './riscv/commands.ts';
import { SMMU_V3_COMMANDS } from './smmu-v3/commands.ts';
import { VTD_DESCRIPTORS, VTD_WIDE_DESCRIPTORS } from './vt-d/descriptors.ts';

/** A ring of commands. Head and tail are entry numbers below `entries`. */
export interface CommandQueue {
  readonly decoder: CommandDecoder;
  readonly base: number;
  readonly entries: number;
  readonly entryBytes: number;
  /** Next entry that the unit reads. */
  readonly head: number;
  /** Next entry that software writes. */
  readonly tail: number;
  /** Entries written and not yet read. */
  readonly waiting: number;
  /** What of the registers cannot be right, in words; head, tail and size are then what could be made of them. */
  readonly problems: readonly string[];
}

interface Shape {
  readonly decoder: CommandDecoder;
  readonly base: bigint;
  readonly entries: number;
  readonly entryBytes: number;
  readonly head: number;
  readonly tail: number;
  /** Every entry can be used; else one stays free. */
  readonly full?: boolean;
  readonly problems?: readonly string[];
}

/** Entries of the largest ring that is read: 16 MiB. Sizes that RISC-V allows go on to 2^32 entries. */
const MOST_ENTRIES = 2 ** 20;

const LOW_PAGES = 0x000f_ffff_ffff_f000n;

// IHI 0070 6.3.26 to 6.3.28: base 55:5, aligned to the queue's size, LOG2SIZE 4:0 up to 19; index and, above it, the wrap bit
function smmuV3(registers: Registers): Shape {
  const value = register(registers, 'CMDQ_BASE');
  const log2 = registerBits(value, 0, 5);
  const bits = Math.min(log2, 19);
  const entries = 2 ** bits;
  const pointers = ['CMDQ_CONS', 'CMDQ_PROD'].map((name) => registerBits(register(registers, name), 0, bits + 1));
  const [head = 0, tail = 0] = pointers;
  const ahead = (tail - head + 2 * entries) % (2 * entries);
  const problems = log2 > 19 ? [`CMDQ_BASE.LOG2SIZE ${log2} is beyond 19`] : [];
  if (ahead > entries) problems.push('CMDQ_PROD is more than the queue ahead of CMDQ_CONS');
  const base = value & 0x00ff_ffff_ffff_ffe0n & ~BigInt(16 * entries - 1);
  const shape = { decoder: SMMU_V3_COMMANDS, base, entries, entryBytes: 16 };
  return { ...shape, head: head % entries, tail: tail % entries, full: ahead === entries, problems };
}

// VT-d 11.4.9: IQA base 63:12, DW 11, QS 2:0; IQH and IQT in bytes, 18:4
function vtd(registers: Registers): Shape {
  const value = register(registers, 'IQA');
  const wide = registerBits(value, 11, 1) === 1;
  const entryBytes = wide ? 32 : 16;
  const entries = (4096 * 2 ** registerBits(value, 0, 3)) / entryBytes;
  const problems: string[] = [];
  const index = (name: string): number => {
    const bytes = registerBits(register(registers, name), 0, 19);
    if (bytes % entryBytes !== 0) problems.push(`${name} 0x${bytes.toString(16)} is not a multiple of ${entryBytes}`);
    return Math.floor(bytes / entryBytes);
  };
  const [head, tail] = [index('IQH'), index('IQT')];
  const decoder = wide ? VTD_WIDE_DESCRIPTORS : VTD_DESCRIPTORS;
  return { decoder, base: value & ~0xfffn, entries, entryBytes, head, tail, problems };
}

// AMD 48882 3.4.3: base 51:12, length 59:56 from 8 on; pointers in bytes, 18:4
function amd(registers: Registers): Shape {
  const value = register(registers, 'CMD_BUF_BASE');
  const length = registerBits(value, 56, 4);
  const problems = length < 8 ? [`CMD_BUF_BASE.ComLen ${length} is below 8`] : [];
  const index = (name: string) => registerBits(register(registers, name), 4, 15);
  const place = { base: value & LOW_PAGES, entries: 2 ** Math.max(8, length), entryBytes: 16 };
  return { decoder: AMD_COMMANDS, ...place, head: index('CMD_HEAD'), tail: index('CMD_TAIL'), problems };
}

// RISC-V IOMMU 6.6 to 6.8: PPN 53:10, LOG2SZ-1 4:0; pointers in entries
function riscv(registers: Registers): Shape {
  const value = register(registers, 'CQB');
  const entries = 2 ** (registerBits(value, 0, 5) + 1);
  const index = (name: string) => registerBits(register(registers, name), 0, 32);
  const base = BigInt.asUintN(44, value >> 10n) << 12n;
  return { decoder: RISCV_COMMANDS, base, entries, entryBytes: 16, head: index('CQH'), tail: index('CQT') };
}

const SHAPES: ReadonlyMap<string, readonly [base: string, shape: (registers: Registers) => Shape]> = new Map([
  ['arm-smmu-v3', ['CMDQ_BASE', smmuV3]],
  ['intel-vtd', ['IQA', vtd]],
  ['amd-vi', ['CMD_BUF_BASE', amd]],
  ['riscv-iommu', ['CQB', riscv]],
] as const);

/** The command queue that registers describe; undefined where the kind of unit has none or its base is not known. */
export function commandQueue(iommu: string, registers: Registers): CommandQueue | undefined {
  const known = SHAPES.get(iommu);
  if (known === undefined || register(registers, known[0]) === 0n) return undefined;
  const { decoder, base, entries, entryBytes, head, tail, full, problems = [] } = known[1](registers);
  const found = [...problems];
  for (const [name, at] of [
    ['head', head],
    ['tail', tail],
  ] as const) {
    if (at >= entries) found.push(`the ${name} is entry ${at} of a queue of ${entries}`);
  }
  if (entries > MOST_ENTRIES)
    found.push(`a queue of ${entries} entries: the first ${MOST_ENTRIES} from its tail are read`);
  const bytes = entries * entryBytes;
  if (base > BigInt(Number.MAX_SAFE_INTEGER - bytes)) found.push(`the base 0x${base.toString(16)} is beyond 2^53`);
  const [from, to] = [head % entries, tail % entries];
  const waiting = full === true ? entries : (to - from + entries) % entries;
  return { decoder, base: Number(base), entries, entryBytes, head: from, tail: to, waiting, problems: found };
}

/** One entry of a queue. */
export interface QueuedCommand {
  /** Number of the entry in the ring. */
  readonly index: number;
  readonly address: number;
  readonly command: Command;
  /** `waiting`: written and not yet read by the unit; `consumed`: behind the head. */
  readonly state: 'consumed' | 'waiting';
  readonly words: Uint32Array;
}

/** All entries of a queue that are in memory, the oldest first, and what is not. */
export interface QueueContents {
  readonly commands: readonly QueuedCommand[];
  /** Entries that are not in memory. */
  readonly missing: number;
  /** Entries of zeros behind the head: never written, or cleared. */
  readonly empty: number;
}

/**
 * Reads a queue from the oldest entry that may be left, the one at the tail, to the newest. Entries of zeros behind the head
 * count as never written. A queue whose pages were read at another moment than its registers may hold newer commands there.
 */
export function queueContents(reader: PhysicalReader, queue: CommandQueue): QueueContents {
  const commands: QueuedCommand[] = [];
  let missing = 0;
  let empty = 0;
  for (let i = 0; i < Math.min(queue.entries, MOST_ENTRIES); i++) {
    const index = (queue.waiting === queue.entries ? queue.head + i : queue.tail + i) % queue.entries;
    const address = queue.base + index * queue.entryBytes;
    const words = entryAt(reader, address, queue.entryBytes);
    const waits = (index - queue.head + queue.entries) % queue.entries < queue.waiting;
    if (words === undefined) missing++;
    else if (!waits && words.every((word) => word === 0)) empty++;
    else {
      commands.push({
        index,
        address,
        words,
        state: waits ? 'waiting' : 'consumed',
        command: read(queue, address, words),
      });
    }
  }
  return { commands, missing, empty };
}

function entryAt(reader: PhysicalReader, address: number, bytes: number): Uint32Array | undefined {
  const words = new Uint32Array(bytes / 4);
  for (let i = 0; i < words.length; i++) {
    const word = reader.read32(address + 4 * i);
    if (word === undefined) return undefined;
    words[i] = word;
  }
  return words;
}

/** A sync of SMMUv3 whose store was made to its own entry, as Linux asks for it, has its first word cleared by that. */
function read({ decoder }: CommandQueue, address: number, words: Uint32Array): Command {
  const own = decoder === SMMU_V3_COMMANDS && words[0] === 0 && (words[2] ?? 0) === address % 2 ** 32;
  if (!own) return decoder.decode(words);
  const sync = Uint32Array.from(words);
  sync[0] = SYNC_TO_ITSELF;
  return decoder.decode(sync);
}

/** CMD_SYNC with CS = 1 (IHI 0070 4.7.3). */
const SYNC_TO_ITSELF = 0x1046;
