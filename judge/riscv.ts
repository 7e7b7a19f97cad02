/**
 * The RISC-V IOMMU of QEMU's `virt` machine, as a PCI device.
 * @module
 */
import { ReportingIommu } from '../src/conform/pack/riscv-unit.ts';
import { REGISTER } from '../src/drivers/riscv-iommu/registers.ts';
import { decodeRecord } from '../src/hardware/record.ts';
import { causeText } from '../src/hardware/riscv/causes.ts';
import { RISCV_FAULT_BYTES, RISCV_FAULT_FIELDS } from '../src/hardware/riscv/fault-queue.ts';
import { Edu } from './edu.ts';
import type { Emulator } from './emulator.ts';
import { Image } from './image.ts';
import { layoutAt, RAM_BYTES, RAM_MIB } from './layout.ts';
import { EmulatorError, Qtest } from './qtest.ts';
import { Ring } from './ring.ts';
import { type ContextPlaces, deviceContext, firstStageOf } from './riscv-structures.ts';
import { below } from './scene.ts';
import type { Random, SceneTables, SeenEvent, Session, Shape, Unit } from './unit.ts';

const ECAM = 0x30000000;
const IOMMU_FUNCTION = 8;
const REGISTERS = 0x40000000;
const DEVICE = 0x10;
const BAR = 0x40100000;
const RAM = 0x80000000;
const PAGE = 4096;
const LAYOUT = layoutAt(RAM);
/** The device directory from its leaf page up. */
const DIRECTORY = [0, 1, 2].map((level) => LAYOUT.structures + level * PAGE);
const PLACES: ContextPlaces = {
  processes: LAYOUT.structures + 0x3000,
  root: LAYOUT.tables + LAYOUT.tableBytes - 4 * PAGE,
};
/** Queues lie where no flip of one bit turns a pointer to a structure. */
const CMDQ = LAYOUT.structures + 0x114000;
const FAULTS = LAYOUT.structures + 0x115000;
const STATUS = LAYOUT.structures + 0x116000;
const COMMANDS_LOG2 = 8;
const FAULTS_LOG2 = 7;
const QUEUE_ON = 1;
/** 6.5 ddtp.iommu_mode: Bare; one to three levels are 2 to 4. */
const BARE = 1n;
const ROOT_PAGES = 4;
// 4.1 IODIR.INVAL_DDT, IOTINVAL.VMA and GVMA, each of everything; IOFENCE.C with AV, PR, PW and data
const INVAL_DDT = 3n;
const INVAL_VMA = 1n;
const INVAL_GVMA = 1n | (1n << 7n);
const IOFENCE = 2n | (1n << 10n) | (3n << 12n);
/** `wfi; j .-4`: the processor idles, so that virtual time runs on. */
const IDLE = Uint8Array.of(0x73, 0x00, 0x50, 0x10, 0x6f, 0xf0, 0xdf, 0xff);
/** Fields of records that QEMU 11 gives otherwise: docs/judges.md. */
const UNSET: ReadonlySet<string> = new Set(['PV', 'TTYP', 'iotval2']);

/** A queue's base register (6.7, 6.9). */
function queueBase(address: number, log2: number): bigint {
  return (BigInt(address / PAGE) << 10n) | BigInt(log2 - 1);
}

/** QEMU has no GXL or BE to write. */
const CHOICES = { gxlWritable: false, beWritable: false } as const;

interface Kind {
  readonly stage: 'first' | 'second';
  /** Device contexts of 64 bytes. */
  readonly extended: boolean;
}

class RiscvSession implements Session {
  readonly qtest: Qtest;
  readonly edu: Edu;
  readonly image = new Image(RAM, RAM_BYTES);
  readonly layout = LAYOUT;
  readonly stream = DEVICE;
  readonly iommu = 'riscv-iommu';
  readonly unset = UNSET;
  readonly registers: Map<string, bigint>;
  readonly #kind: Kind;
  readonly #queue: Ring;
  #faults = 0;
  #fences = 0;
  #levels = 1;
  #throughProcess = false;

