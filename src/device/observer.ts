/**
 * What a live unit lets others see: commands consumed and completed, and accesses with what served them.
 * @module
 */
import type { Scope } from '../hardware/command.ts';

/** A command as the unit consumed it. Words and scope are used again for the next one: copy what is to be kept. */
export interface ConsumedCommand {
  readonly words: Uint32Array;
  readonly scope: Scope;
}

/** An access that a unit answered. */
export interface AccessSeen {
  readonly stream: number;
  readonly substream: number;
  readonly domain: number;
  readonly space: number;
  readonly stages: number;
  /** Page of 4 KiB. */
  readonly page: number;
  readonly write: boolean;
  /** Where the translation came from. */
  readonly from: 'tlb' | 'device-tlb' | 'tables';
  /** Output address; −1 for an access that faulted. */
  readonly output: number;
}

/** Sees a unit at work. */
export interface UnitObserver {
  /** The unit begins (true) or ends (false) to consume what waits in its queue: software writes nothing in between. */
  consuming?(begins: boolean): void;
  /** Before the unit executes a command. */
  consumed?(command: ConsumedCommand): void;
  /** After a completion command was executed: everything before it in the queue is done. */
  completed?(): void;
  accessed?(access: AccessSeen): void;
}
