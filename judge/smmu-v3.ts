/**
 * The SMMUv3 of QEMU's `virt` machine.
 * @module
 */
import { REGISTER } from '../src/drivers/arm-smmu-v3/registers.ts';
import { decodeEvent } from '../src/hardware/smmu-v3/events.ts';
import { SmmuV3 } from '../src/hardware/smmu-v3/smmu.ts';
import { Edu } from './edu.ts';
import { Image } from './image.ts';
import { EmulatorError, Qtest } from './qtest.ts';
import { Ring } from './ring.ts';
import type { Layout, SceneTables, SeenEvent, Session, Unit } from './unit.ts';

const REGISTERS = 0x09050000;
const ECAM = 0x3f000000;
const BAR = 0x10000000;
const DEVICE = 8;
const RAM = 0x40000000;
const RAM_MIB = 128;
const MIB = 2 ** 20;
const LAYOUT: Layout = {
  data: RAM + 16 * MIB,
  dataBytes: 32 * MIB,
  tables: RAM + 64 * MIB,
  tableBytes: 16 * MIB,
  structures: RAM + 96 * MIB,
};
const STRTAB = LAYOUT.structures;
const CD = LAYOUT.structures + 0x10000;
const CMDQ = LAYOUT.structures + 0x20000;
const EVENTQ = LAYOUT.structures + 0x30000;
const STE_BYTES = 64;
const CD_BYTES = 64;

// IHI 0070 6.3: identification registers, which a driver reads once
const FIXED = { IDR0: 0x00, IDR1: 0x04, IDR3: 0x0c, IDR5: 0x14, AIDR: 0x1c } as const;
const QUEUES_ON = 0xc;
const ALL_ON = 0xd;
const CMDQ_LOG2 = 5;
const EVENTQ_LOG2 = 7;
const STREAMS_LOG2 = 5;
const EVENT_BYTES = 32;
// IHI 0070 4.3.4 CFGI_ALL, 4.4 TLBI_NSNH_ALL, 4.7.3 SYNC with CS = 0
const COMMANDS: readonly (readonly [bigint, bigint])[] = [
  [0x04n, 31n],
  [0x30n, 0n],
  [0x46n, 0n],
];
// IHI 0070 5.4 CD: IPS code by output bits; TG0 code by granule
const IPS: Readonly<Record<number, bigint>> = { 32: 0n, 36: 1n, 40: 2n, 42: 3n, 44: 4n, 48: 5n };
const TG0: Readonly<Record<number, bigint>> = { 4096: 0n, 65536: 1n, 16384: 2n };

/** `wfi; b .-4`: the processor idles, so that virtual time runs on. */
const IDLE = Uint8Array.of(0x7f, 0x20, 0x03, 0xd5, 0xff, 0xff, 0xff, 0x17);

/** A stage 1 context descriptor (5.4): reads and writes fault with a record, nothing stalls. */
function cdWords(tables: SceneTables): bigint[] {
  const { granule, ias, oas, registers } = tables;
  const low = BigInt(64 - ias) | ((TG0[granule] ?? 0n) << 6n) | (0x35n << 8n) | (1n << 30n) | (1n << 31n);
  const high = (IPS[oas] ?? 4n) | (1n << 9n) | (1n << 13n) | (1n << 14n) | (1n << 15n) | (1n << 16n);
  return [low | (high << 32n), registers['ttbr'] ?? 0n, 0n, registers['mair'] ?? 0n, 0n, 0n, 0n, 0n];
}

class SmmuV3Session implements Session {
  readonly qtest: Qtest;
  readonly edu: Edu;
  readonly image = new Image(RAM, RAM_MIB * MIB);
  readonly layout = LAYOUT;
  readonly stream = DEVICE;
  readonly structures = [
    { name: 'STE', address: STRTAB + DEVICE * STE_BYTES, bytes: STE_BYTES },
    { name: 'CD', address: CD, bytes: CD_BYTES },
  ];
  readonly iommu = 'arm-smmu-v3';
  readonly registers: ReadonlyMap<string, bigint>;
  readonly #queue: Ring;
  #events = 0;

  constructor(qtest: Qtest, named: Map<string, bigint>) {
    this.qtest = qtest;
    this.edu = new Edu(qtest, BAR);
    this.registers = named;
    this.#queue = new Ring(qtest, CMDQ, 2 ** CMDQ_LOG2);
  }

  configure(tables: SceneTables): void {
    const at = STRTAB + DEVICE * STE_BYTES;
    // 5.2 STE: V, Config 0b101 (stage 1), S1ContextPtr; inner and outer write-back, inner shareable
    const ste = [BigInt(CD) | 0xbn, 0xd6n, 0n, 0n, 0n, 0n, 0n, 0n];
    for (const [i, word] of ste.entries()) this.image.write64(at + 8 * i, word);
    for (const [i, word] of cdWords(tables).entries()) this.image.write64(CD + 8 * i, word);
  }

