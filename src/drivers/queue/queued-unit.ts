/**
 * What every unit with a queue in memory has.
 * @module
 */
import type { RegisterPort } from '../../bus.ts';
import type { TableMemory } from '../../memory/table-memory.ts';
import type { Meter } from '../../meter/meter.ts';
import { Attachments } from './attachments.ts';
import { SharedPages } from './shared-pages.ts';
import { UnitPort } from './unit-port.ts';

/** Registers of a unit, the memory that it reads, and the domains of its devices. */
export abstract class QueuedUnit {
  /** Memory of everything that it reads. */
  readonly pages: SharedPages;
  /** Which domain has each device. */
  readonly attachments: Attachments = new Attachments();
  protected readonly port: UnitPort;

  /** @throws IommuError `BAD_OPTION` for a port without the calls of one. */
  constructor(memory: TableMemory, meter: Meter, port: RegisterPort | undefined) {
    this.pages = new SharedPages(memory);
    this.port = new UnitPort(port, meter);
  }

  /** Whether no call can throw: where no device is there, commands are done at once. */
  get cannotFail(): boolean {
    return !this.port.listened;
  }

  /** Turns it off and gives its memory back; nothing of it may be used by the device any more. @throws IommuError `DEVICE`. */
  abstract free(): void;

  /** As `free`, on the way back from a failure: memory of a unit that cannot be turned off stays, since it may still read it. */
  abandon(): void {
    try {
      this.free();
    } catch {
      // the failure that led here says more
    }
  }
}