  constructor(qtest: Qtest, kind: Kind, named: Map<string, bigint>) {
    this.qtest = qtest;
    this.edu = new Edu(qtest, BAR);
    this.#kind = kind;
    this.registers = named;
    this.#queue = new Ring(qtest, CMDQ, 2 ** COMMANDS_LOG2);
  }

  get #contextBytes(): number {
    return this.#kind.extended ? 64 : 32;
  }

  get #context(): number {
    return (DIRECTORY[0] ?? 0) + DEVICE * this.#contextBytes;
  }

  get structures(): Session['structures'] {
    const context = { name: 'DC', address: this.#context, bytes: this.#contextBytes };
    const directory = DIRECTORY.slice(1, this.#levels).map((address) => ({ name: 'DDT entry', address, bytes: 8 }));
    const process = { name: 'PC', address: PLACES.processes, bytes: 16 };
    return [context, context, ...directory, ...(this.#throughProcess ? [process] : [])];
  }

  configure(tables: SceneTables, random: Random): void {
    const second = this.#kind.stage === 'second' ? tables : tables.stage2;
    const first = firstStageOf(this.#kind.stage === 'second' ? undefined : tables, PLACES, random);
    if (second !== undefined) this.#makeRoot(second);
    this.#throughProcess = first.process[0] !== 0n;
    this.#words(this.#context, deviceContext(first, second, this.#kind.extended, PLACES, random));
    this.#words(PLACES.processes, first.process);
    this.#levels = 1 + below(random, 3);
    for (const [i, at] of DIRECTORY.slice(1).entries()) this.image.write64(at, this.#pointer(DIRECTORY[i] ?? 0) | 1n);
    const root = this.#pointer(DIRECTORY[this.#levels - 1] ?? 0);
    this.registers.set('DDTP', root | BigInt(this.#levels + 1));
  }

  async enable(on: boolean): Promise<void> {
    const { qtest } = this;
    const mode = on ? (this.registers.get('DDTP') ?? BARE) : BARE;
    await Promise.all([qtest.write64(REGISTERS + REGISTER.DDTP, mode), this.#queue.push(INVAL_DDT, 0n), this.#ring()]);
  }

  async invalidate(): Promise<void> {
    const fence = ++this.#fences;
    const all = [
      [INVAL_DDT, 0n],
      [INVAL_VMA, 0n],
      [INVAL_GVMA, 0n],
    ] as const;
    for (const [w0, w1] of all) await this.#queue.push(w0, w1);
    await this.#queue.push(IOFENCE | (BigInt(fence) << 32n), BigInt(STATUS) >> 2n);
    await this.#ring();
    const stored = await this.qtest.read32(STATUS);
    if (stored !== fence) throw new EmulatorError(`IOFENCE.C stored 0x${stored.toString(16)}`);
  }

  async events(): Promise<readonly SeenEvent[]> {
    const tail = await this.qtest.read32(REGISTERS + REGISTER.FQH + 4);
    const seen: SeenEvent[] = [];
    for (; this.#faults !== tail; this.#faults = (this.#faults + 1) % 2 ** FAULTS_LOG2) {
      seen.push(await this.#event(FAULTS + this.#faults * RISCV_FAULT_BYTES));
    }
    if (seen.length > 0) await this.qtest.write32(REGISTERS + REGISTER.FQH, tail);
    return seen;
  }

  leavesRecord(event: SeenEvent | undefined): 'yes' | 'no' {
    return event === undefined ? 'no' : 'yes';
  }

  model(): ReportingIommu {
    return new ReportingIommu(this.image, this.registers, CHOICES);
  }

  async stop(): Promise<void> {
    await this.qtest.stop();
  }

  #pointer(table: number): bigint {
    return BigInt(table / PAGE) << 10n;
  }

  /** The root of an x4 table has four pages: each is the root that the engine wrote. */
  #makeRoot({ registers }: SceneTables): void {
    const at = Number(registers['ppn'] ?? 0n) * PAGE - RAM;
    const page = this.image.bytes.slice(at, at + PAGE);
    for (let i = 0; i < ROOT_PAGES; i++) this.image.set(PLACES.root + i * PAGE, page);
  }

  #words(address: number, words: readonly bigint[]): void {
    for (const [i, word] of words.entries()) this.image.write64(address + 8 * i, word);
  }

  async #ring(): Promise<void> {
    await this.qtest.write32(REGISTERS + REGISTER.CQT, this.#queue.count % 2 ** COMMANDS_LOG2);
  }

  /** iotval is 0 where QEMU does not know the address. */
  async #event(address: number): Promise<SeenEvent> {
    const words = await this.qtest.readRecord(address);
    const { CAUSE: cause = 0n, iotval: iova = 0n, ...fields } = decodeRecord(RISCV_FAULT_FIELDS, words);
    return { name: causeText(Number(cause)), ...(iova === 0n ? {} : { iova }), fields };
  }
}

async function setUp(qtest: Qtest): Promise<Map<string, bigint>> {
  for (const [device, bar] of [
    [IOMMU_FUNCTION, REGISTERS],
    [DEVICE, BAR],
  ] as const) {
    await qtest.write32(ECAM + (device << 12) + 0x10, bar);
    await qtest.write32(ECAM + (device << 12) + 4, 6);
  }
  await qtest.write64(REGISTERS + REGISTER.CQB, queueBase(CMDQ, COMMANDS_LOG2));
  await qtest.write64(REGISTERS + REGISTER.FQB, queueBase(FAULTS, FAULTS_LOG2));
  await qtest.write32(REGISTERS + REGISTER.CQCSR, QUEUE_ON);
  await qtest.write32(REGISTERS + REGISTER.FQCSR, QUEUE_ON);
  await qtest.write64(REGISTERS + REGISTER.DDTP, BARE);
  const capabilities = await qtest.read64(REGISTERS + REGISTER.CAPABILITIES);
  return new Map([
    ['CAPABILITIES', capabilities],
    ['FCTL', 0n],
  ]);
}

async function start({ program }: Emulator, kind: Kind): Promise<Session> {
  const qtest = await Qtest.start(program, IDLE, (file) => [
    ...['-M', 'virt', '-bios', 'none', '-device', `loader,file=${file},addr=0x${RAM.toString(16)}`],
    ...['-m', String(RAM_MIB), '-display', 'none', '-nodefaults', '-accel', 'tcg', '-icount', 'shift=0,sleep=off'],
    ...['-device', `riscv-iommu-pci,addr=1,intremap=${kind.extended ? 'on' : 'off'}`],
    ...['-device', 'edu,addr=2,dma_mask=0xffffffffffffffff'],
  ]);
  try {
    const session = new RiscvSession(qtest, kind, await setUp(qtest));
    await session.edu.check();
    return session;
  } catch (error) {
    await qtest.stop();
    throw error;
  }
}

const QUIRKS = ['DETAILED_GATHER', 'SIGN_EXTEND'] as const;
const SHAPES: readonly Shape[] = [39, 48, 57].map((ias) => ({
  format: `riscv-sv${ias}`,
  granule: PAGE,
  ias,
  oas: 50,
  quirks: QUIRKS,
}));

/** First-stage tables, extended device contexts. */
export const RISCV_FIRST: Unit = {
  name: 'RISC-V, first stage',
  program: 'qemu-system-riscv64',
  since: 10,
  shapes: SHAPES,
  start: (emulator) => start(emulator, { stage: 'first', extended: true }),
};

/** The same with device contexts of 32 bytes. */
export const RISCV_BASE: Unit = {
  ...RISCV_FIRST,
  name: 'RISC-V, first stage, base device contexts',
  start: (emulator) => start(emulator, { stage: 'first', extended: false }),
};

/** Second-stage tables. */
export const RISCV_SECOND: Unit = {
  ...RISCV_FIRST,
  name: 'RISC-V, second stage',
  start: (emulator) => start(emulator, { stage: 'second', extended: true }),
};

/** First-stage tables behind second-stage tables of each mode. */
export const RISCV_NESTED: Unit = {
  ...RISCV_FIRST,
  name: 'RISC-V, nested',
  shapes: SHAPES.flatMap((shape) => SHAPES.map((stage2) => ({ ...shape, stage2 }))),
};
