/** What a context descriptor says for each half of the input range, and for both (IHI 0070 5.4). */
import { expect, test } from 'vitest';
import { aarch64Stage1 } from '../../src/hardware/walk/aarch64-stage1.ts';
import { Walker } from '../../src/hardware/walk/walker.ts';
import { System } from './system.ts';

const LOW = 0x10000n;
const HIGH = 0xffff_0000_0001_0000n;
const TOP = 0xa5n << 56n;
const UXN_TABLE = 1n << 60n;

/** Both halves lead to one page by tables that deny execution. */
function walkerWith(config: object): Walker {
  const system = new System();
  const root = system.page();
  system.map(root, 0x10000, 0x4001_0000);
  system.memory.write64(root, (system.memory.read64(root) ?? 0n) | UXN_TABLE);
  const half = { ttb: root, tsz: 16, granule: 4096 } as const;
  return new Walker(system.memory, aarch64Stage1({ ttbr0: half, ttbr1: half, oas: 44, mair: 0xffn, ...config }));
}

const perms = (walker: Walker, iova: bigint): string => {
  const found = walker.translate(iova);
  return found.ok ? found.perms : found.reason;
};

test.each([
  [
    [false, false],
    ['rw', 'rw'],
  ],
  [
    [true, false],
    ['rwx', 'rw'],
  ],
  [
    [false, true],
    ['rw', 'rwx'],
  ],
] as const)('HAD0 and HAD1 %o: what tables deny counts in the other half', (ignoreHierarchy, expected) => {
  const walker = walkerWith({ ignoreHierarchy });
  expect([perms(walker, LOW), perms(walker, HIGH)]).toEqual(expected);
});

test.each([
  [
    [false, false],
    ['input-outside-region', 'input-outside-region'],
  ],
  [
    [true, false],
    ['rw', 'input-outside-region'],
  ],
  [
    [false, true],
    ['input-outside-region', 'rw'],
  ],
  [
    [true, true],
    ['rw', 'rw'],
  ],
] as const)('TBI0 and TBI1 %o: the top byte is ignored in its half', (ignoreTopByte, expected) => {
  const walker = walkerWith({ ignoreTopByte });
  const high = (HIGH & ((1n << 56n) - 1n)) | TOP;
  expect([perms(walker, LOW | TOP), perms(walker, high)]).toEqual(expected);
  expect([perms(walker, LOW), perms(walker, HIGH)]).toEqual(['rw', 'rw']);
});

test('WXN: what may be written may not be executed', () => {
  const walker = walkerWith({ ignoreHierarchy: [true, true], writeNeverExecute: true });
  expect(perms(walker, LOW)).toBe('rw');
  expect(walker.translate(LOW, { kind: 'execute', privileged: true }).ok).toBe(false);
});
