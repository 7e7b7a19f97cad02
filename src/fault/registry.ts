/**
 * All drivers whose lines are read. A driver is one file and one line here.
 * @module
 */
import type { FaultDriver } from './contract.ts';
import { amdVi } from './layouts/amd-vi.ts';
import { amdgpu } from './layouts/amdgpu.ts';
import { appleDart } from './layouts/apple-dart.ts';
import { armSmmu } from './layouts/arm-smmu.ts';
import { armSmmuV3 } from './layouts/arm-smmu-v3.ts';
import { dmaDebug } from './layouts/dma-debug.ts';
import { iommuSpace, swiotlb } from './layouts/dma-messages.ts';
import { eeh } from './layouts/eeh.ts';
import { esxi } from './layouts/esxi.ts';
import { etnaviv } from './layouts/etnaviv.ts';
import { exynos } from './layouts/exynos.ts';
import { fslPamu } from './layouts/fsl-pamu.ts';
import { i915, xe } from './layouts/intel-gpu.ts';
import { intelVtd } from './layouts/intel-vtd.ts';
import { ioPageFault } from './layouts/io-page-fault.ts';
import { iommuMessages } from './layouts/iommu-messages.ts';
import { ipmmu } from './layouts/ipmmu.ts';
import { kgsl } from './layouts/kgsl.ts';
import { lima } from './layouts/lima.ts';
import { mali } from './layouts/mali.ts';
import { mediatek } from './layouts/mediatek.ts';
import { msmGpu } from './layouts/msm-gpu.ts';
import { msmIommu } from './layouts/msm-iommu.ts';
import { nouveau } from './layouts/nouveau.ts';
import { nvrm } from './layouts/nvrm.ts';
import { omapIommu } from './layouts/omap-iommu.ts';
import { habanalabs, ivpu, powervr } from './layouts/other-devices.ts';
import { panfrost } from './layouts/panfrost.ts';
import { panthor } from './layouts/panthor.ts';
import { qcomIommu } from './layouts/qcom-iommu.ts';
import { qemu } from './layouts/qemu.ts';
import { riscvIommu } from './layouts/riscv-iommu.ts';
import { rockchip } from './layouts/rockchip.ts';
import { s390 } from './layouts/s390.ts';
import { sprdIommu, vsiIommu } from './layouts/small-socs.ts';
import { sun50i } from './layouts/sun50i.ts';
import { tegraMc } from './layouts/tegra-mc.ts';
import { tegraMcErr } from './layouts/tegra-mc-err.ts';
import { v3d } from './layouts/v3d.ts';
import { vfio } from './layouts/vfio.ts';
import { virtioIommu } from './layouts/virtio-iommu.ts';
import { windows } from './layouts/windows.ts';

/** IOMMUs, in the order in which they are asked about a line that several might print. */
const IOMMUS: readonly FaultDriver[] = [
  armSmmuV3,
  armSmmu,
  intelVtd,
  amdVi,
  riscvIommu,
  virtioIommu,
  appleDart,
  rockchip,
  mediatek,
  exynos,
  tegraMc,
  tegraMcErr,
  sun50i,
  qcomIommu,
  msmGpu,
  kgsl,
  msmIommu,
  omapIommu,
  ipmmu,
  sprdIommu,
  vsiIommu,
  s390,
  eeh,
  fslPamu,
  qemu,
  esxi,
  windows,
  ioPageFault,
];

/** Devices with an MMU of their own. */
const DEVICE_MMUS: readonly FaultDriver[] = [
  panfrost,
  panthor,
  mali,
  lima,
  etnaviv,
  v3d,
  nouveau,
  nvrm,
  amdgpu,
  i915,
  xe,
  powervr,
  habanalabs,
  ivpu,
];

/** Messages of the kernel and of programs about requests that were refused. */
const MESSAGES: readonly FaultDriver[] = [vfio, swiotlb, iommuSpace, dmaDebug, iommuMessages];

/** All of them. */
export const FAULT_DRIVERS: readonly FaultDriver[] = [...IOMMUS, ...DEVICE_MMUS, ...MESSAGES];
