import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { explainFault, faultWords } from '../../src/fault/explain.ts';
import type { Incident } from '../../src/fault/incident.ts';
import { readFaultLog } from '../../src/fault/log.ts';
import { EVENT_TYPES, encodeEvent } from '../../src/hardware/smmu-v3/events.ts';
import { createRandom } from './world.ts';

function faultsOf(...lines: string[]): Incident[] {
  return readFaultLog(lines.join('\n')).incidents;
}

/** What a record says, short: kind, stream, address, access, name, PASID, stage. */
function brief(record: Incident | undefined): string {
  const { kind, stream, iova, access, name, pasid, stage } = record as Incident;
  return [kind, stream?.toString(16), iova?.toString(16), access, name, pasid, stage].map((x) => x ?? '-').join(' ');
}

const CASES: readonly (readonly [string, readonly string[], string])[] = [
  [
    'arm-smmu, without FSR (3.x)',
    ['arm-smmu 2b500000.smmu: Unhandled context fault: iova=0xdeadbeef000, fsynr=0x10, cb=0'],
    'unknown - deadbeef000 write context fault - -',
  ],
  [
    'arm-smmu, permission',
    ['arm-smmu 2b500000.smmu: Unhandled context fault: fsr=0x8, iova=0x1000, fsynr=0x11, cb=0'],
    'permission - 1000 write PF - -',
  ],
  [
    'arm-smmu, FSR and FSYNR0 in lines of their own (6.12)',
    [
      'arm-smmu 15000000.iommu: Unhandled context fault: fsr=0x80000402, iova=0x7f000, fsynr=0x40, cbfrsynra=0x1801, cb=3',
      'arm-smmu 15000000.iommu: FSR    = 80000402 [MULTI Format=2 TF], SID=0x1801',
      'arm-smmu 15000000.iommu: FSYNR0 = 00000040 [S1CBNDX=0 IND PLVL=0]',
    ],
    'translation 1801 7f000 execute TF - -',
  ],
  [
    'arm-smmu, global fault',
    [
      'arm-smmu 5000000.iommu: Unexpected global fault, this could be serious',
      'arm-smmu 5000000.iommu:    GFSR 0x80000002, GFSYNR0 0x00000000, GFSYNR1 0x00000420, GFSYNR2 0x00000000',
    ],
    'configuration 420 - read USF - -',
  ],
  [
    'arm-smmu, blocked stream',
    [
      'arm-smmu 5000000.iommu: Blocked unknown Stream ID 0x420; boot with "arm-smmu.disable_bypass=0" to allow, but this may have security implications',
      'arm-smmu 5000000.iommu: \tGFSR 0x80000002, GFSYNR0 0x00000002, GFSYNR1 0x00000420, GFSYNR2 0x00000000',
    ],
    'configuration 420 - write USF - -',
  ],
  [
    'arm-smmu-v3, in words (6.13), after the raw record',
    [
      'arm-smmu-v3 arm-smmu-v3.0.auto: event 0x10 received:',
      'arm-smmu-v3 arm-smmu-v3.0.auto: \t0x0000010000000010',
      'arm-smmu-v3 arm-smmu-v3.0.auto: \t0x0000020000000000',
      'arm-smmu-v3 arm-smmu-v3.0.auto: \t0x0000000000012340',
      'arm-smmu-v3 arm-smmu-v3.0.auto: \t0x0000000000000000',
      'arm-smmu-v3 arm-smmu-v3.0.auto: event: F_TRANSLATION client: 0000:01:00.0 sid: 0x100 ssid: 0x0 iova: 0x12340 ipa: 0x0',
      'arm-smmu-v3 arm-smmu-v3.0.auto: unpriv data write s1 "Input address caused fault" stag: 0x0',
    ],
    'translation 100 12340 write F_TRANSLATION - 1',
  ],
  [
    'arm-smmu-v3, in words alone',
    [
      'arm-smmu-v3 arm-smmu-v3.0.auto: event: F_PERMISSION client: (unassigned sid) sid: 0x8 ssid: 0x3 iova: 0xf000 ipa: 0x0',
      'arm-smmu-v3 arm-smmu-v3.0.auto: priv inst read s2 "Stage 1 translation table fetch" ttd_read stag: 0x0',
    ],
    'permission 8 f000 execute F_PERMISSION 3 2',
  ],
  [
    'arm-smmu-v3, global error',
    ['arm-smmu-v3 9050000.smmuv3: unexpected global error reported (0x00000001), this could be serious'],
    'unit - - - CMDQ_ERR - -',
  ],
  [
    'DMAR of the oldest kernels, over two lines',
    [
      'DMAR:[DMA Write] Request device [02:00.0] fault addr ffff0000 ',
      'DMAR:[fault reason 12] non-zero reserved fields in PTE',
    ],
    'reserved-bits 200 ffff0000 write fault reason 0x0c - -',
  ],
  [
    'DMAR with segment and hex reason',
    [
      'DMAR: [DMA Read NO_PASID] Request device [0x1a:0x02.3] fault addr 0x12345678000 [fault reason 0x71] SM: Present bit in first-level paging entry is clear',
    ],
    'translation 1a13 12345678000 read fault reason 0x71 - -',
  ],
  [
    'DMAR, PASID behind the device (5.x)',
    [
      'DMAR: [DMA Write] Request device [6a:01.0] PASID 2 fault addr 7f0000000000 [fault reason 05] PTE Write access is not set',
    ],
    'not-permitted 6a08 7f0000000000 write fault reason 0x05 2 -',
  ],
  [
    'DMAR, interrupt remapping',
    [
      'DMAR: [INTR-REMAP] Request device [f0:1f.7] fault index 0x40 [fault reason 0x25] Blocked a compatibility format interrupt request',
    ],
    'interrupt f0ff - - fault reason 0x25 - -',
  ],
  [
    'DMAR, a status without a fault: a device did not answer an invalidation',
    ['DMAR: DRHD: handling fault status reg 40'],
    'device-timeout - - - FSTS - -',
  ],
  [
    'AMD-Vi, a read of a page that is not present',
    ['AMD-Vi: Event logged [IO_PAGE_FAULT device=0000:0a:00.1 domain=0x0003 address=0xfeed000 flags=0x0000]'],
    'translation a01 feed000 read IO_PAGE_FAULT - -',
  ],
  [
    'AMD-Vi, reserved bits',
    ['nvme 0000:01:00.0: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x0003 address=0xfeed000 flags=0x00b0]'],
    'reserved-bits 100 feed000 write IO_PAGE_FAULT - -',
  ],
  [
    'AMD-Vi, device table',
    ['AMD-Vi: Event logged [ILLEGAL_DEV_TABLE_ENTRY device=0000:05:00.0 pasid=0x00000 address=0x1000 flags=0x0080]'],
    'configuration 500 1000 read ILLEGAL_DEV_TABLE_ENTRY - -',
  ],
  [
    'virtio-iommu, no domain',
    ['virtio_iommu virtio0: domain fault from EP 8 at 0x1000 [R]'],
    'configuration 8 1000 read domain fault - -',
  ],
  [
    'the trace event of the subsystem',
    [
      '   irq/30-dmar0-99  [001] d..1.  12.345678: io_page_fault: IOMMU:e1000e 0000:00:19.0 iova=0x00000000fff00000 flags=0x0001',
    ],
    'not-permitted c8 fff00000 write io_page_fault - -',
  ],
];

