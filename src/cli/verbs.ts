/**
 * Every verb: its name, the question it answers, and how to load it. A verb's module is loaded only when it is used.
 * @module
 */
import type { Command } from 'commander';

/** One verb of the program. */
export interface Verb {
  readonly name: string;
  /** The question it answers, as help lists it. */
  readonly summary: string;
  /** Loads the verb's module and adds the verb to the program. */
  readonly add: (program: Command) => Promise<void>;
}

/** The verbs in the order in which help lists them. */
export const VERBS: readonly Verb[] = [
  {
    name: 'fault',
    summary: 'what a fault line means, why it happened, and what to do',
    add: async (program) => (await import('./fault.ts')).addFault(program),
  },
  {
    name: 'replay',
    summary: 'what a trace mapped, and what other paths, formats and granules would have cost',
    add: async (program) => (await import('./replay.ts')).addReplay(program),
  },
  {
    name: 'compare',
    summary: 'what differs between two traces, kernels or settings',
    add: async (program) => (await import('./compare.ts')).addCompare(program),
  },
  {
    name: 'decode',
    summary: 'what is mapped in a dump',
    add: async (program) => (await import('./decode.ts')).addDecode(program),
  },
  {
    name: 'walk',
    summary: 'through which entries an address goes',
    add: async (program) => (await import('./walk.ts')).addWalk(program),
  },
  {
    name: 'check',
    summary: 'whether the tables in a dump are legal and safe',
    add: async (program) => (await import('./check.ts')).addCheck(program),
  },
  {
    name: 'diff',
    summary: 'what changed between two dumps',
    add: async (program) => (await import('./diff.ts')).addDiff(program),
  },
  {
    name: 'convert',
    summary: 'write a dump of any kind as one snapshot',
    add: async (program) => (await import('./convert.ts')).addConvert(program),
  },
  {
    name: 'explain',
    summary: 'where the latency goes, and what the numbers cannot tell',
    add: async (program) => (await import('./explain.ts')).addExplain(program),
  },
  {
    name: 'bench',
    summary: 'how fast mapping is here, by path, size and layout',
    add: async (program) => (await import('./bench.ts')).addBench(program),
  },
  {
    name: 'gen',
    summary: 'make tables offline from a map list',
    add: async (program) => (await import('./gen.ts')).addGen(program),
  },
  {
    name: 'acquire',
    summary: 'get a dump from a machine',
    add: async (program) => (await import('./acquire.ts')).addAcquire(program),
  },
  {
    name: 'record',
    summary: 'record a trace while a command runs',
    add: async (program) => (await import('./record.ts')).addRecord(program),
  },
  {
    name: 'doctor',
    summary: "whether this machine's IOMMU is on, and protects",
    add: async (program) => (await import('./doctor.ts')).addDoctor(program),
  },
  {
    name: 'groups',
    summary: 'which devices share an IOMMU group, and why',
    add: async (program) => (await import('./groups.ts')).addGroups(program),
  },
  {
    name: 'watch',
    summary: 'what is mapped and unmapped right now, by whom, and faults as they come',
    add: async (program) => (await import('./watch.ts')).addWatch(program),
  },
  {
    name: 'conform',
    summary: 'whether the tables equal recorded ones, bit for bit',
    add: async (program) => (await import('./conform.ts')).addConform(program),
  },
  {
    name: 'formats',
    summary: 'what is supported, and what is not',
    add: async (program) => (await import('./formats.ts')).addFormats(program),
  },
  {
    name: 'ui',
    summary: 'look at logs, dumps, traces and tables in a browser',
    add: async (program) => (await import('./ui.ts')).addUi(program),
  },
  {
    name: 'completions',
    summary: 'completion script of a shell',
    add: async (program) => (await import('./completions.ts')).addCompletions(program),
  },
  {
    name: 'man',
    summary: 'the man page',
    add: async (program) => (await import('./completions.ts')).addMan(program),
  },
];
