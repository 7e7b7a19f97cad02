/** What people posted that mail or a terminal broke, that lost its heads, or that other systems print. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { causeByLines } from '../../../src/fault/cause.ts';
import { type FaultLog, readFaultLog } from '../../../src/fault/log.ts';
import { IncidentTotals } from '../../../src/fault/totals.ts';
import { brief, incidentsOf } from './cases.ts';

const FOLDER = new URL('reported/', import.meta.url);

function reported(name: string): FaultLog {
  return readFaultLog(readFileSync(new URL(name, FOLDER), 'utf8'));
}

/** File → its incidents, each with the cause by its lines alone. */
const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  'amd-entry-after-resume.txt': [
    'amd-vi | configuration | ILLEGAL_DEV_TABLE_ENTRY | 0000:06:00.0 | 600 | 135300000 | read | no-context',
  ],
  'amdgpu-mail.txt': [
    'amdgpu | translation | gfxhub0 page fault | 0000:08:00.0 | - | 80010008d000 | write | not-mapped',
  ],
  'dma-debug-mail.txt': ['dma-debug | software | DMA-API warning | 0000:05:00.0 | - | 6198b0000 | - | not-a-fault'],
  'dmar-address-hidden.txt': [
    'intel-vtd | not-permitted | fault reason 0x06 | 0000:06:00.0 | 600 | - | read | not-permitted',
  ],
  'dmar-no-blank.txt': ['intel-vtd | unknown | DMA fault | 0000:5e:00.0 | 5e00 | fffff000 | read | unknown'],
  'dmar-queue-cut.txt': ['intel-vtd | device-timeout | ITE | 0000:53:00.0 | 5300 | - | - | unit-error'],
  'dmar-status-100.txt': [
    'intel-vtd | not-permitted | fault reason 0x06 | 0000:02:00.0 | 200 | ffffc030b000 | read | not-permitted',
    'intel-vtd | unknown | FSTS | - | - | - | - | unknown',
    'intel-vtd | unknown | FSTS | - | - | - | - | unknown',
  ],
  'eeh-diagnostic-data.txt': ['eeh | unknown | EEH freeze | PHB#5 | - | - | - | unknown'],
  'eeh-frozen.txt': ['eeh | unknown | EEH freeze | PHB#2-PE#fd | - | - | - | unknown'],
  'esxi-context.txt': ['esxi | unknown | context entry dump | 0000:06:00.0 | 600 | - | - | unknown'],
  'esxi-passthru.txt': ['esxi | unknown | IOMMU fault type 5 | 0000:0d:00.0 | d00 | e0041000 | - | unknown'],
  'esxi-purple-screen.txt': ['esxi | unknown | IOMMU fault | 0000:da:00.0 | da00 | a1fc6a000 | - | unknown'],
  'esxi-queue.txt': ['esxi | unit | invalidation time-out | - | - | - | - | unit-error'],
  'mali-as-active.txt': ['mali | unit | AS_ACTIVE | ffe40000.gpu_mali_vulkan | - | - | - | unit-error'],
  'msm-gpu-terminal.txt': [
    'msm-gpu | translation | TRANSLATION | - | - | 1033f0000 | read | not-mapped',
    'msm-gpu | translation | TRANSLATION | - | - | 1033f0000 | read | not-mapped',
  ],
  'mtk-iommu-short.txt': ['mtk-iommu | translation | TRANSLATION | - | - | 1ff000000 | read | not-mapped'],
  'qemu-interrupts.txt': [
    'qemu | interrupt | invalid MSI | 0000:01:00.0 | 100 | - | - | interrupt-blocked',
    'qemu | interrupt | IRTE not present | - | - | - | - | interrupt-blocked',
  ],
  'qemu-virtio-iommu.txt': [
    'qemu | translation | no mapping | 0000:04:00.0 | 400 | 0 | - | not-mapped',
    'qemu | configuration | endpoint not known | 0000:00:1f.2 | fa | - | - | no-context',
  ],
  'qemu-vtd-no-entry.txt': ['qemu | translation | permission error | 0000:00:03.0 | 18 | 0 | write | not-mapped'],
  'qemu-vtd-overflow.txt': ['qemu | input-range | IOVA overflow | 0000:00:03.0 | 18 | 1d40000030c0 | - | input-range'],
  'qemu-vtd-reserved.txt': [
    'qemu | reserved-bits | reserved bits | 0000:01:00.0 | 100 | fffff002 | - | table-corrupted',
  ],
  'qemu-vtd-trace.txt': [
    'qemu | not-permitted | fault reason 0x06 | 0000:0b:00.0 | b00 | 1187a9000 | read | not-permitted',
  ],
  'smmu-comma-next-line.txt': ['arm-smmu | translation | TF | - | 0 | d65504710 | write | not-mapped'],
  'smmu-l4t-tables.txt': ['arm-smmu | translation | context fault | AFI | 11 | 17fe0fe00 | read | not-mapped'],
  'smmuv3-queue-no-unit.txt': ['arm-smmu-v3 | unit | CERROR_ILL | - | - | - | - | unit-error'],
  'smmuv3-queue-quoted.txt': ['arm-smmu-v3 | device-timeout | CERROR_ATC_INV_SYNC | - | - | - | - | unit-error'],
  'smmuv3-word-halves.txt': ['arm-smmu-v3 | translation | F_TRANSLATION | - | 180 | ffffe040 | write | not-mapped'],
  'windows-e6.txt': ['windows | unknown | bug check 0xe6 | - | - | - | - | unknown'],
  'xen-smmuv3-class-0.txt': ['arm-smmu-v3 | translation | F_TRANSLATION | - | 8 | 8090040 | write | not-mapped'],
};

