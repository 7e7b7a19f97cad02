import { type Case, describeIncidents } from './cases.ts';

/** Lines in the formats of the drivers' sources. */
const CASES: readonly Case[] = [
  [
    [
      '[58159.525827] panthor fb000000.gpu: [drm] *ERROR* Unhandled Page fault in AS2 at VA 0x00007FFFFF000000',
      '[58159.525827] panthor fb000000.gpu: raw fault status: 0x24103C8',
      '[58159.525827] decoded fault status: SLAVE FAULT',
      '[58159.525827] exception type 0xC8: PERMISSION_FAULT_0',
      '[58159.525827] access type 0x3: WRITE',
      '[58159.525827] source id 0x241',
    ],
    'panthor | permission | PERMISSION_FAULT_0 | fb000000.gpu | - | 7fffff000000 | write',
  ],
  [
    [
      '[   10.0] mali fb000000.gpu: Unhandled Page fault in AS1 at VA 0x0000000200000000',
      '               Reason: Memory is not mapped on the GPU',
      '               raw fault status: 0x57003C2',
      '               exception type 0xC2: TRANSLATION_FAULT',
      '               access type 0x3: WRITE',
      '               source id 0x570',
      '               pid: 1234',
    ],
    'mali | translation | TRANSLATION_FAULT | fb000000.gpu | - | 200000000 | write',
  ],
  [
    [
      '[   12.0] mali fb000000.gpu: GPU bus fault in AS1 at PA 0x0000000000000000',
      '               raw fault status: 0x80',
      '               exception type 0x80: UNKNOWN',
      '               access type 0x0: UNKNOWN',
      '               source id 0x0',
      '               pid: 1234',
    ],
    'mali | external-abort | UNKNOWN | fb000000.gpu | - | - | -',
  ],
  [
    ['[   20.0] lima 1e80000.gpu: ppmmu1 page fault at 0x2041180 from bus id 5 of type write'],
    'lima | translation | page fault | 1e80000.gpu | - | 2041180 | write',
  ],
  [
    ['[   20.9] lima 1e80000.gpu: mmu gpmmu irq bus error'],
    'lima | external-abort | bus error | 1e80000.gpu | - | - | -',
  ],
  [
    [
      '[   21.0] etnaviv-gpu 130000.gpu: MMU fault status 0x00000002',
      '[   21.0] etnaviv-gpu 130000.gpu: MMU 0 fault addr 0x8a040000',
    ],
    'etnaviv | translation | page not present | 130000.gpu | - | 8a040000 | -',
  ],
  [
    [
      '[   21.9] etnaviv-gpu 40000.gpu: MMU fault status 0x00000003',
      '[   21.9] etnaviv-gpu 40000.gpu: MMU 0 fault (write violation) addr 0x8a040000',
    ],
    'etnaviv | permission | write violation | 40000.gpu | - | 8a040000 | write',
  ],
  [
    ['[   22.0] v3d fec00000.v3d: MMU error from client L2T (0) at 0x2141000, pte invalid'],
    'v3d | translation | pte invalid | fec00000.v3d | - | 2141000 | -',
  ],
  [
    ['[   22.9] v3d fec00000.gpu: [drm] MMU error from client TLB (0x41) at 0x2141000, write violation, cap exceeded'],
    'v3d | permission | write violation | fec00000.gpu | - | 2141000 | write',
  ],
  [
    [
      '[   23.0] nouveau 0000:01:00.0: fifo: fault 01 [WRITE] at 0000000000121000 engine 07 [PBDMA0] client 04 [HUB/HOST] reason 02 [PTE] on channel 1 [00ff82c000 Xorg[543]]',
    ],
    'nouveau | translation | PTE | 0000:01:00.0 | - | 121000 | write',
  ],
  [
    [
      '[   23.1] nouveau 0000:01:00.0: fifo: read fault at 0001e41000 engine 00 [PGRAPH] client 0f [GPC0/PROP_0] reason 02 [PAGE_NOT_PRESENT] on channel 9 [00ff7f4000 chromium[1234]]',
    ],
    'nouveau | translation | PAGE_NOT_PRESENT | 0000:01:00.0 | - | 1e41000 | read',
  ],
  [
    [
      '[   23.2] nouveau 0000:01:00.0: fb: trapped read at 002001a020 on channel 1 [0fef5000 Xorg[745]] engine 05 [PFIFO] client 08 [PFIFO_READ] subclient 00 [PUSHBUF] reason 00000002 [PAGE_NOT_PRESENT]',
    ],
    'nouveau | translation | PAGE_NOT_PRESENT | 0000:01:00.0 | - | 2001a020 | read',
  ],
  [
    [
      '[   23.3] nouveau E[   PFIFO][0000:01:00.0] read fault at 0x000000a000 [PAGE_NOT_PRESENT] from PGRAPH/GPC0/PROP on channel 0x001fa15000 [Xorg[817]]',
    ],
    'nouveau | translation | PAGE_NOT_PRESENT | 0000:01:00.0 | - | a000 | read',
  ],
  [
    [
      '[   24.0] NVRM: Xid (PCI:0000:01:00): 31, pid=1234, name=python3, Ch 00000010, intr 10000000. MMU Fault: ENGINE GRAPHICS GPCCLIENT_T1_0 faulted @ 0x7f12_34560000. Fault is of type FAULT_PDE ACCESS_TYPE_VIRT_READ',
    ],
    'nvrm | translation | FAULT_PDE | 0000:01:00.0 | - | 7f1234560000 | read',
  ],
  [
    ['[   24.1] NVRM: Xid (PCI:0000:01:00): 31, Ch 00000013, engmask 00000101, intr 10000000'],
    'nvrm | unknown | Xid 31 | 0000:01:00.0 | - | - | -',
  ],
  [
    [
      "[   24.3] NVRM: Xid (PCI:0000:41:00): 31, pid='<unknown>', name=<unknown>, channel 0x00000002, intr 00000000. MMU Fault: ENGINE GRAPHICS GPC1 GPCCLIENT_T1_2 faulted @ 0x7f12_34560000. Fault is of type FAULT_RO_VIOLATION ACCESS_TYPE_VIRT_WRITE",
    ],
    'nvrm | permission | FAULT_RO_VIOLATION | 0000:41:00.0 | - | 7f1234560000 | write',
  ],
  [
    [
      '[   25.0] amdgpu 0000:03:00.0: amdgpu: [gfxhub] page fault (src_id:0 ring:40 vmid:8 pasid:32770)',
      '[   25.0] amdgpu 0000:03:00.0: amdgpu:  in process game.exe pid 2345 thread game:cs0 pid 2350',
      '[   25.0] amdgpu 0000:03:00.0: amdgpu:   in page starting at address 0x0000800102800000 from client 0x1b (UTCL2)',
      '[   25.0] amdgpu 0000:03:00.0: amdgpu: GCVM_L2_PROTECTION_FAULT_STATUS:0x00801031',
      '[   25.0] amdgpu 0000:03:00.0: amdgpu: \t Faulty UTCL2 client ID: TCP (0x8)',
      '[   25.0] amdgpu 0000:03:00.0: amdgpu: \t MORE_FAULTS: 0x1',
      '[   25.0] amdgpu 0000:03:00.0: amdgpu: \t WALKER_ERROR: 0x0',
      '[   25.0] amdgpu 0000:03:00.0: amdgpu: \t PERMISSION_FAULTS: 0x3',
      '[   25.0] amdgpu 0000:03:00.0: amdgpu: \t MAPPING_ERROR: 0x0',
      '[   25.0] amdgpu 0000:03:00.0: amdgpu: \t RW: 0x0',
    ],
    'amdgpu | translation | gfxhub page fault | 0000:03:00.0 | - | 800102800000 | read',
  ],
  [
    [
      '[   26.0] amdgpu 0000:0c:00.0: [gfxhub0] no-retry page fault (src_id:0 ring:158 vmid:3 pasid:32769, for process Xorg pid 1234 thread Xorg:cs0 pid 1300)',
      '[   26.0] amdgpu 0000:0c:00.0:   in page starting at address 0x0000000000000000 from client 27',
      '[   26.0] amdgpu 0000:0c:00.0: VM_L2_PROTECTION_FAULT_STATUS:0x00000000',
    ],
    'amdgpu | not-permitted | gfxhub0 page fault | 0000:0c:00.0 | - | 0 | -',
  ],
  [
    [
      '[   27.0] amdgpu 0000:0a:00.0: [gfxhub] VMC page fault (src_id:0 ring:158 vmid:7 pas_id:0)',
      '[   27.0] amdgpu 0000:0a:00.0:   at page 0x00000001003b4000 from 27',
      '[   27.0] amdgpu 0000:0a:00.0: VM_L2_PROTECTION_FAULT_STATUS:0x0070113C',
    ],
    'amdgpu | translation | gfxhub page fault | 0000:0a:00.0 | - | 1003b4000 | read',
  ],
  [
    [
      '[   28.0] amdgpu 0000:01:00.0: GPU fault detected: 146 0x0c0c4804',
      '[   28.0] amdgpu 0000:01:00.0:   VM_CONTEXT1_PROTECTION_FAULT_ADDR   0x00100190',
      '[   28.0] amdgpu 0000:01:00.0:   VM_CONTEXT1_PROTECTION_FAULT_STATUS 0x0E04800C',
      "[   28.0] amdgpu 0000:01:00.0: VM fault (0x0c, vmid 7, pasid 32769) at page 1049000, read from 'TC4' (0x54433400) (72)",
    ],
    'amdgpu | not-permitted | GPU fault | 0000:01:00.0 | - | 1001a8000 | read',
  ],
  [
    [
      '[   29.0] radeon 0000:01:00.0: GPU fault detected: 147 0x0a0a4802',
      '[   29.0] radeon 0000:01:00.0:   VM_CONTEXT1_PROTECTION_FAULT_ADDR   0x00000100',
      '[   29.0] radeon 0000:01:00.0:   VM_CONTEXT1_PROTECTION_FAULT_STATUS 0x0A048002',
      '[   29.0] VM fault (0x02, vmid 5) at page 256, write from TC (0) (72)',
    ],
    'amdgpu | not-permitted | GPU fault | 0000:01:00.0 | - | 100000 | write',
  ],
  [
    [
      '[   30.0] i915 0000:00:02.0: [drm] Unexpected fault',
      '\tAddr: 0x00000001_fe000000',
      '\tAddress space: PPGTT',
      '\tEngine ID: 0',
      '\tSource ID: 18',
      '\tType: 0',
    ],
    'i915 | unknown | Unexpected fault | 0000:00:02.0 | - | 1fe000000 | -',
  ],
  [
    [
      '\tFaulted Address: 0x00007f2100000000',
      '\tFaultType: 0',
      '\tAccessType: 1',
      '\tFaultLevel: 4',
      '\tEngineClass: 3 bcs',
      '\tEngineInstance: 0',
      '[   31.1] xe 0000:03:00.0: [drm] GT0: Fault response: Unsuccessful -ENOENT',
    ],
    'xe | translation | page fault | 0000:03:00.0 | - | 7f2100000000 | write',
  ],
  [
    ['[   32.0] xe 0000:03:00.0: [drm] GT0: Engine memory CAT error [18]: class=rcs, logical_mask: 0x1, guc_id=2'],
    'xe | unknown | memory CAT error | 0000:03:00.0 | - | - | -',
  ],
  [
    ['[   33.0] powervr fd00000.gpu: [drm] Page fault occurred, fault address=8000000000'],
    'powervr | not-permitted | page fault | fd00000.gpu | - | 8000000000 | -',
  ],
  [
    [
      '[   34.0] intel_vpu 0000:00:0b.0: [drm] *ERROR* ivpu_mmu_dump_event(): MMU EVTQ: 0x10 (Translation fault) SSID: 1 SID: 3, e[2] 00000000, e[3] 00000208, in addr: 0x4000000000, fetch addr: 0x0',
    ],
    'ivpu | unknown | Translation fault | 0000:00:0b.0 | 3 | 4000000000 | -',
  ],
  [
    ['[   35.0] habanalabs hl0: PMMU page fault on va 0x1000001000'],
    'habanalabs | not-permitted | page fault | hl0 | - | 1000001000 | -',
  ],
];

describeIncidents("Faults of devices' own MMUs", CASES);
