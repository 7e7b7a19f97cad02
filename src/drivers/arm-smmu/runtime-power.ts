/**
 * Runtime power of a device: usage count, lock, autosuspend, and the work of a resume. As Linux's `pm_runtime` calls
 * around every driver call do it.
 * @module
 */
import { checkOptions, IommuError, reading, shown } from '../../errors.ts';
import type { Meter } from '../../meter/meter.ts';
import { Tally } from '../../meter/tally.ts';
import type { PowerControl } from '../contract.ts';
import { flag } from '../options.ts';

/** Settings of {@link RuntimePower}. */
export interface RuntimePowerOptions {
  /** Whether the device has a power domain; without one each visit is the test of one flag. Default true. */
  readonly enabled?: boolean;
  /** How long an unused device stays powered, in milliseconds; default 20, as Linux since 2019; 0 suspends at once. */
  readonly autosuspendMs?: number;
  /** The time in milliseconds; default a clock that stands still. */
  readonly clock?: () => number;
}

/** Milliseconds from 0 on. @throws IommuError `BAD_OPTION`. */
function delayOf(value: number | undefined): number {
  if (value === undefined) return 20;
  if (typeof value === 'number' && value >= 0) return value;
  throw new IommuError('BAD_OPTION', 'autosuspendMs', `expected at least 0 ms, got ${shown(value)}`);
}

function stoppedClock(): number {
  return 0;
}

/** Counts references; resumes and suspends the device. */
export class RuntimePower implements PowerControl {
  /** Whether it calls a clock of the user. */
  readonly asksClock: boolean;
  readonly #meter: Meter;
  /** Visits of a device that has power and that nobody else holds. */
  readonly #visits: Tally;
  readonly #enabled: boolean;
  readonly #delay: number;
  readonly #clock: () => number;
  readonly #onResume: () => void;
  readonly #onSuspend: () => void;
  /** Whether a device that is powered stays so. */
  readonly #standsStill: boolean;
  #usage = 0;
  #active = false;
  #idleSince = 0;

  /** @throws IommuError `BAD_OPTION`. */
  constructor(meter: Meter, given: RuntimePowerOptions, onResume: () => void, onSuspend: () => void) {
    checkOptions('power', given);
    const options = reading('power', () => ({ ...given }));
    this.#meter = meter;
    this.#visits = new Tally(meter, { powerGets: 1, powerPuts: 1, powerLocks: 2 });
    this.#enabled = flag('enabled', options.enabled, true);
    this.#delay = delayOf(options.autosuspendMs);
    this.#clock = options.clock ?? stoppedClock;
    this.asksClock = options.clock !== undefined;
    this.#standsStill = this.#enabled && !this.asksClock && this.#delay > 0;
    this.#onResume = onResume;
    this.#onSuspend = onSuspend;
    if (typeof this.#clock !== 'function') {
      throw new IommuError('BAD_OPTION', 'clock', `expected a function, got ${shown(options.clock)}`);
    }
    if (!this.#enabled) {
      this.#active = true;
      onResume();
    }
  }

  /** References held. */
  get usage(): number {
    return this.#usage;
  }

  /** Whether the device is powered now. */
  get active(): boolean {
    this.#expire();
    return this.#active;
  }

  get(): void {
    if (!this.#enabled) return;
    this.#meter.added.powerGets++;
    this.#meter.added.powerLocks++;
    this.#expire();
    this.#usage++;
    if (this.#active) return;
    this.#active = true;
    this.#meter.powerResumes++;
    this.#onResume();
  }

  put(): void {
    if (!this.#enabled) return;
    if (this.#usage === 0)
      throw new IommuError('DEVICE', 'power', 'expected a get before each put, got a put at a usage count of 0');
    this.#meter.added.powerPuts++;
    this.#usage--;
    if (this.#usage > 0) return;
    this.#meter.added.powerLocks++;
    this.#idleSince = this.#clock();
    if (this.#delay === 0) this.#suspend();
  }

  get isSteady(): boolean {
    return this.#standsStill && this.#active && this.#usage === 0;
  }

  visits(count: number): void {
    if (this.isSteady) this.#visits.add(count, 0);
    else this.#visitEach(count);
  }

  #visitEach(count: number): void {
    for (let i = 0; i < count; i++) {
      this.get();
      this.put();
    }
  }

  #expire(): void {
    if (!this.#enabled || !this.#active || this.#usage > 0) return;
    if (this.#clock() - this.#idleSince >= this.#delay) this.#suspend();
  }

  #suspend(): void {
    this.#active = false;
    this.#meter.powerSuspends++;
    this.#onSuspend();
  }
}