/** Lines that are not understood, and said to be, by file. */
const NOT_UNDERSTOOD: Readonly<Record<string, number>> = { 'msm-gpu-terminal.txt': 3 };

describe('Lines that were posted', () => {
  for (const [file, expected] of Object.entries(EXPECTED)) {
    it(`${file}: what happened, and why`, () => {
      const { incidents, counts } = reported(file);
      expect(incidents.map((one) => `${brief(one)} | ${causeByLines(one)}`)).toEqual(expected);
      expect(counts.unknown).toBe(NOT_UNDERSTOOD[file] ?? 0);
    });
  }

  it('have an expectation for every file', () => {
    const files = readdirSync(FOLDER).filter((name) => name.endsWith('.txt'));
    expect(files.sort()).toEqual(Object.keys(EXPECTED).sort());
  });
});

/** All notes of a log. */
function notesOf(...lines: string[]): string {
  return incidentsOf(...lines)
    .flatMap(({ notes }) => notes)
    .join('\n');
}

describe('A record that contradicts itself', () => {
  const HEAD = 'arm-smmu-v3 arm-smmu-v3.0.auto: event 0x10 received:';
  const words = (...raw: string[]): string[] => raw.map((word) => `arm-smmu-v3 arm-smmu-v3.0.auto: ${word}`);

  it('is named by its head, and its words are not decoded', () => {
    const [incident] = incidentsOf(HEAD, ...words('0x00000180', '0x0000020100000000', '0x00000000ffffe040', '0x0'));
    expect([incident?.name, incident?.stream, incident?.iova]).toEqual(['F_TRANSLATION', undefined, undefined]);
    expect(incident?.notes.join()).toContain('not of the event that the first line names');
  });

  it('of stage 2 without CLASS and IPA is a fault of the address, with a remark', () => {
    const zero = incidentsOf(
      HEAD,
      ...words('0x0000000800000010', '0x0000008000000000', '0x0000000008090040', '0x0'),
    )[0];
    const fetch = incidentsOf(HEAD, ...words('0x800000010', '0x8000000000', '0x8090040', '0x0000000048001000'))[0];
    expect([zero?.cause, fetch?.cause]).toEqual([undefined, 'tables-refused']);
    expect(zero?.notes.join()).toContain('CLASS and IPA are 0');
  });
});

describe('A fault status register', () => {
  const of = (status: string) => incidentsOf(`DMAR: DRHD: handling fault status reg ${status}`)[0];

  it('without a bit that reports something announces nothing', () => {
    expect([of('100')?.kind, of('100')?.complete, of('0')?.kind]).toEqual(['unknown', true, 'unknown']);
    expect(of('100')?.words).toContain('nothing pending');
  });

  it('with one says what it reports, and not its index', () => {
    expect([of('110')?.kind, of('110')?.meaning]).toEqual(['unit', 'error in the invalidation queue']);
    expect([of('102')?.kind, of('102')?.complete]).toEqual(['unknown', false]);
  });
});

describe('A line that mail broke', () => {
  const TWO = [
    'arm-smmu 15000000.iommu: FSR    = 00000402 [Format=2 TF],',
    'SID=0x800',
    'arm-smmu 15000000.iommu: FSYNR0 = 00100011 [S1CBNDX=16 WNR PLVL=1]',
  ];

  it('at a comma gives its rest to the incident, though its first part would be understood', () => {
    expect(incidentsOf(...TWO).map(brief)).toEqual(['arm-smmu | translation | TF | - | 800 | - | write']);
  });

  it('within the bracket of the reason gives the reason', () => {
    const found = incidentsOf(
      'DMAR: [DMA Read] Request device [00:02.0] PASID ffffffff fault addr b4000000 [fault re',
      'ason 06] PTE Read access is not set',
    );
    expect(found.map(({ name }) => name)).toEqual(['fault reason 0x06']);
  });

  it('is understood alone where the rest is not its own', () => {
    const found = incidentsOf(TWO[0] ?? '', '[   1.0] eth0: link up', TWO[2] ?? '');
    expect(found.map(brief)).toEqual(['arm-smmu | translation | TF | - | - | - | write']);
  });

  it('at the end of the log is understood', () => {
    expect(incidentsOf(TWO[0] ?? '').map(({ name }) => name)).toEqual(['TF']);
  });
});

