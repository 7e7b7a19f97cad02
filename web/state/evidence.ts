/**
 * Dropped files as the evidence of a question: the last file of each role, every trace in the order of dropping.
 * @module
 */
import { evidenceIn } from '../../src/machine/evidence.ts';
import type { Evidence } from '../ask/protocol.ts';
import type { DroppedFile, Role } from './identify.ts';

const SINGLE = [
  'log',
  'dump',
  'registers',
  'pci',
  'groups',
  'iomem',
  'metadata',
  'version',
] as const satisfies readonly Role[];

function withRole(files: readonly DroppedFile[], wanted: Role): File[] {
  return files.filter(({ role }) => role === wanted).map(({ file }) => file);
}

/** Traces of events: in the order of dropping, or that of a recording where the names are those of one. */
function eventTraces(files: readonly DroppedFile[]): File[] {
  const traces = withRole(files, 'trace');
  const recorded = evidenceIn(traces.map(({ name }) => name)).traces;
  if (!traces.every(({ name }) => recorded.includes(name))) return traces;
  return traces.toSorted((a, b) => recorded.indexOf(a.name) - recorded.indexOf(b.name));
}

/** What is replayed: traces of events; where there are none, those of functions are explained. */
export function tracesOf(files: readonly DroppedFile[]): readonly File[] {
  const events = eventTraces(files);
  return events.length > 0 ? events : withRole(files, 'functions');
}

/** The evidence that a list of files gives. */
export function evidenceOf(files: readonly DroppedFile[]): Evidence {
  const last = (role: Role): File | undefined => files.findLast((one) => one.role === role)?.file;
  const single = SINGLE.flatMap((role) => {
    const file = last(role);
    return file === undefined ? [] : [[role, file] as const];
  });
  const traces = eventTraces(files);
  const dump = last('dump');
  const registers = dump === undefined ? undefined : registersOf(files, dump, -1);
  return {
    ...Object.fromEntries(single),
    ...(registers === undefined ? {} : { registers }),
    ...(traces.length === 0 ? {} : { traces }),
  };
}

/** The part of a name that files of one moment share: `regs-before.json` and `tables-before.jsonl.gz` share `before`. */
function momentOf({ name }: File): string {
  return name.replace(/^[a-z]+[-_.]?/i, '').replace(/\..*$/, '');
}

/** The registers that belong to a dump: those of the same moment, else those that were dropped in the same place, else the last ones. */
function registersOf(files: readonly DroppedFile[], dump: File, place: number): File | undefined {
  const all = withRole(files, 'registers');
  return all.find((file) => momentOf(file) === momentOf(dump)) ?? all[place] ?? all.at(-1);
}

/** The last two dumps that were dropped, each with its registers; undefined where there are fewer. */
export function dumpsToCompare(files: readonly DroppedFile[]): readonly [Evidence, Evidence] | undefined {
  const dumps = withRole(files, 'dump');
  const [a, b] = dumps.slice(-2).map((dump, i): Evidence => {
    const registers = registersOf(files, dump, dumps.length - 2 + i);
    return registers === undefined ? { dump } : { dump, registers };
  });
  return a === undefined || b === undefined ? undefined : [a, b];
}
