/**
 * One SMMUv3: registers, stream table, command queue and event queue, as Linux sets them up. Domains of several devices may
 * share it. Arm IHI 0070, 3.3 (stream table), 3.5 (queues), 6.3 (registers).
 * @module
 */
import type { RegisterPort } from '../../bus.ts';
import { IommuError } from '../../errors.ts';
import type { TableMemory } from '../../memory/table-memory.ts';
import type { CommandCounts } from '../../meter/commands.ts';
import type { Meter } from '../../meter/meter.ts';
import { flag, whole } from '../options.ts';
import { IdPool } from '../queue/id-pool.ts';
import { QueuedUnit } from '../queue/queued-unit.ts';
import type { SmmuV3Ids } from './capabilities.ts';
import { SmmuV3CommandQueue } from './command-queue.ts';
import { CFGI_EVERYTHING, KIND, SMMU_V3_NAMES } from './commands.ts';
import { ABORT, ENTRY_BYTES, EntryWriter, steUsed } from './entries.ts';
import { ALLOCATE_HINT, CR0, CR1_CACHED, CR2_ON, REGISTER, STRTAB } from './registers.ts';

/** What an SMMUv3 is made of. */
export interface SmmuV3UnitOptions {
  /** Registers; default none: commands are written and counted, and done at once. */
  readonly port?: RegisterPort;
  /** log2 of the entries of the command queue, 7 to 19; default 8. */
  readonly queueBits?: number;
  /** Bits of a StreamID, 8 to 24; default 16. */
  readonly streamBits?: number;
  /** Whether a synchronisation is reported by a store to its own entry (IDR0.MSI); default false. */
  readonly msi?: boolean;
  /** The erratum of MMU-700 before r1p0: a synchronisation at every 63 commands (Linux 6.12). Default false. */
  readonly forceSync?: boolean;
}

/** Streams that a second-level stream table holds (STRTAB_BASE_CFG.SPLIT). */
const SPLIT = 8;
/** Entries of the event queue, log2; an event has 32 bytes (7.3). */
const EVENT_BITS = 7;
const EVENT_BYTES = 32;
/** L1STD.Span (5.1): a second-level table of 2^(Span − 1) entries. */
const SPAN = BigInt(SPLIT + 1);
const MOST_IDS = 0xffff;

/** Registers, tables and queues of one SMMUv3. */
export class SmmuV3Unit extends QueuedUnit {
  /** Its command queue. */
  readonly queue: SmmuV3CommandQueue;
  /** ASIDs of its domains; 0 stays unused. */
  readonly asids: IdPool = new IdPool('asid', 1, MOST_IDS);
  /** VMIDs of its domains; 0 stays unused. */
  readonly vmids: IdPool = new IdPool('vmid', 1, MOST_IDS);
  /** Writes stream table entries. */
  readonly stes: EntryWriter;
  /** What it says of itself. */
  readonly ids: SmmuV3Ids;
  readonly #streamBits: number;
  readonly #counts: CommandCounts;
  readonly #level1: number;
  readonly #events: number;
  readonly #cds: number[] = [];

