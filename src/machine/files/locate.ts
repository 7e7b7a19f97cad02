/**
 * Where in a tree the machine's files are, and what kind of tree it is.
 * @module
 */
import { InputError } from '../../errors.ts';
import { below, type MachineFiles } from './files.ts';

/** A running system, a sosreport, a tree with `/proc` and `/sys`, or a folder of a recording. */
export type TreeKind = 'live' | 'sosreport' | 'tree' | 'recording';

/** Folders that tell other systems; each with its name. */
const OTHERS: readonly (readonly [folder: string, name: string])[] = [
  ['Windows', 'Windows'],
  ['WINDOWS', 'Windows'],
  ['System/Library', 'macOS'],
  ['boot/kernel', 'FreeBSD'],
  ['bsd', 'OpenBSD'],
  ['netbsd', 'NetBSD'],
  ['platform/i86pc', 'illumos'],
];

/** Files that a folder of a recording, or of texts that somebody saved, begins with. */
const RECORDING =
  /^(?:cmdline|dmesg|iomem|iommu_groups|version|pci|lspci|metadata)(?:\.txt|\.json|\.log)?$|^(?:DMAR|IVRS|IORT|VIOT|RIMT)(?:\.\w+)?$/;

function kindOf(files: MachineFiles): TreeKind | undefined {
  const names = files.list('');
  if (names.includes('sos_commands') || names.includes('sos_logs')) return 'sosreport';
  if (names.includes('proc') || names.includes('sys')) return 'tree';
  return names.some((name) => RECORDING.test(name)) ? 'recording' : undefined;
}

function otherSystem(files: MachineFiles): string | undefined {
  const holds = (path: string): boolean => {
    const slash = path.lastIndexOf('/');
    return files.list(slash < 0 ? '' : path.slice(0, slash)).includes(path.slice(slash + 1));
  };
  return OTHERS.find(([folder]) => holds(folder))?.[1];
}

/** @throws InputError `NOT_RECOGNISED` for the tree of another system; many of those have a folder `proc` too. */
function refuseOthers(files: MachineFiles, root: string): void {
  const other = otherSystem(files);
  if (other === undefined || files.list('proc').length + files.list('sys').length > 0) return;
  throw new InputError('NOT_RECOGNISED', root, `expected the files of a Linux machine, got those of ${other}`);
}

/**
 * The machine's files of a tree: at its root, or in its only folder that has any.
 * @throws InputError `NOT_RECOGNISED` for a tree of another system, with no file that is known, or with those of several machines.
 */
export function locate(files: MachineFiles): { readonly kind: TreeKind; readonly files: MachineFiles } {
  if (files.live) return { kind: 'live', files };
  const top = files.list('');
  const found: { readonly place: string; readonly kind: TreeKind; readonly files: MachineFiles }[] = [];
  for (const place of ['', ...top]) {
    const there = below(files, place);
    refuseOthers(there, files.root);
    const kind = kindOf(there);
    if (kind !== undefined && place === '') return { kind, files: there };
    if (kind !== undefined) found.push({ place, kind, files: there });
  }
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  const names = found.length === 0 ? top : found.map(({ place }) => place);
  const got = names.length === 0 ? 'nothing that is read' : names.slice(0, 8).join(', ');
  const expected = 'a tree with proc, sys or sos_commands, or texts such as dmesg.txt and cmdline.txt, of one machine';
  throw new InputError('NOT_RECOGNISED', files.root, `expected ${expected}, got ${got}`);
}
