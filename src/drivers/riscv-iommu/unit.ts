/**
 * One RISC-V IOMMU: registers, device directory, command and fault queue, as Linux sets them up. Domains of several devices may
 * share it. RISC-V IOMMU specification 1.0, 2.1 (device directory), 5 (registers).
 * @module
 */
import type { RegisterPort } from '../../bus.ts';
import type { Registers } from '../../formats/contract.ts';
import type { TableMemory } from '../../memory/table-memory.ts';
import type { Meter } from '../../meter/meter.ts';
import { flag, whole } from '../options.ts';
import { IdPool } from '../queue/id-pool.ts';
import { QueuedUnit } from '../queue/queued-unit.ts';
import { RiscvCommandQueue } from './command-queue.ts';
import { KIND, RISCV_NAMES } from './commands.ts';
import { CAPABILITY, DDTP, QUEUE, REGISTER } from './registers.ts';

/** What a RISC-V IOMMU is made of. With a port, what is not given is read from its capabilities. */
export interface RiscvUnitOptions {
  /** Registers; default none: commands are written and counted, and done at once. */
  readonly port?: RegisterPort;
  /** log2 of the entries of the command queue, 6 to 16; default 8. Linux has 13. */
  readonly queueBits?: number;
  /** Whether device contexts have 64 bytes (capabilities.MSI_FLAT); default false. */
  readonly extended?: boolean;
  /** Whether an invalidation may name a range (capabilities.S); default false. */
  readonly naturalRanges?: boolean;
  /** Whether an invalidation by address may reach table entries (capabilities.NL); default false. */
  readonly nonLeaf?: boolean;
}

const PAGE = 4096;
const MOST_PSCIDS = 0xfffff;
const FAULT_BITS = 7;
const FAULT_BYTES = 32;
/** Bits of a device id by level of the directory, deepest first (2.1): with device contexts of 32 and of 64 bytes. */
const LEVEL_BITS = { base: [7, 9, 8], extended: [6, 9, 9] } as const;
/** Device context (2.1): tc.V, iosatp.MODE at 63:60 of fsc, PSCID at 31:12 of ta; directory entries: V 0, PPN from bit 10. */
const DC = { valid: 1n, modeShift: 60n, pscidShift: 12n } as const;
const VALID = 1n;

/** Registers, directory and queues of one unit. */
export class RiscvUnit extends QueuedUnit {
  /** Its command queue. */
  readonly queue: RiscvCommandQueue;
  /** PSCIDs; 0 stays unused. */
  readonly pscids: IdPool = new IdPool('pscid', 1, MOST_PSCIDS);
  /** See {@link RiscvUnitOptions}. */
  readonly naturalRanges: boolean;
  /** See {@link RiscvUnitOptions}. */
  readonly nonLeaf: boolean;
  /** What it says of itself. */
  readonly capabilities: bigint;
  readonly #extended: boolean;
  readonly #directory: number;

  /** @throws IommuError `BAD_OPTION`, `NO_MEMORY`, `DEVICE`. */
  constructor(memory: TableMemory, meter: Meter, options: RiscvUnitOptions = {}) {
    super(memory, meter, options.port);
    const bits = whole('queueBits', options.queueBits, 6, 16, 8);
    this.capabilities = this.port.identify64(REGISTER.CAPABILITIES);
    const has = (bit: bigint): boolean => ((this.capabilities >> bit) & 1n) === 1n;
    this.#extended = flag('extended', options.extended, has(CAPABILITY.msiFlat));
    this.naturalRanges = flag('naturalRanges', options.naturalRanges, has(CAPABILITY.naturalRanges));
    this.nonLeaf = flag('nonLeaf', options.nonLeaf, has(CAPABILITY.nonLeaf));
    try {
      this.queue = new RiscvCommandQueue(this.port, this.pages, meter.commandsOf(RISCV_NAMES), bits);
      this.#directory = this.pages.take(PAGE);
      this.#start(bits, this.pages.take(2 ** FAULT_BITS * FAULT_BYTES));
    } catch (error) {
      this.abandon();
      throw error;
    }
  }

  /** Makes a device's context lead to tables, its first doubleword last. @throws IommuError `NO_MEMORY`. */
  enter(device: number, registers: Registers, pscid: number): void {
    const at = this.#contextAt(device, (entry) => this.#child(entry));
    const fsc = ((registers['fsc_iosatp_mode'] ?? 0n) << DC.modeShift) | (registers['ppn'] ?? 0n);
    this.pages.write64(at + 24, fsc);
    this.pages.write64(at + 16, BigInt(pscid) << DC.pscidShift);
    this.pages.write64(at + 8, 0n);
    this.pages.write64(at, DC.valid);
  }

  /** Makes a device's context invalid, where directories lead to one. */
  clear(device: number): void {
    const at = this.#contextAt(device, (entry) => this.#known(entry));
    if (at < 0) return;
    for (const offset of [0, 8, 16, 24]) this.pages.write64(at + offset, 0n);
  }

  /** Turns it off and gives its memory back. */
  free(): void {
    this.port.write64(REGISTER.DDTP, DDTP.off);
    this.port.waitFor(REGISTER.DDTP, DDTP.busy, 0);
    this.port.write32(REGISTER.CQCSR, 0);
    this.port.write32(REGISTER.FQCSR, 0);
    this.pages.free();
  }

  /** Address of a device's context; `next` gives the directory that an entry leads to, negative where it leads nowhere. */
  #contextAt(device: number, next: (entry: number) => number): number {
    const [leaf, middle] = this.#extended ? LEVEL_BITS.extended : LEVEL_BITS.base;
    const top = next(this.#directory + 8 * (device >>> (leaf + middle)));
    const table = top < 0 ? top : next(top + 8 * ((device >>> leaf) & (2 ** middle - 1)));
    return table < 0 ? table : table + (this.#extended ? 64 : 32) * (device & (2 ** leaf - 1));
  }

  #known(entry: number): number {
    const found = this.pages.read64(entry);
    return (found & VALID) === 0n ? -1 : Number(found >> DDTP.ppnShift) * PAGE;
  }

  /** The directory that an entry leads to, made where there is none. */
  #child(entry: number): number {
    const known = this.#known(entry);
    if (known >= 0) return known;
    const page = this.pages.take(PAGE);
    this.pages.write64(entry, ppn(page) | VALID);
    return page;
  }

  #start(bits: number, faults: number): void {
    const port = this.port;
    port.write64(REGISTER.CQB, ppn(this.queue.ring.base) | BigInt(bits - 1));
    port.write32(REGISTER.CQT, 0);
    this.#enable(REGISTER.CQCSR);
    port.write64(REGISTER.FQB, ppn(faults) | BigInt(FAULT_BITS - 1));
    port.write32(REGISTER.FQH, 0);
    this.#enable(REGISTER.FQCSR);
    port.write64(REGISTER.DDTP, ppn(this.#directory) | DDTP.levels3);
    port.waitFor(REGISTER.DDTP, DDTP.busy, 0);
    this.queue.add(KIND.directory, 0, 0, 0, 0);
    this.queue.add(KIND.vma, 0, 0, 0, 0);
    this.queue.fence();
  }

  #enable(control: number): void {
    this.port.write32(control, QUEUE.enable);
    this.port.waitFor(control, QUEUE.on | QUEUE.busy, QUEUE.on);
  }
}

function ppn(address: number): bigint {
  return BigInt(address / PAGE) << DDTP.ppnShift;
}
