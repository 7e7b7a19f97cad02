/**
 * One AMD-Vi unit: registers, device table, command buffer and event log, as Linux sets them up. Domains of several devices may
 * share it. AMD 48882, 2.2, 2.4, 2.5, 3.4.
 * @module
 */
import type { RegisterPort } from '../../bus.ts';
import type { TableMemory } from '../../memory/table-memory.ts';
import type { Meter } from '../../meter/meter.ts';
import { flag, whole } from '../options.ts';
import { IdPool } from '../queue/id-pool.ts';
import { QueuedUnit } from '../queue/queued-unit.ts';
import { CommandBuffer } from './command-buffer.ts';
import { AMD_NAMES, KIND } from './commands.ts';
import { DeviceTable } from './device-table.ts';
import { CONTROL, LENGTH_SHIFT, REGISTER } from './registers.ts';

/** What an AMD-Vi unit is made of. */
export interface AmdViUnitOptions {
  /** Registers; default none: commands are written and counted, and done at once. */
  readonly port?: RegisterPort;
  /** Last device id of the device table; default 255, or the last of the domain's devices. */
  readonly lastDevice?: number;
  /** Whether entries that are not present are cached (capability header, NpCache), as under a hypervisor; default false. */
  readonly npCache?: boolean;
}

const PAGE = 4096;
const DEVICES_PER_PAGE = 128;
/** log2 of the entries of buffer and log. */
const LENGTH = 9n;
const EVENT_BYTES = 16;
const MOST_DOMAINS = 0xffff;

/** Registers, device table and queues of one unit. */
export class AmdViUnit extends QueuedUnit {
  /** Its command buffer. */
  readonly commands: CommandBuffer;
  /** Its device table. */
  readonly devices: DeviceTable;
  /** Domain ids; 0 stays unused. */
  readonly domains: IdPool = new IdPool('domainId', 1, MOST_DOMAINS);
  /** Last device id. */
  readonly lastDevice: number;
  /** See {@link AmdViUnitOptions}. */
  readonly npCache: boolean;
  /** What it says of itself: the Extended Feature Register. */
  readonly features: bigint;
  readonly #gcr3s: number[] = [];

  /** @throws IommuError `BAD_OPTION`, `NO_MEMORY`, `DEVICE`. */
  constructor(memory: TableMemory, meter: Meter, options: AmdViUnitOptions = {}) {
    super(memory, meter, options.port);
    this.lastDevice = whole('lastDevice', options.lastDevice, 0, 0xffff, 0xff);
    this.npCache = flag('npCache', options.npCache, false);
    this.features = this.port.identify64(REGISTER.FEATURES);
    try {
      const tablePages = 2 ** Math.ceil(Math.log2((this.lastDevice + 1) / DEVICES_PER_PAGE));
      const devices = Math.max(1, tablePages) * DEVICES_PER_PAGE;
      this.devices = new DeviceTable(this.pages, devices);
      this.commands = new CommandBuffer(this.port, this.pages, meter.commandsOf(AMD_NAMES));
      this.#start(devices / DEVICES_PER_PAGE, this.pages.take(2 ** Number(LENGTH) * EVENT_BYTES));
    } catch (error) {
      this.abandon();
      throw error;
    }
  }

  /** A page for a GCR3 table with one entry. @throws IommuError `NO_MEMORY`. */
  takeGcr3(root: bigint): number {
    const table = this.#gcr3s.pop() ?? this.pages.take(PAGE);
    this.pages.write64(table, root | 1n);
    return table;
  }

  /** Gives such a page back that no device's entry leads to. */
  giveGcr3(table: number): void {
    this.#gcr3s.push(table);
  }

  /** Turns it off and gives its memory back. */
  free(): void {
    this.port.write64(REGISTER.CONTROL, 0n);
    this.pages.free();
  }

  #start(tablePages: number, events: number): void {
    const port = this.port;
    port.write64(REGISTER.DEV_TAB_BASE, BigInt(this.devices.base) | BigInt(tablePages - 1));
    port.write64(REGISTER.CMD_BUF_BASE, BigInt(this.commands.ring.base) | (LENGTH << LENGTH_SHIFT));
    port.write32(REGISTER.CMD_HEAD, 0);
    port.write32(REGISTER.CMD_TAIL, 0);
    port.write64(REGISTER.EVENT_LOG_BASE, BigInt(events) | (LENGTH << LENGTH_SHIFT));
    port.write32(REGISTER.EVENT_HEAD, 0);
    port.write32(REGISTER.EVENT_TAIL, 0);
    const on = CONTROL.commands | CONTROL.events | CONTROL.coherent | CONTROL.guest;
    this.commands.enable(on);
    this.commands.enable(on | CONTROL.iommu);
    this.commands.add(KIND.all, 0, 0, 0, 0);
    this.commands.wait();
  }
}
