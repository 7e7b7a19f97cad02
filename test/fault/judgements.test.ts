/** What may be concluded from one record, and what may not: Arm IHI 0062 and 0070, Intel VT-d chapter 7, AMD 48882 2.5. */
import { describe, expect, it } from 'vitest';
import { faultAnswer } from '../../src/answers/fault.ts';
import { type ExplainedFault, explainFault } from '../../src/fault/explain.ts';
import { readFaultLog } from '../../src/fault/log.ts';

function only(...lines: string[]): ExplainedFault {
  const { incidents } = readFaultLog(lines.join('\n'));
  const [first] = incidents;
  if (first === undefined || incidents.length > 1) throw new Error(`expected 1 incident, got ${incidents.length}`);
  return explainFault(first, undefined, undefined);
}

function causes({ cause }: ExplainedFault): string {
  return [cause.name, ...cause.alternatives.map(({ name }) => name)].join(' ');
}

function steps({ next }: ExplainedFault): string {
  return next.map(({ text }) => text).join('\n');
}

describe('SMMUv3: CLASS says whose access stage 2 stopped (IHI 0070, 7.3.13 to 7.3.16)', () => {
  const words = (w1: string, code = '13') => [
    `arm-smmu-v3 a.auto: event 0x${code} received:`,
    `arm-smmu-v3 a.auto: \t0x00000108000000${code}`,
    `arm-smmu-v3 a.auto: \t${w1}`,
    'arm-smmu-v3 a.auto: \t0x0000000012345000',
    'arm-smmu-v3 a.auto: \t0x0000000040000000',
  ];

  it.each([
    ['0x0000008800000000', 'a context descriptor'],
    ['0x0000018800000000', 'a table of stage 1'],
  ])('word 1 %s: the own access to %s, no verdict on the direction of the mapping', (w1, what) => {
    const fault = only(...words(w1));
    expect(causes(fault)).toBe('tables-refused table-corrupted');
    expect(fault.words).toContain(what);
  });

  it('CLASS 2: the access of the device', () => {
    expect(causes(only(...words('0x0000028800000000')))).toBe('wrong-direction stale-tlb');
  });

  it('CLASS 1 of a translation fault: the table is not mapped at stage 2, which says nothing of the address', () => {
    expect(causes(only(...words('0x0000018800000000', '10')))).toBe('tables-refused table-corrupted');
  });

  it('the printed words alone say the same', () => {
    const event = 'event: F_PERMISSION client: 0000:01:00.0 sid: 0x100 ssid: 0x0 iova: 0x1000 ipa: 0x40000000';
    const rest = 'unpriv data read s2 "Stage 1 translation table fetch" ttd_read stag: 0x0';
    expect(causes(only(`arm-smmu-v3 a.auto: ${event}`, `arm-smmu-v3 a.auto: ${rest}`))).toMatch(/^tables-refused/);
  });
});

describe('SMMUv2 (IHI 0062)', () => {
  const context = (fsr: string, fsynr: string) =>
    only(`arm-smmu a.smmu: Unhandled context fault: fsr=${fsr}, iova=0x1000, fsynr=${fsynr}, cbfrsynra=0x4, cb=1`);
  const global = (gfsr: string, gfsynr0 = '0x0') =>
    only(
      'arm-smmu a.smmu: Unexpected global fault, this could be serious',
      `arm-smmu a.smmu: \tGFSR ${gfsr}, GFSYNR0 ${gfsynr0}, GFSYNR1 0x00000123, GFSYNR2 0x00000000`,
    );

  it('a lock fault of the TLB is no doubled configuration: the cause is unknown', () => {
    expect(causes(context('0x40', '0x0'))).toBe('unknown');
  });

  it('an instruction fetch that the page forbids is no matter of the direction', () => {
    const fault = context('0x8', '0x63');
    expect(causes(fault)).toBe('no-execute stale-tlb');
    expect(steps(fault)).not.toContain('DMA_TO_DEVICE');
  });

  it('MULTI and further flags are said', () => {
    expect(context('0x80000012', '0x0').record.notes.join('; ')).toMatch(/EF; MULTI: /);
    expect(global('0x80000002').record.notes.join('; ')).toMatch(/MULTI: /);
  });

  it('a forbidden access to the registers of the SMMU is a request that is not allowed, not a lost context', () => {
    expect(causes(global('0x20'))).toBe('unsupported-request');
  });

  it('a global fault without an address has no "from" in its sentence', () => {
    expect(global('0x4', '0xc').words).toMatch(/^StreamID 0x123 fetched instructions; SMCF/);
  });

  it('a fault without a stream names the IOMMU that the device is behind', () => {
    const fault = only('(XEN) smmu: /iommu@51400000: Unhandled context fault: fsr=0x402, iova=0x1000, fsynr=0x2, cb=0');
    expect(fault.words).toMatch(/^a device behind \/iommu@51400000 read 0x1000/);
  });
});

