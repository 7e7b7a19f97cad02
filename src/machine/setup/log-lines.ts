/**
 * Lines of the kernel's log that say something of the set-up, one pattern a line; each is looked for in one line without its stamp.
 * @module
 */

/** Name of a line that is looked for. */
export type LogFactName =
  | 'boot'
  | 'commandLine'
  | 'groupAdded'
  | 'groupRemoved'
  | 'domainType'
  | 'policy'
  | 'table'
  | 'intelOn'
  | 'intelAsked'
  | 'intelDisabled'
  | 'intelUnit'
  | 'intelForced'
  | 'intelGuest'
  | 'intelNoGraphics'
  | 'intelNoWidths'
  | 'registerInvalidation'
  | 'irOn'
  | 'irFailed'
  | 'x2apicOptOut'
  | 'amdUnit'
  | 'amdOff'
  | 'amdGuest'
  | 'smmu3'
  | 'smmu'
  | 'smmuNoEvents'
  | 'dart'
  | 'virtio'
  | 'riscv'
  | 'swiotlb'
  | 'swiotlbFull'
  | 'untranslated'
  | 'encrypted'
  | 'firmwareBug'
  | 'ivrsError'
  | 'oneToOne'
  | 'untrustedDriver'
  | 'noIommuTaint'
  | 'noRemapping'
  | 'denylisted'
  | 'widthTooSmall'
  | 'wideDma'
  | 'unknownOption'
  | 'malformedOption'
  | 'hypervisor'
  | 'smbios'
  | 'xenDma'
  | 'xenMode'
  | 'xenRemapping';

/** Lines that are looked for (printk formats of Linux 5.10 to 7.3, of its drivers named in each). */
export const LOG_LINES: Readonly<Record<LogFactName, RegExp>> = {
  boot: /Linux version (\d+\.\d+\S*)/,
  commandLine: /Kernel command line: (.*)$/,
  groupAdded: /(\S+): Adding to iommu group (\d+)|iommu: Adding device (\S+) to group (\d+)/,
  groupRemoved: /(\S+): Removing from iommu group (\d+)/,
  domainType: /iommu: Default domain type: (\w+)/i,
  policy: /iommu: DMA domain TLB invalidation policy: (\w+) mode/,
  table: /ACPI: (DMAR|IVRS|IORT|VIOT|RIMT) 0x[0-9A-Fa-f]+ [0-9A-Fa-f]+ /,
  intelOn: /DMAR: Intel\(R\) Virtualization Technology for Directed I\/O/,
  intelAsked: /DMAR: IOMMU enabled/,
  intelDisabled: /DMAR: IOMMU disabled/,
  intelUnit: /(?:DMAR: )?dmar(\d+): reg_base_addr ([0-9a-f]+) ver \S+ cap ([0-9a-f]+) ecap ([0-9a-f]+)/,
  intelForced: /DMAR: Intel-IOMMU force enabled due to platform opt in/,
  intelGuest: /DMAR: IOMMU batching disallowed due to virtualization/,
  intelNoGraphics: /DMAR: Disabling IOMMU for graphics on this chipset/,
  intelNoWidths: /DMAR: No supported address widths\. Not attempting DMA translation/,
  registerInvalidation: /(dmar\d+): Using Register based invalidation/,
  irOn: /(?:DMAR-IR: Enabled IRQ remapping in (\w+) mode|AMD-Vi: Interrupt remapping enabled)/,
  irFailed:
    /(?:DMAR-IR: .*(?:Failed to enable irq remapping|erratum|interrupt remapping will be disabled|Compatibility-format IRQs enabled)|Your system is vulnerable to irq-injection|You are vulnerable to irq-injection|AMD-Vi: Disabling interrupt remapping)/,
  x2apicOptOut: /x2apic is disabled because BIOS sets x2apic opt out bit/,
  amdUnit: /AMD-Vi: (?:Extended features|Found IOMMU (?:at|cap)|Using global IVHD EFR)/,
  amdOff: /AMD-Vi: (?:AMD IOMMU disabled|Disable IOMMU on Stoney Ridge)/,
  amdGuest: /AMD-Vi: Using strict mode due to virtualization/,
  smmu3: /arm-smmu-v3 (\S+): (?:ias (\d+)-bit, )?oas (\d+)-bit \(features (0x[0-9a-f]+)\)/,
  smmu: /arm-smmu (\S+): probing hardware configuration/,
  smmuNoEvents: /arm-smmu\S* (\S+): no (?:evtq|gerr) irq - (?:events|errors) will not be reported/,
  dart: /apple-dart (\S+): DART \[pagesize (\w+), (\d+) streams, bypass support: (\d), bypass forced: (\d)/,
  virtio: /virtio_iommu (virtio\d+): input address: (\d+) bits/,
  riscv: /riscv,iommu (\S+): /,
  swiotlb: /PCI-DMA: Using software bounce buffering for IO/,
  swiotlbFull: /swiotlb buffer is full/,
  untranslated: /Failed to set up IOMMU for device (\S+?)[;,]? retaining platform DMA ops/,
  encrypted: /Memory encryption detected - Disabling default IOMMU Passthrough/,
  firmwareBug:
    /\[Firmware (?:Bug|Warn)\].*(?:DMAR|IVRS|AMD-Vi|IORT|VIOT|IOAPIC|RMRR|IOMMU|iommu|remapping).*$|Your BIOS is broken.*$/,
  ivrsError: /AMD-Vi: (?:IVRS table error: .*|.*IOAPIC\[\d+\] not in IVRS table|.*No southbridge IOAPIC found.*)$/,
  oneToOne:
    /(\S+): Firmware has requested this device have a 1:1 IOMMU mapping|(\S+): Device is ineligible for IOMMU domain attach due to platform RMRR requirement/,
  untrustedDriver: /(\S+): Device is not trusted, but driver is overriding group (\d+) to (\w+)/,
  noIommuTaint: /Adding kernel taint for vfio-noiommu group on device/,
  noRemapping: /No interrupt remapping support\.\s+Use the module param/,
  denylisted: /(?:([0-9a-f]{4}:[0-9a-f]{4}) )?exists in vfio-pci device denylist, driver probing disallowed/,
  widthTooSmall: /iommu width \((\d+)\) is not sufficient for the mapped address/,
  wideDma: /(\S+): Using (\d+)-bit DMA addresses/,
  unknownOption: /(?:DMAR|AMD-Vi): Unknown option - '([^']*)'/,
  malformedOption: /Malformed early option '(iommu\.[^']*)'/,
  hypervisor: /(?:Hypervisor detected: (.*)|Booting paravirtualized kernel (?:with PVH extensions )?on (.*))$/,
  smbios: /(?:\bDMI: (.*), BIOS |Machine model: (.*)$)/,
  xenDma: /\(XEN\) +I\/O virtualisation (enabled|disabled)/,
  xenMode: /\(XEN\) +- Dom0 mode: (\w+)/,
  xenRemapping: /\(XEN\) +Interrupt remapping (enabled|disabled)/,
};
