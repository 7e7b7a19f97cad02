/**
 * Domains for tests: made from a format's own configuration, and checked for leaks when a test is through.
 * @module
 */
import { expect } from 'vitest';
import { Domain, type DomainOptions } from '../../src/core/index.ts';
import { IommuError } from '../../src/errors.ts';
import type { Format, FormatConfiguration, Geometry, Kernel } from '../../src/formats/index.ts';
import { PROT, publicIova } from '../../src/formats/index.ts';
import { TableMemory } from '../../src/memory/index.ts';

export const RW: number = PROT.READ | PROT.WRITE;

/** What a test of the suite runs on. */
export interface Setup {
  readonly format: Format;
  readonly configuration: FormatConfiguration;
}

/** A domain of this setup. */
export function makeDomain(setup: Setup, options: DomainOptions = {}): Domain {
  const memory = options.memory ?? new TableMemory({ base: tableBase(setup) });
  return new Domain({ format: setup.format, request: setup.configuration.request, memory, ...options });
}

function tableBase(setup: Setup): number {
  const { tableLimit } = setup.format.configure(setup.configuration.request);
  return tableLimit > 0x100000000 ? 0x2_8000_0000 : 0x8000_0000;
}

/** Frees a domain and checks that no table is left in its memory. */
export function expectNoLeak(domain: Domain): void {
  const { memory } = domain;
  domain.free();
  expect(memory.liveTables).toBe(0);
}

/** Runs `body` on a fresh domain and checks for leaks afterwards. */
export function withDomain(setup: Setup, options: DomainOptions, body: (domain: Domain) => void): void {
  const domain = makeDomain(setup, options);
  body(domain);
  expectNoLeak(domain);
}

/** The public form of an offset into the input range. */
export function iovaOf(domain: Domain, offset: number): bigint {
  return publicIova(domain.geometry, offset);
}

const KERNELS: readonly Kernel[] = ['linux-6.1', 'linux-7.3'];

/** Kernels that write tables of this configuration and cut ranges into runs of pages in their core. */
export function kernelsOf(setup: Setup): readonly Kernel[] {
  return KERNELS.filter((semantics) => writes(setup, semantics));
}

function writes({ format, configuration: { request } }: Setup, semantics: Kernel): boolean {
  try {
    const { quirks, rules } = format.configure({ ...request, semantics });
    const found = rules[semantics];
    return found !== undefined && found.request !== 'range' && (quirks & found.refusedQuirks) === 0;
  } catch (error) {
    if (error instanceof IommuError && error.code === 'BAD_GEOMETRY') return false;
    throw error;
  }
}

/** Page sizes granted that a level of the tree has, smallest first. */
export function pageSizesOf(geometry: Geometry): number[] {
  const sizes: number[] = [];
  for (let size = 1; size <= geometry.pageSizes; size *= 2) {
    const granted = Math.floor(geometry.pageSizes / size) % 2 === 1;
    if (granted && geometry.levels.some((_, depth) => geometry.slots(depth, size) > 0)) sizes.push(size);
  }
  return sizes;
}

/** The error that `action` is refused with. */
export function refusal(action: () => unknown): IommuError {
  try {
    action();
  } catch (error) {
    if (error instanceof IommuError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}
