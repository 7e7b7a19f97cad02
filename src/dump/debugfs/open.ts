/**
 * Text of the debugfs files of Intel's and AMD's IOMMUs, one or several after the other, as the kernel prints them or
 * as `grep`, `head` and mail pass them on.
 * @module
 */
import { InputError } from '../../errors.ts';
import { lines, type TextLine } from '../lines.ts';
import { type OpenedMemory, pagedMemory } from '../memory.ts';
import { LineTally, NoteCounter } from '../notes.ts';
import type { ByteSource } from '../types.ts';
import { AmdText, startsAmdText } from './amd.ts';
import { type IntelFiles, intelFiles } from './intel.ts';
import { IntelText, startsIntelText } from './intel-text.ts';
import { TextPages } from './text-pages.ts';

/** Longest line of these files: a row of contexts has fewer than 200 characters. */
const LONGEST_LINE = 1024;
const QUOTES = /^(?:> ?){1,8}/;
/** What `grep` puts before each line. */
const PATH =
  /^\S{0,200}\/(?:domain_translation_struct|dmar_translation_struct|iommu_regset|mmio|capability|devtbl|cmdbuf|irqtbl):/;
/** What `head` and `tail` put before each file, and what is put where rows were taken out. */
const BANNER = /^==> .* <==$/;
const CUT = /^\W*(?:\.\.\.|\u2026|snip)\W*$/i;
const OTHER_FILES =
  /^(?:Invalidation queue on IOMMU:|Base: 0x|Index\s|Remapped Interrupt supported|Posted Interrupt supported|IR table address|Entry SrcID|Interrupt Remapping is not|\*+$)/;

/** A line without what mail and `grep` add to it. */
function clean(line: string): string {
  return line.replace(QUOTES, '').replace(PATH, '').trim();
}

/** True if the text starts as one of the files. */
export function isDebugfs(head: Uint8Array): boolean {
  const text = new TextDecoder().decode(head);
  return text.split('\n').some((line) => {
    const part = clean(line.slice(0, LONGEST_LINE));
    return startsIntelText(part) || startsAmdText(part);
  });
}

/** A text of one maker's files. */
class DebugfsText {
  readonly #name: string;
  readonly #pages: TextPages;
  readonly #notes: NoteCounter;
  readonly #intel: IntelText;
  readonly #amd: AmdText;
  readonly #tally = new LineTally();

  constructor(name: string, pages: TextPages, notes: NoteCounter) {
    this.#name = name;
    this.#pages = pages;
    this.#notes = notes;
    this.#intel = new IntelText(name, pages, notes);
    this.#amd = new AmdText(notes);
  }

  take({ text, number }: TextLine): void {
    const line = clean(text);
    this.#tally.all();
    if (line === '' || BANNER.test(line)) return;
    if (line.length <= LONGEST_LINE && (this.#intel.take(line) || this.#amd.take(line))) return;
    if (CUT.test(line)) this.#notes.add('rows-skipped', 'places where rows were taken out of the text');
    else if (OTHER_FILES.test(line)) {
      this.#notes.add('files-not-used', 'lines of other files of this directory, which hold no tables of devices');
    } else this.#tally.left({ number, text: line });
  }

  files(): IntelFiles {
    this.#tally.addTo(this.#notes, 'lines-skipped', 'lines of no known form');
    const intel = intelFiles(this.#intel, this.#pages, this.#notes);
    if (intel !== undefined && this.#amd.seen) {
      throw new InputError('MALFORMED', this.#name, 'expected the text of one maker’s IOMMUs, got Intel’s and AMD’s');
    }
    const files = intel ?? (this.#amd.seen ? this.#amd.files(this.#pages) : undefined);
    if (files === undefined || files.registers.named.size === 0) {
      throw new InputError('MALFORMED', this.#name, 'expected tables or registers, got none');
    }
    return files;
  }
}

/**
 * Opens the text of debugfs files.
 * @throws InputError `MALFORMED` where it holds neither tables nor registers or those of two makers, `TOO_LARGE`.
 */
export function openDebugfs(source: ByteSource, name: string): OpenedMemory {
  const notes = new NoteCounter();
  const pages = new TextPages(name);
  const text = new DebugfsText(name, pages, notes);
  for (const line of lines(source, notes)) text.take(line);
  const files = text.files();
  const memory = pagedMemory('debugfs', (address) => pages.at(address), pages.extents(), notes);
  return { ...memory, ...files };
}
