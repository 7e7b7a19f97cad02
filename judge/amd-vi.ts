/**
 * The AMD-Vi unit of QEMU's `q35` machine.
 * @module
 */
import { REGISTER } from '../src/drivers/amd-vi/registers.ts';
import { AmdVi } from '../src/hardware/amd-vi/amd-vi.ts';
import { AMD_EVENT_BYTES, AMD_EVENT_NAMES } from '../src/hardware/amd-vi/events.ts';
import { Edu } from './edu.ts';
import type { Emulator } from './emulator.ts';
import { Image } from './image.ts';
import { RAM_BYTES } from './layout.ts';
import { BAR, LAYOUT, startQ35 } from './q35.ts';
import { EmulatorError, type Qtest } from './qtest.ts';
import { Ring } from './ring.ts';
import type { Random, SceneTables, SeenEvent, Session, Unit } from './unit.ts';

const REGISTERS = 0xfed80000;
const SLOT = 3;
const DEVICE = SLOT << 3;
const DOMAIN = 7n;

const TABLE = LAYOUT.structures;
const QUEUE = LAYOUT.structures + 0x10000;
const LOG = LAYOUT.structures + 0x20000;
const STATUS = LAYOUT.structures + 0x30000;
const QUEUE_ENTRIES = 512;
const LOG_BYTES = QUEUE_ENTRIES * AMD_EVENT_BYTES;
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
  readonly image = new Image(0, RAM_BYTES);
  readonly layout = LAYOUT;
  readonly stream = DEVICE;
  readonly structures = [{ name: 'DTE', address: TABLE + DEVICE * DTE_BYTES, bytes: DTE_BYTES }];
  readonly iommu = 'amd-vi';
  readonly registers: ReadonlyMap<string, bigint> = new Map([
    ['DEV_TAB_BASE', BigInt(TABLE + TABLE_4K_UNITS)],
    ['CONTROL', CONTROL_ON],
  ]);
  readonly #queue: Ring;
  readonly #logs: boolean;
  #sequence = 0n;
  #head = 0;

  constructor(qtest: Qtest, logs: boolean) {
    this.qtest = qtest;
    this.#logs = logs;
    this.edu = new Edu(qtest, BAR);
    this.#queue = new Ring(qtest, QUEUE, QUEUE_ENTRIES);
  }

  configure({ registers }: SceneTables, random: Random): void {
    const at = TABLE + DEVICE * DTE_BYTES;
    // 2.2.2.1 DTE: V, TV, Mode (0 now and then: pass-through), root; IR, IW; DomainID
    const root = registers['host_pt_root'] ?? 0n;
    const mode = random() < 0.05 ? 0n : (registers['mode'] ?? 0n);
    const rights = random() < 0.8 ? 3n : BigInt(Math.floor(random() * 3));
    const word = 3n | (mode << 9n) | root | (rights << 61n);
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

  /** QEMU 7.2 never logs an event. */
  async events(): Promise<readonly SeenEvent[] | undefined> {
    if (!this.#logs) return undefined;
    const tail = Number(await this.qtest.read64(REGISTERS + REGISTER.EVENT_TAIL)) % LOG_BYTES;
    const seen: SeenEvent[] = [];
    for (; this.#head !== tail; this.#head = (this.#head + AMD_EVENT_BYTES) % LOG_BYTES) {
      const code = Number((await this.qtest.read64(LOG + this.#head)) >> 60n);
      seen.push({ name: AMD_EVENT_NAMES.get(code) ?? `event ${code}` });
    }
    if (seen.length > 0) await this.qtest.write64(REGISTERS + REGISTER.EVENT_HEAD, this.#head);
    return seen;
  }

  model(): AmdVi {
    return new AmdVi(this.image, this.registers);
  }

  async stop(): Promise<void> {
    await this.qtest.stop();
  }
}

/** Releases from 10 on translate only where they are asked to, and log events. */
const NEWER = 10;

async function start(emulator: Emulator): Promise<Session> {
  const newer = emulator.major >= NEWER;
  const qtest = await startQ35(emulator, newer ? 'amd-iommu,dma-remap=on' : 'amd-iommu', SLOT);
  try {
    await qtest.write64(REGISTERS + REGISTER.DEV_TAB_BASE, TABLE + TABLE_4K_UNITS);
    await qtest.write64(REGISTERS + REGISTER.CMD_BUF_BASE, BigInt(QUEUE) | LENGTH);
    await qtest.write64(REGISTERS + REGISTER.EVENT_LOG_BASE, BigInt(LOG) | LENGTH);
    await qtest.write64(REGISTERS + REGISTER.CONTROL, CONTROL_OFF);
    const session = new AmdViSession(qtest, newer);
    await session.edu.check();
    return session;
  } catch (error) {
    await qtest.stop();
    throw error;
  }
}

/** Bits of the four shapes of the engine's tables, and levels (Mode) from 3 to 5. */
const INPUT_BITS = [39, 48];

/** AMD-Vi with host page tables. */
export const AMD_VI: Unit = {
  name: 'AMD-Vi, host tables',
  program: 'qemu-system-x86_64',
  since: 7,
  shapes: INPUT_BITS.map((ias) => ({ format: 'amd-v1', granule: 4096, ias, oas: 40 })),
  start,
};
