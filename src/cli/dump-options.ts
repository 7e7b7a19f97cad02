/**
 * The options that every verb on dumps shares.
 * @module
 */
import type { Command } from 'commander';

/** What the user says about a dump. */
export interface DumpOptions {
  /** Register file (JSON). */
  readonly regs?: string | undefined;
  /** Physical address of the first byte of a raw image. */
  readonly base?: string | undefined;
}

/** Adds `--regs` and `--base` to a verb that reads one dump. */
export function addDumpOptions(command: Command): Command {
  return command
    .option('--regs <file>', 'registers of the IOMMU, as JSON')
    .option('--base <pa>', 'the dump is a raw image that starts at this physical address');
}
