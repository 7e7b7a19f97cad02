import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { openDump } from '../../src/dump/open.ts';
import { parseRegisters } from '../../src/dump/registers.ts';
import { memorySource } from '../../src/dump/source.ts';
import { type ExplainedFault, explainFault } from '../../src/fault/explain.ts';
import { FaultHistory } from '../../src/fault/history.ts';
import { readFaultLog } from '../../src/fault/log.ts';
import { FaultTables } from '../../src/fault/tables.ts';
import { createNames } from '../../src/trace/events.ts';
import { createTraceReader } from '../../src/trace/readers.ts';
import { createRandom } from './world.ts';

interface Parts {
  readonly log: string;
  readonly state?: string;
  readonly traces?: readonly string[];
}

async function explain(capture: string, { log, state, traces }: Parts): Promise<ExplainedFault[]> {
  const path = (name: string): string => `test/captures/${capture}/${name}`;
  const { incidents: faults } = readFaultLog(readFileSync(path(log), 'utf8'));
  let tables: FaultTables | undefined;
  if (state !== undefined) {
    const registers = parseRegisters(readFileSync(path(`regs-${state}.json`), 'utf8'));
    tables = new FaultTables(
      await openDump(memorySource(readFileSync(path(`tables-${state}.jsonl.gz`))), { registers }),
    );
  }
  if (traces === undefined) return faults.map((fault) => explainFault(fault, tables, undefined));
  const names = createNames();
  const history = new FaultHistory(faults, names);
  for (const trace of traces) {
    const reader = createTraceReader('ftrace', history.sink, names);
    reader.push(existsSync(path(trace)) ? readFileSync(path(trace)) : gunzipSync(readFileSync(path(`${trace}.gz`))));
    reader.end();
  }
  history.finish();
  return faults.map((fault) => explainFault(fault, tables, history));
}

/** Address and cause of each fault, faults of one page once. */
function causes(faults: readonly ExplainedFault[]): string[] {
  const lines = faults.map(({ record, cause }) => `${((record.iova ?? 0n) >> 12n).toString(16)}000 ${cause.name}`);
  return [...new Set(lines)];
}

const VFIO = ['trace_boot.txt', 'trace_vfio.txt'];

/** The plan of the vfio captures: a write to a read-only page, two addresses never mapped, the hole behind a page. */
const PLANNED = ['100002000 wrong-direction', '300000000 never-mapped', '300001000 never-mapped', '100001000 overrun'];
/** Of the emulated VT-d and stage 2, which let the first one pass. */
const PLANNED_WITHOUT_FIRST = PLANNED.slice(1);

