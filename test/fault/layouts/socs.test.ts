import { type Case, describeIncidents } from './cases.ts';

/** Lines in the formats of the drivers' sources, and what they hold: driver, kind, name, device, stream, address, access. */
const CASES: readonly Case[] = [
  [
    ['[    1.0] riscv-iommu-platform 3010000.iommu: Fault 13 devid: 0x8 iotval: ffc0001000 iotval2: 0'],
    'riscv-iommu | not-permitted | cause 13 | - | 8 | ffc0001000 | read',
  ],
  [
    ['[    1.2] riscv-iommu-pci 0000:00:01.0: Queue #0 error; fault:0 timeout:1 illegal:0 fence_w_ip:0'],
    'riscv-iommu | unit | command queue error | - | - | - | -',
  ],
  [
    ['[    1.3] riscv-iommu-pci 0000:00:01.0: Queue #1 error; memory fault:0 overflow:1'],
    'riscv-iommu | unit | fault queue error | - | - | - | -',
  ],
  [
    ['[    1.4] riscv-iommu-pci 0000:00:01.0: Hardware error: command execution timeout'],
    'riscv-iommu | unit | hardware error | - | - | - | -',
  ],
  [
    ['[    2.0] virtio_iommu virtio0: page fault from EP 16 at 0xfffff000 [W]'],
    'virtio-iommu | not-permitted | page fault | 0000:00:02.0 | 10 | fffff000 | write',
  ],
  [
    ['[    2.1] virtio_iommu virtio0: unknown fault from EP 16'],
    'virtio-iommu | unknown | unknown fault | 0000:00:02.0 | 10 | - | -',
  ],
  [
    [
      '[    3.0] apple-dart 231304000.iommu: translation fault: status:0x82000004 stream:2 code:0x4 (NO PTE FOR IOVA) at 0x1ffffc000',
    ],
    'apple-dart | translation | NO_PTE | - | 2 | 1ffffc000 | -',
  ],
  [
    [
      '[    3.1] apple-dart 231304000.iommu: translation fault: status:0x80000010 stream:0 code:0x10 (READ FAULT) at 0x1ffffc000',
    ],
    'apple-dart | permission | READ_FAULT | - | 0 | 1ffffc000 | read',
  ],
  [
    [
      '[    3.2] apple-dart 38a000000.iommu: translation fault: status:0x80100010 stream:1 code:0x10 (WRITE FAULT) at 0x10000',
    ],
    'apple-dart | permission | WRITE_FAULT | - | 1 | 10000 | write',
  ],
  [
    [
      '[    3.3] apple-dart 38a000000.iommu: translation fault: status:0x80100003 stream:1 code:0x3 (unknown) at 0x10000',
    ],
    'apple-dart | unknown | unknown | - | 1 | 10000 | -',
  ],
  [
    ['[    3.4] apple-dart 38a000000.iommu: busy bit did not clear after command 100000 for streams 1'],
    'apple-dart | unit | command timeout | - | - | - | -',
  ],
  [
    [
      '[    3.5] apple-dart 38a000000.iommu: translation fault: status:0x80000001 stream:0 code:0x1 (NO TTBR FOR IOVA) at 0x0',
    ],
    'apple-dart | configuration | NO_TTBR | - | 0 | 0 | -',
  ],
  [
    [
      '[    4.0] rk_iommu fdb60f00.iommu: Page fault at 0x00000000fdf80000 of type read',
      '[    4.1] rk_iommu fdb60f00.iommu: iova = 0x00000000fdf80000: dte_index: 0x3f7 pte_index: 0x380 page_offset: 0x0',
      '[    4.2] rk_iommu fdb60f00.iommu: mmu_dte_addr: 0x0000000002a5a000 dte@0x0000000002a5afdc: 0x2b22001 valid: 1 pte@0x0000000002b22e00: 0x5ffe0006 valid: 0 page@0x0000000000000000 flags: 0x0',
    ],
    'rk_iommu | translation | page fault | - | - | fdf80000 | read',
  ],
  [
    [
      '[    5.0] rk_iommu ff930800.iommu: Page fault at 0x0000000000100000 of type write',
      '[    5.0] rk_iommu ff930800.iommu: iova = 0x0000000000100000: dte_index: 0x0 pte_index: 0x100 page_offset: 0x0',
      '[    5.0] rk_iommu ff930800.iommu: mmu_dte_addr: 0x0000000002a5a000 dte@0x0000000002a5a000: 0x2b22001 valid: 1 pte@0x0000000002b22400: 0x5ffe0003 valid: 1 page@0x000000005ffe0000 flags: 0x2',
      '[    6.0] rk_iommu ff930800.iommu: BUS_ERROR occurred at 0x0000000000100000',
    ],
    'rk_iommu | permission | page fault | - | - | 100000 | write',
  ],
  [
    ['[    6.9] rk_iommu ff930800.iommu: Enable stall request timed out, status: 0x00004b'],
    'rk_iommu | unit | command timeout | - | - | - | -',
  ],
  [
    ['[    8.0] mtk-iommu 10205000.iommu: fault type=0x5 iova=0xfe3ff013 pa=0x0 larb=0 port=1 layer=1 write'],
    'mtk-iommu | translation | TRANSLATION | larb 0 port 1 | - | fe3ff000 | write',
  ],
  [
    ['[    8.1] mtk-iommu-v1 10205000.mmsys_iommu: fault type=0x1 iova=0x7f000000 pa=0x0 larb=0 port=2'],
    'mtk-iommu | translation | TRANSLATION | larb 0 port 2 | - | 7f000000 | -',
  ],
  [
    [
      '[    8.2] mtk-iommu 10315000.infra-iommu: fault type=0x1 iova=0x180000000 pa=0x0 master=0x3(larb=32 port=0) layer=0 write',
    ],
    'mtk-iommu | translation | TRANSLATION | - | - | 180000000 | write',
  ],
  [
    ['[    8.3] [M4U] m4u_isr: translation fault: port=DISP_OVL0, mva=0x1234000, pa=0x0'],
    'mtk-iommu | translation | translation fault | DISP_OVL0 | - | 1234000 | -',
  ],
  [
    ['[    9.0] exynos-sysmmu 14640000.sysmmu: 14400000.fimd: AW ACCESS PROTECTION FAULT occurred at 0x20000000'],
    'exynos-sysmmu | permission | ACCESS PROTECTION FAULT | 14400000.fimd | - | 20000000 | write',
  ],
  [
    ['[    9.1] exynos-sysmmu 13e20000.sysmmu: 13e00000.gscl: AR MULTI-HIT FAULT occurred at 0x20000000'],
    'exynos-sysmmu | conflict | MULTI-HIT FAULT | 13e00000.gscl | - | 20000000 | read',
  ],
  [
    ['[    9.2] exynos-sysmmu 15e00000.sysmmu: 15880000.decon: [WRITE] PAGE FAULT occurred at 0xdeadb000'],
    'exynos-sysmmu | translation | PAGE FAULT | 15880000.decon | - | deadb000 | write',
  ],
  [
    [
      '[    9.3] exynos-sysmmu 15e00000.sysmmu: 15880000.decon: [READ] PAGE FAULT occurred at 0xdeadb000',
      '[    9.4] exynos-sysmmu 15e00000.sysmmu: Page table base: 0x0000000123400000',
      '[    9.4] exynos-sysmmu 15e00000.sysmmu: \tLv1 entry: 0x4a3c01',
      '[    9.4] exynos-sysmmu 15e00000.sysmmu: \t Lv2 entry: 0x0',
      '[    9.4] Kernel panic - not syncing: Unrecoverable System MMU Fault!',
    ],
    'exynos-sysmmu | translation | PAGE FAULT | 15880000.decon | - | deadb000 | read',
  ],
  [
    ['[    9.9] exynos-sysmmu 11a20000.sysmmu: PAGE FAULT occurred at 0x20400000(Page table base: 0x6d890000)'],
    'exynos-sysmmu | translation | PAGE FAULT | - | - | 20400000 | -',
  ],
  [
    [
      '[   10.0] samsung-sysmmu 19c00000.sysmmu: From [DPU0], SysMMU READ PAGE FAULT at 0x00fd000000 (page table @ 0x0000000089000000)',
    ],
    'exynos-sysmmu | translation | PAGE FAULT | DPU0 | - | fd000000 | read',
  ],
  [
    [
      '[   11.0] tegra-mc 7000f000.memory-controller: display0a: read @0xfe000000: Security violation (TrustZone violation)',
    ],
    'tegra-mc | request | Security violation | display0a | - | fe000000 | read',
  ],
  [
    [
      '[   11.1] tegra-mc 7000f000.memory-controller: gpuswr: write @0x00000000c0000000: Page fault (SMMU translation error [R--])',
    ],
    'tegra-mc | permission | SMMU translation error | gpuswr | - | c0000000 | write',
  ],
  [
    [
      '[   11.2] tegra-mc 70019000.memory-controller: unknown: secure read @0x00000003ffffff00: EMEM address decode error (EMEM decode error)',
    ],
    'tegra-mc | request | EMEM address decode error | - | - | 3ffffff00 | read',
  ],
  [
    [
      '[   11.3] tegra-mc 2c00000.memory-controller: vicswr: non-secure write @0x00000003ffffff00: Generalized carveout violation (carveout)',
    ],
    'tegra-mc | request | Generalized carveout violation | vicswr | - | 3ffffff00 | write',
  ],
  [
    [
      '[   12.0] mc-err: [mcerr] (sdmmcra) csr_sdmmcra: EMEM address decode error',
      '[   12.0] mc-err: [mcerr]   status = 0x6000000e; addr = 0x80000000',
      '[   12.0] mc-err: [mcerr]   secure: no, access-type: read, SMMU fault: nr-nw-ns',
    ],
    'mc-err | translation | EMEM address decode error | csr_sdmmcra | - | 80000000 | read',
  ],
  [
    [
      '[   13.0] mc-err: (255) csw_vicswr: VPR violation',
      '[   13.0] mc-err:   status = 0x0ff7406d; addr = 0xffffffff00',
      '[   13.0] mc-err:   secure: yes, access-type: write',
    ],
    'mc-err | request | VPR violation | csw_vicswr | - | ffffffff00 | write',
  ],
  [
    ['[   14.0] sun50i-iommu 30f0000.iommu: Page fault for 0xffe00000 (master 0, dir rd)'],
    'sun50i-iommu | not-permitted | page fault | master 0 | 0 | ffe00000 | -',
  ],
  [
    [
      '[   14.1] sun50i-iommu 30f0000.iommu: Page fault for 0xffe00000 (master 4, dir wr)',
      '[   14.2] sun50i-iommu 30f0000.iommu: TLB Flush timed out!',
    ],
    'sun50i-iommu | permission | page fault | master 4 | 4 | ffe00000 | write',
  ],
  [
    ['[   15.0] *** gpu fault: iova=0000000000000000, flags=1 (4,0,0,0)'],
    'msm-gpu | unknown | gpu fault | - | - | 0 | write',
  ],
  [
    [
      '[   16.0] kgsl kgsl-3d0: GPU PAGE FAULT: addr = 4F2C1000 pid= 2345 name=com.app drawctxt=5 context pid = 2345',
      '[   16.0] kgsl kgsl-3d0: context=gfx3d_user TTBR0=0x9f0000123000 (write translation fault)',
      '[   16.0] kgsl kgsl-3d0: FAULTING BLOCK: UCHE: TP',
      '[   16.0] kgsl kgsl-3d0: ---- nearby memory ----',
    ],
    'kgsl | translation | GPU PAGE FAULT | kgsl-3d0 | - | 4f2c1000 | write',
  ],
  [
    [
      '[   17.0] msm_iommu: Unexpected IOMMU page fault!',
      '[   17.0] msm_iommu: base = f0a00000',
      '[   17.0] msm_iommu: Fault occurred in context 0.',
      '[   17.0] msm_iommu: Interesting registers:',
      '[   17.0] FAR    = 00001000    PAR    = 00000000',
      '[   17.0] FSR    = 40000002 [TF SS ]',
      '[   17.0] FSYNR0 = 00000011    FSYNR1 = 00000004',
    ],
    'msm_iommu | translation | TF | context 0 | - | 1000 | -',
  ],
  [
    ['[   18.0] omap-iommu 40d01000.mmu: 40d01000.mmu: errs:0x00000002 da:0x00000000 pgd:0x(ptrval) *pgd:px00000000'],
    'omap-iommu | translation | TRANSLATIONFAULT | - | - | 0 | -',
  ],
  [
    [
      '[   18.0] omap-iommu 40d01000.mmu: 40d01000.mmu: errs:0x00000002 da:0x9f001000 pgd:0xec8e7c00 *pgd:0xad000001 pte:0xed000004 *pte:0x00000000',
    ],
    'omap-iommu | translation | TRANSLATIONFAULT | - | - | 9f001000 | -',
  ],
  [
    ['[   19.0] ipmmu-vmsa fe990000.iommu: Unhandled fault: status 0x00000001 iova 0x7fffff000'],
    'ipmmu-vmsa | translation | TF | - | - | 7fffff000 | -',
  ],
  [
    ['(XEN) [   19.5] ipmmu: /soc/iommu@e67b0000: d1: Unhandled fault: status 0x00000002 iova 0x12345000'],
    'ipmmu-vmsa | not-permitted | PF | - | - | 12345000 | -',
  ],
  [
    ['[   20.0] sprd-iommu 63000800.iommu: (iova(0x50000000) + size(1000)) are not in the range!'],
    'sprd-iommu | software | mapping refused | - | - | 50000000 | -',
  ],
  [
    ['[   21.0] zpci: 0001:00:00.0: Event 0x3a reports an error for PCI function 0x101'],
    'zpci | unknown | event 0x3a | 0001:00:00.0 | - | - | -',
  ],
  [
    [
      '[   22.0] fsl-pamu: pamu_av_isr: access violation interrupt',
      '[   22.0] fsl-pamu: pamu_av_isr: POES1=00000000',
      '[   22.0] fsl-pamu: pamu_av_isr: AVS1=00420041',
      '[   22.0] fsl-pamu: pamu_av_isr: AVS2=00000000',
      '[   22.0] fsl-pamu: pamu_av_isr: AVA=00000000f0000000',
      '[   22.0] fsl-pamu: pamu_av_isr: Disabling liodn 42',
    ],
    'fsl-pamu | not-permitted | access violation | LIODN 0x42 | 42 | f0000000 | -',
  ],
  [
    ['[   23.0] vsi-iommu fdca0000.iommu: unexpected int_status=00000001'],
    'vsi-iommu | unknown | int_status | - | - | - | -',
  ],
];

describeIncidents('Incidents of the IOMMUs of SoCs, of RISC-V and virtio', CASES);