describe('fault lines', () => {
  it.each(CASES)('%s', (_, lines, want) => {
    const faults = faultsOf(...lines);
    expect(faults.map(brief)).toEqual([want]);
    expect(faults[0]?.complete).toBe(true);
  });

  it('are read behind the prefixes of dmesg, syslog and the journal', () => {
    const line = 'riscv,iommu 3010000.iommu: Fault 13 devid: 0x30 iotval: 200000000 iotval2: 0';
    const prefixes = [
      ['[   12.345678] ', 12.345678],
      ['kernel: [   12.345678] ', 12.345678],
      ['Nov 22 16:00:00 host kernel: [12.345678] ', 12.345678],
      ['2026-11-22T16:00:00.123456+00:00 host kernel: ', undefined],
      ['kern  :warn  : [   12.345678] ', 12.345678],
      ['<4>[   12.345678][  T123] ', 12.345678],
      ['[Sun Nov 22 16:00:00 2026] ', undefined],
    ] as const;
    for (const [prefix, seconds] of prefixes) {
      const [fault] = faultsOf(prefix + line);
      expect(brief(fault)).toBe('not-permitted 30 200000000 read cause 13 - 1');
      expect(fault?.seconds).toBe(seconds);
    }
  });

  it('of public threads are all read, and their bits put in words', () => {
    const { incidents: faults } = readFaultLog(readFileSync('test/captures/fault-lines/public.txt', 'utf8'));
    expect(faults.map(brief)).toEqual([
      'translation 19c3 fd7ff000 read TF - -',
      'permission 100 cff49550 write IO_PAGE_FAULT - -',
      'permission 100 cece9e50 write IO_PAGE_FAULT - -',
      'interrupt 1 fdf8000020 - INVALID_DEVICE_REQUEST - -',
      'permission 500 ff6101b0 write IO_PAGE_FAULT - -',
      'reserved-bits 6a08 7fe0c9943000 read fault reason 0x3a 2 -',
      'configuration 10 7cd80000 read fault reason 0x01 - -',
      'not-permitted 90 0 write fault reason 0x05 - -',
    ]);
    expect(faults[0]?.fields.find((field) => field.name === 'S1CBNDX')?.value).toBe('0x54');
    expect(faults[0]?.notes).toEqual(["the driver's own walk of the tables found no mapping"]);
    expect(faults[7]?.notes).toEqual(['the kernel left out 2474 more messages']);
    expect(faultWords(faults[6] as Incident)).toBe(
      '0000:00:02.0 (source-id 0x10) read 0x7cd80000; fault reason 0x01: the root entry of the bus is not present',
    );
  });

  it('of no context get that cause, and no other kind of fault does', () => {
    for (const [, lines] of CASES) {
      const [fault] = faultsOf(...lines);
      const { cause } = explainFault(fault as Incident, undefined, undefined);
      expect(cause.name === 'no-context').toBe(fault?.kind === 'configuration');
    }
  });
});

