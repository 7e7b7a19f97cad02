/**
 * The AMD-Vi unit of QEMU's `q35` machine.
 * @module
 */
import { REGISTER } from '../src/drivers/amd-vi/registers.ts';
import { AmdVi } from '../src/hardware/amd-vi/amd-vi.ts';
import { Edu } from './edu.ts';
import { Image } from './image.ts';
import { BAR, LAYOUT, RAM_MIB, startQ35 } from './q35.ts';
import { EmulatorError, type Qtest } from './qtest.ts';
import { Ring } from './ring.ts';
import type { SceneTables, SeenEvent, Session, Unit } from './unit.ts';

const REGISTERS = 0xfed80000;
const SLOT = 3;
const DEVICE = SLOT << 3;
const MIB = 2 ** 20;
const DOMAIN = 7n;

const TABLE = LAYOUT.structures;
const QUEUE = LAYOUT.structures + 0x10000;
const LOG = LAYOUT.structures + 0x20000;
const STATUS = LAYOUT.structures + 0x30000;
const QUEUE_ENTRIES = 512;
/** Length fields: 512 entries. */
const LENGTH = 9n << 56n;
const TABLE_4K_UNITS = 15;
const CONTROL_OFF = 0x1004n;
const CONTROL_ON = 0x1005n;
const DTE_BYTES = 32;
// 48882 2.4: INVALIDATE_IOMMU_ALL, INVALIDATE_DEVTAB_ENTRY, COMPLETION_WAIT with S
const INVALIDATE_ALL = 8n << 60n;
const INVALIDATE_DEVICE = (2n << 60n) | BigInt(DEVICE);
const WAIT = (1n << 60n) | 1n;

class AmdViSession implements Session {
  readonly qtest: Qtest;
  readonly edu: Edu;
  readonly image = new Image(0, RAM_MIB * MIB);
  readonly layout = LAYOUT;
  readonly stream = DEVICE;
  readonly structures = [{ name: 'DTE', address: TABLE + DEVICE * DTE_BYTES, bytes: DTE_BYTES }];
  readonly iommu = 'amd-vi';
  readonly registers: ReadonlyMap<string, bigint> = new Map([
    ['DEV_TAB_BASE', BigInt(TABLE + TABLE_4K_UNITS)],
    ['CONTROL', CONTROL_ON],
  ]);
  readonly #queue: Ring;
  #sequence = 0n;

  constructor(qtest: Qtest) {
    this.qtest = qtest;
    this.edu = new Edu(qtest, BAR);
    this.#queue = new Ring(qtest, QUEUE, QUEUE_ENTRIES);
  }

  configure({ registers }: SceneTables): void {
    const at = TABLE + DEVICE * DTE_BYTES;
    // 2.2.2.1 DTE: V, TV, Mode, root; IR, IW; DomainID
    const root = registers['host_pt_root'] ?? 0n;
    const mode = registers['mode'] ?? 0n;
    const word = 3n | (mode << 9n) | root | (3n << 61n);
    for (const [i, value] of [word, DOMAIN, 0n, 0n].entries()) this.image.write64(at + 8 * i, value);
  }

  async enable(on: boolean): Promise<void> {
    await this.qtest.write64(REGISTERS + REGISTER.CONTROL, on ? CONTROL_ON : CONTROL_OFF);
  }

  async invalidate(): Promise<void> {
    this.#sequence++;
    await this.enable(true);
    await this.#queue.push(INVALIDATE_ALL, 0n);
    await this.#queue.push(INVALIDATE_DEVICE, 0n);
    await this.#queue.push(WAIT | BigInt(STATUS), this.#sequence);
    await this.qtest.write64(REGISTERS + REGISTER.CMD_TAIL, this.#queue.tail);
    const stored = await this.qtest.read64(STATUS);
    await this.enable(false);
    if (stored !== this.#sequence) throw new EmulatorError(`COMPLETION_WAIT stored 0x${stored.toString(16)}`);
  }

  events(): Promise<readonly SeenEvent[] | undefined> {
    return Promise.resolve(undefined);
  }

  model(): AmdVi {
    return new AmdVi(this.image, this.registers);
  }

  async stop(): Promise<void> {
    await this.qtest.stop();
  }
}

async function start(): Promise<Session> {
  const qtest = await startQ35('amd-iommu', SLOT);
  try {
    await qtest.write64(REGISTERS + REGISTER.DEV_TAB_BASE, TABLE + TABLE_4K_UNITS);
    await qtest.write64(REGISTERS + REGISTER.CMD_BUF_BASE, BigInt(QUEUE) | LENGTH);
    await qtest.write64(REGISTERS + REGISTER.EVENT_LOG_BASE, BigInt(LOG) | LENGTH);
    await qtest.write64(REGISTERS + REGISTER.CONTROL, CONTROL_OFF);
    const session = new AmdViSession(qtest);
    await session.edu.check();
    return session;
  } catch (error) {
    await qtest.stop();
    throw error;
  }
}

/** The emulator's TLB keys hold 48 bits of an address. */
const INPUT_BITS = [39, 48];

/** AMD-Vi with host page tables; QEMU 7.2 never logs an event, so that only answers are compared. */
export const AMD_VI: Unit = {
  name: 'AMD-Vi, host tables',
  program: 'qemu-system-x86_64',
  geometries: INPUT_BITS.map((ias) => ({ format: 'amd-v1', granule: 4096, ias, oas: 40 })),
  start,
};
