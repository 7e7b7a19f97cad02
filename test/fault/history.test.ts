import { describe, expect, it } from 'vitest';
import { type ExplainedFault, explainFault } from '../../src/fault/explain.ts';
import { FaultHistory } from '../../src/fault/history.ts';
import { readFaultLog } from '../../src/fault/log.ts';
import { createNames } from '../../src/trace/events.ts';
import { createTraceReader } from '../../src/trace/readers.ts';

function explain(log: string, trace: readonly string[]): ExplainedFault {
  const { incidents: faults } = readFaultLog(log);
  const names = createNames();
  const history = new FaultHistory(faults, names);
  const reader = createTraceReader('ftrace', history.sink, names);
  reader.push(new TextEncoder().encode(`# tracer: nop\n${trace.join('\n')}\n`));
  reader.end();
  history.finish();
  const [fault] = faults;
  if (fault === undefined) throw new Error('no fault in the log');
  return explainFault(fault, undefined, history);
}

const line = (seconds: string, body: string): string => `            task-77      [001] d....  ${seconds}: ${body}`;

/** A page mapped for a device, as a kernel with dma events prints it. */
function mapFor(device: string, direction: string, at: number): string[] {
  const [iova, pa] = ['00000000fffff000', '0000000048c36000'];
  return [
    line(`${at}.000010`, `map: IOMMU: iova=0x${iova} - 0x0000000100000000 paddr=0x${pa} size=4096`),
    line(
      `${at}.000020`,
      `dma_map_page: ${device} dir=${direction} dma_addr=fffff000 size=4096 phys_addr=48c36000 attrs=`,
    ),
  ];
}

function unmapFor(device: string, at: number): string[] {
  const range = 'iova=0x00000000fffff000 - 0x0000000100000000';
  return [
    line(`${at}.000010`, `unmap: IOMMU: ${range} size=4096 unmapped_size=4096`),
    line(`${at}.000020`, `dma_unmap_page: ${device} dir=TO_DEVICE dma_addr=fffff000 size=4096 attrs=`),
  ];
}

const dmar = (seconds: string, device: string, direction: string): string =>
  `[${seconds}] DMAR: [DMA ${direction} NO_PASID] Request device [${device}] fault addr 0xfffff000 [fault reason 0x05] x`;

describe('the history of a faulting address', () => {
  it("is that of the device's own domain where the same address is mapped for another", () => {
    const trace = [
      ...mapFor('0000:00:01.0', 'TO_DEVICE', 1),
      ...mapFor('0000:00:02.0', 'TO_DEVICE', 2),
      ...unmapFor('0000:00:02.0', 3),
    ];
    expect(explain(dmar('4.000000', '00:02.0', 'Read'), trace).cause.name).toBe('use-after-unmap');
    expect(explain(dmar('4.000000', '00:03.0', 'Read'), trace).cause.name).toBe('never-mapped');
    expect(explain(dmar('4.000000', '00:01.0', 'Write'), trace).cause.name).toBe('wrong-direction');
  });

  it('says how long before the fault the address was unmapped, and by whom it was mapped', () => {
    const trace = [...mapFor('0000:00:02.0', 'TO_DEVICE', 2), ...unmapFor('0000:00:02.0', 3)];
    const { cause } = explain(dmar('3.000034', '00:02.0', 'Read'), trace);
    expect(cause.evidence).toContain('mapped: 0xfffff000 + 0x1000 by task at 2.000010, TO_DEVICE');
    expect(cause.evidence.join('\n')).toMatch(
      /unmapped: 0xfffff000 \+ 0x1000 by task at 3\.000010.*, 24 µs before the fault/,
    );
  });

  it('takes the direction of the mapping from the trace', () => {
    const reads = explain(dmar('4.000000', '00:02.0', 'Read'), mapFor('0000:00:02.0', 'FROM_DEVICE', 2));
    expect(reads.cause.name).toBe('wrong-direction');
    const both = explain(
      '[4.000000] arm-smmu 1.iommu: Unhandled context fault: fsr=0x2, iova=0xfffff000, fsynr=0x0, cbfrsynra=0x10, cb=1',
      mapFor('0000:00:02.0', 'BIDIRECTIONAL', 2),
    );
    expect(both.cause.name).toBe('stale-tlb');
  });

  it('ends at the fault: what the trace has later is no history', () => {
    const trace = [...mapFor('0000:00:02.0', 'TO_DEVICE', 2), ...unmapFor('0000:00:02.0', 5)];
    expect(explain(dmar('4.000000', '00:02.0', 'Write'), trace).cause.name).toBe('wrong-direction');
    expect(explain(dmar('6.000000', '00:02.0', 'Write'), trace).cause.name).toBe('use-after-unmap');
  });
});
