import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runCli } from '../support/cli.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'clock-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const FAULT =
  'DMAR: [DMA Write NO_PASID] Request device [00:06.0] fault addr 0x20000000 [fault reason 0x05] PTE Write access is not set';
const RANGE = 'iova=0x0000000020000000 - 0x0000000020001000';
/** A mapping taken away at 98.639200 on the trace's clock, 31 ms before the fault on the log's. */
const TRACE = `# tracer: nop
#
        vfiomap2-795     [001] .....    98.416596: attach_device_to_domain: IOMMU: device=0000:00:06.0
        vfiomap2-795     [001] .....    98.465378: map: IOMMU: ${RANGE} paddr=0x0000000004166000 size=4096
        vfiomap2-795     [001] .....    98.639200: unmap: IOMMU: ${RANGE} size=4096 unmapped_size=4096
`;

async function causeOf(log: string, metadata?: object): Promise<string> {
  writeFileSync(join(folder, 'dmesg.txt'), log);
  writeFileSync(join(folder, 'trace.txt'), TRACE);
  if (metadata !== undefined) writeFileSync(join(folder, 'metadata.json'), JSON.stringify(metadata));
  const { stdout } = await runCli('fault', folder, '--quiet', '--json');
  return JSON.parse(stdout).faults[0].cause.name;
}

const MARK = '[    5.1] sched_clock: Marking stable (4756236838, -71356658)->(5956013576, -1271133396)';

test('a use after unmap is seen although the trace’s clock runs ahead of the log’s', async () => {
  const log = `${MARK}\n[   98.600162] ${FAULT}\n`;
  expect(await causeOf(log, { tracing: { clock: 'mono' } })).toBe('use-after-unmap');
  expect(await causeOf(log, { clock: { trace: 'mono', logOffsetNs: -71356658 } })).toBe('use-after-unmap');
});

test('a trace with the clock of the log is taken as it is', async () => {
  const log = `${MARK}\n[   98.670162] ${FAULT}\n`;
  expect(await causeOf(log, { clock: { trace: 'global', logOffsetNs: 0 } })).toBe('use-after-unmap');
});
