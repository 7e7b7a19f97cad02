/**
 * What the kernel's log says of the set-up: which lines are looked for, and what each proves. Faults are read by the room `fault`.
 * @module
 */
import { cleanLine } from '../../fault/clean.ts';
import { LineReader } from '../../fault/line-reader.ts';
import { FaultLog, isDriverLine } from '../../fault/log.ts';
import { collectedOptions } from './options.ts';

/** A line that was found. */
export interface LogFact {
  readonly line: number;
  readonly seconds: number | undefined;
  readonly text: string;
  /** Groups of the pattern. */
  readonly values: readonly string[];
}

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
const PATTERNS: Readonly<Record<LogFactName, RegExp>> = {
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

const NAMES = Object.keys(PATTERNS) as LogFactName[];

/** A cheap test that lets few lines of other things through. */
const ANY =
  /iommu|DMAR|dmar|AMD-Vi|IVRS|IORT|VIOT|RIMT|smmu|apple-dart|Linux version|command line|Firmware|BIOS|PCI-DMA|swiotlb|encryption|1:1|RMRR|trusted|external|vfio|denylist|DMA addresses|option|Hypervisor|paravirtualized|DMI:|Machine model|\(XEN\)|remapping|x2apic|IOAPIC|irq-injection/i;

/** Lines kept of one kind. */
const MOST = 4096;
const LONGEST_TEXT = 400;
/** The line of a boot is stamped with less; later it is a program that prints it. */
const FIRST_SECONDS = 1;

/** A log, read. */
export class BootLog {
  /** File or command that it is from. */
  readonly path: string;
  readonly faults: FaultLog = new FaultLog();
  /** True where the log has the first line of a boot: what it does not say did not happen. */
  fromBoot = false;
  lines = 0;
  /** Boots in it: facts are of the last one, faults of all. */
  boots = 0;
  readonly #facts = new Map<LogFactName, LogFact[]>();

  constructor(path: string, bytes: Uint8Array) {
    this.path = path;
    const reader = new LineReader((text, number) => this.#line(text, number));
    reader.push(bytes);
    reader.end();
    this.lines = reader.counts.lines;
    this.faults.push(bytes);
    this.faults.end();
    this.fromBoot = this.has('boot');
  }

  /** Lines of a kind, in the order of the log. */
  all(name: LogFactName): readonly LogFact[] {
    return this.#facts.get(name) ?? [];
  }

  first(name: LogFactName): LogFact | undefined {
    return this.all(name)[0];
  }

  has(name: LogFactName): boolean {
    return this.#facts.has(name);
  }

  #line(raw: string, number: number): void {
    if (!ANY.test(raw)) return;
    for (const { text, seconds } of cleanLine(raw, number)) {
      for (const name of NAMES) {
        const match = PATTERNS[name].exec(text);
        if (match === null) continue;
        if (name === 'boot' && (seconds ?? 0) < FIRST_SECONDS) this.#begin();
        this.#keep(name, number, seconds, text, match);
      }
    }
  }

  /** A log may hold several boots: what was said before the last one is past. */
  #begin(): void {
    this.boots++;
    if (this.boots > 1) this.#facts.clear();
  }

  #keep(name: LogFactName, line: number, seconds: number | undefined, text: string, match: RegExpExecArray): void {
    const facts = this.#facts.get(name) ?? [];
    if (facts.length === 0) this.#facts.set(name, facts);
    const values = match.slice(1).flatMap((value: string | undefined) => value ?? []);
    if (facts.length < MOST) facts.push({ line, seconds, text: text.slice(0, LONGEST_TEXT), values });
  }
}

const COMMAND_LINE = /^(.*Kernel command line: )(.*)$/;

/** Text that a collected log may have of a line, without the names of people and machines; null for a line left out. */
export function collectedLine(raw: string): string | null {
  // options may name disks, hosts and people
  const given = COMMAND_LINE.exec(raw);
  if (given !== null) return `${given[1]}${collectedOptions(given[2] ?? '')}`;
  if (/command line/i.test(raw)) return null;
  const isRead = ANY.test(raw) && NAMES.some((name) => PATTERNS[name].test(raw));
  if (!(isRead || isDriverLine(raw))) return null;
  return raw.replace(/ \([^\s()]+@[^\s()]+\)/, '').replace(/(DMI: .*), BIOS .*$/, '$1, BIOS -');
}
