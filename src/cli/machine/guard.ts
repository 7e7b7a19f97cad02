/**
 * A shell that puts settings back where this program cannot, because it was killed: it waits for the end of a pipe.
 * @module
 */
import { spawn } from 'node:child_process';

/** A file and the text that it had. */
export interface Setting {
  readonly path: string;
  readonly before: string;
}

/** Told "done", it ends; at the end of the pipe without that, it writes each value into its file, the last one set first. */
const SCRIPT = `read -r word
[ "$word" = done ] && exit 0
while [ $# -gt 1 ]; do printf '%s\\n' "$2" > "$1"; shift 2; done`;

/** Starts the shell. @returns how to tell it that everything is put back */
export function guardSettings(settings: readonly Setting[]): () => void {
  const words = [...settings].reverse().flatMap(({ path, before }) => [path, before]);
  const shell = spawn('sh', ['-c', SCRIPT, 'iommu-watch', ...words], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  shell.on('error', () => undefined);
  shell.stdin.on('error', () => undefined);
  shell.unref();
  return () => void shell.stdin.end('done\n');
}
