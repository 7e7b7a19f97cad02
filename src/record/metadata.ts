/**
 * `metadata.json`: what was recorded, on which machine, with which settings. `iommu explain` and `iommu fault` read it.
 * @module
 */
import { clockFacts } from './clock.ts';
import type { MachineFacts, MachineKind } from './machine.ts';
import type { Losses, TracingFacts } from './tracing.ts';

/** How a command ended. */
export interface Ending {
  /** Exit status as a shell counts it: 128 + number for a command ended by a signal. */
  readonly status: number;
  readonly signal: string | null;
}

/** One finished recording. */
export interface Recording {
  readonly command: readonly string[];
  readonly facts: TracingFacts;
  readonly losses: Losses;
  readonly ending: Ending;
  /** Name of the trace within the folder. */
  readonly trace: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly seconds: number;
  /** The kernel's log after the recording; null if it cannot be read. */
  readonly log: string | null;
}

/**
 * The metadata of a recording.
 * @param given - what the user says the machine is, where it cannot tell
 */
export function metadataOf(machine: MachineFacts, recording: Recording, given?: MachineKind): object {
  const { command, facts, losses, ending, trace, startedAt, seconds, log } = recording;
  const override = given === undefined ? {} : { machine: given, machineEvidence: 'given with --machine' };
  return {
    schema: 'iommu.metadata',
    version: 1,
    ...machine,
    ...override,
    recorded: { command, status: ending.status, signal: ending.signal, startedAt, seconds, trace },
    tracing: facts,
    clock: clockFacts(facts.clock, log),
    losses,
  };
}

/** What the user is told of a recording, a line each. */
export function summaryOf(folder: string, machine: MachineFacts, recording: Recording): string[] {
  const { losses, ending, trace, facts } = recording;
  const lost = losses.overrun + losses.dropped;
  const events = `${facts.events.length} events enabled`;
  return [
    `${folder}/${trace}, ${events}, command ended with ${ending.status}`,
    ...(lost > 0 ? [`${lost} events were lost: the buffers were too small, see --buffer-size`] : []),
    ...(machine.iommu.units.length === 0 ? ['/sys/class/iommu is empty: this machine uses no IOMMU'] : []),
    ...(facts.events.some((name) => name.startsWith('dma:'))
      ? []
      : ['this kernel has no dma events (Linux 6.12 has): devices and lists will have to be guessed']),
  ];
}