  /** @throws IommuError `BAD_OPTION`, `NO_MEMORY`, `DEVICE`. */
  constructor(memory: TableMemory, meter: Meter, options: SmmuV3UnitOptions = {}) {
    super(memory, meter, options.port);
    const queueBits = whole('queueBits', options.queueBits, 7, 19, 8);
    this.#streamBits = whole('streamBits', options.streamBits, SPLIT, 24, 16);
    const msi = flag('msi', options.msi, false);
    const forceSync = flag('forceSync', options.forceSync, false);
    this.ids = { idr0: this.port.identify32(REGISTER.IDR0), idr5: this.port.identify32(REGISTER.IDR5) };
    this.#counts = meter.commandsOf(SMMU_V3_NAMES);
    this.stes = new EntryWriter(this.pages, steUsed, 1n);
    try {
      this.queue = new SmmuV3CommandQueue(this.port, this.pages, this.#counts, { queueBits, msi, forceSync });
      this.#level1 = this.pages.take(2 ** (this.#streamBits - SPLIT) * 8);
      this.#events = this.pages.take(2 ** EVENT_BITS * EVENT_BYTES);
      this.#reset(queueBits);
    } catch (error) {
      this.abandon();
      throw error;
    }
  }

  /**
   * Physical address of a stream's table entry; its second-level table is made where it is not there, with entries that abort.
   * @throws IommuError `OUT_OF_RANGE`, `NO_MEMORY`.
   */
  steAt(stream: number): number {
    if (stream >= 2 ** this.#streamBits) {
      const message = `expected a StreamID of ${this.#streamBits} bits, got ${stream}`;
      throw new IommuError('OUT_OF_RANGE', 'streams', message, { got: stream });
    }
    const entry = this.#level1 + 8 * Math.floor(stream / 2 ** SPLIT);
    const found = this.pages.read64(entry);
    const table = found === 0n ? this.#addLevel2(entry) : Number(found & ~0x3fn);
    return table + ENTRY_BYTES * (stream % 2 ** SPLIT);
  }

  /** Address of an unused context descriptor, all zero. @throws IommuError `NO_MEMORY`. */
  takeCd(): number {
    const at = this.#cds.pop() ?? this.pages.take(ENTRY_BYTES);
    this.stes.fill(at, []);
    return at;
  }

  /** Gives a context descriptor back that no stream points to. */
  giveCd(at: number): void {
    this.#cds.push(at);
  }

  /** Takes the memory away; nothing of it may be used by the device any more. */
  free(): void {
    this.port.write32(REGISTER.CR0, 0);
    this.port.waitFor(REGISTER.CR0ACK, CR0.SMMUEN | CR0.EVENTQEN | CR0.CMDQEN, 0);
    this.pages.free();
  }

  #addLevel2(entry: number): number {
    const table = this.pages.take(2 ** SPLIT * ENTRY_BYTES);
    for (let i = 0; i < 2 ** SPLIT; i++) this.stes.fill(table + ENTRY_BYTES * i, ABORT);
    this.pages.write64(entry, BigInt(table) | SPAN);
    return table;
  }

  /** As `arm_smmu_device_reset`: off, bases, command queue on, everything invalidated, event queue and translation on. */
  #reset(queueBits: number): void {
    const port = this.port;
    this.#enable(0);
    port.write32(REGISTER.CR1, CR1_CACHED);
    port.write32(REGISTER.CR2, CR2_ON);
    port.write64(REGISTER.STRTAB_BASE, BigInt(this.#level1) | ALLOCATE_HINT);
    port.write32(REGISTER.STRTAB_BASE_CFG, STRTAB.twoLevel | (SPLIT << STRTAB.splitShift) | this.#streamBits);
    port.write64(REGISTER.CMDQ_BASE, BigInt(this.queue.ring.base) | ALLOCATE_HINT | BigInt(queueBits));
    port.write32(REGISTER.CMDQ_PROD, 0);
    port.write32(REGISTER.CMDQ_CONS, 0);
    this.#enable(CR0.CMDQEN);
    this.queue.add(KIND.cfgiAll, 0, 0, CFGI_EVERYTHING, 0);
    this.queue.sync();
    this.queue.add(KIND.nsnhAll, 0, 0, 0, 0);
    this.queue.sync();
    port.write64(REGISTER.EVENTQ_BASE, BigInt(this.#events) | ALLOCATE_HINT | BigInt(EVENT_BITS));
    port.write32(REGISTER.EVENTQ_PROD, 0);
    port.write32(REGISTER.EVENTQ_CONS, 0);
    this.#enable(CR0.CMDQEN | CR0.EVENTQEN);
    this.#enable(CR0.CMDQEN | CR0.EVENTQEN | CR0.SMMUEN);
  }

  #enable(bits: number): void {
    this.port.write32(REGISTER.CR0, bits);
    this.port.waitFor(REGISTER.CR0ACK, CR0.SMMUEN | CR0.EVENTQEN | CR0.CMDQEN, bits);
  }
}
