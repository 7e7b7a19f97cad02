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
  return { ...Object.fromEntries(single), ...(traces.length === 0 ? {} : { traces }) };
}
