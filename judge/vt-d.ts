/**
 * The VT-d unit of QEMU's `q35` machine, in legacy and in scalable mode.
 * @module
 */
import { GCMD, REGISTER, RTADDR_SCALABLE } from '../src/drivers/intel-vtd/registers.ts';
import { VtdUnit } from '../src/hardware/vt-d/vtd.ts';
import type { Fault } from '../src/hardware/walk/types.ts';
import { Edu } from './edu.ts';
import type { Emulator } from './emulator.ts';
import { Image } from './image.ts';
import { RAM_BYTES } from './layout.ts';
import { BAR, LAYOUT, startQ35 } from './q35.ts';
import { EmulatorError, type Qtest } from './qtest.ts';
import { Ring } from './ring.ts';
import type { Random, SceneTables, SeenEvent, Session, Unit } from './unit.ts';

const REGISTERS = 0xfed90000;
const SLOT = 1;
const DEVICE = SLOT << 3;
const DOMAIN = 5n;

// VT-d 11.4: registers that a driver reads once, and the first fault record, where QEMU has it (CAP.FRO)
const FIXED = { CAP: 0x08, ECAP: 0x10 } as const;
const FAULT_RECORD = 0x220;
const FSTS_CLEAR = 0xf3;
const FAULT = 1n << 63n;

const ROOT = LAYOUT.structures;
const CONTEXT = LAYOUT.structures + 0x1000;
const PASID_DIRECTORY = LAYOUT.structures + 0x2000;
const PASID_TABLE = LAYOUT.structures + 0x3000;
const QUEUE = LAYOUT.structures + 0x4000;
const STATUS = LAYOUT.structures + 0x5000;
const QUEUE_ENTRIES = 256;

// VT-d 6.5.2: context cache, IOTLB and PASID cache, all of them; a wait that writes 2
const CONTEXT_ALL = 0x11n;
const IOTLB_ALL = 0x12n;
const PASID_ALL = 0x37n;
const WAIT = 0x200000025n;
/** IQA.DW (11.4.9.3): descriptors of 256 bits, which scalable mode has. */
const WIDE = 0x800n;
/** FPD of context and PASID table entries (9.3, 9.4, 9.6). */
const FAULTS_OFF = 2n;

/** Codes of scalable mode, and those of legacy mode for the same (VT-d 7.1.3). */
const LEGACY_CODES: ReadonlyMap<string, readonly string[]> = new Map([
  ['0x38', ['0x08']],
  ['0x39', ['0x01']],
  ['0x3a', ['0x0a']],
  ['0x40', ['0x09']],
  ['0x41', ['0x02']],
  ['0x42', ['0x0b']],
  ['0x43', ['0x03']],
  ['0x79', ['0x05', '0x06']],
  ['0x7a', ['0x0c', '0x03']],
  ['0x83', ['0x04']],
]);

/** FPD, set now and then: faults leave no record. */
function faultsDisabled(random: Random): bigint {
  return random() < 0.05 ? FAULTS_OFF : 0n;
}

/** 9.3 legacy context entry: P, FPD, TT = 0 or now and then 2 (pass-through), SSPTPTR; AW, bits for software, DID. */
function legacyContext({ ias, registers }: SceneTables, random: Random): bigint[] {
  const type = random() < 0.05 ? 8n : 0n;
  const software = BigInt(Math.floor(random() * 16)) << 3n;
  return [(registers['ssptptr'] ?? 0n) | type | faultsDisabled(random) | 1n, levelsOf(ias) | software | (DOMAIN << 8n)];
}

/** 9.4 scalable-mode context entry: P, FPD, PASIDDIRPTR; RID_PASID = 0. */
function scalableContext(random: Random): bigint[] {
  return [BigInt(PASID_DIRECTORY) | faultsDisabled(random) | 1n, 0n, 0n, 0n];
}

