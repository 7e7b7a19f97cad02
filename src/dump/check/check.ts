/**
 * Runs the rules over a decoding.
 * @module
 */
import { hex } from '../../address.ts';
import type { PhysicalReader } from '../../bus.ts';
import type { Decoding } from '../decode.ts';
import { readEntries } from './entries.ts';
import { MEMORY_RULES } from './memory-rules.ts';
import { STATE_RULES } from './state-rules.ts';
import { TABLE_RULES } from './table-rules.ts';
import type { Finding, Hit, PhysicalRange, ReservedWindow, Rule, Severity } from './types.ts';

/** Every rule, in the order in which findings are listed. */
export const RULES: readonly Rule[] = [...STATE_RULES, ...TABLE_RULES, ...MEMORY_RULES];

/** Findings of one rule that are kept; more are counted. */
const MOST_FINDINGS = 10_000;

/** What a check knows besides the decoding. */
export interface CheckOptions {
  /** Ranges of system memory: a table outside them is an error, one that merely lacks is not. */
  readonly ram?: readonly PhysicalRange[];
  /** Physical address of the unit's registers. */
  readonly mmioBase?: number | undefined;
  /** Further windows that nothing should map. */
  readonly windows?: readonly ReservedWindow[];
  /** True for a page that its allocator has back. */
  readonly isFree?: (address: number) => boolean;
}

/** The answer of a check. */
export interface CheckReport {
  readonly findings: readonly Finding[];
  /** Findings by severity, those not kept included. */
  readonly counts: Readonly<Record<Severity, number>>;
}

// VT-d 3.14, AMD 48882 2.1.4: requests to this window are interrupts and are not translated
const INTERRUPT_WINDOW: ReservedWindow = {
  name: 'the interrupt window, which is never translated',
  of: 'input',
  start: 0xfee0_0000,
  bytes: 0x10_0000,
};
/** Bytes of registers that are guarded: a page of a VT-d unit, both pages of an SMMUv3, 16 KiB of an AMD unit. */
const REGISTER_BYTES: Readonly<Record<string, number>> = {
  'arm-smmu-v3': 0x2_0000,
  'intel-vtd': 0x1000,
  'amd-vi': 0x4000,
  'riscv-iommu': 0x1000,
};

function windowsOf(decoding: Decoding, options: CheckOptions): ReservedWindow[] {
  const windows = [...(options.windows ?? [])];
  if (decoding.iommu === 'intel-vtd' || decoding.iommu === 'amd-vi') windows.push(INTERRUPT_WINDOW);
  const bytes = REGISTER_BYTES[decoding.iommu];
  if (options.mmioBase !== undefined && bytes !== undefined) {
    windows.push({ name: 'the IOMMU’s own registers', of: 'output', start: options.mmioBase, bytes });
  }
  return windows;
}

/** How the parts of a rule's source begin that are about a kind of IOMMU. */
const SPECIFICATIONS: Readonly<Record<string, RegExp>> = {
  'arm-smmu-v3': /^(?:IHI|Arm) /,
  'arm-smmu': /^(?:IHI|Arm) /,
  'intel-vtd': /^VT-d /,
  'amd-vi': /^AMD /,
  'riscv-iommu': /^RISC-V /,
};

/** The parts of a rule's source that are about the kind of IOMMU, all where none is. */
function sourceOf(rule: Rule, iommu: string): string {
  const own = Object.hasOwn(SPECIFICATIONS, iommu) ? SPECIFICATIONS[iommu] : undefined;
  const parts = rule.source.split('; ').filter((part) => own?.test(part));
  return parts.length === 0 ? rule.source : parts.join('; ');
}

function toFinding(rule: Rule, hit: Hit, iommu: string): Finding {
  return {
    rule: rule.id,
    severity: rule.severity,
    domain: hit.domain,
    iova: hit.iova,
    bytes: hit.bytes ?? 0,
    meaning: hit.meaning,
    source: hit.source ?? sourceOf(rule, iommu),
  };
}

/** Adds a hit, joining it to the one before where it says the same of the next addresses. */
function collect(findings: Finding[], rule: Rule, hit: Hit, iommu: string): boolean {
  const last = findings.at(-1);
  const joins =
    last !== undefined &&
    last.rule === rule.id &&
    last.domain === hit.domain &&
    last.meaning === hit.meaning &&
    last.iova !== undefined &&
    last.iova + BigInt(last.bytes) === hit.iova;
  if (joins) findings[findings.length - 1] = { ...last, bytes: last.bytes + (hit.bytes ?? 0) };
  else findings.push(toFinding(rule, hit, iommu));
  return !joins;
}

/** Runs every rule. Work is bounded by the decoding's size. */
export function checkDecoding(reader: PhysicalReader, decoding: Decoding, options: CheckOptions = {}): CheckReport {
  const subject = {
    decoding,
    ram: options.ram ?? [],
    windows: windowsOf(decoding, options),
    isFree: options.isFree,
    entries: () => readEntries(reader, decoding),
  };
  const counts = { error: 0, warning: 0, info: 0 };
  const findings: Finding[] = [];
  for (const rule of RULES) {
    const found: Finding[] = [];
    for (const hit of rule.find(subject)) {
      if (found.length >= MOST_FINDINGS) counts[rule.severity]++;
      else if (collect(found, rule, hit, decoding.iommu)) counts[rule.severity]++;
    }
    findings.push(...found);
  }
  return { findings, counts };
}

/** A finding in JSON; addresses and sizes as `0x…` text. */
export interface FindingJson {
  readonly rule: string;
  readonly severity: Severity;
  readonly domain?: string;
  readonly iova: string | null;
  readonly bytes: string;
  readonly meaning: string;
  readonly source: string;
}

/** The data of the answer `iommu.check`. */
export function checkData(report: CheckReport): {
  readonly counts: Readonly<Record<Severity, number>>;
  readonly findings: readonly FindingJson[];
} {
  return {
    counts: report.counts,
    findings: report.findings.map(({ rule, severity, domain, iova, bytes, meaning, source }) => ({
      rule,
      severity,
      ...(domain === undefined ? {} : { domain }),
      iova: iova === undefined ? null : hex(iova),
      bytes: hex(bytes),
      meaning,
      source,
    })),
  };
}
