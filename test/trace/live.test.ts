import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCall } from '../../src/trace/calls.ts';
import { LiveTable } from '../../src/trace/live.ts';

const PAGE = 4096;
const DOMAINS = [0, 1, 2];

interface Range {
  readonly domain: number;
  readonly start: number;
  readonly end: number;
}

/** A table and an array of ranges that is searched from end to end. */
class Pair {
  readonly table: LiveTable = new LiveTable();
  ranges: Range[] = [];
  readonly #call = createCall();

  /** Adds a range where none is, else does to what is there what a number says: cut its second page out, remove it, or nothing. */
  step(what: number, slot: number, domain: number): void {
    const start = slot * 3 * PAGE;
    const end = start + 3 * PAGE;
    const id = this.table.overlap(domain, start, end);
    const over = this.ranges
      .filter((one) => one.domain === domain && one.start < end && start < one.end)
      .toSorted((a, b) => a.start - b.start)[0];
    expect(id < 0 ? undefined : { start: this.table.start(id), end: this.table.end(id) }).toEqual(
      over === undefined ? undefined : { start: over.start, end: over.end },
    );
    if (over === undefined) {
      this.table.addList(Object.assign(this.#call, { domain, iova: start, size: end - start }), slot);
      this.ranges.push({ domain, start, end });
    } else if (what === 0) this.#cut(id, over);
    else if (what === 1) {
      this.table.remove(id);
      this.ranges = this.ranges.filter((one) => one !== over);
    }
  }

  #cut(id: number, over: Range): void {
    const at = over.start + PAGE;
    this.table.cut(id, at, at + PAGE);
    this.ranges = this.ranges.filter((one) => one !== over);
    this.ranges.push({ ...over, end: Math.min(over.end, at) });
    if (at + PAGE < over.end) this.ranges.push({ ...over, start: at + PAGE });
  }

  check(): void {
    for (const domain of DOMAINS) {
      const own = this.ranges.filter((one) => one.domain === domain).toSorted((a, b) => a.start - b.start);
      const ids = [...this.table.records(domain)];
      expect(ids.map((id) => this.table.start(id))).toEqual(own.map(({ start }) => start));
      expect(ids.map((id) => this.table.end(id))).toEqual(own.map(({ end }) => end));
      for (const id of ids) expect(this.table.hasJust(this.table.start(id), this.table.size(id))).toBe(true);
    }
    expect(this.table.bytes).toBe(this.ranges.reduce((bytes, { start, end }) => bytes + end - start, 0));
  }
}

describe('the table of live lists', () => {
  it('finds what an array of ranges finds, with thousands of them', () => {
    const step = fc.tuple(fc.nat({ max: 9 }), fc.nat({ max: 3000 }), fc.constantFrom(0, 0, 0, 1, 2));
    fc.assert(
      fc.property(fc.array(step, { minLength: 2500, maxLength: 4000 }), (steps) => {
        const pair = new Pair();
        for (const [what, slot, domain] of steps) pair.step(what, slot, domain);
        pair.check();
      }),
      { numRuns: 4 },
    );
  });
});