/** 9.6 PASID table entry: PGTT 1 (first stage: FSPM, FSPTPTR), 2 (second stage: AW, SSPTPTR), now and then 4 (pass-through). */
function pasidEntry({ format, ias, registers }: SceneTables, random: Random): bigint[] {
  const first = format === 'x86-64';
  const type = random() < 0.05 ? 4n : first ? 1n : 2n;
  const word =
    (registers['ssptptr'] ?? 0n) | (type << 6n) | ((first ? 2n : levelsOf(ias)) << 2n) | faultsDisabled(random) | 1n;
  const mode = first && registers['levels'] === 5n ? 1n : 0n;
  const firstStage = first ? (registers['gcr3_pt'] ?? 0n) | (mode << 2n) : 0n;
  return [word, DOMAIN, firstStage, 0n, 0n, 0n, 0n, 0n];
}

/** AW: 1 is three levels. */
function levelsOf(ias: number): bigint {
  return BigInt(Math.ceil((ias - 12) / 9) - 2);
}

class VtdSession implements Session {
  readonly qtest: Qtest;
  readonly edu: Edu;
  readonly image = new Image(0, RAM_BYTES);
  readonly layout = LAYOUT;
  readonly stream = DEVICE;
  readonly structures: Session['structures'];
  readonly #scalable: boolean;
  readonly iommu = 'intel-vtd';
  readonly registers: ReadonlyMap<string, bigint>;
  readonly #queue: Ring;

  constructor(qtest: Qtest, scalable: boolean, named: Map<string, bigint>) {
    this.qtest = qtest;
    this.edu = new Edu(qtest, BAR);
    this.#scalable = scalable;
    this.registers = named;
    this.#queue = scalable ? new Ring(qtest, QUEUE, QUEUE_ENTRIES / 2, 32) : new Ring(qtest, QUEUE, QUEUE_ENTRIES);
    const bytes = scalable ? 32 : 16;
    const context = { name: 'context entry', address: CONTEXT + DEVICE * bytes, bytes };
    const pasid = { name: 'PASID table entry', address: PASID_TABLE, bytes: 64 };
    this.structures = scalable ? [context, pasid] : [context];
  }

