/**
 * Remarks that the address, the device and the time of a fault suggest. Each says what it rests on; none decides a cause.
 * @module
 */
import type { FaultKind, Incident } from './incident.ts';

/** Faults of an access that the IOMMU looked up, or would have. */
const LOOKED_UP: readonly FaultKind[] = ['translation', 'permission', 'not-permitted', 'input-range'];

/** Widths at whose top addresses are usual: DMA masks of 32 bits, and what three and four levels of tables reach. */
const USUAL = [32, 39, 48];
/** Addresses so far below a power of two are taken for the top of that width. */
const NEAR_TOP = 1n << 24n;

/** The width that an address ends just below of, of 33 bits or more; `undefined` for none, and for usual ones. */
function topWidth(iova: bigint): number | undefined {
  const width = iova.toString(2).length;
  if (width < 33 || width >= 57 || USUAL.includes(width)) return undefined;
  return (1n << BigInt(width)) - iova <= NEAR_TOP ? width : undefined;
}

/**
 * Linux hands out addresses from the top of the device's DMA mask downwards (drivers/iommu/iova.c): an address just below another
 * power of two came from a mask of that width, or lost its upper bits on the way.
 */
function cutAddress({ iova }: Incident): string[] {
  const width = iova === undefined ? undefined : topWidth(iova);
  if (width === undefined) return [];
  return [
    `the address is just below 2^${width}: either the device has a DMA mask of ${width} bits, or it drops the address bits above that: compare with the addresses that its driver was given`,
  ];
}

/** GITS_TRANSLATER (Arm IHI 0069, 12.18) and GICv2m's MSI_SETSPI_NS both lie at offset 0x40 of their page. */
const DOORBELL = 0x40n;
const ARM = ['arm-smmu-v3', 'arm-smmu'];

function doorbell({ iommu, iova, access }: Incident): string[] {
  if (!ARM.includes(iommu) || access !== 'write' || iova === undefined || iova < 0x1000n) return [];
  if ((iova & 0xfffn) !== DOORBELL) return [];
  return [
    'a write at offset 0x40 of a page may be an interrupt message (MSI) to a GIC whose doorbell is not mapped for the device: compare the page with the ITS or GICv2m frame, and msi-map with iommu-map in the device tree',
  ];
}

/** Seconds of the kernel's clock in which few drivers have taken over their devices. */
const EARLY = 3;

function earlyBoot({ seconds, kind }: Incident): string[] {
  const isAccess = LOOKED_UP.includes(kind) || kind === 'configuration';
  if (!isAccess || seconds === undefined || seconds <= 0 || seconds >= EARLY) return [];
  return [
    `${seconds.toFixed(1)} s after the start of the kernel few drivers have taken over: the firmware, the boot loader or a kernel before (kexec) may have left the device at work; a reserved region of the firmware's tables (RMRR, IVMD, iommu-addresses) is what would permit that`,
  ];
}

/** The integrated GPU of Intel's chipsets. */
const INTEL_GPU = '0000:00:02.0';

function integratedGpu({ iommu, device }: Incident): string[] {
  if (iommu !== 'intel-vtd' || device !== INTEL_GPU) return [];
  return [
    '0000:00:02.0 is the integrated GPU on Intel machines: it goes on reading the frame buffer of the firmware, or of a guest that is gone, until a driver takes it over',
  ];
}

/** Interrupts come from IOAPICs and HPETs too, under ids that only the firmware's table has (AMD 48882, 5.2.2.5). */
function notInLspci({ iommu, kind, device }: Incident): string[] {
  if (iommu !== 'amd-vi' || kind !== 'interrupt' || device === undefined) return [];
  return [`${device} may be the id of an IOAPIC or HPET in the firmware's IVRS table, which lspci does not show`];
}

/** Remarks about an incident of an IOMMU. */
export function hintsOf(incident: Incident): string[] {
  if (incident.origin !== 'iommu') return [];
  const access = LOOKED_UP.includes(incident.kind) ? [...cutAddress(incident), ...doorbell(incident)] : [];
  return [...access, ...integratedGpu(incident), ...earlyBoot(incident), ...notInLspci(incident)];
}
