import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FitIndex } from '../../src/dma/fit-index.ts';

const TOP = 1;
const SPACE = 1_000_000;

/** A thing of the plain twin. */
interface Thing {
  readonly id: number;
  key: number;
  fit: number;
}

/** The index, and the same as a sorted array. */
class Twins {
  readonly index: FitIndex = new FitIndex(TOP);
  readonly things: Thing[] = [{ id: TOP, key: Number.POSITIVE_INFINITY, fit: Number.POSITIVE_INFINITY }];
  #next = TOP + 1;

  insert(key: number, fit: number): void {
    const place = this.things.findIndex((thing) => thing.key >= key);
    const above = this.things[place] as Thing;
    if (above.key === key) return;
    this.things.splice(place, 0, { id: this.#next, key, fit });
    this.index.insert(above.id, this.#next, key, fit);
    this.#next++;
  }

  remove(pick: number): void {
    if (this.things.length === 1) return;
    const [gone] = this.things.splice(pick % (this.things.length - 1), 1);
    this.index.remove((gone as Thing).id);
  }

  change(pick: number, fit: number): void {
    const thing = this.things[pick % this.things.length] as Thing;
    thing.fit = fit;
    this.index.setFit(thing.id, fit);
  }

  lower(pick: number): void {
    const place = pick % this.things.length;
    const thing = this.things[place] as Thing;
    const floor = this.things[place - 1]?.key ?? -1;
    if (thing.id === TOP || thing.key - floor < 2) return;
    thing.key = Math.floor((thing.key + floor) / 2);
    if (thing.key > floor) this.index.lowerKey(thing.id, thing.key);
  }

  /** What is below a thing with enough, and what is near a key, in both. */
  compare(pick: number, size: number, key: number): void {
    const place = pick % this.things.length;
    const wanted = this.things.slice(0, place).findLast(({ fit }) => fit >= size);
    expect(this.index.nextBelow((this.things[place] as Thing).id, size)).toBe(wanted?.id ?? 0);
    const floor = this.things.findLastIndex((thing) => thing.key <= key);
    const near = this.index.near(key);
    expect([this.things[floor]?.id, this.things[floor + 1]?.id]).toContain(near);
  }
}

const NUMBER = fc.nat(SPACE);

test('things are found below others, and by key, as in a sorted array, whatever was added, changed and removed', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom('insert', 'insert', 'insert', 'remove', 'change', 'lower'), NUMBER, NUMBER), {
        maxLength: 1200,
        size: 'max',
      }),
      (operations) => {
        const twins = new Twins();
        for (const [kind, a, b] of operations) {
          if (kind === 'insert') twins.insert(a, b % 100);
          else if (kind === 'remove') twins.remove(a);
          else if (kind === 'change') twins.change(a, b % 100);
          else twins.lower(a);
          twins.compare(b, a % 100, a);
        }
      },
    ),
    { numRuns: 40 },
  );
});

test.each([
  ['downwards', (i: number) => SPACE - i],
  ['upwards', (i: number) => i],
  ['in random order', (i: number) => (i * 7919) % 10_007],
])('ten thousand things that come %s and go in another order leave only the highest', (_order, keyOf) => {
  const twins = new Twins();
  for (let i = 1; i <= 10_000; i++) twins.insert(keyOf(i), i % 97);
  for (let i = 0; i < 500; i++) twins.compare(i * 19, i % 97, i * 101);
  for (let i = 0; i < 10_000; i++) twins.remove((i * 31) % 10_000);
  twins.compare(0, 1, 500);
  expect(twins.index.near(0)).toBe(TOP);
});
