import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createEvent,
  createNames,
  DomainTracker,
  type DoubleMapEvent,
  KIND,
  type Kind,
  type TraceCall,
  type TraceEvent,
  type TraceNames,
} from '../../src/trace/index.ts';
import type { PlainCall } from './plain-calls.ts';
import { PlainTracker } from './plain-tracker.ts';
import { EVENTS } from './random-events.ts';

function copy({ pa, length, count, was, ...call }: TraceCall): PlainCall {
  const elements = { pa: [...pa.subarray(0, count)], length: [...length.subarray(0, count)] };
  return { ...call, ...elements, was: was === undefined ? undefined : { ...was } };
}

function doubleText({ kind, domain, iova, wasIova, device }: DoubleMapEvent): string {
  return `${kind} ${domain} ${iova} ${wasIova} ${device}`;
}

function event(kind: Kind, iova: number, size: number): TraceEvent {
  return Object.assign(createEvent(), {
    kind,
    iova,
    size,
    pa: 2 ** 30,
    device: 0,
    direction: 0,
    pid: 1,
    task: 1,
    time: 1,
  });
}

function namesOfDevices(): TraceNames {
  const names = createNames();
  for (const name of ['a', 'b', 'c']) names.devices.idOf(name);
  return names;
}

describe('the tracker and its plain twin', () => {
  it('make the same calls after the same events, count the same and know the same domains', () => {
    let seen = 0;
    fc.assert(
      fc.property(EVENTS, (events) => {
        const names = namesOfDevices();
        const calls: PlainCall[] = [];
        const doubles: string[] = [];
        const tracker = new DomainTracker(
          (call) => calls.push(copy(call)),
          names,
          (event) => doubles.push(doubleText(event)),
        );
        const plain = new PlainTracker(names);
        for (const event of events) {
          tracker.event(event);
          plain.event(event);
          expect(calls.length).toBe(plain.calls.length);
        }
        tracker.finish();
        plain.finish();
        expect(calls).toEqual(plain.calls);
        expect(tracker.counts).toEqual(plain.counts);
        expect(doubles).toEqual(plain.doubles);
        expect(tracker.domains).toEqual(plain.domains);
        expect(tracker.live.count).toBe(plain.live.length);
        seen += calls.length;
      }),
      { numRuns: 300 },
    );
    expect(seen).toBeGreaterThan(1000);
  });
});

describe('the tracker', () => {
  it('takes a dma event whose list ends before it starts as one without a map', () => {
    const calls: PlainCall[] = [];
    const tracker = new DomainTracker((call) => calls.push(copy(call)), namesOfDevices());
    const backwards = event(KIND.DMA_MAP_SG, 0, 0x1000);
    backwards.list.dma.set([0x12000, 0x1000]);
    backwards.list.lengths.set([0x1000, 0x1000]);
    backwards.list.count = 2;
    tracker.event(event(KIND.MAP, 0x10000, 0x4000));
    tracker.event(event(KIND.DMA_MAP, 0x10000, 0x4000));
    tracker.event(event(KIND.MAP, 0x12000, 0x1000));
    tracker.event(backwards);
    tracker.finish();
    expect(tracker.counts.dmaWithoutMap).toBe(1);
    expect(calls.map(({ iova, size, named }) => ({ iova, size, named }))).toEqual([
      { iova: 0x10000, size: 0x4000, named: true },
      { iova: 0x12000, size: 0x1000, named: false },
    ]);
  });

  it('ends where a range is so far up that numbers round it to nothing', () => {
    const calls: PlainCall[] = [];
    const tracker = new DomainTracker((call) => calls.push(copy(call)), namesOfDevices());
    const far = 2 ** 63;
    for (const size of [2 ** 20, 64, 2 ** 12, 64]) {
      tracker.event(event(KIND.MAP, far, size));
      tracker.event(event(KIND.DMA_MAP, far, size));
    }
    tracker.finish();
    expect(calls.length).toBeGreaterThan(0);
  });
});