describe('DMAR status lines', () => {
  it('belong to the detail line behind them, and stand alone where there is none', () => {
    const status = 'DMAR: DRHD: handling fault status reg 3';
    const detail = 'DMAR: [DMA Read NO_PASID] Request device [00:02.0] fault addr 0x1000 [fault reason 0x06] x';
    const faults = faultsOf(status, detail, detail, status, status, detail);
    expect(faults.map((fault) => [fault.line, fault.complete, fault.iova])).toEqual([
      [1, true, 0x1000n],
      [3, true, 0x1000n],
      [4, false, undefined],
      [5, true, 0x1000n],
    ]);
    expect(faults[0]?.fields.map((field) => field.name)).toEqual(['T', 'SID', 'FI', 'FSTS', 'PFO', 'PPF', 'FR']);
  });
});

describe('SMMUv3 event records in a log', () => {
  it('give every field of every event type as it was encoded, other lines between them', () => {
    const random = createRandom(7);
    for (const type of EVENT_TYPES) {
      const fields = Object.fromEntries(
        type.fields.map((field) => {
          const bits = BigInt(random(2 ** 30)) * 2n ** 34n + BigInt(random(2 ** 30)) * 16n + 5n;
          return [field.name, BigInt.asUintN(field.bits, bits) << BigInt(field.shift ?? 0)];
        }),
      );
      const words = encodeEvent({ code: type.code, name: type.name, fields });
      const raw = [6, 4, 2, 0].map((i) => (BigInt(words[i + 1] ?? 0) << 32n) | BigInt(words[i] ?? 0));
      const lines = [`arm-smmu-v3 a.smmu: event 0x${type.code.toString(16).padStart(2, '0')} received:`];
      while (raw.length > 0) {
        lines.push('usb 1-1: new device', `arm-smmu-v3 b.smmu: \t0x0123456789abcdef`);
        lines.push(`[ 1.000000] arm-smmu-v3 a.smmu: \t0x${raw.pop()?.toString(16).padStart(16, '0')}`);
      }
      const [fault] = faultsOf(...lines);
      expect(fault?.name).toBe(type.name);
      const got = Object.fromEntries((fault?.fields ?? []).slice(1).map((field) => [field.name, BigInt(field.value)]));
      expect(got).toEqual(fields);
    }
  });

  it('that break off are kept, and marked', () => {
    const [fault] = faultsOf('arm-smmu-v3 a: event 0x10 received:', 'arm-smmu-v3 a: \t0x0000003000000010');
    expect(fault).toMatchObject({ complete: false, name: 'F_TRANSLATION', iova: undefined });
  });
});

