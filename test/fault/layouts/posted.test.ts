import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { explainFault } from '../../../src/fault/explain.ts';
import type { Incident } from '../../../src/fault/incident.ts';
import { readFaultLog } from '../../../src/fault/log.ts';
import { brief, incidentsOf } from './cases.ts';

const FOLDER = new URL('posted/', import.meta.url);

function posted(name: string): readonly Incident[] {
  return readFaultLog(readFileSync(new URL(name, FOLDER), 'utf8')).incidents;
}

function field(incident: Incident | undefined, name: string): string | undefined {
  return incident?.fields.find((one) => one.name === name)?.value;
}

/** File → its incidents, and the causes that are excluded. */
const EXPECTED: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  'qcom-iommu-ctx.txt': [
    ['qcom-iommu | translation | TF | - | - | 1047dc0 | read', ''],
    ['qcom-iommu | translation | TF | - | - | 1047de0 | read', ''],
  ],
  'msm-gpu-fault-ttbr0.txt': [
    ['msm-gpu | translation | TRANSLATION | - | - | 0 | read', ''],
    ['msm-gpu | translation | TRANSLATION | - | - | 20 | read', ''],
  ],
  'apple-dart-no-pgd.txt': [['apple-dart | translation | NO_PGD | - | 0 | fd68be00 | -', '']],
  'rockchip-iommu.txt': [
    ['rk_iommu | translation | page fault | - | - | 4382010 | write', 'stale-tlb, wrong-direction'],
  ],
  'rockchip-cut.txt': [
    ['rk_iommu | translation | page fault | - | - | 2010040 | read', 'stale-tlb, wrong-direction'],
    ['rk_iommu | translation | page fault | - | - | f960c830 | read', 'stale-tlb, wrong-direction'],
  ],
  'mtk-iommu-type280.txt': [['mtk-iommu | translation | TRANSLATION | larb 4 port 7 | - | 1fcdc0000 | read', '']],
  'exynos-sysmmu-old.txt': [['exynos-sysmmu | translation | PAGE FAULT | 14400000.fimd | - | 20000000 | -', '']],
  'exynos-7870-mail.txt': [['exynos-sysmmu | translation | PAGE FAULT | 14830000.decon | - | 6715b3e0 | read', '']],
  'mali-kbase-csf.txt': [['mali | translation | TRANSLATION_FAULT | fb000000.gpu | - | 7fe0da65cb80 | read', '']],
  'amdgpu-gfx12.txt': [
    ['amdgpu | translation | gfxhub page fault | 0000:0e:00.0 | - | 7febd6383000 | write', ''],
    ['amdgpu | translation | gfxhub page fault | 0000:0e:00.0 | - | 7febd6380000 | write', ''],
  ],
  'amdgpu-vega-all-ones.txt': [
    ['amdgpu | not-permitted | gfxhub0 page fault | 0000:67:00.0 | - | 6f20054e4000 | -', ''],
  ],
  'tegra-mc.txt': [['tegra-mc | translation | SMMU translation error | display0a | - | fe056b40 | read', '']],
  'mali-panfrost-mmu.txt': [
    ['panfrost | translation | TRANSLATION_FAULT_LEVEL3 | ff9a0000.gpu | - | 13b4b880 | read', ''],
  ],
  'lima-mmu.txt': [
    ['lima | translation | page fault | 1c40000.gpu | - | 121020 | read', ''],
    ['lima | translation | page fault | 1c40000.gpu | - | 121000 | read', ''],
  ],
  'vfio-map-einval.txt': [['vfio | software | VFIO map refused | - | - | 380010000000 | -', '']],
  'intel-iommu-width.txt': [['intel-vtd | software | IOMMU width | - | - | 8800001000 | -', '']],
  'swiotlb-full.txt': [['swiotlb | software | swiotlb buffer is full | 0000:00:1a.0 | - | a1c8f9a60 | -', '']],
};

describe('Lines that people posted', () => {
  for (const [file, expected] of Object.entries(EXPECTED)) {
    it(`${file}: one incident an interrupt, with what the lines hold`, () => {
      const found = posted(file);
      expect(found.map((one) => [brief(one), one.excluded.map(({ name }) => name).join(', ')])).toEqual(expected);
      expect(found.every((one) => one.complete)).toBe(true);
    });
  }

  it('have an expectation for every file', () => {
    expect(
      readdirSync(FOLDER)
        .filter((name) => name.endsWith('.txt'))
        .sort(),
    ).toEqual(Object.keys(EXPECTED).sort());
  });
});

