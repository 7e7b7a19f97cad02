// Live units as targets: a program of 16-byte steps writes registers and memory and lets devices access. Seeds are recorded
// from the drivers, so that mutants begin behind a set-up that works.

import { LiveAmdVi, LiveRiscv, LiveSmmuV3, LiveVirtio, LiveVtd, SmmuV2 } from '../../dist/device/index.js';
import { amdVi, armSmmu, armSmmuV3, intelVtd, riscvIommu, virtioIommu } from '../../dist/drivers/index.js';
import { Domain, TableMemory } from '../../dist/index.js';

const STEP = 16;
const OP = { write32: 0, write64: 1, memory: 2, access: 3, read32: 4 };
/** Steps of one program, bytes of memory, and pages of it that may be in use. */
const MOST_STEPS = 4096;
const RAM_BYTES = 2 ** 28;
const MOST_PAGES = 1024;
const PAGE = 4096;
const REGISTER_BYTES = 2 ** 18;
const DEVICE = 0x18;
const IOVA = 2 ** 30;
/** Bit 6 of an access's operation: it has a substream, from bit 12 on. */
const SUBSTREAM = 64;
const SUBSTREAM_AT = 12;
/** What an access is, by bits 3 and 4 of its operation. */
const ACCESSES = ['read', 'write', 'execute', 'read'];

/** Sparse memory from 0 on; reads of what was never written give 0. */
class Ram {
  #pages = new Map();

  #view(address, bytes, make) {
    if (address < 0 || address + bytes > RAM_BYTES || address % bytes !== 0) return undefined;
    const at = Math.floor(address / PAGE);
    let page = this.#pages.get(at);
    if (page === undefined && make && this.#pages.size < MOST_PAGES) {
      page = new DataView(new ArrayBuffer(PAGE));
      this.#pages.set(at, page);
    }
    return page ?? (make ? undefined : ZEROS);
  }

  read32(address) {
    return this.#view(address, 4, false)?.getUint32(address % PAGE, true);
  }

  read64(address) {
    return this.#view(address, 8, false)?.getBigUint64(address % PAGE, true);
  }

  write32(address, value) {
    const view = this.#view(address, 4, true);
    view?.setUint32(address % PAGE, value, true);
    return view !== undefined;
  }

  write64(address, value) {
    const view = this.#view(address, 8, true);
    view?.setBigUint64(address % PAGE, value, true);
    return view !== undefined;
  }
}

const ZEROS = new DataView(new ArrayBuffer(PAGE));

/** Units by name, and the driver that records a seed for each. */
const UNITS = {
  'arm-smmu': {
    make: (ram) => new SmmuV2(ram),
    drive: (port) => armSmmu({ port, streams: [DEVICE] }),
    format: 'arm-64-lpae-s1',
  },
  'arm-smmu-v3': {
    make: (ram) => new LiveSmmuV3(ram),
    drive: (port) => armSmmuV3({ port, streams: [DEVICE] }),
    format: 'arm-64-lpae-s1',
  },
  'intel-vtd': {
    make: (ram) => new LiveVtd(ram),
    drive: (port) => intelVtd({ port, sources: [DEVICE] }),
    format: 'vtd-ss',
  },
  'amd-vi': {
    make: (ram) => new LiveAmdVi(ram),
    drive: (port) => amdVi({ port, devices: [DEVICE] }),
    format: 'amd-v1',
  },
  'riscv-iommu': {
    make: (ram) => new LiveRiscv(ram),
    drive: (port) => riscvIommu({ port, devices: [DEVICE] }),
    format: 'riscv-sv39',
  },
  'virtio-iommu': {
    make: (ram) => new LiveVirtio(ram),
    drive: (port) => virtioIommu({ port, endpoints: [DEVICE] }),
    format: 'arm-64-lpae-s1',
  },
};

