/**
 * Lines that name an IOMMU and are of no driver whose lines are read: other systems, hypervisors, emulators. They are not
 * explained, but an answer must not say that no line is of an IOMMU.
 * @module
 */

/** Names as Linux, Xen, ESXi, Windows, FreeBSD and QEMU print them. */
const NAMES = /iommu|smmu|dmar|amd-?vi\b|\bvt-?d\b|\bvtd_|dma.violation/i;
/** Characters of the first line that are kept. */
const SHOWN = 120;

/** Counts such lines, and keeps the first. */
export class ForeignLines {
  count = 0;
  first: { readonly line: number; readonly text: string } | undefined;

  /** Takes a line that no driver takes. */
  add(text: string, line: number): void {
    if (!NAMES.test(text)) return;
    this.count++;
    const shown = text.trim();
    this.first ??= { line, text: shown.length > SHOWN ? `${shown.slice(0, SHOWN)}…` : shown };
  }
}
