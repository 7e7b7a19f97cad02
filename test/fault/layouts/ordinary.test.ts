import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FaultLog } from '../../../src/fault/log.ts';

const CAPTURES = new URL('../../captures/', import.meta.url);

/** The kernel logs of all captured machines, and the drivers whose faults are in some of them. */
function logs(): Buffer[] {
  return readdirSync(CAPTURES, { recursive: true, encoding: 'utf8' })
    .filter((name) => /dmesg[^/]*\.txt$/.test(name))
    .map((name) => readFileSync(new URL(name, CAPTURES)));
}

const FAULTING = new Set(['arm-smmu-v3', 'intel-vtd', 'amd-vi', 'riscv-iommu', 'virtio-iommu']);

describe('100,000 lines of ordinary logs', () => {
  it('give no incident and no line that is not understood, but for the faults that are in them', () => {
    const files = logs();
    const log = new FaultLog();
    for (let lines = 0; lines < 100_000; ) {
      for (const file of files) {
        log.push(file);
        lines += file.reduce((count, byte) => count + (byte === 10 ? 1 : 0), 0);
      }
    }
    log.end();
    expect(log.counts.lines).toBeGreaterThanOrEqual(100_000);
    expect(new Set(log.incidents.map(({ iommu }) => iommu))).toEqual(FAULTING);
    expect(log.unknown).toEqual([]);
  });
});
