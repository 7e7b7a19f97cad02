/**
 * Settings of the tracer: what is changed is remembered, and put back as it was.
 * @module
 */
import type { Tree } from './tree.ts';

/** What to write so that a file reads as it does now (kernel documentation: trace/ftrace). */
export function restoring(path: string, text: string): string {
  const value = text.trim();
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (name === 'trace_clock') return /\[([^\]]*)\]/.exec(value)?.[1] ?? value;
  if (name === 'buffer_size_kb') return /expanded: (\d+)/.exec(value)?.[1] ?? value;
  if (name === 'enable') return value.replace('*', '');
  if (name.startsWith('set_')) return listed(value);
  return value;
}

/** Functions or pids of a filter file: without comments, module names and triggers. */
function listed(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#') && !line.includes(':') && line !== 'no pid')
    .map((line) => line.split(' ')[0] ?? '')
    .join('\n');
}

/** Changes settings of one tree and puts them back. */
export class Settings {
  readonly #tree: Tree;
  readonly #changed: { readonly path: string; readonly before: string }[] = [];

  constructor(tree: Tree) {
    this.#tree = tree;
  }

  /**
   * Writes a setting; what it was is remembered first. A file that this kernel does not have is passed over.
   * @returns true if there is such a file.
   * @throws InputError `UNREADABLE` if the kernel refuses the value.
   */
  set(path: string, value: string): boolean {
    if (!this.#tree.exists(path)) return false;
    const before = restoring(path, this.#tree.read(path));
    if (before === value) return true;
    this.#changed.push({ path, before });
    this.#tree.write(path, `${value}\n`);
    return true;
  }

  /** Remembers a setting as it is now, for writes to it that this class does not see. */
  keep(path: string): void {
    if (this.#tree.exists(path)) this.#changed.push({ path, before: restoring(path, this.#tree.read(path)) });
  }

  /** What was changed so far, with what it was before; the first change first. */
  changed(): readonly { readonly path: string; readonly before: string }[] {
    return [...this.#changed];
  }

  /**
   * Puts back everything that was changed, the last change first. One that fails does not keep the others from it.
   * @returns what could not be put back, in words.
   */
  restore(): string[] {
    const failures: string[] = [];
    for (let change = this.#changed.pop(); change !== undefined; change = this.#changed.pop()) {
      try {
        this.#tree.write(change.path, `${change.before}\n`);
      } catch (cause) {
        failures.push(`${change.path} could not be set back to '${change.before}': ${String(cause)}`);
      }
    }
    return failures;
  }
}