describe('lines about two events', () => {
  const RAW = [
    'arm-smmu-v3 a.smmu: event 0x10 received:',
    'arm-smmu-v3 a.smmu: \t0x0000010000000010',
    'arm-smmu-v3 a.smmu: \t0x0000020800000000',
    'arm-smmu-v3 a.smmu: \t0x00000000fff10000',
    'arm-smmu-v3 a.smmu: \t0x0000000000000000',
  ];
  const FIRST = 'translation 100 fff10000 read F_TRANSLATION - 1';
  const OWN: readonly (readonly [string, readonly string[], string])[] = [
    ['stream', ['F_TRANSLATION client: 0000:02:00.0 sid: 0x200 ssid: 0x0 iova: 0xfff10000 ipa: 0x0'], '200 fff10000'],
    ['address', ['F_TRANSLATION client: 0000:01:00.0 sid: 0x100 ssid: 0x0 iova: 0xdead0000 ipa: 0x0'], '100 dead0000'],
    ['kind', ['F_PERMISSION client: 0000:01:00.0 sid: 0x100 ssid: 0x0 iova: 0xfff10000 ipa: 0x0'], '100 fff10000'],
  ];

  for (const [what, [words = ''], expected] of OWN) {
    it(`of SMMUv3 are two incidents where the ${what} of the raw words is another than that in words`, () => {
      const faults = faultsOf(...RAW, `arm-smmu-v3 a.smmu: event: ${words}`);
      expect(faults.map((fault) => fault.device)).toEqual([undefined, /client: (\S+)/.exec(words)?.[1]]);
      expect(brief(faults[0])).toBe(FIRST);
      expect(brief(faults[1])).toContain(expected);
    });
  }

  it('of SMMUv3 are two incidents where a write is printed behind the raw words of a read', () => {
    const faults = faultsOf(...RAW, 'arm-smmu-v3 a.smmu: unpriv data write s1 "Input address caused fault" stag: 0x0');
    expect(faults.map((fault) => [fault.access, fault.iova])).toEqual([
      ['read', 0xfff10000n],
      ['write', undefined],
    ]);
  });

  it('of SMMUv2 are two incidents where the stream is another than that of CBFRSYNRA', () => {
    const faults = faultsOf(
      'arm-smmu a.iommu: Unhandled context fault: fsr=0x402, iova=0xffff0000, fsynr=0x20, cbfrsynra=0x880, cb=5',
      'arm-smmu a.iommu: FSR    = 00000402 [Format=2 TF], SID=0x881',
    );
    expect(faults.map((fault) => [fault.stream, fault.iova])).toEqual([
      [0x880, 0xffff0000n],
      [0x881, undefined],
    ]);
  });
});

describe('logs that are no logs', () => {
  it('give no faults, and no error, for random bytes and random pieces of lines', () => {
    const random = createRandom(11);
    const pieces = CASES.flatMap(([, lines]) => lines.join('\n').split(/(?<=[ =:[\]])/));
    for (let round = 0; round < 300; round++) {
      const text = Array.from({ length: 60 }, () => pieces[random(pieces.length)] ?? '').join(random(2) ? '' : '\n');
      for (const fault of readFaultLog(text).incidents) {
        expect(explainFault(fault, undefined, undefined).words.length).toBeGreaterThan(0);
      }
      const noise = Array.from({ length: 400 }, () => String.fromCharCode(random(256))).join('');
      expect(readFaultLog(noise).incidents).toEqual([]);
    }
  });

  it('count lines too long to be looked at', () => {
    const { counts, incidents: faults } = readFaultLog(
      `${'x'.repeat(1 << 20)}\nvirtio_iommu v: page fault from EP 8 at 0x1000 [R]`,
    );
    expect(counts).toMatchObject({ tooLong: 1 });
    expect(faults.length).toBe(1);
  });
});
