/**
 * Reads a machine's files and remembers what could not be read, with what it would have told.
 * @module
 */
import { emptyFiles } from '../../errors.ts';
import type { MachineFiles } from './files.ts';
import { SUBJECTS, subjectOf } from './subjects.ts';

/** A file that could not be read. */
export interface Unread {
  /** Path, with the number of further files of the same kind. */
  readonly path: string;
  readonly why: string;
  /** What it would have told. */
  readonly tells: string;
}

interface Refusal {
  readonly path: string;
  readonly why: string;
  count: number;
}

/** Subjects with files that may be empty: a machine without groups has an empty list of them. */
const MAY_BE_EMPTY: ReadonlySet<string> = new Set(['groups', 'host', 'modules', 'device-tree']);
/** Longest text of one small file. */
const LONGEST_VALUE = 1 << 16;

/** Texts and bytes of a machine's files. */
export class EvidenceReader {
  readonly files: MachineFiles;
  readonly #refused = new Map<string, Refusal>();
  readonly #read = new Set<string>();
  readonly #empty = new Set<string>();
  /** True where a file that has a byte was read, a folder listed, or a file refused that may have one. */
  #hasContent = false;

  constructor(files: MachineFiles) {
    this.files = files;
  }

  /** The bytes of a file; undefined where there is none, or it cannot be read: then it is remembered. */
  bytes(path: string): Uint8Array | undefined {
    const read = this.files.read(path);
    if (read.state === 'read') {
      const subject = subjectOf(path);
      this.#count(path, read.bytes.length);
      if (read.bytes.length === 0 && this.#isText(path, subject?.id)) {
        this.refuse(path, 'it is empty');
        return undefined;
      }
      if (subject !== undefined) this.#read.add(subject.id);
      return read.bytes;
    }
    if (read.state === 'refused') {
      this.#hasContent = true;
      this.refuse(path, read.why);
    }
    return undefined;
  }

  /** True for a saved text that is never empty on a machine; attributes of sysfs and files of settings may be. */
  #isText(path: string, subject: string | undefined): boolean {
    return !this.files.live && subject !== undefined && !MAY_BE_EMPTY.has(subject) && !path.startsWith('sys/');
  }

  #count(path: string, bytes: number): void {
    if (bytes > 0) this.#hasContent = true;
    else if (subjectOf(path) !== undefined) this.#empty.add(path);
  }

  /** Refuses a tree of which nothing could be read since all of its files are empty. @throws InputError `NOT_RECOGNISED`. */
  checkNotEmpty(): void {
    if (!this.files.live && !this.#hasContent && this.#empty.size > 0)
      throw emptyFiles(this.files.root, this.#empty.size);
  }

  /** Remembers that a file could not be used. */
  refuse(path: string, why: string): void {
    const subject = subjectOf(path)?.id ?? path;
    const known = this.#refused.get(subject);
    if (known === undefined) this.#refused.set(subject, { path, why, count: 1 });
    else known.count++;
  }

  /** The text of a whole file. */
  text(path: string): string | undefined {
    const bytes = this.bytes(path);
    return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
  }

  /** The text of a file that holds one value, without blanks and zeros around it. */
  value(path: string): string | undefined {
    const bytes = this.bytes(path);
    if (bytes === undefined) return undefined;
    return new TextDecoder().decode(bytes.subarray(0, LONGEST_VALUE)).replace(/\0+$/, '').trim();
  }

  /** The first of several files that there is. */
  firstOf(paths: readonly string[]): { readonly path: string; readonly bytes: Uint8Array } | undefined {
    for (const path of paths) {
      const bytes = this.bytes(path);
      if (bytes !== undefined) return { path, bytes };
    }
    return undefined;
  }

  names(folder: string): readonly string[] {
    const names = this.files.list(folder);
    const subject = names.length === 0 ? undefined : SUBJECTS.find((one) => one.path === `/${folder}`);
    if (subject !== undefined) {
      this.#hasContent = true;
      this.#read.add(subject.id);
    }
    return names;
  }

  /** The last name of where a link leads; null where there is no link. */
  linkName(path: string): string | null {
    const link = this.files.link(path);
    return link === null ? null : link.slice(link.replace(/\/+$/, '').lastIndexOf('/') + 1);
  }

  /**
   * What could not be read, and which subjects have no file at all.
   * @param expected - subjects that this kind of tree should have
   */
  unread(expected: (id: string) => boolean): Unread[] {
    const refused = [...this.#refused.values()].map(({ path, why, count }) => ({
      path: count === 1 ? path : `${path} and ${count - 1} more like it`,
      why,
      tells: subjectOf(path)?.tells ?? '',
    }));
    const missing = SUBJECTS.filter(({ id }) => !this.#read.has(id) && !this.#refused.has(id) && expected(id));
    const why = this.files.live ? 'not there' : 'not in what was saved';
    return [...refused, ...missing.map(({ path, tells }) => ({ path, why, tells }))];
  }
}
