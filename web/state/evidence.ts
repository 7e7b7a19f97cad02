/**
 * Dropped files as the evidence of a question: the last file of each role, every trace in the order of dropping.
 * @module
 */
import { evidenceIn } from '../../src/machine/evidence.ts';
import type { Evidence } from '../ask/protocol.ts';
import type { DroppedFile, Role } from './identify.ts';

/** Roles of which the last file counts. */
const SINGLE = [
  'dump',
  'pci',
  'groups',
  'iomem',
  'metadata',
  'version',
  'machine',
  'traced',
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

/** The files of a role that came with the last drop that has one. */
function lastDropped(files: readonly DroppedFile[], wanted: Role): File[] {
  const last = files.findLast(({ role }) => role === wanted)?.drop;
  return withRole(
    files.filter(({ drop }) => drop === last),
    wanted,
  );
}

/** Among logs that came together that of the whole boot, as in a folder on the command line; else the last. */
function logOf(files: readonly DroppedFile[]): File | undefined {
  const logs = lastDropped(files, 'log');
  return logs.find(({ name }) => /^dmesg(\.txt)?$/.test(name)) ?? logs.at(-1);
}

/** The log and the registers that say which IOMMU the machine has: chosen as for a folder on the command line. */
function hardwareFiles(files: readonly DroppedFile[]): Pick<Evidence, 'bootLog' | 'anyRegisters'> {
  const boot = withRole(files, 'log').findLast(({ name }) => name === 'dmesg.txt') ?? lastDropped(files, 'log')[0];
  const [registers] = lastDropped(files, 'registers').toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return { ...(boot && { bootLog: boot }), ...(registers && { anyRegisters: registers }) };
}

/** The evidence that a list of files gives. */
export function evidenceOf(files: readonly DroppedFile[]): Evidence {
  const single = SINGLE.flatMap((role) => {
    const file = files.findLast((one) => one.role === role)?.file;
    return file === undefined ? [] : [[role, file] as const];
  });
  const evidence: Evidence = { ...Object.fromEntries(single), ...hardwareFiles(files) };
  const traces = eventTraces(files);
  const [log, { dump }] = [logOf(files), evidence];
  const registers =
    dump instanceof File ? registersOf(files, dump) : files.findLast(({ role }) => role === 'registers')?.file;
  return {
    ...evidence,
    ...(log && { log }),
    ...(registers && { registers }),
    ...(traces.length > 0 && { traces }),
  };
}

/** The evidence about a fault: of several dumps that came together none, since nothing says which is of its moment. */
export function faultEvidence(files: readonly DroppedFile[]): Evidence {
  const { dump, registers, ...rest } = evidenceOf(files);
  const isOne = lastDropped(files, 'dump').length === 1;
  return { ...rest, ...(isOne && dump && { dump }), ...(isOne && registers && { registers }) };
}

/** The part of a name that files of one moment share: `regs-before.json` and `tables-before.jsonl.gz` share `before`. */
function momentOf({ name }: File): string {
  return name.replace(/^[a-z]+[-_.]?/i, '').replace(/\..*$/, '');
}

/**
 * The registers that belong to a dump: those that its name leads to or that share its moment; else those that came at the same
 * place among the dumps, else the last, but none that belong to another dump.
 */
function registersOf(files: readonly DroppedFile[], dump: File): File | undefined {
  const [all, dumps] = [withRole(files, 'registers'), withRole(files, 'dump')];
  const names = evidenceIn([...dumps, ...all].map(({ name }) => name)).dumps;
  const named = names.find((one) => one.dump === dump.name)?.regs;
  const own = all.findLast(({ name }) => name === named) ?? all.findLast((file) => momentOf(file) === momentOf(dump));
  if (own !== undefined) return own;
  const others = new Set(dumps.filter((one) => one !== dump).map(momentOf));
  const free = all.filter((file) => !others.has(momentOf(file)));
  return free.length === dumps.length ? free[dumps.indexOf(dump)] : free.at(-1);
}

/** Whether a log or a dump is passed over: of these roles one file counts. */
export function isPassedOver({ log, dump }: Evidence, { file, role }: DroppedFile): boolean {
  return role === 'log' ? log !== file : role === 'dump' && dump !== file;
}

/** Files beside traces that say something of their machine. */
export function besideTraces(files: readonly DroppedFile[]): readonly Blob[] {
  const { bootLog, anyRegisters, metadata, version, pci, groups, iomem, machine, traced } = evidenceOf(files);
  return [bootLog, anyRegisters, metadata, version, pci, groups, iomem, machine, traced].flatMap((file) => file ?? []);
}

/** What came with a file in one drop, as what lies in a file's folder; all that was dropped where nothing of it did. */
export function evidenceBeside(files: readonly DroppedFile[], file: File): Evidence {
  const drop = files.find((one) => one.file === file)?.drop;
  const together = files.filter((one) => one.drop === drop);
  return evidenceOf(besideTraces(together).length > 0 ? together : files);
}

/** The last two dumps that were dropped, each with its registers; undefined where there are fewer. */
export function dumpsToCompare(files: readonly DroppedFile[]): readonly [Evidence, Evidence] | undefined {
  const dumps = withRole(files, 'dump');
  const [a, b] = dumps.slice(-2).map((dump): Evidence => {
    const registers = registersOf(files, dump);
    return registers === undefined ? { dump } : { dump, registers };
  });
  return a === undefined || b === undefined ? undefined : [a, b];
}
