/**
 * `replay --policy`: a trace under strict, lazy and passthrough, and whether Linux's allocator explains its addresses.
 * @module
 */

import type { AddressUse } from '../dma/address-use.ts';
import { ChosenAddresses, type DeviceAddresses, MISSES, type Miss } from '../replay/chosen-addresses.ts';
import { type PolicyOptions, PolicyRow } from '../replay/policies.ts';
import type { Policy, PolicyResult } from '../replay/policy-result.ts';
import type { RowDevice } from '../replay/row.ts';
import { type Answer, listSection, type Section, tableSection } from '../report/answer.ts';
import { formatNs, formatNumber, formatShare } from '../report/number.ts';
import type { Table } from '../report/table.ts';
import { DomainTracker } from '../trace/domains.ts';
import { KIND, type TraceEvent, type TraceNames } from '../trace/events.ts';
import type { ReadStats } from '../trace/stats.ts';
import { notUnderstoodOf, withNotUnderstood } from './not-understood.ts';
import { deviceDriver } from './replay/hardware.ts';

/** Free share of the addresses below 4 GiB under which exhaustion is a finding. */
const SCARCE = 0.1;
/** A forecast is a finding if it comes true within so many seconds, and so much of the space is taken already. */
const SOON = 3600;
const FILLING = 0.25;
/** After so many events, and again, the treatment that explains fewer addresses by this many is no longer followed. */
const DECIDED = 2048;
const MARGIN = 256;

/** A question about policies. */
export interface PolicyQuestion {
  readonly names: TraceNames;
  readonly policies: readonly Policy[];
  /** The machine. */
  readonly options: PolicyOptions;
  /** The machine's IOMMU, driven in each row; default none. */
  readonly device?: RowDevice;
  /** Stop at the first mark that contains this text. */
  readonly until?: string;
}

/** What the addresses of the trace say: the policy under which most of them come out, and each device. */
export interface AddressAnswer {
  readonly traced: 'strict' | 'lazy';
  readonly chosen: number;
  readonly same: number;
  readonly devices: readonly DeviceAddresses[];
}

/** A comparison under way: events go in as they are read. */
export class PolicyRun {
  /** Whether the mark was met. */
  stopped = false;
  readonly #rows: readonly PolicyRow[];
  readonly #tracker: DomainTracker;
  #addresses: readonly (readonly ['strict' | 'lazy', ChosenAddresses])[];
  readonly #until: string | undefined;
  readonly #device: RowDevice | undefined;
  #events = 0;

