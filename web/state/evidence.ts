/**
 * Dropped files as the evidence of a question: the last file of each role, every trace in the order of dropping.
 * @module
 */
import type { Evidence } from '../ask/protocol.ts';
import type { DroppedFile, Role } from './identify.ts';

const SINGLE = ['log', 'dump', 'registers', 'pci', 'groups', 'iomem', 'metadata'] as const satisfies readonly Role[];

/** The evidence that a list of files gives. */
export function evidenceOf(files: readonly DroppedFile[]): Evidence {
  const last = (role: Role): File | undefined => files.findLast((one) => one.role === role)?.file;
  const single = SINGLE.flatMap((role) => {
    const file = last(role);
    return file === undefined ? [] : [[role, file] as const];
  });
  const traces = files.filter((one) => one.role === 'trace').map(({ file }) => file);
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
  const all = files.filter(({ role }) => role === 'registers').map(({ file }) => file);
  return all.find((file) => momentOf(file) === momentOf(dump)) ?? all[place] ?? all.at(-1);
}

/** The last two dumps that were dropped, each with its registers; undefined where there are fewer. */
export function dumpsToCompare(files: readonly DroppedFile[]): readonly [Evidence, Evidence] | undefined {
  const dumps = files.filter(({ role }) => role === 'dump').map(({ file }) => file);
  const [a, b] = dumps.slice(-2).map((dump, i): Evidence => {
    const registers = registersOf(files, dump, dumps.length - 2 + i);
    return registers === undefined ? { dump } : { dump, registers };
  });
  return a === undefined || b === undefined ? undefined : [a, b];
}
