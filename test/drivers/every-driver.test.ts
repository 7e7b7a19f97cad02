/** Every driver of the registry through the same tests: what calls do is what they do without a device, and nothing leaks. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DISPATCHES, Domain, type DomainOptions, PATHS, type Path } from '../../src/core/index.ts';
import { bareDriver, DRIVERS, type DriverKind, driverById, driversOf } from '../../src/drivers/index.ts';
import { FORMATS, formatById } from '../../src/formats/index.ts';
import { TableMemory } from '../../src/memory/index.ts';
import { perform } from '../suite/histories.ts';
import { type Call, CallMaker, type Draw, draws } from '../support/histories.ts';
import { IntervalMap } from '../support/interval-map.ts';
import { refusal } from '../support/setup.ts';

const RW = 3;

interface Case {
  readonly name: string;
  readonly kind: DriverKind;
  readonly format: string;
  readonly options: object;
}

/** Each driver with each of its formats, and with each of its kernels on the first that the kernel drives. */
const CASES: readonly Case[] = DRIVERS.flatMap((kind) => {
  const formats = kind.formats ?? ['x86-64'];
  const plain = formats.map((format) => ({ name: `${kind.id}, ${format}`, kind, format, options: {} }));
  const [first = 'x86-64'] = formats;
  const kernels = kind.kernels.map((kernel) => ({
    name: `${kind.id}, Linux ${kernel}`,
    kind,
    format: first,
    options: { kernel },
  }));
  return [...plain, ...kernels];
});

function pathsOf(kind: DriverKind, format: string): readonly Path[] {
  const { hooks } = new Domain({ format, driver: kind.make() }).driver;
  return PATHS.filter((path) =>
    path === 'map-sg' ? hooks.mapSg : path !== 'one-walk' || (hooks.mapSg && hooks.unmapRange),
  );
}

/** What each call of a history came to: bytes, or the code of its refusal. */
function outcomes(domain: Domain, calls: readonly Call[]): (number | string)[] {
  return calls.map((call) => {
    try {
      return perform(domain, call).bytes;
    } catch (error) {
      return (error as { code: string }).code;
    }
  });
}

function callsOf(options: DomainOptions, history: readonly Draw[]): Call[] {
  const maker = new CallMaker(new Domain(options).geometry);
  const oracle = new IntervalMap();
  return history.flatMap((draw) => maker.make(draw, oracle) ?? []);
}

describe.each(CASES)('$name', ({ kind, format, options }) => {
  it('calls come to what they come to without a device, on every path, and nothing is left', () => {
    const paths = pathsOf(kind, format);
    fc.assert(
      fc.property(draws, (history) => {
        const calls = callsOf({ format }, history);
        for (const path of paths) {
          for (const dispatch of DISPATCHES) {
            const bare = new Domain({ format, path, driver: bareDriver() });
            const expected = outcomes(bare, calls);
            const domain = new Domain({ format, path, dispatch, driver: kind.make(options) });
            expect(outcomes(domain, calls)).toEqual(expected);
            expect(domain.leaves()).toEqual(bare.leaves());
            domain.free();
            expect([domain.memory.liveTables, domain.memory.liveBytes]).toEqual([0, 0]);
          }
        }
      }),
      { numRuns: 5 },
    );
  });

  it('no memory at the nth allocation: nothing is kept where there is no domain, and a map is taken back', () => {
    const needed = allocations(kind, format, options);
    expect(needed).toBeGreaterThan(0);
    for (let granted = 0; granted < needed; granted++) {
      const memory = new TableMemory();
      memory.failAfter(granted);
      expect(refusal(() => new Domain({ format, memory, driver: kind.make(options) })).code).toBe('NO_MEMORY');
      expect([memory.liveTables, memory.liveBytes]).toEqual([0, 0]);
    }
    const domain = new Domain({ format, driver: kind.make(options) });
    domain.memory.failAfter(0);
    const page = 2 ** domain.geometry.pageShift;
    const error = refusal(() => domain.map(0x40000000, page, page, RW));
    domain.memory.failAfter(-1);
    expect([error.code, domain.leaves()]).toEqual(['NO_MEMORY', []]);
    expect(domain.map(0x40000000, page, page, RW).bytes).toBe(page);
    domain.free();
    expect(domain.memory.liveTables).toBe(0);
  });
});

/** Allocations that making a domain takes. */
function allocations(kind: DriverKind, format: string, options: object): number {
  for (let granted = 0; ; granted++) {
    const memory = new TableMemory();
    memory.failAfter(granted);
    try {
      new Domain({ format, memory, driver: kind.make(options) });
      return granted;
    } catch {
      // one more is needed
    }
  }
}

describe.each(DRIVERS.map((kind) => [kind.id, kind] as const))('the registry, %s', (id, kind) => {
  it('finds it by its id and its formats, and knows its names', () => {
    expect(driverById(id)).toBe(kind);
    for (const format of kind.formats ?? FORMATS.map((each) => each.id)) {
      expect(driversOf(format)).toContain(kind);
      expect(formatById(format).id).toBe(format);
    }
    const domain = new Domain({ format: kind.formats?.[0] ?? 'x86-64', driver: kind.make() });
    expect(domain.driver.name).toBe(id);
    expect(domain.meter.commands?.names ?? []).toEqual(kind.commands);
    if (kind.completion !== undefined) expect(kind.commands).toContain(kind.completion);
  });

  it('refuses by name what it does not know', () => {
    expect(refusal(() => kind.make({ colour: 'red' })).code).toBe('BAD_OPTION');
    const others = FORMATS.filter((format) => kind.formats !== undefined && !kind.formats.includes(format.id));
    for (const format of others) {
      const memory = new TableMemory();
      const error = refusal(() => new Domain({ format, memory, driver: kind.make() }));
      expect([error.code, error.message]).toEqual(['UNSUPPORTED', expect.stringContaining(`'${format.id}'`)]);
      expect(memory.liveTables).toBe(0);
    }
    if (kind.kernels.length === 0) return;
    const format = kind.formats?.[0] ?? 'x86-64';
    const error = refusal(() => new Domain({ format, driver: kind.make({ kernel: '2.4' }) }));
    expect([error.code, error.message]).toEqual(['BAD_OPTION', expect.stringContaining(kind.kernels.join(', '))]);
  });
});

it('an id that no driver has is refused with those there are', () => {
  expect(refusal(() => driverById('gart')).message).toContain(DRIVERS.map(({ id }) => id).join(', '));
});

it('a table that waits for its invalidation is queued, and still there for a device', () => {
  for (const id of ['intel-vtd', 'amd-vi', 'riscv-iommu']) {
    const kind = driverById(id);
    const domain = new Domain({ format: kind.formats?.[0] ?? '', driver: kind.make() });
    domain.map(2 ** 32, 2 ** 33 + 4096, 2 ** 21, RW);
    const { memory } = domain;
    const live = memory.liveTables;
    domain.unmap(2 ** 32, 2 ** 21, { invalidation: 'later' });
    expect(memory.liveTables).toBe(live);
    const states = Array.from({ length: memory.byteLength / 4096 }, (_, i) => memory.stateAt(memory.base + 4096 * i));
    expect(states.filter((state) => state === 'queued').length).toBe(1);
    domain.flushAll();
    expect(memory.liveTables).toBe(live - 1);
  }
});
