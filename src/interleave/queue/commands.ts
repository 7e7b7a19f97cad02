/**
 * Commands whose two words name their sender, so that a rule can tell a whole one from a torn or a stale one.
 * Layouts: Arm IHI 0070, 4.4.2 (CMD_TLBI_NH_VA) and 4.7.3 (CMD_SYNC).
 * @module
 */
import type { Completion } from './queue.ts';

const OPCODE = 0x100;
const TLBI_NH_VA = 0x12;
const SYNC = 0x46;
/** CS of CMD_SYNC, bits 13:12: 1 an MSI, 2 an event (SEV). */
const SIGNAL = { msi: 1 * 2 ** 12, consumed: 2 * 2 ** 12 } as const;
/** VMID of CMD_TLBI_NH_VA and MSIData of CMD_SYNC begin here. */
const SENDER = 2 ** 32;
const PAGE = 2 ** 12;
/** Commands that one producer can send, and producers whose commands a VMID of 16 bits can tell apart. */
export const MOST_COMMANDS: number = 256;
export const MOST_PRODUCERS: number = 255;

/** A command as two 64-bit words. */
export interface Command {
  readonly w0: number;
  readonly w1: number;
}

/** Who sent a command, which one it is, and whether it is a CMD_SYNC. */
export interface Sent {
  readonly producer: number;
  readonly number: number;
  readonly sync: boolean;
}

/**
 * The `number`th command (from 0) of a producer: an invalidation whose VMID and address carry the sender. A CMD_SYNC carries
 * it in MSIData and MSIAddress, which only an MSI would use; the model's MSI zeroes the entry itself, as Linux asks for.
 */
export function commandOf({ producer, number, sync }: Sent, completion: Completion): Command {
  const sender = producer * MOST_COMMANDS + number + 1;
  const w0 = sync ? SYNC + SIGNAL[completion] : TLBI_NH_VA;
  return { w0: w0 + sender * SENDER, w1: sender * PAGE };
}

/** The sender of a command; undefined if the two words are not those of one command. */
export function senderOf({ w0, w1 }: Command): Sent | undefined {
  const sender = Math.floor(w0 / SENDER);
  const opcode = w0 % OPCODE;
  if (sender === 0 || w1 !== sender * PAGE || (opcode !== SYNC && opcode !== TLBI_NH_VA)) return undefined;
  return {
    producer: Math.floor((sender - 1) / MOST_COMMANDS),
    number: (sender - 1) % MOST_COMMANDS,
    sync: opcode === SYNC,
  };
}

/** The first word of a CMD_SYNC after its MSI: 32 bits of zero over the lower half. */
export function afterMsi(w0: number): number {
  return w0 - (w0 % SENDER);
}

/** Whether a CMD_SYNC asks for an MSI. */
export function wantsMsi(w0: number): boolean {
  return w0 % OPCODE === SYNC && (w0 % SENDER) - SYNC === SIGNAL.msi;
}