/** A text as a terminal of that many columns shows it. */
function onTerminal(text: string, columns: number): string {
  const cut = new RegExp(`.{1,${columns}}`, 'g');
  return text
    .split('\n')
    .flatMap((line) => line.match(cut) ?? [''])
    .join('\n');
}

describe('A log copied from a terminal', () => {
  const LOG = [
    '[    0.561258] arm-smmu 15000000.iommu: FSYNR0 = 007c0020 [S1CBNDX=124 PNU PLVL=0]',
    '[    0.561287] arm-smmu 15000000.iommu: Unhandled context fault: fsr=0x402, iova=0x9c4b9000, fsynr=0x7c0020, cbfrsynra=0x800, cb=7',
    '[    0.561295] arm-smmu 15000000.iommu: FSR    = 00000402 [Format=2 TF], SID=0x800',
    '[    0.561303] arm-smmu 15000000.iommu: FSYNR0 = 007c0020 [S1CBNDX=124 PNU PLVL=0]',
    '[    0.561323] eth0: link up',
    '[    0.561423] nvme 0000:01:00.0: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x0000 address=0xfc189000 flags=0x0000]',
  ].join('\n');

  it.each([79, 80, 81, 90, 100, 112, 120])('of %i columns says what it says unbroken', (columns) => {
    const whole = readFaultLog(LOG).incidents.map(brief);
    const { incidents, unknown } = readFaultLog(onTerminal(LOG, columns));
    expect([incidents.map(brief), unknown]).toEqual([whole, []]);
  });

  it('keeps the lines of a table, and padded ones, apart', () => {
    const rows = ['DMAR: DRHD: handling fault status reg 2', 'one', 'two', 'three'];
    for (const end of [' ', '|']) {
      const { incidents } = readFaultLog(rows.map((row) => `${row.padEnd(100)}${end}`).join('\n'));
      expect(incidents.map(({ lines }) => lines)).toEqual([[1]]);
    }
  });

  it('keeps lines apart that are only of one width', () => {
    const line = (n: number): string =>
      `arm-smmu 15000000.iommu: Unhandled context fault: fsr=0x402, iova=0x9c4b9${n}00, fsynr=0x7c0020, cb=7`;
    const { incidents } = readFaultLog([1, 2, 3, 4].map(line).join('\n'));
    expect(incidents.map(({ lines }) => lines)).toEqual([[1], [2], [3], [4]]);
  });
});

describe('A head that mail left on the line before', () => {
  it('still names the device', () => {
    const found = incidentsOf(
      'Jan 7 16:26:04 kernel: [25446.119868] amdgpu 0000:06:00.0: [gfxhub]',
      'VMC page fault (src_id:0 ring:56 vmid:5 pasid:32768)',
      'Jan 7 16:26:04 kernel: [25446.119872] amdgpu 0000:06:00.0: in page starting',
      'at address 0x0000000105601000 from 27',
      'Jan 7 16:26:04 kernel: [25446.119874] amdgpu 0000:06:00.0:',
      'VM_L2_PROTECTION_FAULT_STATUS:0x005C0071',
    );
    expect(found.map(brief)).toEqual([
      'amdgpu | translation | gfxhub page fault | 0000:06:00.0 | - | 105601000 | write',
    ]);
  });
});

describe('Lines within JSON', () => {
  const EVENT =
    'iommu ivhd0: AMD-Vi: Event logged [ILLEGAL_DEV_TABLE_ENTRY device=0000:06:00.0 pasid=0x00000 address=0x135300000 flags=0x0080]';
  const DTE = 'AMD-Vi: DTE[0]: 7d90000000000003';
  const WANT = ['amd-vi | configuration | ILLEGAL_DEV_TABLE_ENTRY | 0000:06:00.0 | 600 | 135300000 | read'];

  it.each([
    ['one text of several lines', [JSON.stringify({ level: 'error', log: `${EVENT}\n${DTE}\n` })]],
    ['one object a line', [EVENT, DTE].map((message) => JSON.stringify({ time: 1, message }))],
    ['a list of texts of a program', [EVENT, DTE].map((text) => `    '${text}\\n',`)],
  ])('%s are read', (_, lines) => {
    expect(incidentsOf(...lines).map(brief)).toEqual(WANT);
    expect(incidentsOf(...lines)[0]?.notes.join()).toContain('guest tables');
  });
});