  async enable(on: boolean): Promise<void> {
    await this.qtest.write32(REGISTERS + REGISTER.CR0, on ? ALL_ON : QUEUES_ON);
  }

  async invalidate(): Promise<void> {
    for (const [w0, w1] of COMMANDS) await this.#queue.push(w0, w1);
    const produced = this.#queue.count % 2 ** (CMDQ_LOG2 + 1);
    await this.qtest.write32(REGISTERS + REGISTER.CMDQ_PROD, produced);
    const consumed = await this.qtest.read32(REGISTERS + REGISTER.CMDQ_CONS);
    if (consumed !== produced) throw new EmulatorError(`CMDQ_CONS is 0x${consumed.toString(16)}`);
  }

  async events(): Promise<readonly SeenEvent[]> {
    const produced = (await this.qtest.read32(REGISTERS + REGISTER.EVENTQ_PROD)) % 2 ** (EVENTQ_LOG2 + 1);
    const seen: SeenEvent[] = [];
    while (this.#events !== produced) {
      seen.push(await this.#event(EVENTQ + (this.#events % 2 ** EVENTQ_LOG2) * EVENT_BYTES));
      this.#events = (this.#events + 1) % 2 ** (EVENTQ_LOG2 + 1);
    }
    if (seen.length > 0) await this.qtest.write32(REGISTERS + REGISTER.EVENTQ_CONS, this.#events);
    return seen;
  }

  model(): SmmuV3 {
    return new SmmuV3(this.image, this.registers);
  }

  async stop(): Promise<void> {
    await this.qtest.stop();
  }

  async #event(address: number): Promise<SeenEvent> {
    const words = BigUint64Array.from(await Promise.all([0, 8, 16, 24].map((at) => this.qtest.read64(address + at))));
    const { name, fields } = decodeEvent(new Uint32Array(words.buffer));
    const read = fields['RnW'];
    return {
      name,
      ...(fields['InputAddr'] === undefined ? {} : { iova: fields['InputAddr'] }),
      ...(read === undefined ? {} : { write: read === 0n }),
    };
  }
}

async function setUp(qtest: Qtest): Promise<Map<string, bigint>> {
  const function0 = ECAM + (DEVICE << 12);
  await qtest.write32(function0 + 0x10, BAR);
  await qtest.write32(function0 + 4, 6);
  const write64 = (name: keyof typeof REGISTER, value: number) => qtest.write64(REGISTERS + REGISTER[name], value);
  await write64('STRTAB_BASE', STRTAB);
  await qtest.write32(REGISTERS + REGISTER.STRTAB_BASE_CFG, STREAMS_LOG2);
  await write64('CMDQ_BASE', CMDQ + CMDQ_LOG2);
  await write64('EVENTQ_BASE', EVENTQ + EVENTQ_LOG2);
  await qtest.write32(REGISTERS + REGISTER.CR0, QUEUES_ON);
  const named = new Map<string, bigint>([
    ['CR0', BigInt(ALL_ON)],
    ['STRTAB_BASE', BigInt(STRTAB)],
    ['STRTAB_BASE_CFG', BigInt(STREAMS_LOG2)],
  ]);
  for (const [name, at] of Object.entries(FIXED)) named.set(name, BigInt(await qtest.read32(REGISTERS + at)));
  return named;
}

async function start(): Promise<Session> {
  const machine = ['-M', 'virt,iommu=smmuv3,highmem=off,gic-version=3', '-cpu', 'cortex-a57'];
  const qtest = await Qtest.start('qemu-system-aarch64', IDLE, (file) => [
    ...machine,
    ...['-kernel', file],
    ...['-m', String(RAM_MIB), '-display', 'none', '-nodefaults', '-accel', 'tcg', '-icount', 'shift=0,sleep=off'],
    ...['-device', 'edu,addr=1,dma_mask=0xffffffffffffffff'],
  ]);
  try {
    const session = new SmmuV3Session(qtest, await setUp(qtest));
    await session.edu.check();
    return session;
  } catch (error) {
    await qtest.stop();
    throw error;
  }
}

const GRANULES = [4096, 16384, 65536];
const INPUT_BITS = [32, 36, 39, 40, 42, 44, 48];

/** SMMUv3, stage 1: QEMU 7.2 has no stage 2. */
export const SMMU_V3_STAGE1: Unit = {
  name: 'SMMUv3, stage 1',
  program: 'qemu-system-aarch64',
  geometries: GRANULES.flatMap((granule) =>
    INPUT_BITS.map((ias) => ({ format: 'arm-64-lpae-s1', granule, ias, oas: 44 })),
  ),
  start,
};
