import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createNames,
  DomainTracker,
  type DoubleMapEvent,
  type TraceCall,
  type TraceNames,
} from '../../src/trace/index.ts';
import { type PlainCall, PlainTracker } from './plain-tracker.ts';
import { EVENTS } from './random-events.ts';

function copy({ pa, length, count, was, ...call }: TraceCall): PlainCall {
  const elements = { pa: [...pa.subarray(0, count)], length: [...length.subarray(0, count)] };
  return { ...call, ...elements, was: was === undefined ? undefined : { ...was } };
}

function doubleText({ kind, domain, iova, wasIova, device }: DoubleMapEvent): string {
  return `${kind} ${domain} ${iova} ${wasIova} ${device}`;
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