describe('VT-d (chapter 7)', () => {
  const record = (direction: string, reason: string) =>
    only(`DMAR: [DMA ${direction}] Request device [01:00.0] fault addr 0x1000 [fault reason ${reason}] words`);

  it.each([
    ['0x75', 'tables-refused table-corrupted'],
    ['0x76', 'tables-refused table-corrupted'],
    ['0x77', 'tables-refused table-corrupted'],
    ['0x81', 'no-privilege stale-tlb'],
    ['0x82', 'no-execute stale-tlb'],
    ['0x30', 'no-context'],
  ])('reason %s: %s', (reason, expected) => {
    expect(causes(record('Read NO_PASID', reason))).toBe(expected);
  });

  it('a read that lacks the write bit is an atomic operation or a contradiction: said', () => {
    expect(record('Read NO_PASID', '0x05').record.notes.join()).toContain('atomic operation');
    expect(record('Write NO_PASID', '0x06').record.notes.join()).toContain('contradicts itself');
    expect(record('Write NO_PASID', '0x05').record.notes).toEqual([]);
  });
});

describe('AMD-Vi (48882, 2.5)', () => {
  const event = (body: string) => only(`iommu ivhd0: AMD-Vi: Event logged [${body}]`);

  it('RW is not defined for a translation request', () => {
    const fault = event('IO_PAGE_FAULT device=0a:00.0 domain=0x0010 address=0x1000 flags=0x0100');
    expect(fault.record.access).toBeUndefined();
  });

  it('a fault of the reverse map says nothing of the mapping', () => {
    const body = 'RMP_PAGE_FAULT device=0a:00.0 vmg_tag=0x0000, gpa=0x5000, flags_rmp=0x0, flags=0x0010';
    expect(causes(event(body))).toBe('unknown');
  });

  it('an error without a device is one of the unit', () => {
    expect(event('COMMAND_HARDWARE_ERROR address=0x123000 flags=0x0600').words).toMatch(
      /^ivhd0: COMMAND_HARDWARE_ERROR/,
    );
  });

  it('the words of an event without a name hold the device', () => {
    const fault = only(
      'iommu ivhd0: AMD-Vi: Event logged [UNKNOWN event[0]=0x00000a01, event[1]=0xf0000010, event[2]=0x0, event[3]=0x0',
    );
    expect(fault.record.device).toBe('0000:0a:00.1');
    expect(fault.cause.name).toBe('unknown');
  });

  it('advice about ATS only where the request has to do with ATS', () => {
    const request = (flags: string) =>
      steps(event(`INVALID_DEVICE_REQUEST device=0a:00.0 pasid=0x00000 address=0x5000 flags=${flags}`));
    expect(request('0x0200')).toContain('pci=noats');
    expect(request('0x0400')).not.toContain('pci=noats');
  });

  it('an address beyond 57 bits is first of all a wrong address', () => {
    const fault = event('IO_PAGE_FAULT device=02:00.0 domain=0x000f address=0xff00ffffffefe000 flags=0x0000');
    expect(causes(fault)).toMatch(/^not-mapped input-range /);
  });
});

it('the msm driver names no device: it is the GPU, with the block that made the access', () => {
  const line =
    '*** gpu fault: ttbr0=00000001042fc000 iova=0000000000000020 dir=READ type=TRANSLATION source=CP (0,0,0,0)';
  expect(only(line).words).toMatch(/^the GPU \(CP\) read 0x20; TRANSLATION/);
});

it('the verdict over several causes tells one of the faults in full: who, what, where, why', () => {
  const fault = (device: string, address: string, flags: string) =>
    `AMD-Vi: Event logged [IO_PAGE_FAULT device=${device} domain=0x0001 address=${address} flags=${flags}]`;
  const rare = fault('01:00.0', '0x1000', '0x0050');
  const frequent = fault('02:00.0', '0x2000', '0x0020');
  const verdict = (...lines: string[]) =>
    faultAnswer({ log: readFaultLog(lines.join('\n')), source: 'log', limit: 9 }).verdict;
  expect(verdict(rare, frequent, frequent)).toContain('The most frequent: 0000:02:00.0 (DeviceID 0x200) wrote 0x2000;');
  expect(verdict(rare, frequent)).toContain('The first: 0000:01:00.0 (DeviceID 0x100) read 0x1000;');
});

describe("a device's own MMU", () => {
  const fault = only('lima 1c40000.gpu: mmu page fault at 0x121020 from bus id 0 of type read on ppmmu0');

  it('is named in the verdict', () => {
    expect(fault.cause.text).toContain("the device's own MMU reports this, not an IOMMU");
  });

  it('is not helped by what watches the DMA API', () => {
    expect(steps(fault)).not.toContain('DMA_API_DEBUG');
  });
});
