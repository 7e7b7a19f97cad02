/**
 * The SMMUv3 of QEMU's `virt` machine.
 * @module
 */
import { REGISTER } from '../src/drivers/arm-smmu-v3/registers.ts';
import { decodeEvent } from '../src/hardware/smmu-v3/events.ts';
import { SmmuV3 } from '../src/hardware/smmu-v3/smmu.ts';
import { Edu } from './edu.ts';
import type { Emulator } from './emulator.ts';
import { Image } from './image.ts';
import { layoutAt, RAM_BYTES, RAM_MIB } from './layout.ts';
import { eventOf } from './probe.ts';
import { EmulatorError, Qtest } from './qtest.ts';
import { Ring } from './ring.ts';
import { cdWords, steWords } from './smmu-v3-structures.ts';
import type { Random, SceneTables, SeenEvent, Session, Unit } from './unit.ts';

const REGISTERS = 0x09050000;
const ECAM = 0x3f000000;
const BAR = 0x10000000;
const DEVICE = 8;
const RAM = 0x40000000;
const LAYOUT = layoutAt(RAM);
/** The first level of the stream table where it has two, and the entries. */
const STRTAB = LAYOUT.structures + 0x8000;
const STREAMS = LAYOUT.structures;
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
/** `wfi; b .-4`: the processor idles, so that virtual time runs on. */
const IDLE = Uint8Array.of(0x7f, 0x20, 0x03, 0xd5, 0xff, 0xff, 0xff, 0x17);

/** Two levels of stream table (6.3.24 FMT), split at bit 8: the first descriptor spans the device's table. */
const TWO_LEVEL_CFG = STREAMS_LOG2 | (8 << 6) | (1 << 16);
/** 5.1: a level 1 descriptor of 2^8 entries. */
const SPAN = 9n;
/** Fields of events that QEMU leaves 0 or gives otherwise: docs/judges.md. */
const UNSET: ReadonlySet<string> = new Set(['CLASS']);

class SmmuV3Session implements Session {
  readonly qtest: Qtest;
  readonly edu: Edu;
  readonly image = new Image(RAM, RAM_BYTES);
  readonly layout = LAYOUT;
  readonly stream = DEVICE;
  readonly structures: Session['structures'];
  readonly unset = UNSET;
  readonly iommu = 'arm-smmu-v3';
  readonly registers: ReadonlyMap<string, bigint>;
  readonly #queue: Ring;
  #events = 0;

  constructor(qtest: Qtest, named: Map<string, bigint>, stage1: boolean) {
    this.qtest = qtest;
    const entry = { name: 'STE', address: STREAMS + DEVICE * STE_BYTES, bytes: STE_BYTES };
    this.structures = stage1 ? [entry, { name: 'CD', address: CD, bytes: CD_BYTES }] : [entry];
    this.edu = new Edu(qtest, BAR);
    this.registers = named;
    this.#queue = new Ring(qtest, CMDQ, 2 ** CMDQ_LOG2);
  }

  configure(tables: SceneTables, random: Random): void {
    const words = steWords(tables, CD, random);
    const at = STREAMS + DEVICE * STE_BYTES;
    this.image.write64(STRTAB, BigInt(STREAMS) | SPAN);
    for (const [i, word] of words.entries()) this.image.write64(at + 8 * i, word);
    for (const [i, word] of cdWords(tables, random).entries()) this.image.write64(CD + 8 * i, word);
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

  /** The reader gives a record where there is one. */
  leavesRecord(event: SeenEvent | undefined): 'yes' | 'no' {
    return event === undefined ? 'no' : 'yes';
  }

  model(): SmmuV3 {
    return new SmmuV3(this.image, this.registers);
  }

  async stop(): Promise<void> {
    await this.qtest.stop();
  }

  async #event(address: number): Promise<SeenEvent> {
    const words = await this.qtest.readRecord(address);
    return eventOf(decodeEvent(words));
  }
}