describe('the provoked faults get their true cause', () => {
  it.each([
    ['arm64-smmuv3-612-vfio', [...PLANNED, 'dead0000 never-mapped']],
    ['arm64-smmuv3-612-vfio-s2', [...PLANNED_WITHOUT_FIRST, 'dead0000 never-mapped', 'beef1000 never-mapped']],
    // the kernel announced a fourth fault, and printed nothing of it
    ['x86-vtd-612-vfio', [...PLANNED_WITHOUT_FIRST, '0000 unknown']],
  ])('%s, from its tables and its trace, each alone and together', async (capture, want) => {
    const log = 'dmesg_faults.txt';
    expect(causes(await explain(capture, { log, state: 'vfio-mapped', traces: VFIO }))).toEqual(want);
    expect(causes(await explain(capture, { log, state: 'vfio-mapped' }))).toEqual(want);
    expect(causes(await explain(capture, { log, traces: VFIO }))).toEqual(want);
  });

  it.each([
    ['arm64-smmuv3-612-mod', ['100001000 wrong-direction', '200000000 never-mapped', '200001000 never-mapped']],
    ['riscv64-72-mod', ['200000000 never-mapped', '200001000 never-mapped']],
  ])('%s, from its tables as they were at the faults', async (capture, want) => {
    const log = 'dmesg_mod.txt';
    for (const state of ['mod-mapped', 'mod-faulted']) {
      expect(causes(await explain(capture, { log, state }))).toEqual(want);
      expect(causes(await explain(capture, { log, state, traces: ['trace_boot.txt', 'trace_mod.txt'] }))).toEqual(want);
    }
  });

  it('virtio-iommu, from its trace alone: it has no tables', async () => {
    const want = [...PLANNED, 'dead0000 never-mapped'];
    expect(causes(await explain('x86-viommu-612-vfio', { log: 'dmesg_faults.txt', traces: VFIO }))).toEqual(want);
  });

  it('AMD-Vi: an event without address and domain leaves the cause open', async () => {
    const faults = await explain('x86-amdvi-612-vfio', { log: 'dmesg_faults.txt', state: 'vfio-mapped', traces: VFIO });
    expect(faults.length).toBe(9);
    for (const { record, cause } of faults) {
      expect(record.stream).toBe(0x30);
      expect(cause.name).toBe('unknown');
      expect(cause.evidence.join(' ')).toMatch(/domain 0 and address 0/);
    }
  });

  it('without tables and trace says no more than the line does', async () => {
    const faults = await explain('arm64-smmuv3-612-vfio', { log: 'dmesg_faults.txt' });
    expect(causes(faults).slice(0, 2)).toEqual(['100002000 wrong-direction', '300000000 not-mapped']);
  });
});

describe('a device without a context', () => {
  const CASES = 1000;
  const dumpOf = async (capture: string, state: string): Promise<FaultTables> => {
    const at = `test/captures/${capture}`;
    const registers = parseRegisters(readFileSync(`${at}/regs-${state}.json`, 'utf8'));
    return new FaultTables(await openDump(memorySource(readFileSync(`${at}/tables-${state}.jsonl.gz`)), { registers }));
  };
  const line = (stream: number, address: number): string =>
    `riscv,iommu 1.iommu: Fault 13 devid: 0x${stream.toString(16)} iotval: ${address.toString(16)} iotval2: 0`;

  it(`is told in ${CASES} cases out of ${CASES}, from the record and from the tables, and never for one with a context`, async () => {
    const random = createRandom(5);
    const tables = await dumpOf('arm64-smmuv3-612-vfio', 'vfio-mapped');
    for (let i = 0; i < CASES; i++) {
      const stream = 0x100 + random(0xff00);
      const address = 4096 * random(1 << 30);
      const lines = [
        line(stream, address),
        `DMAR: [DMA Read NO_PASID] Request device [${((stream >> 8) & 255).toString(16).padStart(2, '0')}:1f.7] fault addr 0x${address.toString(16)} [fault reason 0x0${1 + random(3)}] text`,
        line(0x30, address),
      ];
      const { incidents: faults } = readFaultLog(lines.join('\n'));
      const names = faults.map((fault) => explainFault(fault, tables, undefined).cause.name);
      expect(names.slice(0, 2)).toEqual(['no-context', 'no-context']);
      expect(names[2]).not.toBe('no-context');
    }
  });
});

describe('SMMUv3 records of the captures', () => {
  it('are whole, and have the stream, the access and the stage that the plan asked for', async () => {
    const faults = await explain('arm64-smmuv3-612-vfio', { log: 'dmesg_faults.txt' });
    expect(faults.map(({ record }) => record.complete)).toEqual(faults.map(() => true));
    expect(faults.slice(0, 8).map(({ record }) => `${record.iova?.toString(16)} ${record.access}`)).toEqual([
      '100002000 write',
      '100002004 write',
      '300000000 read',
      '300000004 read',
      '300001000 write',
      '300001004 write',
      '100001000 read',
      '100001004 read',
    ]);
    expect(new Set(faults.map(({ record }) => record.stream))).toEqual(new Set([0x30]));
    expect(new Set(faults.map(({ record }) => record.stage))).toEqual(new Set([1]));
  });
});
