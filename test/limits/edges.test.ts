/** First and last addresses, widths and block sizes, one step to each side: every call by every path comes to what the rule says. */
import { describe, expect, test } from 'vitest';
import { DISPATCHES, type Domain, PATHS } from '../../src/core/index.ts';
import { FORMATS } from '../../src/formats/index.ts';
import { expectNoLeak, makeDomain, type Setup } from '../../src/testing/setup.ts';
import { alignments, requests, words } from './requests.ts';
import {
  type Limits,
  limitsOf,
  mapBy,
  mapReasons,
  outcome,
  pagesOf,
  type Request,
  translateReasons,
  unmapReasons,
} from './rule.ts';

// A refusal is looked at by its code alone, and traces of many thousands take long
Error.stackTraceLimit = 0;

const SETUPS = FORMATS.flatMap((format) =>
  format.configurations.map((configuration) => ({
    name: `${format.id} ${configuration.name}`,
    setup: { format, configuration },
  })),
);

/** Most entries of a map that is made. */
const MOST_PAGES = 1500n;

/** One of the reasons where there are any, else what is wanted. */
function check(what: () => string, found: string, reasons: ReadonlySet<string>, wanted: string): void {
  const right = reasons.size > 0 ? reasons.has(found) : found === wanted;
  if (!right) expect.fail(`${what()}: expected ${[...reasons].join(' or ') || wanted}, got ${found}`);
}

/** A range that is mapped translates at both ends and not beside them, and goes with one unmap. */
function holdsMapped(domain: Domain, limits: Limits, request: Request): void {
  const { iova, pa, size } = request;
  const at = (offset: bigint, wanted: string): void => {
    const where = iova + offset;
    const found = outcome(() => domain.resolve(where));
    check(() => `${words(request)}: byte ${offset}`, found, translateReasons(limits, where), wanted);
  };
  at(-1n, 'nothing');
  at(0n, `0x${pa.toString(16)}`);
  at(size - 1n, `0x${(pa + size - 1n).toString(16)}`);
  at(size, 'nothing');
  check(
    () => `unmap ${words(request)}`,
    outcome(() => domain.unmap(iova, size).bytes),
    new Set(),
    `0x${size.toString(16)}`,
  );
}

function holds(domain: Domain, limits: Limits, request: Request, form: number): void {
  const reasons = mapReasons(limits, request);
  if (reasons.size === 0 && pagesOf(limits, request) > MOST_PAGES) return;
  // a list is made of numbers: those that doubles do not hold are refused before anything else is looked at
  const exact = form === 0 || request.pa + request.size < 1n << 53n;
  if (!exact) reasons.add('UNSAFE_NUMBER');
  const found = outcome(() => mapBy(domain, form, request));
  check(() => `map ${words(request)}, form ${form}`, found, reasons, `0x${request.size.toString(16)}`);
  if (reasons.size === 0) holdsMapped(domain, limits, request);
  const { iova, size } = request;
  check(
    () => `unmap ${words(request)}`,
    outcome(() => domain.unmap(iova, size).bytes),
    unmapReasons(limits, request),
    '',
  );
  check(
    () => `translate ${words(request)}`,
    outcome(() => domain.resolve(iova)),
    translateReasons(limits, iova),
    'nothing',
  );
}

function holdsOnEveryPath(setup: Setup, all: (limits: Limits) => readonly Request[]): number {
  let made = 0;
  for (const [i, path] of PATHS.entries()) {
    const domain = makeDomain(setup, { path, dispatch: DISPATCHES[i % 2] ?? 'direct' });
    const limits = limitsOf(domain);
    for (const [at, request] of all(limits).entries()) {
      holds(domain, limits, request, (at + i) % 3);
      made++;
    }
    expect(domain.leaves()).toEqual([]);
    expectNoLeak(domain);
  }
  return made;
}

describe.each(SETUPS)('$name', ({ setup }) => {
  test('limits of input, output and size', () => {
    expect(holdsOnEveryPath(setup, requests)).toBeGreaterThan(1000);
  });

  test('every alignment around every block size', () => {
    holdsOnEveryPath(setup, alignments);
  });
});