async function setUp(qtest: Qtest, twoLevel: boolean): Promise<Map<string, bigint>> {
  const function0 = ECAM + (DEVICE << 12);
  await qtest.write32(function0 + 0x10, BAR);
  await qtest.write32(function0 + 4, 6);
  const [table, config] = twoLevel ? [STRTAB, TWO_LEVEL_CFG] : [STREAMS, STREAMS_LOG2];
  const write64 = (name: keyof typeof REGISTER, value: number) => qtest.write64(REGISTERS + REGISTER[name], value);
  await write64('STRTAB_BASE', table);
  await qtest.write32(REGISTERS + REGISTER.STRTAB_BASE_CFG, config);
  await write64('CMDQ_BASE', CMDQ + CMDQ_LOG2);
  await write64('EVENTQ_BASE', EVENTQ + EVENTQ_LOG2);
  await qtest.write32(REGISTERS + REGISTER.CR0, QUEUES_ON);
  const named = new Map<string, bigint>([
    ['CR0', BigInt(ALL_ON)],
    ['STRTAB_BASE', BigInt(table)],
    ['STRTAB_BASE_CFG', BigInt(config)],
  ]);
  for (const [name, at] of Object.entries(FIXED)) named.set(name, BigInt(await qtest.read32(REGISTERS + at)));
  return named;
}

interface Kind {
  /** Value of the machine's `stage` property; the emulator's own unless given. */
  readonly stage?: string;
  readonly stage1: boolean;
  readonly twoLevel?: boolean;
}

async function start({ program }: Emulator, { stage, stage1, twoLevel = false }: Kind): Promise<Session> {
  const machine = ['-M', 'virt,iommu=smmuv3,highmem=off,gic-version=3', '-cpu', 'cortex-a57'];
  const qtest = await Qtest.start(program, IDLE, (file) => [
    ...machine,
    ...(stage === undefined ? [] : ['-global', `arm-smmuv3.stage=${stage}`]),
    ...['-kernel', file],
    ...['-m', String(RAM_MIB), '-display', 'none', '-nodefaults', '-accel', 'tcg', '-icount', 'shift=0,sleep=off'],
    ...['-device', 'edu,addr=1,dma_mask=0xffffffffffffffff'],
  ]);
  try {
    const session = new SmmuV3Session(qtest, await setUp(qtest, twoLevel), stage1);
    await session.edu.check();
    return session;
  } catch (error) {
    await qtest.stop();
    throw error;
  }
}

const GRANULES = [4096, 16384, 65536];
const OUTPUT_BITS = [32, 36, 40, 42, 44];

/** Shapes of a format by granule and input bits; the output bits go round. */
function shapes(format: string, inputBits: readonly number[]) {
  return GRANULES.flatMap((granule) =>
    inputBits.map((ias, i) => ({ format, granule, ias, oas: OUTPUT_BITS[i % OUTPUT_BITS.length] ?? 44 })),
  );
}

/** T0SZ from 39 to 16. */
const STAGE1_BITS = Array.from({ length: 24 }, (_, i) => 25 + i);
const STAGE1_SHAPES = shapes('arm-64-lpae-s1', STAGE1_BITS);
/** Without concatenated tables, whose index QEMU 11 masks off: of these, 4K tables of 40 and 42 bits. */
const STAGE2_SHAPES = shapes('arm-64-lpae-s2', [32, 36, 39, 40, 42, 44])
  .filter(({ granule, ias }) => granule !== 4096 || (ias !== 40 && ias !== 42))
  .map((shape) => ({ ...shape, oas: 44 }));

/** SMMUv3, stage 1. */
export const SMMU_V3_STAGE1: Unit = {
  name: 'SMMUv3, stage 1',
  program: 'qemu-system-aarch64',
  since: 7,
  shapes: STAGE1_SHAPES,
  start: (emulator) => start(emulator, { stage1: true }),
};

/** The same behind a stream table of two levels. */
export const SMMU_V3_TWO_LEVEL: Unit = {
  ...SMMU_V3_STAGE1,
  name: 'SMMUv3, stage 1, two-level stream table',
  start: (emulator) => start(emulator, { stage1: true, twoLevel: true }),
};

/** SMMUv3, stage 2 alone. */
export const SMMU_V3_STAGE2: Unit = {
  name: 'SMMUv3, stage 2',
  program: 'qemu-system-aarch64',
  since: 9,
  shapes: STAGE2_SHAPES,
  start: (emulator) => start(emulator, { stage1: false, stage: '2' }),
};

/** SMMUv3, stage 1 behind stage 2, each with its own granule. */
export const SMMU_V3_NESTED: Unit = {
  name: 'SMMUv3, nested',
  program: 'qemu-system-aarch64',
  since: 10,
  shapes: STAGE1_SHAPES.map((shape, i) => {
    const stage2 = STAGE2_SHAPES[i % STAGE2_SHAPES.length];
    return stage2 === undefined ? shape : { ...shape, stage2 };
  }),
  start: (emulator) => start(emulator, { stage1: true, stage: 'nested' }),
};