  /** @throws IommuError `BAD_OPTION`, `UNKNOWN_FORMAT`. */
  constructor({ names, policies, options, device, until }: PolicyQuestion) {
    this.#device = device;
    const made = device === undefined ? options : { ...options, driver: deviceDriver(device) };
    this.#rows = policies.map((policy) => new PolicyRow(policy, made));
    this.#tracker = new DomainTracker((call) => {
      for (const row of this.#rows) row.call(call);
    }, names);
    const { granule = 4096, cpus = 64, kernel = '6.12' } = options;
    this.#addresses = (['strict', 'lazy'] as const).map((traced) => [
      traced,
      new ChosenAddresses(names, { granule, cpus, kernel, lazy: traced === 'lazy' }),
    ]);
    this.#until = until;
  }

  /** Takes one event. */
  event(event: TraceEvent): void {
    if (this.stopped) return;
    if (event.kind === KIND.MARK && this.#until !== undefined && event.text.includes(this.#until)) {
      this.stopped = true;
      return;
    }
    for (const [, addresses] of this.#addresses) addresses.event(event);
    if (++this.#events % DECIDED === 0) this.#decide();
    this.#tracker.event(event);
  }

  /** Ends the trace. `stats`: what the readers say, one for each file. */
  answer(stats: readonly ReadStats[]): Answer {
    this.#tracker.finish();
    for (const row of this.#rows) row.finish();
    const results = this.#rows.map((row) => row.result);
    const titles = this.#tracker.domains.map(({ title }) => title);
    const addresses = this.#best();
    const scarce = results.some(isScarce);
    const empty = results.every(({ maps }) => maps === 0);
    const notUnderstood = notUnderstoodOf(stats);
    const answer: Answer = {
      schema: 'iommu.replay-policies',
      version: 1,
      outcome: empty ? 'unusable' : scarce ? 'findings' : 'fine',
      verdict: empty ? 'The trace maps nothing: no policy makes a difference.' : verdictOf(results, addresses),
      data: { policies: results, domains: titles, addresses, device: this.#device, trace: { notUnderstood } },
      sections: [
        tableSection('policies', 'By policy', policyTable(results)),
        ...commandSections(results, this.#device),
        ...exposureSections(results, titles),
        ...addressSections(addresses),
        ...spaceSections(results),
        ...refusalSections(results),
      ],
      notes: [
        ...(this.#device === undefined ? [NO_DEVICE] : []),
        ...NOTES,
        ...(this.#until !== undefined && !this.stopped ? [missed(this.#until)] : []),
      ],
      records: results,
      csv: policyTable(results),
    };
    return withNotUnderstood(answer, notUnderstood);
  }

  /** Leaves off the treatment that the addresses speak against. */
  #decide(): void {
    const [one, other] = this.#addresses;
    if (one === undefined || other === undefined) return;
    const lead = one[1].same - other[1].same;
    if (Math.abs(lead) >= MARGIN) this.#addresses = [lead > 0 ? one : other];
  }

  #best(): AddressAnswer | undefined {
    const [first, second] = this.#addresses;
    if (first === undefined) return undefined;
    const [traced, replica] = second !== undefined && second[1].same > first[1].same ? second : first;
    const { chosen, same, devices } = replica;
    return chosen === 0 ? undefined : { traced, chosen, same, devices };
  }
}

const NO_DEVICE =
  'nothing names the machine’s IOMMU: counts are what the page tables and the core ask to be invalidated; --iommu shows which commands a driver sends for it';
const NOTES: readonly string[] = [
  'the flush queue is that of Linux: 256 slots a CPU, 10 ms after the first entry; a real timer is rounded up to ticks',
  'exposure is bytes × time from an unmap to the invalidation; whether a device used it, no trace of maps and unmaps says',
];

function missed(until: string): string {
  return `the mark '${until}' is not in the trace: all of it was replayed`;
}

/** Whether addresses below 4 GiB are nearly used up, or will soon be. */
function isScarce({ use, secondsToExhaustion = Number.POSITIVE_INFINITY }: PolicyResult): boolean {
  if (use === undefined) return false;
  return use.free < SCARCE * use.space || (secondsToExhaustion < SOON && use.taken > FILLING * use.space);
}

function totalOf({ invalidations }: PolicyResult): number {
  return invalidations.leaves + invalidations.walks + invalidations.all;
}

function verdictOf(results: readonly PolicyResult[], addresses: AddressAnswer | undefined): string {
  const strict = results.find(({ policy }) => policy === 'strict');
  const lazy = results.find(({ policy }) => policy === 'lazy');
  const parts: string[] = [];
  if (strict !== undefined && lazy !== undefined) {
    const { syncs } = strict.invalidations;
    const { window, byteSeconds = 0 } = { ...lazy.exposure, window: lazy.exposure?.window };
    parts.push(
      `Lazy waits for the IOMMU ${formatNumber(lazy.flushes)} times instead of ${formatNumber(syncs)} under strict, and leaves ` +
        `unmapped memory reachable for up to ${formatNs(window?.maximum ?? 0)} (${formatNumber(byteSeconds)} byte-seconds in all).`,
    );
  } else {
    parts.push(...results.map((row) => `${row.policy}: ${formatNumber(totalOf(row))} invalidations.`));
  }
  if (addresses !== undefined) {
    const share = addresses.same / addresses.chosen;
    parts.push(
      `${formatShare(share)} of the ${formatNumber(addresses.chosen)} addresses that the traced kernel chose come out of its allocator, as a ${addresses.traced} kernel has them.`,
    );
  }
  const scarce = results.find(isScarce);
  if (scarce?.use !== undefined) parts.push(scarceText(scarce.use, scarce.secondsToExhaustion));
  return parts.join(' ');
}

function scarceText({ taken, space }: AddressUse, seconds: number | undefined): string {
  const share = `${formatShare(taken / space)} of the addresses below 4 GiB are taken`;
  if (seconds === undefined) return `${share}.`;
  return `${share}; if it goes on like this, no range as large as the largest one fits in ${formatNumber(Math.round(seconds))} s.`;
}

function policyTable(results: readonly PolicyResult[]): Table {
  return {
    columns: [
      { title: 'policy' },
      { title: 'maps', unit: 'count', drop: 4 },
      { title: 'unmaps', unit: 'count' },
      { title: 'leaves', unit: 'count', drop: 5 },
      { title: 'domain flushes', unit: 'count' },
      { title: 'early', unit: 'count', drop: 3 },
      { title: 'waits', unit: 'count' },
      { title: 'window p50', unit: 'ns', drop: 6 },
      { title: 'p99', unit: 'ns', drop: 2 },
      { title: 'longest', unit: 'ns' },
      { title: 'held', unit: 'bytes', drop: 1 },
      { title: 'live', unit: 'bytes' },
    ],
    rows: results.map((row) => {
      const window = row.exposure?.window;
      const time = (value: number | undefined): number | null =>
        row.exposure === undefined ? null : window === undefined || window.count === 0 ? 0 : (value ?? 0);
      return [
        row.policy,
        row.maps,
        row.unmaps,
        row.invalidations.leaves,
        row.invalidations.all,
        row.earlyFlushes,
        row.invalidations.syncs + row.flushes,
        time(window?.median),
        time(window?.p99),
        time(window?.maximum),
        row.peakHeldBytes,
        row.peakLiveBytes,
      ];
    }),
    notes: ['passthrough has no window: the device reaches all memory at all times'],
  };
}

/** Commands by kind, those that some policy sends. */
function commandSections(results: readonly PolicyResult[], device: RowDevice | undefined): Section[] {
  const sent = results.flatMap(({ policy, commands }) => (commands === undefined ? [] : [{ policy, commands }]));
  const names = Object.keys(sent[0]?.commands ?? {}).filter((name) =>
    sent.some(({ commands }) => commands[name] !== 0),
  );
  if (device === undefined || names.length === 0) return [];
  const origin = device.kernelAssumed
    ? ' (assumed)'
    : device.kernelFor === undefined
      ? ''
      : ` (for ${device.kernelFor})`;
  const kernel = device.kernel === undefined ? '' : ` of Linux ${device.kernel}${origin}`;
  const table: Table = {
    columns: [{ title: 'policy' }, ...names.map((title) => ({ title, unit: 'count' as const }))],
    rows: sent.map(({ policy, commands }) => [policy, ...names.map((name) => commands[name] ?? 0)]),
    notes: ['attaching the devices is left out'],
  };
  return [tableSection('commands', `Commands that ${device.driver}${kernel} sends`, table)];
}

function exposureSections(results: readonly PolicyResult[], titles: readonly string[]): Section[] {
  const lazy = results.find(({ policy }) => policy === 'lazy')?.exposure;
  if (lazy === undefined) return [];
  const rows = lazy.byDomain
    .filter(({ byteSeconds }) => byteSeconds > 0)
    .toSorted((a, b) => b.byteSeconds - a.byteSeconds)
    .map(({ domain, byteSeconds, longest, flushes }) => [titles[domain] ?? '', byteSeconds, longest, flushes]);
  const table: Table = {
    columns: [
      { title: 'device' },
      { title: 'byte-seconds', unit: 'plain' },
      { title: 'longest', unit: 'ns' },
      { title: 'flushes', unit: 'count' },
    ],
    rows,
  };
  return rows.length === 0 ? [] : [tableSection('exposure', 'Exposure under lazy, by device', table)];
}

function addressSections(addresses: AddressAnswer | undefined): Section[] {
  if (addresses === undefined) return [];
  const translated = addresses.devices.filter(({ translated }) => translated === 'yes');
  const table: Table = {
    columns: [
      { title: 'device' },
      { title: 'chosen', unit: 'count' },
      { title: 'same', unit: 'count' },
      { title: 'share', unit: 'share' },
    ],
    rows: translated.map(({ device, chosen, same }) => [device, chosen, same, same / Math.max(1, chosen)]),
  };
  const reasons = (Object.keys(MISSES) as Miss[]).flatMap((miss) => {
    const count = translated.reduce((sum, { misses }) => sum + misses[miss], 0);
    return count === 0 ? [] : [`${formatNumber(count)}: ${MISSES[miss]}`];
  });
  const truncated = translated.reduce((sum, row) => sum + row.truncated, 0);
  if (truncated > 0) reasons.push(`${formatNumber(truncated)} lists were cut off by the trace and not asked for`);
  return [
    tableSection('addresses', `Addresses from the dma events alone (as a ${addresses.traced} kernel)`, table),
    ...(reasons.length === 0 ? [] : [listSection('addresses-missed', 'Why the others do not come out', reasons)]),
  ];
}

function spaceSections(results: readonly PolicyResult[]): Section[] {
  const rows = results.flatMap(({ policy, use, wastedBytes, secondsToExhaustion }) =>
    use === undefined
      ? []
      : [
          [
            policy,
            use.taken,
            use.cached,
            use.free,
            use.largestFit,
            use.places,
            use.fragmentation,
            wastedBytes,
            secondsToExhaustion ?? null,
          ],
        ],
  );
  const table: Table = {
    columns: [
      { title: 'policy' },
      { title: 'taken', unit: 'count' },
      { title: 'in caches', unit: 'count', drop: 1 },
      { title: 'free', unit: 'count' },
      { title: 'largest fit', unit: 'count' },
      { title: 'places', unit: 'count' },
      { title: 'fragmented', unit: 'share', drop: 2 },
      { title: 'wasted', unit: 'bytes' },
      { title: 'full in', unit: 'seconds' },
    ],
    rows,
    notes: [
      'frames of the fullest domain; `places` are those left for ranges as large as the largest one, and `full in` is when none is left',
    ],
  };
  return rows.length === 0 ? [] : [tableSection('space', 'Addresses below 4 GiB at the end', table, 'detail')];
}

function refusalSections(results: readonly PolicyResult[]): Section[] {
  const items = results.flatMap(({ policy, refusals, partialUnmaps }) => [
    ...refusals.map(
      ({ code, count, first }) => `${policy}: ${formatNumber(count)} calls refused (${code}); the first: ${first}`,
    ),
    ...(partialUnmaps > 0 ? [`${policy}: ${formatNumber(partialUnmaps)} unmaps of a part of a list`] : []),
  ]);
  return items.length === 0 ? [] : [listSection('refused', 'Refused or odd', items)];
}
