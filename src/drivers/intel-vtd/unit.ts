/**
 * One VT-d unit: registers, root table, invalidation queue, as Linux sets them up. Domains of several devices may share it.
 * Intel VT-d specification, 6.5.2, 9.1, 11.4.
 * @module
 */
import type { RegisterPort } from '../../bus.ts';
import type { TableMemory } from '../../memory/table-memory.ts';
import type { Meter } from '../../meter/meter.ts';
import { flag, whole } from '../options.ts';
import { IdPool } from '../queue/id-pool.ts';
import { QueuedUnit } from '../queue/queued-unit.ts';
import type { VtdCapabilities } from './capabilities.ts';
import { CONTEXT, IOTLB, KIND, PASID_CACHE, VTD_NAMES } from './descriptors.ts';
import { InvalidationQueue } from './invalidation-queue.ts';
import { GCMD, IQA_WIDE, REGISTER, RTADDR_SCALABLE } from './registers.ts';
import { VtdStructures } from './structures.ts';

/** What a VT-d unit is made of. */
export interface VtdUnitOptions {
  /** Registers; default none: descriptors are written and counted, and done at once. */
  readonly port?: RegisterPort;
  /** Scalable mode; default where the tables are of the first stage. */
  readonly scalable?: boolean;
  /** CAP.MAMV, 0 to 63: log2 of the most pages of one page-selective invalidation; default 18, as QEMU. */
  readonly mamv?: number;
  /** CAP.PSI, page-selective invalidation; default true. */
  readonly pageSelective?: boolean;
  /** CAP.CM, whether entries that are not present are cached; default false. */
  readonly cachingMode?: boolean;
  /** CAP.RWBF, whether a map must flush the write buffer; default false. */
  readonly writeBuffer?: boolean;
  /** CAP.DRD and DWD, whether an invalidation drains reads and writes; default true. */
  readonly draining?: boolean;
}

/** Domain ids 0 and 1 are reserved, as in Linux. */
const FIRST_DID = 2;
const MOST_DIDS = 0xffff;

/** Registers, tables and queue of one unit. */
export class VtdUnit extends QueuedUnit {
  /** Its queue. */
  readonly queue: InvalidationQueue;
  /** Root, context and PASID tables. */
  readonly structures: VtdStructures;
  /** Domain ids. */
  readonly dids: IdPool = new IdPool('did', FIRST_DID, MOST_DIDS);
  /** Whether it is in scalable mode. */
  readonly scalable: boolean;
  /** log2 of the most pages of a page-selective invalidation; −1 where it has none. */
  readonly mamv: number;
  /** See {@link VtdUnitOptions}. */
  readonly cachingMode: boolean;
  /** See {@link VtdUnitOptions}. */
  readonly writeBuffer: boolean;
  /** Bits of an IOTLB invalidation that ask for draining. */
  readonly drain: number;
  /** What it says of itself. */
  readonly capabilities: VtdCapabilities;
  #command = 0;

  /** @throws IommuError `BAD_OPTION`, `NO_MEMORY`, `DEVICE`. */
  constructor(memory: TableMemory, meter: Meter, options: VtdUnitOptions = {}) {
    super(memory, meter, options.port);
    this.scalable = flag('scalable', options.scalable, false);
    const mamv = whole('mamv', options.mamv, 0, 63, 18);
    this.mamv = flag('pageSelective', options.pageSelective, true) ? mamv : -1;
    this.cachingMode = flag('cachingMode', options.cachingMode, false);
    this.writeBuffer = flag('writeBuffer', options.writeBuffer, false);
    this.drain = flag('draining', options.draining, true) ? IOTLB.drain : 0;
    this.capabilities = { cap: this.port.identify64(REGISTER.CAP), ecap: this.port.identify64(REGISTER.ECAP) };
    try {
      this.queue = new InvalidationQueue(this.port, this.pages, meter.commandsOf(VTD_NAMES), this.scalable);
      this.structures = new VtdStructures(this.pages, this.scalable);
      this.#start();
    } catch (error) {
      this.abandon();
      throw error;
    }
  }

  /** Flushes the unit's write buffer (GCMD.WBF), where it has one. */
  flushWriteBuffer(): void {
    if (!this.writeBuffer) return;
    this.port.write32(REGISTER.GCMD, this.#command | GCMD.WBF);
    this.port.waitFor(REGISTER.GSTS, GCMD.WBF, 0);
  }

  /** Turns it off and gives its memory back. */
  free(): void {
    this.#command = 0;
    this.port.write32(REGISTER.GCMD, 0);
    this.port.waitFor(REGISTER.GSTS, GCMD.TE | GCMD.QIE, 0);
    this.pages.free();
  }

  /** Queue on, root table set, every cache invalidated, translation on. */
  #start(): void {
    const port = this.port;
    port.write32(REGISTER.IQT, 0);
    port.write64(REGISTER.IQA, BigInt(this.queue.ring.base) | (this.scalable ? IQA_WIDE : 0n));
    this.#enable(GCMD.QIE);
    port.write64(REGISTER.RTADDR, BigInt(this.structures.root) | (this.scalable ? RTADDR_SCALABLE : 0n));
    port.write32(REGISTER.GCMD, this.#command | GCMD.SRTP);
    port.waitFor(REGISTER.GSTS, GCMD.SRTP, GCMD.SRTP);
    this.queue.add(KIND.context, CONTEXT.global, 0, 0, 0);
    this.queue.submit();
    if (this.scalable) this.queue.add(KIND.pasidCache, PASID_CACHE.global, 0, 0, 0);
    this.queue.submit();
    this.queue.add(KIND.iotlb, IOTLB.global | this.drain, 0, 0, 0);
    this.queue.submit();
    this.#enable(GCMD.TE);
  }

  #enable(bit: number): void {
    this.#command = (this.#command | bit) >>> 0;
    this.port.write32(REGISTER.GCMD, this.#command);
    this.port.waitFor(REGISTER.GSTS, bit, bit);
  }
}
