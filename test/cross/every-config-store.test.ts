/**
 * A device looks after every store to stream table entries and context descriptors, context and PASID entries, device table entries
 * and device contexts, after every register write, every command and every page that is freed, while domains are attached to it,
 * moved and freed: it sees what it saw or what it is to see, and nothing between but an abort; other devices see no change.
 */
import { describe, expect, it } from 'vitest';
import type { RegisterPort } from '../../src/bus.ts';
import { Domain } from '../../src/core/index.ts';
import type { UnitOptions } from '../../src/device/index.ts';
import { type Answers, DEVICE } from '../support/device-view.ts';
import { type DriverOf, UNIT_KINDS, type UnitKind } from '../support/shared-units.ts';
import { type WatchedMemory, watchedMemory } from '../support/watched-memory.ts';

const K4 = 4096;
const NEIGHBOUR = 0x11;
const NONE = { entries: 0 } as const;
/** Nothing kept, translations kept but no configuration, everything kept. */
const CACHES: readonly UnitOptions[] = [{ tlb: NONE, walkCache: NONE, configStreams: 0 }, { configStreams: 0 }, {}];
/** Pages that a device asks for. */
const PAGES = [0, 1, 2, 511, 512];

type View = readonly string[];
const nothing: View = PAGES.map(() => 'none');

/** Units over one memory, and what each device may see of them. */
class Bench {
  readonly watched: WatchedMemory;
  readonly units: readonly (RegisterPort & Answers)[];
  readonly wrong: string[] = [];
  looks = 0;
  #allowed: readonly View[] | undefined;
  #neighbour: View | undefined;

  constructor(kind: UnitKind) {
    this.watched = watchedMemory({ most: Number.POSITIVE_INFINITY, entryWords: kind.format === 'arm-v7s' ? 1 : 2 });
    const look = (what: string): void => this.look(what);
    const observer = { consumed: () => look('a command'), completed: () => look('a completion') };
    this.units = CACHES.map((options) => kind.live(this.watched.memory, { ...options, observer }));
  }

  /** One port: all units hear each write, the last one answers. */
  get port(): RegisterPort {
    const last = this.units.at(-1) as RegisterPort;
    return {
      read32: (offset) => last.read32(offset),
      read64: (offset) => last.read64(offset),
      write32: (offset, value) => {
        for (const unit of this.units) unit.write32(offset, value);
        this.look(`register 0x${offset.toString(16)}`);
      },
      write64: (offset, value) => {
        for (const unit of this.units) unit.write64(offset, value);
        this.look(`register 0x${offset.toString(16)}`);
      },
    };
  }

  /** Does work during which the device may see one of `views`, page by page; afterwards the last of them. */
  during<T>(views: readonly View[], work: () => T): T {
    this.#allowed = views;
    this.watched.look = (what) => this.look(what);
    const result = work();
    this.watched.look = undefined;
    this.#allowed = views.slice(-1);
    this.look('the end');
    this.#allowed = undefined;
    return result;
  }

  /** What the neighbour sees from now on. */
  keeps(view: View | undefined): void {
    this.#neighbour = view;
  }