  configure(tables: SceneTables, random: Random): void {
    this.image.write64(ROOT, BigInt(CONTEXT) | 1n);
    this.image.write64(ROOT + 8, 0n);
    const [at, words] = this.#scalable
      ? [CONTEXT + DEVICE * 32, scalableContext(random)]
      : [CONTEXT + DEVICE * 16, legacyContext(tables, random)];
    for (const [i, word] of words.entries()) this.image.write64(at + 8 * i, word);
    if (!this.#scalable) return;
    this.image.write64(PASID_DIRECTORY, BigInt(PASID_TABLE) | 1n);
    for (const [i, word] of pasidEntry(tables, random).entries()) this.image.write64(PASID_TABLE + 8 * i, word);
  }

  async enable(on: boolean): Promise<void> {
    await this.qtest.write32(REGISTERS + REGISTER.GCMD, (on ? GCMD.TE : 0) + GCMD.QIE);
  }

  async invalidate(): Promise<void> {
    const all = this.#scalable ? [CONTEXT_ALL, PASID_ALL, IOTLB_ALL] : [CONTEXT_ALL, IOTLB_ALL];
    await this.qtest.write32(STATUS, 1);
    for (const word of all) await this.#queue.push(word, 0n);
    await this.#queue.push(WAIT, BigInt(STATUS));
    await this.qtest.write64(REGISTERS + REGISTER.IQT, this.#queue.tail);
    if ((await this.qtest.read32(STATUS)) !== 2) throw new EmulatorError('the wait descriptor did not complete');
  }

  /** QEMU 7.2 reports the codes of legacy mode in scalable mode. */
  sameRecord(ours: string, theirs: string): boolean {
    const [mine, other] = [ours, theirs].map((name) => /^fault reason (0x[0-9a-f]{2})/.exec(name)?.[1] ?? '');
    if (mine === undefined || other === undefined) return false;
    return mine === other || (this.#scalable && (LEGACY_CODES.get(mine)?.includes(other) ?? false));
  }

  async events(): Promise<readonly SeenEvent[]> {
    const [low, high] = await Promise.all([
      this.qtest.read64(REGISTERS + FAULT_RECORD),
      this.qtest.read64(REGISTERS + FAULT_RECORD + 8),
    ]);
    if ((high & FAULT) === 0n) return [];
    await this.qtest.write64(REGISTERS + FAULT_RECORD + 8, FAULT);
    await this.qtest.write32(REGISTERS + REGISTER.FSTS, FSTS_CLEAR);
    const code = Number((high >> 32n) & 0xffn);
    const name = `fault reason 0x${code.toString(16).padStart(2, '0')}`;
    return [{ name, iova: low, write: (high & (1n << 62n)) === 0n }];
  }

  /** With FPD in an entry on the way there is none; of a fault of these entries themselves 7.1.3 leaves it open. */
  leavesRecord(_: SeenEvent | undefined, fault: Fault): 'yes' | 'no' | 'either' {
    const off = this.structures.some(({ address }) => ((this.image.read64(address) ?? 0n) & FAULTS_OFF) !== 0n);
    if (!off) return 'yes';
    return fault.class === 'configuration' ? 'either' : 'no';
  }

  model(): VtdUnit {
    return new VtdUnit(this.image, this.registers);
  }

  async stop(): Promise<void> {
    await this.qtest.stop();
  }
}

async function setUp(qtest: Qtest, scalable: boolean): Promise<Map<string, bigint>> {
  const root = BigInt(ROOT) | (scalable ? RTADDR_SCALABLE : 0n);
  const write32 = (name: keyof typeof REGISTER, value: number) => qtest.write32(REGISTERS + REGISTER[name], value);
  await qtest.write64(REGISTERS + REGISTER.IQA, BigInt(QUEUE) | (scalable ? WIDE : 0n));
  await write32('GCMD', GCMD.QIE);
  await qtest.write64(REGISTERS + REGISTER.RTADDR, root);
  await write32('GCMD', GCMD.QIE + GCMD.SRTP);
  const named = new Map([['RTADDR', root]]);
  for (const [name, at] of Object.entries(FIXED)) named.set(name, await qtest.read64(REGISTERS + at));
  named.set('GSTS', BigInt(GCMD.TE + GCMD.SRTP + GCMD.QIE));
  return named;
}

/** The option of scalable mode changed its name in QEMU 11. */
function scalableOption({ major }: Emulator): string {
  return major >= 11 ? ',scalable-mode=on' : ',x-scalable-mode=on';
}

async function start(emulator: Emulator, scalable: boolean, more = ''): Promise<Session> {
  const mode = scalable ? scalableOption(emulator) : '';
  const qtest = await startQ35(emulator, `intel-iommu,intremap=off,aw-bits=48${mode}${more}`, SLOT);
  try {
    const session = new VtdSession(qtest, scalable, await setUp(qtest, scalable));
    await session.edu.check();
    return session;
  } catch (error) {
    await qtest.stop();
    throw error;
  }
}

const SHAPES = [39, 48].map((ias) => ({ format: 'vtd-ss', granule: 4096, ias, oas: 39 }));

/** VT-d, legacy context entries. */
export const VTD_LEGACY: Unit = {
  name: 'VT-d, legacy',
  program: 'qemu-system-x86_64',
  since: 7,
  shapes: SHAPES,
  start: (emulator) => start(emulator, false),
};

/** VT-d, scalable mode with second-stage tables. */
export const VTD_SCALABLE: Unit = {
  name: 'VT-d, scalable mode, second stage',
  program: 'qemu-system-x86_64',
  since: 7,
  shapes: SHAPES,
  start: (emulator) => start(emulator, true),
};

/** VT-d, scalable mode with first-stage tables. */
export const VTD_FIRST_STAGE: Unit = {
  name: 'VT-d, scalable mode, first stage',
  program: 'qemu-system-x86_64',
  since: 11,
  shapes: [{ format: 'x86-64', granule: 4096, ias: 48, oas: 39 }],
  start: (emulator) => start(emulator, true, ',fsts=on'),
};
