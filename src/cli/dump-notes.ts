/**
 * What the readers of dumps left out, said once when a verb ends: broken pages show only when they are read.
 * @module
 */
import { isDamage } from '../dump/notes.ts';
import type { Dump } from '../dump/types.ts';
import { EXIT } from './exit.ts';
import { say } from './io.ts';

const opened: { readonly path: string; readonly dump: Dump }[] = [];

/** Keeps a dump that a verb opened, for {@link reportDumpNotes}. */
export function noteDump(path: string, dump: Dump): void {
  opened.push({ path, dump });
}

/**
 * Says what was left out of all dumps that were opened. Where one is cut or damaged, the status is that of unusable input
 * unless the verb has set one.
 */
export function reportDumpNotes(): void {
  for (const { path, dump } of opened.splice(0)) {
    for (const note of dump.notes) say(`${path}: ${note.count} × ${note.text}`);
    if (dump.notes.some(isDamage)) process.exitCode ||= EXIT.input;
  }
}