function accessOf(op) {
  return { kind: ACCESSES[(op >> 3) & 3], privileged: (op & 32) !== 0 };
}

function substreamOf(op) {
  return (op & SUBSTREAM) === 0 ? undefined : op >>> SUBSTREAM_AT;
}

/** Runs a program on a unit. */
function runProgram(make, bytes) {
  const ram = new Ram();
  const unit = make(ram);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length - (bytes.length % STEP));
  for (let at = 0, steps = 0; at < view.byteLength && steps < MOST_STEPS; at += STEP, steps++) {
    const [op, offset, value] = [
      view.getUint32(at, true),
      view.getUint32(at + 4, true),
      view.getBigUint64(at + 8, true),
    ];
    const register = (offset % REGISTER_BYTES) & ~3;
    if ((op & 7) === OP.write32) unit.write32(register, Number(value & 0xffff_ffffn));
    else if ((op & 7) === OP.write64) unit.write64(register & ~7, value);
    else if ((op & 7) === OP.memory) ram.write64(offset & ~7, value);
    else if ((op & 7) === OP.access) unit.translate(offset & 0xfffff, value, accessOf(op), substreamOf(op));
    else unit.read32(register);
  }
}

/** Readers of the fuzzer, one a unit. */
export const DEVICE_READERS = Object.fromEntries(
  Object.entries(UNITS).map(([name, { make }]) => [`unit ${name}`, (bytes) => runProgram(make, bytes)]),
);

function encode(steps) {
  const view = new DataView(new ArrayBuffer(steps.length * STEP));
  for (const [i, [op, offset, value]] of steps.entries()) {
    view.setUint32(i * STEP, op, true);
    view.setUint32(i * STEP + 4, offset, true);
    view.setBigUint64(i * STEP + 8, BigInt(value), true);
  }
  return new Uint8Array(view.buffer);
}

/** A unit that notes what is written to it. */
function recorder(unit, steps) {
  return {
    read32: (offset) => unit.read32(offset),
    read64: (offset) => unit.read64(offset),
    write32: (offset, value) => {
      steps.push([OP.write32, offset, value >>> 0]);
      unit.write32(offset, value);
    },
    write64: (offset, value) => {
      steps.push([OP.write64, offset, value]);
      unit.write64(offset, value);
    },
  };
}

/** Words that are set in the memory of a domain. */
function memorySteps(memory) {
  const view = new DataView(memory.wasm.buffer, 0, Math.floor(memory.wasm.buffer.byteLength / 8) * 8);
  const steps = [];
  for (let at = SCRATCH; at < view.byteLength; at += 8) {
    const value = view.getBigUint64(at, true);
    if (value !== 0n) steps.push([OP.memory, memory.base + at, value]);
  }
  return steps;
}

/** Bytes that the engine keeps for itself at the beginning of its memory. */
const SCRATCH = 0x50000;

function seedOf({ make, drive, format }) {
  const steps = [];
  const memory = new TableMemory({ base: 0x100000 });
  const domain = new Domain({ format, memory, driver: (context) => drive(recorder(make(memory), steps))(context) });
  domain.map(IOVA, 0x4000000, 3 * PAGE, 3);
  domain.map(IOVA + 2 ** 21, 0x4200000, 2 ** 21, 1);
  domain.unmap(IOVA, PAGE);
  const accesses = [IOVA, IOVA + PAGE, IOVA + 2 ** 21].flatMap((iova) => [
    [OP.access, DEVICE, iova],
    [OP.access | 8, DEVICE, iova],
    [OP.access | SUBSTREAM | (1 << SUBSTREAM_AT), DEVICE, iova],
  ]);
  return encode([...memorySteps(memory), ...steps, ...accesses]);
}

/** Seeds of the readers above. */
export function deviceCorpus() {
  return Object.fromEntries(Object.entries(UNITS).map(([name, unit]) => [`unit ${name}`, [{ bytes: seedOf(unit) }]]));
}