  look(what: string): void {
    const allowed = this.#allowed;
    if (allowed === undefined) return;
    this.looks++;
    for (const [u, unit] of this.units.entries()) {
      for (const [i, page] of PAGES.entries()) {
        const seen = seenBy(unit, DEVICE, page);
        if (!allowed.some((view) => view[i] === seen)) this.wrong.push(`${what}, unit ${u}: page ${page} is ${seen}`);
        if (this.#neighbour === undefined) continue;
        const other = seenBy(unit, NEIGHBOUR, page);
        if (other !== this.#neighbour[i])
          this.wrong.push(`${what}, unit ${u}: page ${page} of the neighbour is ${other}`);
      }
    }
  }
}

function seenBy(unit: Answers, device: number, page: number): string {
  const { result } = unit.translate(device, BigInt(page * K4));
  if (result.ok) return `0x${result.pa.toString(16)}`;
  return result.reason === 'table-outside-memory' ? 'a free table' : 'none';
}

/** Maps pages, each of them or the even ones, and says what the device sees then. */
function fill(domain: Domain, out: number, every: 1 | 2): View {
  const pages = PAGES.filter((page) => page % every === 0);
  for (const page of pages) domain.map(page * K4, out + page * K4, K4, 3);
  return PAGES.map((page) => (pages.includes(page) ? `0x${(out + page * K4).toString(16)}` : 'none'));
}

const [A, B, C] = [0x1000_0000, 0x2000_0000, 0x3000_0000];

function domainOf({ format }: UnitKind, memory: WatchedMemory['memory'], driver: DriverOf, device: number): Domain {
  return new Domain({ format, memory, path: 'map-pages', driver: driver([device]) });
}

/** A domain is attached, its device moves to another one and back to a third, each is freed. */
function lives(kind: UnitKind, bench: Bench): void {
  const { memory } = bench.watched;
  const shared = kind.shared?.(memory, bench.port);
  if (shared === undefined) throw new Error('not shared');
  const attach = (device: number): Domain => domainOf(kind, memory, shared.driver, device);
  const neighbour = attach(NEIGHBOUR);
  bench.keeps(fill(neighbour, C, 1));
  const first = bench.during([nothing], () => attach(DEVICE));
  const a = fillWatched(bench, first, A, 1);
  const second = bench.during([a, nothing], () => attach(DEVICE));
  const b = fillWatched(bench, second, B, 2);
  // The first domain has no device: what becomes of it concerns nobody
  bench.during([b], () => {
    first.unmap(0, K4);
    first.map(0, B + K4, K4, 3);
    first.flushAll();
  });
  bench.during([b], () => first.free());
  const third = bench.during([b, nothing], () => attach(DEVICE));
  bench.during([nothing], () => second.free());
  const again = fillWatched(bench, third, A, 1);
  bench.during([again, nothing], () => third.free());
  bench.during([nothing], () => attach(DEVICE).free());
  bench.keeps(undefined);
  neighbour.free();
  shared.free();
}

function fillWatched(bench: Bench, domain: Domain, out: number, every: 1 | 2): View {
  const wanted = PAGES.map((page) => (page % every === 0 ? `0x${(out + page * K4).toString(16)}` : 'none'));
  return bench.during([nothing, wanted], () => fill(domain, out, every));
}

const PASSED: View = PAGES.map((page) => `0x${(page * K4).toString(16)}`);

/** Domain after domain on a unit that is its driver's own: it is off at first, and lets every access pass. */
function lifeOfItsOwn(kind: UnitKind, bench: Bench): void {
  const { memory } = bench.watched;
  const driver = kind.own(bench.port);
  for (const [out, before] of [
    [A, PASSED],
    [B, nothing],
  ] as const) {
    const domain = bench.during([before, nothing], () => domainOf(kind, memory, driver, DEVICE));
    const view = fillWatched(bench, domain, out, 1);
    bench.during([view, nothing], () => domain.free());
  }
}

const SHARED = UNIT_KINDS.filter(({ shared }) => shared !== undefined);
const OWN = UNIT_KINDS.filter(({ shared }) => shared === undefined);

describe.each(SHARED)('$name', (kind) => {
  it('attached, moved and freed: old, new or an abort at every store', () => {
    const bench = new Bench(kind);
    lives(kind, bench);
    expect(bench.wrong.slice(0, 5)).toEqual([]);
    expect(bench.looks).toBeGreaterThan(60);
    expect(bench.watched.memory.liveTables).toBe(0);
  }, 120_000);
});

describe.each(OWN)('$name', (kind) => {
  it('attached and freed: off, on or an abort at every register', () => {
    const bench = new Bench(kind);
    lifeOfItsOwn(kind, bench);
    expect(bench.wrong.slice(0, 5)).toEqual([]);
    expect(bench.looks).toBeGreaterThan(60);
    expect(bench.watched.memory.liveTables).toBe(0);
  }, 120_000);
});
