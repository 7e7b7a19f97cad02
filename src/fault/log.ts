/**
 * Logs, line by line, into fault records. Prefixes of any kind (dmesg, syslog, the journal) may stand before a line.
 * @module
 */
import { AmdLines } from './amd-vi.ts';
import { GenericLines } from './generic.ts';
import type { FaultReader, FaultRecord, LogLine } from './record.ts';
import { RiscvLines } from './riscv.ts';
import { SmmuV2Lines } from './smmu-v2.ts';
import { SmmuV3Lines } from './smmu-v3.ts';
import { VtdLines } from './vt-d.ts';

/** Faults kept; those beyond are counted. */
const MOST_FAULTS = 1 << 16;
/** Longest line that is looked at. */
const LONGEST_LINE = 4096;

/** `[   12.345678]`, as dmesg prints it, wherever it stands. */
const DMESG_TIME = /\[\s*(\d{1,9}\.\d{3,9})\]/;
/** ftrace text: `[001] .....    12.345678: event:`. */
const TRACE_TIME = /\s(\d{1,9}\.\d{6,9}): \w/;

/** The kernel's time stamp of a line. */
function secondsOf(text: string): number | undefined {
  const match = DMESG_TIME.exec(text) ?? TRACE_TIME.exec(text);
  return match === null ? undefined : Number(match[1]);
}

/** Takes a log piece by piece. */
export class FaultLog {
  /** The faults so far; the last ones may still be completed by lines to come. */
  readonly faults: FaultRecord[] = [];
  /** Lines read, lines of IOMMU drivers among them, lines too long to look at, faults beyond the limit. */
  readonly counts: { lines: number; used: number; tooLong: number; dropped: number } = {
    lines: 0,
    used: 0,
    tooLong: 0,
    dropped: 0,
  };
  readonly #readers: readonly FaultReader[] = [
    new SmmuV3Lines(),
    new SmmuV2Lines(),
    new VtdLines(),
    new AmdLines(),
    new RiscvLines(),
    new GenericLines(),
  ];
  readonly #decoder = new TextDecoder();
  #rest = '';

  /** Takes the next bytes of the log, cut anywhere. */
  push(bytes: Uint8Array): void {
    const text = this.#rest + this.#decoder.decode(bytes, { stream: true });
    const lines = text.split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#line(line);
    if (this.#rest.length > 4 * LONGEST_LINE) this.#rest = this.#rest.slice(0, 2 * LONGEST_LINE);
  }

  /** Says that there are no more bytes. */
  end(): void {
    if (this.#rest !== '') this.#line(this.#rest);
    this.#rest = '';
  }

  #line(text: string): void {
    this.counts.lines++;
    if (text.length > LONGEST_LINE) {
      this.counts.tooLong++;
      return;
    }
    const clean = text.trimEnd();
    const line: LogLine = { text: clean, number: this.counts.lines, seconds: secondsOf(clean) };
    for (const reader of this.#readers) {
      const taken = reader.take(line);
      if (taken === false) continue;
      this.counts.used++;
      if (taken !== true) this.#keep(taken);
      return;
    }
  }

  #keep(record: FaultRecord): void {
    if (this.faults.length < MOST_FAULTS) this.faults.push(record);
    else this.counts.dropped++;
  }
}

/** Reads a whole log from text. */
export function readFaultLog(text: string): FaultLog {
  const log = new FaultLog();
  log.push(new TextEncoder().encode(text));
  log.end();
  return log;
}
