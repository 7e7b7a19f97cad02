/**
 * Lines that name an IOMMU and are of no layout that is read: other systems, hypervisors, emulators, drivers whose line begins in
 * another way. They are not explained, but an answer must not say that no line is of an IOMMU, and must name those that
 * speak of a fault.
 * @module
 */
import { cutTo } from '../errors.ts';

/** Names as Linux, Xen, ESXi, Windows, FreeBSD and QEMU print them. */
const NAMES = /iommu|smmu|dmar|amd-?vi\b|\bvt-?d\b|\bvtd_|dma.violation/i;
/** Words of a line that reports a fault. */
const FAULTS = /\bfault(?:s|ed|ing)?\b|_FAULT\b|\bviolation\b|\berrors?\b|\babort(?:ed)?\b|\bblocked\b|\bdenied\b/i;
/** Characters of a line that are kept. */
const SHOWN = 120;
/** Lines that speak of a fault kept; those beyond are counted. */
const MOST_KEPT = 1000;

/** A line of the log. */
export interface ForeignLine {
  readonly line: number;
  readonly text: string;
}

/** Counts such lines; keeps the first, and those that speak of a fault. */
export class ForeignLines {
  count = 0;
  first: ForeignLine | undefined;
  /** How many speak of a fault. */
  faultCount = 0;
  readonly faults: ForeignLine[] = [];

  /** Takes a line that no driver takes. */
  add(text: string, line: number): void {
    if (!NAMES.test(text)) return;
    this.count++;
    const shown = { line, text: cutTo(text.trim(), SHOWN + 1) };
    this.first ??= shown;
    if (!FAULTS.test(text)) return;
    this.faultCount++;
    if (this.faults.length < MOST_KEPT) this.faults.push(shown);
  }
}
