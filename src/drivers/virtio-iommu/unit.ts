/**
 * One virtio-iommu: its request queue, as a driver sets it up. Domains of several endpoints may share it. VIRTIO 1.2, 3.1 and
 * 4.2.3 (initialisation).
 * @module
 */
import type { RegisterPort } from '../../bus.ts';
import type { TableMemory } from '../../memory/table-memory.ts';
import type { Meter } from '../../meter/meter.ts';
import { Attachments } from '../queue/attachments.ts';
import { IdPool } from '../queue/id-pool.ts';
import { SharedPages } from '../queue/shared-pages.ts';
import { UnitPort } from '../queue/unit-port.ts';
import { FEATURES, REGISTER, STATUS } from './registers.ts';
import { QUEUE_ENTRIES, RequestQueue } from './request-queue.ts';
import { VIRTIO_NAMES } from './requests.ts';

/** What a virtio-iommu is made of. */
export interface VirtioUnitOptions {
  /** Registers; default none: requests are written and counted, and answered at once. */
  readonly port?: RegisterPort;
}

const MOST_DOMAINS = 0xffffffff;

/** Registers and request queue of one unit. */
export class VirtioUnit {
  /** Memory of everything that it reads. */
  readonly pages: SharedPages;
  /** Its request queue. */
  readonly queue: RequestQueue;
  /** Domain ids. */
  readonly domains: IdPool = new IdPool('domainId', 0, MOST_DOMAINS);
  /** Which domain has each device. */
  readonly attachments: Attachments = new Attachments();
  readonly #port: UnitPort;

  /** @throws IommuError `NO_MEMORY`. */
  constructor(memory: TableMemory, meter: Meter, options: VirtioUnitOptions = {}) {
    this.pages = new SharedPages(memory);
    this.#port = new UnitPort(options.port, meter);
    try {
      this.queue = new RequestQueue(this.#port, this.pages, meter.commandsOf(VIRTIO_NAMES));
      this.#start();
    } catch (error) {
      this.abandon();
      throw error;
    }
  }

  /** Resets it and gives its memory back. */
  free(): void {
    this.#port.write32(REGISTER.Status, 0);
    this.pages.free();
  }

  /** As `free`, on the way back from a failure: memory of a unit that cannot be turned off stays, since it may still read it. */
  abandon(): void {
    try {
      this.free();
    } catch {
      // the failure that led here says more
    }
  }

  #start(): void {
    const port = this.#port;
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
