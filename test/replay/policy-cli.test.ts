import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runCli } from '../support/cli.ts';
import { CAPTURES } from './helpers.ts';

const STRICT = ['trace_boot.txt', 'trace.txt.gz', 'trace_live.txt.gz'].map((file) =>
  join(CAPTURES, 'arm64-smmuv3-612-blk-strict', file),
);
const LAZY = ['trace_boot.txt', 'trace.txt.gz', 'trace_live.txt.gz'].map((file) =>
  join(CAPTURES, 'x86-vtdfl-73-blk', file),
);

interface PolicyJson {
  readonly schema: string;
  readonly verdict: string;
  readonly policies: readonly { readonly policy: string; readonly unmaps: number; readonly flushes: number }[];
  readonly addresses: { readonly traced: string; readonly chosen: number; readonly same: number };
  readonly notes: readonly string[];
}

async function answerOf(...args: string[]): Promise<PolicyJson> {
  const { stdout, status, error } = await runCli('replay', ...args, '--json', '--quiet');
  if (status !== 0) throw new Error(error);
  return JSON.parse(stdout) as PolicyJson;
}

describe('iommu replay --policy', () => {
  test('compares the policies that were asked for, and finds the addresses of a strict kernel', async () => {
    const answer = await answerOf(...STRICT, '--policy', 'strict,lazy');
    expect(answer.schema).toBe('iommu.replay-policies');
    expect(answer.policies.map(({ policy }) => policy)).toEqual(['strict', 'lazy']);
    expect(answer.addresses).toMatchObject({ traced: 'strict', chosen: 3383, same: 3376 });
    expect(answer.verdict).toContain('Lazy waits for the IOMMU 115 times instead of 3,373 under strict');
  });

  test('tells a lazy kernel by its addresses', async () => {
    const { addresses } = await answerOf(...LAZY, '--policy', 'passthrough');
    expect(addresses.traced).toBe('lazy');
    expect(addresses.same / addresses.chosen).toBeGreaterThan(0.9);
  });

  test('stops at a mark, and says where it did not come', async () => {
    const [boot] = STRICT;
    const all = await answerOf(...STRICT, '--policy', 'strict');
    const some = await answerOf(...STRICT, '--policy', 'strict', '--until', 'pause live-io');
    expect(some.policies[0]?.unmaps).toBeLessThan(all.policies[0]?.unmaps ?? 0);
    const none = await answerOf(boot ?? '', '--policy', 'strict', '--until', 'no such mark');
    expect(none.notes.some((note) => note.includes("'no such mark' is not in the trace"))).toBe(true);
  });

  test('text has a table by policy, exposure by device, and reasons', async () => {
    const { stdout, status } = await runCli('replay', ...STRICT, '--policy', 'all', '--quiet');
    expect(status).toBe(0);
    for (const text of ['passthrough', 'Exposure under lazy, by device', 'Why the others do not come out']) {
      expect(stdout).toContain(text);
    }
  });

  test('a device that takes requests has a driver without lists, and is compared all the same', async () => {
    const { policies } = await answerOf(join(CAPTURES, 'x86-viommu-612-vfio', 'trace_boot.txt'), '--policy', 'all');
    expect(policies.map(({ unmaps }) => unmaps)).toEqual([27, 27, 27]);
    expect(policies[1]?.flushes).toBeGreaterThan(0);
  });

  test('an unknown policy is refused', async () => {
    const { status, error } = await runCli('replay', ...STRICT, '--policy', 'eager', '--quiet');
    expect(status).toBe(2);
    expect(error).toContain('eager');
  });
});
