/** First and last addresses, widths and block sizes, one step to each side, under the semantics of kernels, by every path that they have. */
import { afterAll, expect, test } from 'vitest';
import { type Domain, PATHS, type Path } from '../../src/core/index.ts';
import { FORMATS, type Kernel } from '../../src/formats/index.ts';
import { expectNoLeak, makeDomain, RW, type Setup, semanticsFor } from '../../src/testing/setup.ts';
import { alignments, requests, words } from './requests.ts';
import { type Limits, limitsOf, mapReasons, outcome, pagesOf, type Request } from './rule.ts';

// A refusal is looked at by its code alone, and traces of many thousands take long
Error.stackTraceLimit = 0;

const SETUPS = FORMATS.flatMap((format) =>
  format.configurations.flatMap((configuration) => {
    const setup = { format, configuration };
    const kernels = semanticsFor(setup).filter((semantics) => semantics !== 'safe');
    return kernels.map((kernel) => ({ name: `${format.id} ${configuration.name}, ${kernel}`, setup, kernel }));
  }),
);

/** Most entries that a call is allowed to write before the kernel finds its end. */
const MOST_PAGES = 1500n;

/** Refusals by errno: EINVAL, ENXIO for what is not aligned; ERANGE, EOVERFLOW, ENOMEM (a DART without a root) for what lies beyond. */
const UNALIGNED = ['-22', '-6'];
const BEYOND = ['-34', '-75', '-12'];
const NO_SUCH_PAGE = ['-22'];
const DONE = 'done';

/** What a call may come to. */
function allowed({ domain, limits, request, list }: Case): string[] {
  const reasons = mapReasons(limits, request);
  if (reasons.size === 0) return grantsMore(domain, limits, request) ? [DONE, ...NO_SUCH_PAGE] : [DONE];
  // no bytes: nothing is done, or the call is refused for this or another reason
  if (reasons.has('EMPTY'))
    return reasons.has('UNALIGNED') && !list ? [...UNALIGNED, ...BEYOND] : [DONE, ...UNALIGNED, ...BEYOND];
  if (reasons.has('UNALIGNED')) return [...UNALIGNED, ...BEYOND];
  return beginsInside(limits, request) || aliases(domain, request) ? [DONE, ...BEYOND] : BEYOND;
}

/**
 * Whether higher bits of an input address may be lost: in a DART, and where the sign extends, as Linux's generic page table compares
 * the bits above the input width alone, so that an address that is not canonical may pass.
 */
function aliases({ geometry, table }: Domain, { iova }: Request): boolean {
  const { ias, signExtends } = geometry;
  const width = BigInt(ias);
  const above = iova >> width;
  return signExtends ? above === 0n || above === (1n << (64n - width)) - 1n : table.rules.inputRange !== 'refused';
}

/** Whether a page size is granted that no level has: kernels then choose it, and refuse. */
function grantsMore({ geometry }: Domain, { sizes }: Limits, { size }: Request): boolean {
  const inTree = sizes.reduce((sum, each) => sum + each, 0n);
  return size > (sizes.at(-1) ?? 0n) && BigInt(geometry.pageSizes) > inTree;
}

/** Kernels check where a run begins; its end may lie beyond. */
function beginsInside({ regions, outputEnd }: Limits, { iova, pa }: Request): boolean {
  return pa < outputEnd && regions.some(([from, end]) => iova >= from && iova < end);
}

interface Case {
  readonly domain: Domain;
  readonly limits: Limits;
  readonly request: Request;
  /** Whether the call is one of a list of one element. */
  readonly list: boolean;
}

function perform({ domain, request: { iova, pa, size }, list }: Case): string {
  const element = { address: Number(pa), length: Number(size) };
  const { bytes, errno } = list ? domain.mapSg(iova, [element], RW) : domain.map(iova, pa, size, RW);
  return errno === 0 && BigInt(bytes) === size ? DONE : `${errno}`;
}

function same(what: () => string, got: string, wanted: string): void {
  if (got !== wanted) expect.fail(`${what()}: expected ${wanted}, got ${got}`);
}

/** A call comes to what is allowed; what it mapped translates and goes with one unmap, and nothing is left. */
function holds(one: Case): void {
  const { domain, limits, request } = one;
  const { iova, pa, size } = request;
  const what = (): string => `${words(request)}, list ${one.list}`;
  const found = perform(one);
  const right = allowed(one);
  if (!right.includes(found)) expect.fail(`${what()}: expected ${right.join(' or ')}, got ${found}`);
  const mapped = found === DONE && size > 0n;
  const at = (where: bigint): string => outcome(() => domain.resolve(where));
  if (mapped) same(what, at(iova), `0x${pa.toString(16)}`);
  if (mapped && mapReasons(limits, request).size === 0) {
    same(what, at(iova + size - 1n), `0x${(pa + size - 1n).toString(16)}`);
  }
  if (mapped)
    same(
      what,
      outcome(() => domain.unmap(iova, size).bytes),
      `0x${size.toString(16)}`,
    );
  const [leaf] = domain.leaves();
  if (leaf !== undefined) expect.fail(`${what()}: 0x${leaf.iova.toString(16)} is left`);
}

/** Requests that write few entries before a kernel finds their end, and lists of exact numbers. */
function isBearable(limits: Limits, request: Request, list: boolean): boolean {
  return pagesOf(limits, request) <= MOST_PAGES && (!list || request.pa + request.size < 1n << 53n);
}

function holdsOnPath(setup: Setup, kernel: Kernel, path: Path, direct: boolean): number {
  const domain = makeDomain(setup, { semantics: kernel, path, dispatch: direct ? 'direct' : 'indirect' });
  const limits = limitsOf(domain);
  let calls = 0;
  for (const [i, request] of [...requests(limits), ...alignments(limits)].entries()) {
    const list = i % 2 === 1;
    if (!isBearable(limits, request, list)) continue;
    holds({ domain, limits, request, list });
    calls++;
  }
  expectNoLeak(domain);
  return calls;
}

/** The paths that a kernel's tables have; one where its core hands whole ranges down, whatever the path. */
function pathsOf(setup: Setup, kernel: Kernel): readonly Path[] {
  const domain = makeDomain(setup, { semantics: kernel });
  domain.free();
  return domain.table.rules.request === 'range' ? ['map-pages'] : PATHS.filter((path) => path !== 'one-walk');
}

let made = 0;

test.each(SETUPS)('$name', ({ setup, kernel }) => {
  let calls = 0;
  for (const [i, path] of pathsOf(setup, kernel).entries()) {
    calls += holdsOnPath(setup, kernel, path, i % 2 === 1);
  }
  expect(calls).toBeGreaterThan(200);
  made += calls;
});

afterAll(() => {
  process.stdout.write(`${SETUPS.length} tables under kernels' semantics, ${made} calls at their limits\n`);
});
