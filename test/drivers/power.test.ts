import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Domain } from '../../src/core/domain.ts';
import { PATHS } from '../../src/core/paths.ts';
import { armSmmu } from '../../src/drivers/arm-smmu/arm-smmu.ts';
import { RuntimePower, type RuntimePowerOptions } from '../../src/drivers/arm-smmu/runtime-power.ts';
import { IommuError } from '../../src/errors.ts';
import { Meter } from '../../src/meter/meter.ts';
import { RecordingPort } from './helpers.ts';

const K4 = 4096;
const BUFFERS = 500;

function power(options: RuntimePowerOptions): { power: RuntimePower; meter: Meter; events: string[] } {
  const meter = new Meter();
  const events: string[] = [];
  const made = new RuntimePower(
    meter,
    options,
    () => events.push('resume'),
    () => events.push('suspend'),
  );
  return { power: made, meter, events };
}

describe('usage count, lock and autosuspend', () => {
  it('resumes once for nested references, and suspends when the delay after the last is over', () => {
    let now = 0;
    const { power: device, events } = power({ clock: () => now, autosuspendMs: 20 });
    device.get();
    device.get();
    expect([device.usage, events]).toEqual([2, ['resume']]);
    device.put();
    device.put();
    now = 19;
    expect(device.active).toBe(true);
    now = 20;
    expect(device.active).toBe(false);
    expect(events).toEqual(['resume', 'suspend']);
  });

  it('the lock is taken at every get, and at a put only by the last user', () => {
    const { power: device, meter } = power({});
    device.get();
    device.get();
    device.put();
    expect(meter.powerLocks).toBe(2);
    device.put();
    expect(meter.powerLocks).toBe(3);
  });

  it('without a power domain nothing is counted and the device is on', () => {
    const { power: device, meter, events } = power({ enabled: false });
    device.get();
    device.put();
    expect([device.active, events, meter.powerGets, meter.powerLocks]).toEqual([true, ['resume'], 0, 0]);
  });

  it('a put without a get is refused', () => {
    expect(() => power({}).power.put()).toThrow(IommuError);
  });

  it('no order of gets, puts and waits resumes more often than it suspends plus one', () => {
    const step = fc.oneof(fc.constant('get'), fc.constant('put'), fc.nat({ max: 40 }));
    fc.assert(
      fc.property(fc.array(step), fc.nat({ max: 30 }), (steps, autosuspendMs) => {
        let now = 0;
        const { power: device, meter, events } = power({ clock: () => now, autosuspendMs });
        for (const one of steps) {
          if (typeof one === 'number') now += one;
          else if (one === 'get') device.get();
          else if (device.usage > 0) device.put();
          if (device.usage > 0) expect(device.active).toBe(true);
        }
        expect(events.every((event, i) => event === (i % 2 === 0 ? 'resume' : 'suspend'))).toBe(true);
        expect([meter.powerResumes, meter.powerSuspends]).toEqual([
          events.filter((event) => event === 'resume').length,
          events.filter((event) => event === 'suspend').length,
        ]);
      }),
    );
  });
});

/** Hundreds of buffers, mapped and then unmapped a millisecond apart. */
function unmapBuffers(autosuspendMs: number, port?: RecordingPort): Domain {
  let now = 0;
  const options = { power: { autosuspendMs, clock: () => now }, ...(port === undefined ? {} : { port }) };
  const domain = new Domain({ driver: armSmmu(options) });
  for (let i = 0; i < BUFFERS; i++) domain.map(i * 2 * K4, 0x40000000 + i * K4, K4, 3);
  domain.meter.reset();
  for (let i = 0; i < BUFFERS; i++) {
    now += 1;
    domain.unmap(i * 2 * K4, K4);
  }
  return domain;
}

describe('unmapping hundreds of buffers, the report of 2019', () => {
  it('without autosuspend each unmap resumes and suspends the device, for its call and for its sync', () => {
    const { meter } = unmapBuffers(0);
    expect([meter.powerResumes, meter.powerSuspends]).toEqual([2 * BUFFERS, 2 * BUFFERS]);
  });

  it('with 20 ms it does not', () => {
    const { meter } = unmapBuffers(20);
    expect([meter.powerResumes, meter.powerSuspends]).toEqual([0, 0]);
    expect(meter.powerGets).toBe(2 * BUFFERS);
  });

  it('each resume programs the whole device again', () => {
    const first = new RecordingPort();
    const domain = new Domain({ driver: armSmmu({ port: first }) });
    const programming = first.writes.length;
    expect(domain.meter.registerWrites).toBe(programming);
    const port = new RecordingPort();
    const { meter } = unmapBuffers(0, port);
    // Besides reprogramming, each unmap writes one TLBIVAL and one TLBSYNC.
    expect(meter.registerWrites).toBe(2 * BUFFERS * programming + 2 * BUFFERS);
  });
});

describe('references are given back', () => {
  it.each(PATHS)('%s: after every call, also one that fails', (path) => {
    const domain = new Domain({ path, driver: armSmmu() });
    domain.map(0, 0x40000000, 64 * K4, 3);
    domain.unmap(0, 8 * K4);
    domain.memory.failAfter(0);
    expect(() => domain.map(2 ** 31, 0x40000000, K4, 3)).toThrow(IommuError);
    domain.memory.failAfter(-1);
    expect(domain.meter.powerGets).toBe(domain.meter.powerPuts);
  });

  it('also where the device never ends a synchronisation', () => {
    const port = new RecordingPort();
    const domain = new Domain({ driver: armSmmu({ port }) });
    domain.map(0, 0x40000000, 64 * K4, 3);
    port.answers = () => 1;
    expect(() => domain.unmap(0, K4)).toThrow(IommuError);
    expect(domain.meter.powerGets).toBe(domain.meter.powerPuts);
  });
});
