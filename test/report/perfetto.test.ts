import fc from 'fast-check';
import { expect, test } from 'vitest';
import { IommuError } from '../../src/errors.ts';
import { PerfettoWriter, plainText } from '../../src/report/index.ts';
import { ProtoWriter } from '../../src/report/proto.ts';
import { fieldsOf, readPerfetto } from './perfetto-reader.ts';

test('numbers of 64 bits survive, negative ones as two’s complement', () => {
  const whole = fc.oneof(fc.bigInt({ min: -(1n << 63n), max: (1n << 64n) - 1n }), fc.maxSafeInteger());
  fc.assert(
    fc.property(fc.integer({ min: 1, max: (1 << 29) - 1 }), whole, (field, value) => {
      const [read] = fieldsOf(new ProtoWriter().integer(field, value).take());
      expect(read).toEqual({ number: field, value: BigInt.asUintN(64, BigInt(value)) });
    }),
  );
});

test('numbers below 2^53 and bigints give equal bytes', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (value) => {
      expect(new ProtoWriter().integer(1, value).take()).toEqual(new ProtoWriter().integer(1, BigInt(value)).take());
    }),
  );
});

test('known bytes: field 1 = 150, field 2 = "testing" (protobuf’s own examples)', () => {
  const bytes = new ProtoWriter().integer(1, 150).text(2, 'testing').take();
  expect(Buffer.from(bytes).toString('hex')).toBe(`089601${'120774657374696e67'}`);
});

test('messages of any size nest and read back', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 400 }), { maxLength: 20 }), (texts) => {
      const inner = new ProtoWriter();
      for (const text of texts) inner.text(3, text);
      const [outer] = fieldsOf(new ProtoWriter().message(7, inner).take());
      const read = fieldsOf(outer?.value as Uint8Array).map(({ value }) => Buffer.from(value as Uint8Array).toString());
      expect(read).toEqual(texts.map((text) => Buffer.from(text).toString()));
      expect(inner.length).toBe(0);
    }),
  );
});

test('one process a device, a track a layer, counters with their unit', () => {
  const writer = new PerfettoWriter();
  const device = writer.process('0000:00:04.0', 1);
  const core = writer.track(device, 'core');
  const live = writer.counter(device, 'live bytes', 'bytes');
  writer.begin(core, 1000n, 'map', { iova: 0xffff_f000n, pages: 16, share: 0.5 });
  writer.slice(core, 1100, 1200, 'iommu_map');
  writer.end(core, 1500n);
  writer.instant(core, 1600, 'mark');
  writer.count(live, 1500, 65536);
  writer.count(live, 1600, -1);
  writer.count(live, 1700, 0.25);
  const [process, track, counter] = readPerfetto(writer.finish());
  expect(process).toMatchObject({ name: '0000:00:04.0', process: true, parent: null });
  expect(track).toMatchObject({
    name: 'core',
    parent: '0000:00:04.0',
    slices: [
      { name: 'map', from: 1000n, to: 1500n, depth: 0, details: { iova: '0xfffff000', pages: '16', share: '0.5' } },
      { name: 'iommu_map', from: 1100n, to: 1200n, depth: 1 },
    ],
    instants: [{ time: 1600n, name: 'mark' }],
  });
  expect(counter).toMatchObject({ counterUnit: 3n, counts: [{ value: 65536n }, { value: -1n }, { value: 0.25 }] });
});

test('times beyond 2^53 are exact; a rounded number is refused', () => {
  const writer = new PerfettoWriter();
  const track = writer.track(writer.process('d', 1), 't');
  const time = (1n << 62n) + 1n;
  expect(() => writer.begin(track, 2 ** 53, 'x')).toThrow(IommuError);
  writer.slice(track, time, time + 1n, 'x');
  expect(readPerfetto(writer.finish())[1]?.slices[0]).toMatchObject({ from: time, to: time + 1n });
});

