/**
 * The command queue of an SMMUv3 as Linux's driver uses it: batches of 64 commands, a synchronisation after the last, and the
 * answer to an error of the queue. Arm IHI 0070, 3.5, 4.8, 7.1; drivers/iommu/arm/arm-smmu-v3.
 * @module
 */
import type { CommandCounts } from '../../meter/commands.ts';
import { Ring, type RingEnd } from '../queue/ring.ts';
import type { SharedPages } from '../queue/shared-pages.ts';
import { countPoll, type UnitPort } from '../queue/unit-port.ts';
import { KIND, OPCODES, SYNC } from './commands.ts';
import { CERROR_ILL, CMDQ_ERR, CONS_ERROR_SHIFT, REGISTER } from './registers.ts';

/** Commands of a batch (`CMDQ_BATCH_ENTRIES`). */
const BATCH = 64;

/** How the queue is used. */
export interface CommandQueueOptions {
  /** log2 of the entries. */
  readonly queueBits: number;
  /** Whether a synchronisation is reported by a store to its own entry (IDR0.MSI) rather than by the consumer index. */
  readonly msi: boolean;
  /** Whether every 63rd command is followed by a synchronisation (an erratum of MMU-700 before r1p0). */
  readonly forceSync: boolean;
}

/** Commands of one SMMU. Adding and synchronising allocate nothing. */
export class SmmuV3CommandQueue implements RingEnd {
  /** The entries. */
  readonly ring: Ring;
  /** Errors that the device reported and the driver answered. */
  errors = 0;
  readonly #port: UnitPort;
  readonly #counts: CommandCounts;
  readonly #msi: boolean;
  readonly #forceSync: boolean;
  #batch = 0;

  constructor(port: UnitPort, pages: SharedPages, counts: CommandCounts, options: CommandQueueOptions) {
    const entries = 2 ** options.queueBits;
    this.#port = port;
    this.#counts = counts;
    this.#msi = options.msi;
    this.#forceSync = options.forceSync;
    this.ring = new Ring(pages, entries, 16, entries, this);
  }

  /** Adds a command to the batch: its opcode, further bits of its first word, and the other three words. */
  add(kind: number, a: number, b: number, c: number, d: number): void {
    if (this.#forceSync && this.#batch === BATCH - 1) this.sync();
    else if (this.#batch === BATCH) this.#submit();
    this.ring.put((OPCODES[kind] as number) | a, b, c, d);
    this.#counts.add(kind);
    this.#batch++;
  }

  /** Submits the batch without a synchronisation. */
  send(): void {
    this.#submit();
  }

  /** Submits the batch and a synchronisation, and waits for it. */
  sync(): void {
    const { ring } = this;
    ring.reserve(1);
    const position = ring.tail;
    const entry = ring.addressAt(position);
    const opcode = (OPCODES[KIND.sync] as number) | SYNC.attributes;
    if (this.#msi) ring.put(opcode | SYNC.interrupt, 0, entry, Math.floor(entry / 0x100000000));
    else ring.put(opcode | SYNC.event, 0, 0, 0);
    this.#counts.add(KIND.sync);
    this.#port.meter.tlbSync++;
    this.#submit();
    if (this.#msi && this.#port.listened) this.#waitForStore(position);
    else ring.drain();
  }

  publish(tail: number): void {
    this.#port.write32(REGISTER.CMDQ_PROD, tail);
  }

  consumed(): number {
    const cons = this.#port.poll(REGISTER.CMDQ_CONS);
    if (!this.#port.listened) return this.ring.tail;
    const position = cons & (2 * this.ring.entries - 1);
    if (position !== this.ring.tail) this.#answerError(cons);
    return position;
  }

  #submit(): void {
    this.ring.publish();
    this.#batch = 0;
  }

  /** Waits for the store of 0 to the first word of a synchronisation's own entry. */
  #waitForStore(position: number): void {
    for (let polls = 0; this.ring.wordAt(position, 0) !== 0; polls = countPoll(polls, 'CMD_SYNC')) {
      this.#port.meter.tlbPolls++;
      this.ring.isTaken();
    }
  }

  /** An illegal command becomes a synchronisation, other errors are tried again; then the error is acknowledged (7.1). */
  #answerError(cons: number): void {
    const gerror = this.#port.read32(REGISTER.GERROR);
    if (((gerror ^ this.#port.read32(REGISTER.GERRORN)) & CMDQ_ERR) === 0) return;
    this.errors++;
    const position = cons & (2 * this.ring.entries - 1);
    if (((cons >>> CONS_ERROR_SHIFT) & 0x7f) === CERROR_ILL) {
      this.ring.set(position, (OPCODES[KIND.sync] as number) | SYNC.attributes | SYNC.event, 0, 0, 0);
    }
    this.#port.write32(REGISTER.GERRORN, gerror);
  }
}
