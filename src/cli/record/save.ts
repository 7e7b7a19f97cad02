/**
 * Copies a file of the kernel's, piece by piece, so that a signal is answered meanwhile.
 * @module
 */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { InputError } from '../../errors.ts';
import type { Signals } from './signals.ts';

const PIECE = 1 << 20;

/**
 * Copies a file of any length; the kernel says that its files are empty, and a trace may be larger than memory.
 * @returns false if a signal came and the rest was left.
 * @throws InputError `UNREADABLE`
 */
export async function copyOut(from: string, to: string, signals: Signals): Promise<boolean> {
  const before = signals.caught.length;
  const files: number[] = [];
  try {
    const source = openSync(from, 'r');
    files.push(source);
    const target = openSync(to, 'w');
    files.push(target);
    const piece = new Uint8Array(PIECE);
    for (let length = readSync(source, piece); length > 0; length = readSync(source, piece)) {
      writeWhole(target, piece.subarray(0, length));
      await setImmediate();
      if (signals.caught.length > before) return false;
    }
    return true;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new InputError('UNREADABLE', from, `cannot be copied to ${to}: ${why}`);
  } finally {
    for (const file of files) closeSync(file);
  }
}

function writeWhole(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
}