test('what would not nest is refused and leaves the trace readable', () => {
  const writer = new PerfettoWriter();
  const process = writer.process('d', 1);
  const track = writer.track(process, 't');
  const counter = writer.counter(process, 'c', 'count');
  expect(() => writer.end(track, 1)).toThrow(/expected an open slice on 't', got none/);
  writer.begin(track, 10, 'a');
  expect(() => writer.begin(track, 9, 'b')).toThrow(/expected a time from 10 ns on, .* got 9 ns/);
  expect(() => writer.end(track, 9)).toThrow(/expected a time from 10 ns on, .* got 9 ns/);
  expect(() => writer.begin(counter, 11, 'b')).toThrow(/expected a track/);
  expect(() => writer.count(track, 11, 1)).toThrow(/expected a counter/);
  const [, read] = readPerfetto(writer.finish());
  expect(read?.slices).toEqual([{ name: 'a', from: 10n, to: 10n, depth: 0, details: {} }]);
});

const steps = fc.array(
  fc.record({
    track: fc.nat(2),
    step: fc.bigInt(0n, 1n << 40n),
    open: fc.boolean(),
    name: fc.string({ unit: 'grapheme', maxLength: 8 }),
  }),
  { maxLength: 60 },
);

test('any order of slices on any tracks reads back with its nesting, however it is cut into pieces', () => {
  fc.assert(
    fc.property(steps, fc.bigInt(0n, 1n << 62n), (moves, start) => {
      const writer = new PerfettoWriter();
      const process = writer.process('d', 1);
      const tracks = ['a', 'b', 'c'].map((name) => writer.track(process, name));
      const depth = [0, 0, 0];
      const expected: { track: number; name: string; from: bigint; depth: number }[] = [];
      const pieces: Uint8Array[] = [];
      let time = start;
      for (const { track, step, open, name } of moves) {
        const id = tracks[track] ?? process;
        const deep = depth[track] ?? 0;
        time += step;
        if (open) {
          writer.begin(id, time, name);
          expected.push({ track, name: plainText(name), from: time, depth: deep });
          depth[track] = deep + 1;
        } else if (deep > 0) {
          writer.end(id, time);
          depth[track] = deep - 1;
        }
        pieces.push(writer.take());
      }
      pieces.push(writer.finish());
      const [, ...read] = readPerfetto(Buffer.concat(pieces));
      read.forEach(({ slices }, track) => {
        const mine = expected
          .filter((slice) => slice.track === track)
          .map(({ name, from, depth: deep }) => ({ name, from, depth: deep }));
        expect(slices.map(({ name, from, depth: deep }) => ({ name, from, depth: deep }))).toEqual(mine);
        for (const { from, to } of slices) expect(to === null ? -1n : to).toBeGreaterThanOrEqual(from);
      });
    }),
  );
});

test('a name is sent once, and beyond the bound spelled out', () => {
  const writer = new PerfettoWriter();
  const track = writer.track(writer.process('d', 1), 't');
  for (let i = 0; i < 1000; i++) writer.slice(track, i, i, 'dma_map_sg_attrs');
  const repeated = writer.take();
  expect(Buffer.from(repeated).toString('latin1').split('dma_map_sg_attrs')).toHaveLength(2);
  for (let i = 0; i < 5000; i++) writer.slice(track, 1000 + i, 1000 + i, `call ${i}`);
  const read = readPerfetto(Buffer.concat([repeated, writer.finish()]));
  expect(read[1]?.slices.at(-1)?.name).toBe('call 4999');
});

test('pieces are handed over as they fill, so that memory stays small', () => {
  const writer = new PerfettoWriter();
  const track = writer.track(writer.process('d', 1), 't');
  let largest = 0;
  for (let i = 0; i < 20_000; i++) {
    writer.slice(track, i, i, 'x');
    if (writer.full) largest = Math.max(largest, writer.take().length);
  }
  expect(largest).toBeGreaterThan(60_000);
  expect(largest).toBeLessThan(70_000);
});
