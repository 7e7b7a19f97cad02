/**
 * Everything that drivers write, word by word: registers, commands, contexts, tables. A live unit answers them. writes.txt has it
 * as the drivers do it, and shows every change, to be read against IHI 0062 and IHI 0070 chapters 4 to 6, VT-d 6.5, 9 and 11.4, AMD 48882 2.2, 2.4 and 3.4, RISC-V IOMMU 3, 4 and 6,
 * VIRTIO 5.13, and the formats of tables in test/hardware/entry-bits.txt.
 */
import { crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import type { RegisterPort } from '../../src/bus.ts';
import { Domain, type DomainOptions } from '../../src/core/index.ts';
import { LiveAmdVi, LiveRiscv, LiveSmmuV3, LiveVirtio, LiveVtd, SmmuV2 } from '../../src/device/index.ts';
import {
  amdVi,
  armSmmu,
  armSmmuV3,
  type DomainContext,
  type DriverFactory,
  intelVtd,
  riscvIommu,
  virtioIommu,
} from '../../src/drivers/index.ts';
import type { TableMemory } from '../../src/memory/index.ts';
import { type Section, sectionsOf } from '../support/sections.ts';

const hex = (value: number | bigint): string => `0x${BigInt(value).toString(16)}`;

/** Notes the writes to a device's registers. */
class NotingPort implements RegisterPort {
  readonly lines: string[] = [];
  readonly #device: RegisterPort;

  constructor(device: RegisterPort) {
    this.#device = device;
  }

  read32(offset: number): number {
    return this.#device.read32(offset);
  }

  read64(offset: number): bigint {
    return this.#device.read64(offset);
  }

  write32(offset: number, value: number): void {
    this.lines.push(`register ${hex(offset)} = ${hex(value >>> 0)}`);
    this.#device.write32(offset, value);
  }

  write64(offset: number, value: bigint): void {
    this.lines.push(`register ${hex(offset)} = ${hex(value)} (64)`);
    this.#device.write64(offset, value);
  }
}

/** Words of memory that changed since the last look, by address. */
class ChangedWords {
  readonly #memory: TableMemory;
  #before = new Uint32Array(0);

  constructor(memory: TableMemory) {
    this.#memory = memory;
  }

  take(): string[] {
    const now = new Uint32Array(this.#memory.wasm.buffer).slice();
    const before = this.#before;
    this.#before = now;
    const lines: string[] = [];
    for (let i = FIRST_TABLE; i < now.length; i += 2) {
      const [low, high] = [now[i] ?? 0, now[i + 1] ?? 0];
      if (low === (before[i] ?? 0) && high === (before[i + 1] ?? 0)) continue;
      lines.push(`${hex(this.#memory.base + 4 * i)}: ${hex((BigInt(high) << 32n) | BigInt(low))}`);
    }
    return joined(lines);
  }
}

/** Words before this one are left to kernels and lists. */
const FIRST_TABLE = 0x5_0000 / 4;

/** The first and last of many lines, and a checksum of those between. */
function joined(lines: readonly string[]): string[] {
  if (lines.length <= 24) return [...lines];
  const hidden = lines.slice(16, -8);
  return [...lines.slice(0, 16), `… ${hidden.length} more, CRC ${hex(crc32(hidden.join()))}`, ...lines.slice(-8)];
}

const [K4, M2] = [4096, 2 ** 21];
const [READ, WRITE] = [1, 2];
const IOVA = 0x4000_0000;
const PA = 0x2340_0000;

/** Calls whose writes are noted. */
const STEPS: readonly (readonly [string, (domain: Domain) => void])[] = [
  ['map 3 pages', (domain) => domain.map(IOVA, PA, 3 * K4, READ | WRITE)],
  ['map a block, read only', (domain) => domain.map(IOVA + M2, PA + M2, M2, READ)],
  ['unmap a page', (domain) => domain.unmap(IOVA + K4, K4)],
  ['unmap the block', (domain) => domain.unmap(IOVA + M2, M2)],
  ['unmap the last page', (domain) => domain.unmap(IOVA + 2 * K4, K4)],
  ['map elsewhere', (domain) => domain.map(IOVA + 512 * M2, PA, K4, READ | WRITE)],
];

type Made = readonly [RegisterPort, (port: RegisterPort) => DriverFactory];
type Make = (context: DomainContext) => Made;

function sectionOf(name: string, options: DomainOptions, make: Make): Section {
  const seen: { port?: NotingPort } = {};
  const domain = new Domain({
    ...options,
    driver: (context) => {
      const [device, driver] = make(context);
      seen.port = new NotingPort(device);
      return driver(seen.port)(context);
    },
  });
  const words = new ChangedWords(domain.memory);
  const look = (step: string): string[] => [
    step,
    ...(seen.port?.lines.splice(0) ?? []).map((line) => `  ${line}`),
    ...words.take().map((line) => `  ${line}`),
  ];
  const lines = look('attach');
  for (const [step, call] of STEPS) {
    call(domain);
    lines.push(...look(step));
  }
  domain.free();
  return { name, lines: [...lines, ...look('free')] };
}

const smmuV2 =
  (more: object): Make =>
  ({ memory }) => [new SmmuV2(memory), (port) => armSmmu({ port, streams: [3, 0x18], ...more })];
const smmuV3 =
  (more: object): Make =>
  ({ memory }) => [new LiveSmmuV3(memory), (port) => armSmmuV3({ port, streams: [3, 0x118], ...more })];
const vtd =
  (more: object): Make =>
  ({ memory }) => [new LiveVtd(memory), (port) => intelVtd({ port, sources: [0x18, 0x1a8], ...more })];
const amd =
  (more: object): Make =>
  ({ memory }) => [new LiveAmdVi(memory), (port) => amdVi({ port, devices: [0x18, 0x20], ...more })];
const riscv =
  (more: object, capabilities = 0x01f8_e2cf_4f10n): Make =>
  ({ memory }) => [
    new LiveRiscv(memory, { capabilities }),
    (port) => riscvIommu({ port, devices: [0x18, 0x12345], ...more }),
  ];
const virtio =
  (more: object): Make =>
  ({ memory }) => [new LiveVirtio(memory), (port) => virtioIommu({ port, endpoints: [0x18, 7], ...more })];

const MSI_FLAT = 1n << 22n;

const CASES: readonly (readonly [string, DomainOptions, Make])[] = [
  ['arm-smmu, stage 1', { format: 'arm-64-lpae-s1' }, smmuV2({ contextBank: 2 })],
  ['arm-smmu, stage 1, not coherent', { format: 'arm-64-lpae-s1', coherent: false }, smmuV2({})],
  ['arm-smmu, stage 2', { format: 'arm-64-lpae-s2' }, smmuV2({})],
  ['arm-smmu, AArch32 short', { format: 'arm-v7s' }, smmuV2({})],
  ['arm-smmu, AArch32 long', { format: 'arm-32-lpae-s1' }, smmuV2({})],
  ['arm-smmu-v3, 6.1', { format: 'arm-64-lpae-s1', semantics: 'linux-6.1' }, smmuV3({ kernel: '6.1' })],
  ['arm-smmu-v3, 6.12, MSI', { format: 'arm-64-lpae-s1' }, smmuV3({ kernel: '6.12', msi: true, tag: 5 })],
  ['arm-smmu-v3, 7.3, no ranges', { format: 'arm-64-lpae-s1' }, smmuV3({ kernel: '7.3', rangeInvalidation: false })],
  ['arm-smmu-v3, 7.3, stage 2', { format: 'arm-64-lpae-s2' }, smmuV3({ kernel: '7.3', tag: 9, queueBits: 7 })],
  ['intel-vtd, 6.1', { format: 'vtd-ss' }, vtd({ kernel: '6.1' })],
  ['intel-vtd, 6.12, scalable', { format: 'vtd-ss' }, vtd({ kernel: '6.12', scalable: true })],
  ['intel-vtd, 7.3, first stage', { format: 'x86-64', semantics: 'linux-7.3' }, vtd({ kernel: '7.3' })],
  ['amd-vi, 6.1', { format: 'amd-v1' }, amd({ kernel: '6.1' })],
  ['amd-vi, 7.3', { format: 'amd-v1', semantics: 'linux-7.3' }, amd({ kernel: '7.3' })],
  ['amd-vi, guest tables', { format: 'x86-64' }, amd({ kernel: '6.12' })],
  ['riscv-iommu, 6.13', { format: 'riscv-sv39' }, riscv({ kernel: '6.13', queueBits: 6 })],
  [
    'riscv-iommu, 7.3, extended contexts',
    { format: 'riscv-sv48' },
    riscv({ kernel: '7.3' }, 0x01f8_e2cf_4f10n | MSI_FLAT),
  ],
  ['virtio-iommu', { format: 'x86-64' }, virtio({})],
];

const WRITTEN = process.env['WRITE_SECTIONS'] === '1' ? CASES.map((row) => sectionOf(...row)) : [];
const SECTIONS = sectionsOf(new URL('writes.txt', import.meta.url), WRITTEN);

test('every driver has a section, and every section a driver', () => {
  expect(CASES.map(([name]) => name)).toEqual(SECTIONS.map(({ name }) => name));
});

test.each(CASES)('%s', (name, options, make) => {
  expect(sectionOf(name, options, make)).toEqual(SECTIONS.find((section) => section.name === name));
});
