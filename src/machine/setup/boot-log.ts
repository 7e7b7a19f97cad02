/**
 * What the kernel's log says of the set-up: which lines are looked for, and what each proves. Faults are read by the room `fault`.
 * @module
 */
import { cleanLine } from '../../fault/clean.ts';
import { LineReader } from '../../fault/line-reader.ts';
import { FaultLog, isDriverLine } from '../../fault/log.ts';
import { LOG_LINES, type LogFactName } from './log-lines.ts';
import { collectedOptions } from './options.ts';

/** A line that was found. */
export interface LogFact {
  readonly line: number;
  readonly seconds: number | undefined;
  readonly text: string;
  /** Groups of the pattern. */
  readonly values: readonly string[];
}

const NAMES = Object.keys(LOG_LINES) as LogFactName[];

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
        const match = LOG_LINES[name].exec(text);
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
  const isRead = ANY.test(raw) && NAMES.some((name) => LOG_LINES[name].test(raw));
  if (!(isRead || isDriverLine(raw))) return null;
  return raw.replace(/ \([^\s()]+@[^\s()]+\)/, '').replace(/(DMI: .*), BIOS .*$/, '$1, BIOS -');
}