describe('The table of a device', () => {
  const event = (...dte: string[]): string =>
    notesOf(
      'iommu ivhd0: AMD-Vi: Event logged [ILLEGAL_DEV_TABLE_ENTRY device=0000:43:00.0 pasid=0x00000 address=0x3737b01000 flags=0x0020]',
      ...dte.map((word, i) => `AMD-Vi: DTE[${i}]: ${word}`),
    );

  it('with guest tables does not pass requests through', () => {
    expect(event('7d90000000000003', '0000100103fc0009')).toContain('guest tables');
    expect(event('7d90000000000003')).toContain('EPHEn');
    expect(event('6000000000000003')).toContain('passes requests through');
    expect(event('6000000000000003')).toContain('SNP');
    expect(event('6000000000000600')).toContain('not valid');
    expect(event('6000000000000603')).toContain('3 levels');
  });
});

describe('What the address, the device and the time suggest', () => {
  const amd = (address: string): string =>
    notesOf(`ahci 0000:28:00.0: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x0035 address=${address} flags=0x0000]`);

  it('just below a power of two is a width, unless it is a usual one', () => {
    expect(amd('0x7fffff00000')).toContain('2^43');
    for (const usual of ['0xfffff000', '0x7fffffff000', '0xfffffffff000', '0x7ffffff000', '0x12345678000']) {
      const says = amd(usual).includes('just below');
      expect([usual, says]).toEqual([usual, usual === '0x7fffffff000']);
    }
  });

  it('at offset 0x40 of a page, written, may be the doorbell of a GIC', () => {
    const smmu = (iova: string, fsynr: string): string =>
      notesOf(`arm-smmu 1.iommu: Unhandled context fault: fsr=0x402, iova=${iova}, fsynr=${fsynr}, cb=0`);
    expect(smmu('0xf9030040', '0x12')).toContain('MSI');
    expect(smmu('0xf9030040', '0x2')).not.toContain('MSI');
    expect(smmu('0xf9030080', '0x12')).not.toContain('MSI');
  });

  it('of the integrated GPU, and of the first seconds, name who may have set the device to work', () => {
    const at = (time: string, device: string): string =>
      notesOf(
        `[${time}] DMAR: [DMA Read NO_PASID] Request device [${device}] fault addr 0x7cd80000 [fault reason 0x06] PTE Read access is not set`,
      );
    expect(at('    0.361089', '00:02.0')).toMatch(/frame buffer[\s\S]*few drivers/);
    expect(at('  100.000000', '00:02.0')).not.toContain('few drivers');
    expect(at('  100.000000', '03:00.0')).toBe('');
  });

  it('of an interrupt on AMD may be an IOAPIC', () => {
    expect(
      notesOf(
        'iommu ivhd1: AMD-Vi: Event logged [INVALID_DEVICE_REQUEST device=0000:00:00.0 pasid=0x00000 address=0xfffffffdf8000000 flags=0x0a00]',
      ),
    ).toContain('IOAPIC');
  });
});

describe('Faults of an IOMMU and of a GPU', () => {
  it('are both told, the one of the IOMMU first', () => {
    const totals = new IncidentTotals();
    const incidents = incidentsOf(
      'amdgpu 0000:03:00.0: amdgpu: [gfxhub] page fault (src_id:0 ring:158 vmid:0 pasid:0, for process  pid 0 thread  pid 0)',
      'amdgpu 0000:03:00.0: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x0010 address=0x64a7f000 flags=0x0000]',
      'amdgpu 0000:03:00.0: amdgpu:   in page starting at address 0x0000000000000000 from client 10',
    );
    for (const one of incidents) totals.add(one, causeByLines(one));
    expect(totals.groups().map(({ iommu }) => iommu)).toEqual(['amd-vi', 'amdgpu']);
  });
});

describe('An announcement without its record', () => {
  it('does not stand in front of faults that name a device', () => {
    const log = readFaultLog(
      [
        'DMAR: DRHD: handling fault status reg 2',
        'DMAR: DRHD: handling fault status reg 2',
        'DMAR: DRHD: handling fault status reg 2',
        'DMAR: [DMA Read] Request device [02:00.0] fault addr ffffc030b000 [fault reason 06] PTE Read access is not set',
      ].join('\n'),
    );
    const totals = new IncidentTotals();
    for (const one of log.incidents) totals.add(one, causeByLines(one));
    expect(totals.groups().map(({ device, count }) => [device, count])).toEqual([
      ['0000:02:00.0', 1],
      [undefined, 2],
    ]);
  });
});
