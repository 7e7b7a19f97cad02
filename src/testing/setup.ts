/**
 * Domains for tests: made from a format's own configuration, and checked for leaks when a test is through.
 * @module
 */

import { Domain } from '../core/domain.ts';
import type { DomainOptions } from '../core/options.ts';
import { IommuError } from '../errors.ts';
import type { Format, FormatConfiguration, Geometry } from '../formats/contract.ts';
import { publicIova } from '../formats/iova.ts';
import { PROT } from '../formats/protection.ts';
import type { Kernel, Rules, Semantics } from '../formats/rules.ts';
import { rulesOf, SEMANTICS } from '../formats/rules.ts';
import { TableMemory } from '../memory/table-memory.ts';
import { expect } from './expect.ts';

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

/** The semantics under which the configuration is granted, and what they decide. */
function grantsOf({ format, configuration: { request } }: Setup): (readonly [Semantics, Rules])[] {
  return SEMANTICS.flatMap((semantics) => {
    try {
      return [[semantics, rulesOf(format.configure({ ...request, semantics }), semantics)] as const];
    } catch (error) {
      if (error instanceof IommuError) return [];
      throw error;
    }
  });
}

/** The semantics under which the configuration is granted. */
export function semanticsFor(setup: Setup): Semantics[] {
  return grantsOf(setup).map(([semantics]) => semantics);
}

/** Kernels that grant the configuration and cut ranges into runs of pages in their core. */
export function kernelsOf(setup: Setup): Kernel[] {
  return grantsOf(setup).flatMap(([semantics, { request }]) =>
    semantics === 'safe' || request === 'range' ? [] : [semantics],
  );
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