describe('A driver that prints', () => {
  it('the fault in the words of the GPU and of the IOMMU gives one incident', () => {
    expect(posted('qcom-iommu-ctx.txt').map(({ lines }) => lines)).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(field(posted('qcom-iommu-ctx.txt')[0], 'cb')).toBe('0');
  });

  it('a code with another meaning in each generation tells the generation', () => {
    expect(field(posted('apple-dart-no-pgd.txt')[0], 'DART')).toBe('t8110');
  });

  it('a line for each status bit gives one incident', () => {
    const [incident] = posted('tegra-mc.txt');
    expect(field(incident, 'status')).toBe('EMEM address decode error, Page fault');
    expect(incident?.meaning).toContain('empty');
  });

  it('an address with other bits in it gives the page', () => {
    const [incident] = incidentsOf(
      'mtk-iommu 10205000.iommu: fault type=0x5 iova=0xfe3ff013 pa=0x0 larb=0 port=1 layer=1 write',
    );
    expect(incident?.iova).toBe(0xfe3ff000n);
    expect(field(incident, 'iova')).toBe('0xfe3ff013');
  });

  it('READ with an entry as only versions 5 and later have gives a read', () => {
    expect(posted('exynos-7870-mail.txt')[0]?.access).toBe('read');
  });

  it('"rd" or READ without knowing the direction gives no access', () => {
    const [sun] = incidentsOf('sun50i-iommu 30f0000.iommu: Page fault for 0xffe00000 (master 0, dir rd)');
    const [exynos] = incidentsOf('exynos-sysmmu 1.sysmmu: 2.decon: [READ] PAGE FAULT occurred at 0xdeadb000');
    expect([sun?.access, exynos?.access]).toEqual([undefined, undefined]);
  });

  it('a status of 0 gives neither reason nor access', () => {
    const [incident] = incidentsOf(
      'amdgpu 0000:0c:00.0: [gfxhub0] no-retry page fault (src_id:0 ring:158 vmid:3 pasid:32769)',
      'amdgpu 0000:0c:00.0:   in page starting at address 0x0000000000001000 from client 27',
      'amdgpu 0000:0c:00.0: VM_L2_PROTECTION_FAULT_STATUS:0x00000000',
    );
    expect([incident?.kind, incident?.access]).toEqual(['not-permitted', undefined]);
  });
});

describe("A fault of a device's own MMU", () => {
  it('is called that, and is not looked for in the tables of an IOMMU', () => {
    const [incident] = posted('mali-panfrost-mmu.txt');
    expect(incident?.origin).toBe('device-mmu');
    expect(incident?.notes[0]).toContain('own MMU');
    const asked: string[] = [];
    const tables = { of: (): undefined => void asked.push('tables') };
    if (incident !== undefined) explainFault(incident, tables as never, tables as never);
    expect(asked).toEqual([]);
    const open = incident === undefined ? [] : explainFault(incident, undefined, undefined).cause.alternatives;
    expect(new Set(open.map(({ why }) => why)).size).toBe(1);
  });
});

describe('A line of a driver that is not understood', () => {
  const LINES: readonly (readonly [string, string])[] = [
    ['apple-dart', 'apple-dart 285810000.iommu: something new'],
    ['rk_iommu', 'rk_iommu ff650800.iommu: something new'],
    ['mtk-iommu', 'mtk-iommu 1401d000.m4u: fault type=0x280 iova=0x1fc>'],
    ['exynos-sysmmu', 'exynos-sysmmu 14640000.sysmmu: 14400000.fimd: NOVEL FAULT occurred at 0x20000000'],
    ['tegra-mc', 'tegra-mc 70019000.memory-controller: display0a: read @0xfe056b40: Novel error (new)'],
    ['sun50i-iommu', 'sun50i-iommu 30f0000.iommu: something new'],
    ['virtio-iommu', 'virtio_iommu virtio0: novel fault from EP 16 at 0xfffff000 [W]'],
    ['riscv-iommu', 'riscv-iommu-pci 0000:00:01.0: something new'],
    ['omap-iommu', 'omap-iommu 40d01000.mmu: something new'],
    ['ipmmu-vmsa', 'ipmmu-vmsa fe990000.iommu: something new'],
    ['lima', 'lima 1c40000.gpu: page fault at 0x121020'],
    ['amdgpu', 'amdgpu 0000:03:00.0: amdgpu: VM fault (0x12, novel)'],
    ['nouveau', 'nouveau 0000:01:00.0: fifo: fault 01 [WRITE] somewhere'],
  ];

  for (const [driver, line] of LINES) {
    it(`is listed under its driver: ${line}`, () => {
      const log = readFaultLog(`${line}\n`);
      expect(log.incidents).toEqual([]);
      expect(log.unknown.map((one) => [one.driver, one.text])).toEqual([[driver, line]]);
    });
  }
});
