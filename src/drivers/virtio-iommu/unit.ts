/**
 * One virtio-iommu: its request queue, as a driver sets it up. Domains of several endpoints may share it. VIRTIO 1.2, 3.1 and
 * 4.2.3 (initialisation).
 * @module
 */
import type { RegisterPort } from '../../bus.ts';
import type { TableMemory } from '../../memory/table-memory.ts';
import type { Meter } from '../../meter/meter.ts';
import { IdPool } from '../queue/id-pool.ts';
import { QueuedUnit } from '../queue/queued-unit.ts';
import { FEATURES, REGISTER, STATUS } from './registers.ts';
import { QUEUE_ENTRIES, RequestQueue } from './request-queue.ts';
import { VIRTIO_NAMES } from './requests.ts';

/** What a virtio-iommu is made of. */
export interface VirtioUnitOptions {
  /** Registers; default none: requests are written and counted, and answered at once. */
  readonly port?: RegisterPort;
}

const MOST_DOMAINS = 0xffffffff;
/** Page sizes of which the driver makes use: 4K and larger, below 2^53. */
const DRIVEN_SIZES = 2n ** 53n - 2n ** 12n;

/** Registers and request queue of one unit. */
export class VirtioUnit extends QueuedUnit {
  /** Its request queue. */
  readonly queue: RequestQueue;
  /** Sizes of mappings that the device has, as a bitmap (page_size_mask, 5.13.4); 0 where it says none. */
  readonly pageSizes: number;
  /** Domain ids. */
  readonly domains: IdPool = new IdPool('domainId', 0, MOST_DOMAINS);

  /** @throws IommuError `NO_MEMORY`. */
  constructor(memory: TableMemory, meter: Meter, options: VirtioUnitOptions = {}) {
    super(memory, meter, options.port);
    this.pageSizes = Number(this.port.identify64(REGISTER.PageSizeMask) & DRIVEN_SIZES);
    try {
      this.queue = new RequestQueue(this.port, this.pages, meter.commandsOf(VIRTIO_NAMES));
      this.#start();
    } catch (error) {
      this.abandon();
      throw error;
    }
  }

  /** Resets it and gives its memory back. */
  free(): void {
    this.port.write32(REGISTER.Status, 0);
    this.pages.free();
  }

  #start(): void {
    const port = this.port;
    port.write32(REGISTER.Status, 0);
    port.write32(REGISTER.Status, STATUS.acknowledge | STATUS.driver);
    for (const [select, bits] of [FEATURES.low, FEATURES.high].entries()) {
      port.write32(REGISTER.DriverFeaturesSel, select);
      port.write32(REGISTER.DriverFeatures, bits);
    }
    port.write32(REGISTER.Status, STATUS.acknowledge | STATUS.driver | STATUS.features);
    port.write32(REGISTER.QueueSel, 0);
    port.write32(REGISTER.QueueNum, QUEUE_ENTRIES);
    const { descriptors, available, used } = this.queue.place;
    port.write64(REGISTER.QueueDesc, BigInt(descriptors));
    port.write64(REGISTER.QueueDriver, BigInt(available));
    port.write64(REGISTER.QueueDevice, BigInt(used));
    port.write32(REGISTER.QueueReady, 1);
    port.write32(REGISTER.Status, STATUS.acknowledge | STATUS.driver | STATUS.features | STATUS.ready);
  }
}
